// `ch filter check` and `ch filter test`: whether the rule file is valid, and what its rules would change.
// Sends nothing. The difference shows what would be redacted, to the person whose it is; --json holds counts only.
import { UserError } from "../../base/errors.ts";
import { inspectFilter, type InspectedFilter } from "../../app/filter/filter-facts.ts";
import { createLiveConfig } from "../../app/live-config.ts";
import { MAX_OWN_FILE_BYTES, lookAt, readText } from "../../base/files.ts";
import { t, tell } from "../language.ts";
import { showPath } from "../../base/paths.ts";
import { inShell } from "../../base/shell.ts";
import { CLIENT_NAME, DEFAULT_SERVICE, SERVICES, SERVICE_FACTS, type Service } from "../../base/service.ts";
import { findAt, makeFilterRecord, writeRecord } from "../../filter/filter-record.ts";
import { PACK_NAMES } from "../../filter/packs.ts";
import { describeRedaction, describeRuleCount } from "../../filter/redaction.ts";
import { NO_RULES, type RuleSet, packsOf, parseRules } from "../../filter/rules.ts";
import sampleOfMessages from "../../filter/sample-messages.json" with { type: "json" };
import sampleOfResponses from "../../filter/sample-responses.json" with { type: "json" };
import { JSON_ARG, SERVICE_ARGS, type Typed, readService, usageError } from "../args.ts";
import { type Cli, defineCommand, readFileOrInput } from "../cli.ts";
import { addCommand, listCommand, removeCommand } from "./filter/packs.ts";
import { type Input, type Trial, printTrial, toJson, tryRules } from "./filter/trial.ts";

/**
 * Requests as Codex and Claude Code send them, made up, with made-up secrets in every place that text can be in: what the
 * rules are shown on when no file is given.
 */
const SAMPLES = { responses: sampleOfResponses, messages: sampleOfMessages };

const checkCommand = defineCommand({
  description: "check whether filter.json is valid",
  examples: [
    ["ch filter check", "count the rules, or show the line with the error"],
    ["ch filter check --json", "the same as JSON"],
    ["ch filter check --accept-removal", "after removing filter.json: requests go out unredacted"],
  ],
  args: {
    "accept-removal": {
      type: "boolean",
      description: "confirm that filter.json was removed on purpose, and send requests unredacted",
    },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const path = cli.paths.filter;
    try {
      if (args["accept-removal"] === true) acceptRemoval(cli);
      const { facts, problem } = await inspect(cli);
      const isOff = facts.state === "off";
      // A file that is not used may say anything; one that is gone has a problem of its own.
      if (facts.state === "gone" && problem !== null) throw problem;
      const rules = isOff ? null : await loadRules(cli);
      if (args.json === true) {
        return cli.out.json({
          path,
          exists: lookAt(path) !== null,
          valid: true,
          rules: rules?.rules.filter(({ pack }) => pack === undefined).length ?? 0,
          ...(rules === null || packsOf(rules).length === 0 ? {} : { packs: packsOf(rules) }),
          state: facts.state,
        });
      }
      cli.out.line(isOff ? tell(describeRedaction(facts)) : describeRules(cli, rules));
    } catch (error) {
      if (args.json !== true || !(error instanceof UserError)) throw error;
      const { facts } = await inspect(cli);
      const exists = lookAt(path) !== null;
      cli.out.json({ path, exists, valid: false, problem: error.message, state: facts.state });
      return error.exitCode;
    }
  },
});

const testCommand = defineCommand({
  description: "show what the rules would change in a request",
  examples: [
    ["ch filter test", "on built-in sample requests of both clients"],
    ["ch filter test --claude -", "on standard input, with the rules for Claude Code"],
    ["ch filter test --session 0199a2f4", "on what was said in a session"],
    ["ch filter test --pack emails request.json", "what a pack would take, before you add it"],
  ],
  args: {
    file: {
      type: "positional",
      required: false,
      valueHint: "FILE|-",
      description: "a request body or any text; - is standard input",
    },
    session: {
      type: "string",
      valueHint: "ID",
      description: "a stored session instead, by the start of its id; what is found is masked",
    },
    pack: {
      type: "enum",
      options: [...PACK_NAMES],
      valueHint: "PACK",
      description: "with this pack alone, also one that is not in use",
    },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    if (args.pack !== undefined) {
      const trials = await tryAll(cli, args, parseRules(JSON.stringify({ pack: args.pack }), args.pack));
      if (args.json === true) return cli.out.json({ pack: args.pack, trials: trials.map(toJson) });
      for (const trial of trials) printTrial(cli, trial);
      return;
    }
    const { facts, problem } = await inspect(cli);
    if (facts.state === "gone" && problem !== null) throw problem;
    const rules = await loadRules(cli);
    const trials = await tryAll(cli, args, rules ?? NO_RULES);
    if (args.json === true) return cli.out.json({ path: cli.paths.filter, trials: trials.map(toJson) });
    if (facts.state === "off") cli.out.note(tell(describeRedaction(facts)));
    else if (rules === null) cli.out.note(describeRules(cli, null));
    for (const trial of trials) printTrial(cli, trial);
  },
});

export const command = defineCommand({
  description: "check and try the redaction rules",
  examples: [
    ["ch filter check", "check filter.json and show the line of each error"],
    ["ch filter test request.json", "what the rules would change in a request"],
    ["ch filter add secrets", "redact known shapes of keys and tokens"],
  ],
  default: "check",
  subCommands: {
    check: checkCommand,
    test: testCommand,
    list: listCommand,
    add: addCommand,
    remove: removeCommand,
  },
});

async function inspect({ env, now, paths }: Cli): Promise<InspectedFilter> {
  const live = createLiveConfig({ paths, env, now });
  const isOff = (): boolean => live.current().config.shell.filter === false;
  return await inspectFilter({ paths, now, isOff });
}

/** Throws UserError while there is a file, or a link to one: that is not a removal. */
function acceptRemoval({ env, out, paths }: Cli): void {
  const path = showPath(paths.filter, env);
  const what = findAt(paths.filter);
  if (what === "a link") {
    throw new UserError(t`${path} is a link to a file that does not exist: requests are refused`, {
      hint: inShell().remove([path]),
    });
  }
  if (what === "a file") {
    throw new UserError(t`${path} exists, so there is no removal to accept`, {
      hint: t`remove it first, or turn redaction off with "filter": false: ch config edit`,
    });
  }
  if (makeFilterRecord(paths.filterRecord, null).read() !== "seen") return;
  writeRecord(paths.filterRecord, "accepted");
  out.note(t`the removal is accepted: requests are sent unredacted until there is a filter.json again`);
}

/** Null when there is no file. */
async function loadRules(cli: Cli): Promise<RuleSet | null> {
  const text = await readText(cli.paths.filter, MAX_OWN_FILE_BYTES);
  return text === null ? null : parseRules(text, cli.paths.filter);
}

function describeRules(cli: Cli, rules: RuleSet | null): string {
  const path = showPath(cli.paths.filter, cli.env);
  if (rules === null) return t`${path}: no such file, so nothing is redacted`;
  const words = countRules(path, rules);
  const restoring = rules.rules.filter(({ pack, restore }) => pack === undefined && restore).length;
  return restoring === 0 ? words : t`${words}, ${restoring} with answers restored`;
}

function countRules(path: string, rules: RuleSet): string {
  const own = rules.rules.filter(({ pack }) => pack === undefined);
  const count = own.length;
  const packs = packsOf(rules);
  if (packs.length > 0) return t`${path}: ${tell(describeRuleCount(count, packs))}`;
  const patterns = own.filter(({ regex }) => regex).length;
  const share = patterns === 0 ? t`no regular expressions` : t`${patterns} with a regular expression`;
  return count === 1 ? t`${path}: 1 rule, ${share}` : t`${path}: ${count} rules, ${share}`;
}

async function tryAll(
  cli: Cli,
  {
    file,
    session,
    ...args
  }: Typed<typeof SERVICE_ARGS> & {
    readonly file?: string | undefined;
    readonly session?: string | undefined;
  },
  rules: RuleSet,
): Promise<Trial[]> {
  if (session === undefined)
    return (await readInputs(cli, file, readService(args))).map((input) => tryRules(cli, rules, input));
  if (file !== undefined) throw usageError(t`FILE and --session cannot be used together`);
  const { trySession } = await import("./filter/stored-session.ts");
  return [await trySession(cli, { ...args, id: session }, rules)];
}

/** A file is taken for a request of the default service unless a flag says otherwise; without one, each client's sample is used. */
async function readInputs(
  cli: Cli,
  file: string | undefined,
  service: Service | undefined,
): Promise<readonly Input[]> {
  if (file === undefined) {
    return (service === undefined ? SERVICES : [service]).map((one) => ({
      name: t`a sample request of ${CLIENT_NAME[one]}`,
      service: one,
      body: Buffer.from(JSON.stringify(SAMPLES[SERVICE_FACTS[one].api], null, 2)),
    }));
  }
  const body = Buffer.from(await readFileOrInput(cli, file));
  return [{ name: file === "-" ? t`standard input` : file, service: service ?? DEFAULT_SERVICE, body }];
}
