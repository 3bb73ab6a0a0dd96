// `ch doctor`: looks at everything that can be odd, says what to type, and repairs what is safe.
import { readCurrentDirectory } from "../current-directory.ts";
import { examine, repair } from "../../app/doctor/examine.ts";
import type { Finding, Status } from "../../base/check.ts";
import { EXIT } from "../../base/errors.ts";
import { t, tell } from "../language.ts";
import { showPathsIn } from "../../base/paths.ts";
import { SERVICES } from "../../base/service.ts";
import type { ExamineOptions } from "../../doctor/facts.ts";
import { JSON_ARG, SERVICE_ARGS, readService, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import type { Colour } from "../output.ts";
import { wrapWords } from "../layout.ts";
import { runTestRequests } from "./doctor/test-request.ts";

const COLOURS: Readonly<Record<Status, Colour>> = { ok: "green", info: "cyan", warn: "yellow", fail: "red" };
const GRAVEST_FIRST: readonly Status[] = ["fail", "warn", "info", "ok"];
const FIX = "ch doctor --fix";
/** Flags that are typed without their dashes. */
const FLAGS = new Set(["fix", "probe", "probe-client", "all", "json"]);
const FLAGS_OF_PROBE = ["model", "features", "yes"] as const;
const INDENT = " ".repeat(6);

export const command = defineCommand({
  description: "find problems and show how to fix them",
  args: {
    ...JSON_ARG,
    name: { type: "positional", required: false, description: "with --probe: only NAME or NAME#N" },
    all: { type: "boolean", description: "also show the checks that passed" },
    fix: { type: "boolean", description: "fix what is safe to fix: clients left switched, file modes" },
    probe: { type: "boolean", description: "send each upstream a small test request, after you confirm" },
    "probe-client": {
      type: "boolean",
      description: "start each client once, and see whether its request arrives here",
    },
    model: { type: "string", valueHint: "MODEL", description: "with --probe: the model to ask for" },
    features: { type: "boolean", description: "with --probe: also what a new client version needs" },
    yes: { type: "boolean", description: "with --probe: do not ask for confirmation" },
    ...SERVICE_ARGS,
  },
  examples: [
    ["ch doctor", "list problems, each with a command that fixes it"],
    ["ch doctor --probe main#2", "test the key, the output and its latency"],
    ["ch doctor --json | jq '.checks[] | select(.status != \"ok\")'", "for scripts"],
  ],
  async run(args, cli) {
    const service = readService(args);
    const options = {
      paths: cli.paths,
      env: cli.env,
      cwd: readCurrentDirectory(cli.env),
      now: cli.now,
      ...(service === undefined ? {} : { services: [service] }),
    };
    const question = {
      target: args.name ?? null,
      service: service ?? null,
      model: args.model ?? null,
      isConfirmed: args.yes === true,
      withFeatures: args.features === true,
      line: `ch doctor --probe${args.name === undefined ? "" : ` ${args.name}`}`,
    };
    const flag = FLAGS_OF_PROBE.find((name) => args[name] !== undefined && args[name] !== false);
    if (args.probe !== true) refuseTestArgs(args.name, flag === undefined ? undefined : `--${flag}`);
    if (args.fix === true) await printRepair(cli, options);
    const checks =
      args.probe === true
        ? await runTestRequests(cli, question, options)
        : args["probe-client"] === true
          ? await probeClients(options)
          : await examine(options);
    if (args.json === true) cli.out.json({ checks });
    else if (args.probe === true || args["probe-client"] === true) printFindings(cli, checks, 0);
    else printSorted(cli, checks, args.all === true);
    return checks.some(({ status }) => status === "fail") ? EXIT.failed : EXIT.ok;
  },
});

/** One after the other: each takes seconds. */
async function probeClients(options: ExamineOptions): Promise<readonly Finding[]> {
  const { probeClient } = await import("../../app/doctor/probe-client.ts");
  const findings: Finding[] = [];
  for (const service of options.services ?? SERVICES) findings.push(await probeClient(service, options));
  return findings;
}

async function printRepair({ out }: Cli, options: ExamineOptions): Promise<void> {
  const { done, failed } = await repair(options);
  for (const one of done) out.note(t`fixed: ${one}`);
  for (const one of failed) out.warn(t`not fixed: ${one}`);
}

/** They narrow the test requests down: a check of everything sends none. */
function refuseTestArgs(name: string | undefined, flag: string | undefined): void {
  const word = name ?? flag;
  if (word === undefined) return;
  const isFlag = name !== undefined && FLAGS.has(name);
  const hint = isFlag ? `ch doctor --${name}` : `ch doctor --probe${name === undefined ? "" : ` ${name}`}`;
  throw usageError(t`"${word}" goes with --probe`, hint);
}

/** The gravest first; of what is in order, the number is enough. */
function printSorted(cli: Cli, findings: readonly Finding[], showsAll: boolean): void {
  const shown = GRAVEST_FIRST.filter((status) => showsAll || status !== "ok").flatMap((status) =>
    findings.filter((finding) => finding.status === status),
  );
  printFindings(cli, shown, findings.length - shown.length);
}

export function printFindings(cli: Cli, shown: readonly Finding[], rest: number): void {
  const { out } = cli;
  for (const finding of shown) for (const line of describe(cli, finding)) out.line(line);
  const words = t`${rest} checks passed (ch doctor --all shows them)`;
  if (rest > 0) out.line(`${markOf(cli, "ok")}  ${words}`);
  const hints = shown.map(({ hint }) => tell(hint ?? ""));
  const next = hints.includes(tell(FIX)) ? FIX : (hints.find((hint) => isOneCommand(hint)) ?? "ch status");
  out.note(`\n${t`Next: ${next}`}`);
}

/** Not "this, or: that", and nothing with a place to fill in. */
function isOneCommand(hint: string): boolean {
  return /^(?:ch|codex-helper) [a-z](?:[^,:\n]|[,:](?! ))*$/.test(hint) && !/[A-Z]{3}/.test(hint);
}

/** The command to type is never broken: it is there to be copied. */
function describe(cli: Cli, { hint, message, status }: Finding): string[] {
  const { env, out } = cli;
  const words = wrapWords(showPathsIn(tell(message), env), out.width - INDENT.length);
  return [
    ...words.map((line, index) => `${index === 0 ? `${markOf(cli, status)}  ` : INDENT}${line}`),
    ...(hint === undefined ? [] : [`${INDENT}  ${showPathsIn(tell(hint), env)}`]),
  ];
}

function markOf({ out }: Cli, status: Status): string {
  const words: Readonly<Record<Status, string>> = {
    ok: t`ok  `,
    info: t`info`,
    warn: t`warn`,
    fail: t`fail`,
  };
  return out.paint(COLOURS[status], words[status]);
}
