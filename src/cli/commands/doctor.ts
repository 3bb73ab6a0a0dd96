// `ch doctor`: looks at everything that can be odd, says what to type, and repairs what is safe.
import { collectFacts, repair } from "../../app/examine.ts";
import { EXIT } from "../../base/errors.ts";
import { t } from "../../base/language.ts";
import { showPathsIn } from "../../base/paths.ts";
import type { Finding, Status } from "../../doctor/check.ts";
import { runChecks } from "../../doctor/checks.ts";
import { JSON_ARG } from "../args.ts";
import { type Cli, type Command, defineCommand } from "../cli.ts";
import type { Colour } from "../output.ts";
import { wrapWords } from "../wrap.ts";

const COLOURS: Readonly<Record<Status, Colour>> = { ok: "green", info: "cyan", warn: "yellow", fail: "red" };
const FIX = "ch doctor --fix";
const INDENT = " ".repeat(6);

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "doctor", description: "what is odd, and what to type" },
    args: {
      ...JSON_ARG,
      all: { type: "boolean", description: "what is in order too" },
      fix: { type: "boolean", description: "repair what is safe: clients left switched, file modes" },
    },
    examples: [
      ["ch doctor", "what is odd, each with a command"],
      ["ch doctor --json | jq '.checks[] | select(.status != \"ok\")'", "for scripts"],
    ],
    run: async ({ args }) => {
      const options = { paths: cli.paths, env: cli.env, cwd: process.cwd(), now: cli.now };
      if (args.fix === true) {
        for (const done of await repair(options)) {
          const words = showPathsIn(done, cli.env);
          cli.out.note(t`fixed: ${words}`);
        }
      }
      const checks = runChecks(await collectFacts(options));
      if (args.json === true) cli.out.json({ checks });
      else printFindings(cli, checks, args.all === true);
      return checks.some(({ status }) => status === "fail") ? EXIT.failed : EXIT.ok;
    },
  });
}

function printFindings(cli: Cli, findings: readonly Finding[], showsAll: boolean): void {
  const { out } = cli;
  const shown = showsAll ? findings : findings.filter(({ status }) => status !== "ok");
  for (const finding of shown) for (const line of describe(cli, finding)) out.line(line);
  const rest = findings.length - shown.length;
  const words = t`in order: ${rest} (ch doctor --all shows them)`;
  if (rest > 0) out.line(`${markOf(cli, "ok")}  ${words}`);
  const next = shown.some(({ hint }) => hint === FIX) ? FIX : "ch status";
  out.note("");
  out.note(t`Next: ${next}`);
}

/** The command to type is never broken: it is there to be copied. */
function describe(cli: Cli, { hint, message, status }: Finding): string[] {
  const { env, out } = cli;
  const words = wrapWords(showPathsIn(message, env), out.width - INDENT.length);
  return [
    ...words.map((line, index) => `${index === 0 ? `${markOf(cli, status)}  ` : INDENT}${line}`),
    ...(hint === undefined ? [] : [`${INDENT}  ${showPathsIn(hint, env)}`]),
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
