// `ch hooks`: the user's own commands that events are sent to. `test` runs each once with a sample, and says what it did.
import { runHook } from "../../app/serve/event-hook.ts";
import { EVENT_KINDS, type EventKind, makeSampleJson } from "../../app/serve/events.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { maskText } from "../../base/secrets.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { inEnglish } from "../../base/text.ts";
import { loadConfig } from "../../config/file.ts";
import { JSON_ARG } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { cutColumns } from "../layout.ts";
import { t, tell } from "../language.ts";

interface Hook {
  /** As config.json has it, under "hooks". */
  readonly name: string;
  readonly command: string;
}

const NAMES = ["on_event"] as const;
const EXAMPLE = "ch config set --json 'hooks.on_event=jq -r .event | xargs notify-send ch'";
const MOST_LINES = 10;

const listCommand = defineCommand({
  description: "show which hooks of config.json are set",
  examples: [
    ["ch hooks list", "each hook by its name"],
    ["ch hooks list --json", "for scripts"],
  ],
  args: { ...JSON_ARG },
  async run(args, cli) {
    const set = (await readHooks(cli)).map(({ name }) => name);
    // Not the commands themselves: they may hold a secret.
    if (args.json === true)
      return cli.out.json({ hooks: NAMES.map((name) => ({ name, is_set: set.includes(name) })) });
    for (const name of NAMES) cli.out.line(`${name}  ${set.includes(name) ? t`set` : t`not set`}`);
    cli.out.note(`\n${t`Next: ${set.length > 0 ? "ch hooks test" : EXAMPLE}`}`);
  },
});

const testCommand = defineCommand({
  description: "run each hook once with a sample event, and say what it did",
  examples: [
    ["ch hooks test", "with a failover to another upstream"],
    ["ch hooks test --event budget", "with another event"],
  ],
  args: {
    event: {
      type: "enum",
      options: [...EVENT_KINDS] as string[],
      valueHint: EVENT_KINDS.join("|"),
      description: "which event (default: hop)",
    },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const hooks = await readHooks(cli);
    if (hooks.length === 0) throw new UserError(t`no hook is set in config.json`, { hint: EXAMPLE });
    const kind = EVENT_KINDS.find((one) => one === args.event) ?? "hop";
    const results = [];
    for (const hook of hooks) results.push(await tryHook(cli, hook, kind));
    if (args.json === true) cli.out.json({ event: kind, hooks: results.map(makeJson) });
    else for (const result of results) printResult(cli, kind, result);
    return results.every(({ problem }) => problem === null) ? EXIT.ok : EXIT.failed;
  },
});

export const command = defineCommand({
  description: "your own commands that events are sent to",
  examples: [
    ["ch hooks", "which are set"],
    ["ch hooks test", "run each with a sample event"],
  ],
  default: "list",
  subCommands: { list: listCommand, test: testCommand },
});

async function readHooks({ paths }: Cli): Promise<Hook[]> {
  const { hooks } = (await loadConfig(paths.config)).shell;
  return NAMES.flatMap((name) => {
    const line = hooks?.[name]?.trim() ?? "";
    return line === "" ? [] : [{ name, command: line }];
  });
}

async function tryHook({ env, now }: Cli, { command: line, name }: Hook, kind: EventKind) {
  const began = performance.now();
  const run = await runHook(line, `${JSON.stringify(makeSampleJson(kind, now()))}\n`, { env, isRead: true });
  const printed = run.printed
    .split("\n")
    .map((words) => oneLine(maskText(words)).trimEnd())
    .filter((words) => words !== "");
  return { ...run, name, tookMs: Math.round(performance.now() - began), printed };
}

type Result = Awaited<ReturnType<typeof tryHook>>;

function makeJson({ exitCode, name, printed, problem, tookMs }: Result): object {
  return {
    name,
    ok: problem === null,
    exit_code: exitCode,
    took_ms: tookMs,
    problem: problem === null ? null : inEnglish(problem),
    printed,
  };
}

function printResult({ out }: Cli, kind: EventKind, { name, printed, problem, tookMs }: Result): void {
  const did =
    problem === null
      ? out.paint("green", t`took it and exited with code 0, after ${tookMs} ms`)
      : out.paint("red", tell(problem));
  out.line(`hooks.${name}  ${kind}  ${did}`);
  if (printed.length === 0) out.line(`  ${out.paint("dim", t`it printed nothing`)}`);
  for (const words of printed.slice(0, MOST_LINES)) out.line(`  ${cutColumns(words, out.width - 2)}`);
  const rest = printed.length - MOST_LINES;
  if (rest > 0) out.line(`  ${out.paint("dim", t`${rest} more lines`)}`);
}
