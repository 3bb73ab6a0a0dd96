// `ch pool`: the machines that share what they learn through Redis or Valkey, whether that works, and one off the list.
import { forgetMachine, SET_UP, surveyPool, testPool } from "../../app/share/visit.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { CLIENT_NAME } from "../../base/service.ts";
import { inEnglish, showSpan } from "../../base/text.ts";
import { JSON_ARG } from "../args.ts";
import { defineCommand } from "../cli.ts";
import { alignRows, wrapWords } from "../layout.ts";
import { t, tell } from "../language.ts";
import { describeAlone, describePoolState } from "../pool-words.ts";

const statusCommand = defineCommand({
  description: "show the machines of the pool, when each was heard of, what is shared",
  examples: [
    ["ch pool status", "who is there, and the round trip to the engine"],
    ["ch pool status --json", "for scripts"],
  ],
  args: { ...JSON_ARG },
  async run(args, cli) {
    const { out } = cli;
    const pool = await surveyPool(cli);
    if (args.json === true) {
      out.json(pool === null ? { pool: null } : { pool: makeJson(pool) });
      return pool?.problem == null ? EXIT.ok : EXIT.failed;
    }
    if (pool === null) {
      out.line(t`No pool is set: what this machine learns stays here.`);
      out.note(`\n${t`Next: ${SET_UP}`}`);
      return EXIT.ok;
    }
    const now = cli.now();
    const { address, features, machines, name, namespace, problem, proxies, roundTripMs } = pool;
    const trip = roundTripMs === null ? "" : t`, round trip ${roundTripMs.toFixed(1)} ms`;
    const at = address === null ? "" : t` at ${address}`;
    out.line(t`pool ${namespace}${at}, here ${name}${trip}`);
    out.line(t`shared: ${features.join(", ")}`);
    for (const one of proxies) {
      const words = describeAlone(one, now) ?? describePoolState(one.state);
      for (const line of wrapWords(`${CLIENT_NAME[one.service]} ${one.port}: ${words}`, out.width))
        out.line(line);
    }
    if (problem !== null) throw new UserError(problem, { hint: "ch pool test" });
    const rows = machines.map((one) => [
      one.name,
      one.heardMs < FRESH_MS ? t`now` : t`${showSpan(one.heardMs)} ago`,
      one.features.join(", "),
      out.paint("dim", [one.version, one.id, ...(one.isThis ? [t`this one`] : [])].join("  ")),
    ]);
    if (rows.length > 0) out.line();
    for (const line of alignRows(rows, out.width)) out.line(line);
    out.note(`\n${t`Next: ch pool test`}`);
    return EXIT.ok;
  },
});

/** A machine says so every 5 s. */
const FRESH_MS = 15_000;

const testCommand = defineCommand({
  description: "try whether the engine can be reached, written to and listened to",
  examples: [
    ["ch pool test", "step by step, with the reason where one fails"],
    ["ch pool test --json", "for scripts"],
  ],
  args: { ...JSON_ARG },
  async run(args, cli) {
    const { out } = cli;
    const steps: string[] = [];
    try {
      await testPool(cli, (step) => {
        steps.push(inEnglish(step));
        if (args.json !== true) out.line(`${out.paint("green", "ok")}  ${tell(step)}`);
      });
    } catch (error) {
      if (!(error instanceof UserError) || args.json !== true) throw error;
      out.json({ ok: false, steps, problem: error.message });
      return EXIT.failed;
    }
    if (args.json === true) out.json({ ok: true, steps, problem: null });
    else out.note(`\n${t`Next: ch pool status`}`);
    return EXIT.ok;
  },
});

const forgetCommand = defineCommand({
  description: "take a machine off the list; what it spent stays counted",
  examples: [
    ["ch pool forget laptop", "by its name"],
    ["ch pool forget 3f9a01c2be77", "by its id, where several have the name"],
  ],
  args: { name: { type: "positional", required: true, description: "the machine, by its name or id" } },
  async run(args, cli) {
    const { heardMs, id, name } = await forgetMachine(cli, args.name);
    cli.out.line(t`forgotten: ${name} (${id})`);
    if (heardMs < FRESH_MS) cli.out.note(t`It was heard of just now: while it runs, it comes back.`);
    cli.out.note(t`Next: ch pool status`);
  },
});

export const command = defineCommand({
  description: "machines that share what they learn: who, whether it works",
  examples: [
    ["ch pool", "the machines, and when each was heard of"],
    ["ch pool test", "whether the engine can be used"],
  ],
  default: "status",
  subCommands: { status: statusCommand, test: testCommand, forget: forgetCommand },
});

function makeJson(pool: NonNullable<Awaited<ReturnType<typeof surveyPool>>>): object {
  const { address, features, machines, name, namespace, problem, proxies, roundTripMs } = pool;
  return {
    namespace,
    name,
    address,
    features,
    problem: problem === null ? null : inEnglish(problem),
    round_trip_ms: roundTripMs,
    machines: machines.map((one) => ({
      id: one.id,
      name: one.name,
      version: one.version,
      features: one.features,
      heard_ms_ago: one.heardMs,
      is_this: one.isThis,
    })),
    proxies: proxies.map(({ port, round_trip_ms, service, since_ms, state, why }) => ({
      service,
      port,
      state,
      since_ms,
      why,
      round_trip_ms,
    })),
  };
}
