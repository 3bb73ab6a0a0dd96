// `ch hooks`: who is told of events, the user's own commands and notifications. `test` tries each once with a sample, and says
// what came of it.
import { runHook } from "../../app/serve/event-hook.ts";
import type { ProgramRun } from "../../base/run-program.ts";
import { type ToldEvent, tellSample } from "../../app/serve/events.ts";
import { makeNotice, nameWay, sendNotice } from "../../app/serve/notice.ts";
import { EXIT, UserError } from "../../base/errors.ts";
import { maskText } from "../../base/secrets.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { inEnglish } from "../../base/text.ts";
import { loadConfig } from "../../config/file.ts";
import { EVENT_KINDS, type NotifySettings, isQuiet, resolveNotify } from "../../config/notify.ts";
import { JSON_ARG } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { alignRows, cutColumns } from "../layout.ts";
import { t, tell } from "../language.ts";

interface Hook {
  /** As config.json has it. */
  readonly name: string;
  /** Which way a notification takes: "desktop", "bell", or a host. */
  readonly via?: string;
  readonly send: (event: ToldEvent) => Promise<ProgramRun>;
  /** Why the event would not be told now. */
  readonly remark?: (event: ToldEvent) => string | null;
}

const NAMES = ["hooks.on_event", "notify"] as const;
const EXAMPLE = "ch config set --json 'hooks.on_event=jq -r .event | xargs notify-send ch'";
const NOTIFY_EXAMPLE = "ch config set --json 'notify={}'";
const MOST_LINES = 10;

const listCommand = defineCommand({
  description: "show who is told of events: hooks.on_event and notify of config.json",
  examples: [
    ["ch hooks list", "each hook by its name"],
    ["ch hooks list --json", "for scripts"],
  ],
  args: { ...JSON_ARG },
  async run(args, cli) {
    const set = await readHooks(cli);
    const rows = NAMES.map((name) => ({ name, hook: set.find((one) => one.name === name) }));
    // Not the commands themselves, nor a whole address: they may hold a secret.
    if (args.json === true)
      return cli.out.json({
        hooks: rows.map(({ hook, name }) => ({
          name: shorten(name),
          is_set: hook !== undefined,
          ...(hook?.via === undefined ? {} : { via: hook.via }),
        })),
      });
    const lines = rows.map(({ hook, name }) => {
      const state = hook === undefined ? t`not set` : t`set`;
      return [shorten(name), hook?.via === undefined ? state : t`${state} (${hook.via})`];
    });
    for (const line of alignRows(lines, cli.out.width)) cli.out.line(line);
    cli.out.note(`\n${t`Next: ${set.length > 0 ? "ch hooks test" : EXAMPLE}`}`);
  },
});

const testCommand = defineCommand({
  description: "try each hook and notification once with a sample event",
  examples: [
    ["ch hooks test", "with a failover to another upstream"],
    ["ch hooks test --event budget", "with another event"],
  ],
  args: {
    event: {
      type: "enum",
      options: [...EVENT_KINDS] as string[],
      valueHint: "EVENT",
      description: "which event (default: hop)",
    },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const hooks = await readHooks(cli);
    if (hooks.length === 0)
      throw new UserError(t`no hook is set in config.json`, { hint: `${EXAMPLE}\n${NOTIFY_EXAMPLE}` });
    const kind = EVENT_KINDS.find((one) => one === args.event) ?? "hop";
    const event = tellSample(kind, cli.now());
    const results = [];
    for (const hook of hooks) results.push(await tryHook(hook, event));
    if (args.json === true) cli.out.json({ event: kind, hooks: results.map(makeJson) });
    else for (const result of results) printResult(cli, event, result);
    return results.every(({ problem }) => problem === null) ? EXIT.ok : EXIT.failed;
  },
});

export const command = defineCommand({
  description: "who is told of events: your own commands, notifications",
  examples: [
    ["ch hooks", "which are set"],
    ["ch hooks test", "try each with a sample event"],
  ],
  default: "list",
  subCommands: { list: listCommand, test: testCommand },
});

async function readHooks({ env, now, out, paths }: Cli): Promise<Hook[]> {
  const { hooks, notify } = (await loadConfig(paths.config)).shell;
  const line = hooks?.on_event?.trim() ?? "";
  const settings = resolveNotify(notify);
  const screen = { say: tell, ring: out.ring };
  const [command, notification] = NAMES;
  return [
    ...(line === ""
      ? []
      : [
          {
            name: command,
            send: (event: ToldEvent) =>
              runHook(line, `${JSON.stringify(event.json)}\n`, { env, isRead: true }),
          },
        ]),
    ...(settings === null
      ? []
      : [
          {
            name: notification,
            via: nameWay(settings.via),
            send: (event: ToldEvent) =>
              sendNotice(makeNotice({ count: 1, first: event, last: event }), settings.via, {
                env,
                screen,
                isRead: true,
              }),
            remark: (event: ToldEvent) => remarkOn(event, settings, now()),
          },
        ]),
  ];
}

/** A test is not kept back. */
function remarkOn({ kind }: ToldEvent, { on, quiet }: NotifySettings, now: number): string | null {
  if (!on.includes(kind)) return t`only a test: notify.on does not name ${kind}`;
  return quiet !== null && isQuiet(quiet, now) ? t`only a test: these are your quiet hours` : null;
}

async function tryHook(hook: Hook, event: ToldEvent) {
  const began = performance.now();
  const run = await hook.send(event);
  const printed = `${run.stdout}${run.stderr}`
    .split("\n")
    .map((words) => maskText(oneLine(words)).trimEnd())
    .filter((words) => words !== "");
  return { ...run, hook, tookMs: Math.round(performance.now() - began), printed };
}

/** As lists have called it since the first version. */
const shorten = (name: string): string => name.replace("hooks.", "");

type Result = Awaited<ReturnType<typeof tryHook>>;

function makeJson({ exitCode, hook: { name, via }, printed, problem, tookMs }: Result): object {
  return {
    name: shorten(name),
    ...(via === undefined ? {} : { via }),
    ok: problem === null,
    exit_code: exitCode,
    took_ms: tookMs,
    problem: problem === null ? null : inEnglish(problem),
    printed,
  };
}

function printResult({ out }: Cli, event: ToldEvent, { hook, printed, problem, tookMs }: Result): void {
  const { name, remark, via } = hook;
  const did =
    problem !== null
      ? out.paint("red", tell(problem))
      : out.paint(
          "green",
          via === undefined
            ? t`took it and exited with code 0, after ${tookMs} ms`
            : t`sent, after ${tookMs} ms`,
        );
  out.line(`${via === undefined ? name : `${name} (${via})`}  ${event.kind}  ${did}`);
  if (printed.length === 0 && via === undefined) out.line(`  ${out.paint("dim", t`it printed nothing`)}`);
  for (const words of printed.slice(0, MOST_LINES)) out.line(`  ${cutColumns(words, out.width - 2)}`);
  const rest = printed.length - MOST_LINES;
  if (rest > 0) out.line(`  ${out.paint("dim", t`${rest} more lines`)}`);
  const why = remark?.(event) ?? null;
  if (why !== null) out.line(`  ${out.paint("dim", why)}`);
}
