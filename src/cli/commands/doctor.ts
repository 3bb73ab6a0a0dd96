// `ch doctor`: looks at everything that can be odd, says what to type, and repairs what is safe.
import { collectFacts, repair } from "../../app/examine.ts";
import { EXIT } from "../../base/errors.ts";
import { type Finding, runChecks, type Status } from "../../doctor/checks.ts";
import { JSON_ARG } from "../args.ts";
import { type Cli, type Command, defineCommand } from "../cli.ts";
import type { Colour } from "../output.ts";

const COLOURS: Readonly<Record<Status, Colour>> = { ok: "green", info: "cyan", warn: "yellow", fail: "red" };

export function createCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "doctor", description: "what is odd, and what to type" },
    args: {
      ...JSON_ARG,
      fix: { type: "boolean", description: "repair what is safe: clients left switched, file modes" },
    },
    examples: [
      ["ch doctor", "every check, the odd ones with a command"],
      ["ch doctor --json | jq '.checks[] | select(.status != \"ok\")'", "for scripts"],
    ],
    run: async ({ args }) => {
      const options = { paths: cli.paths, env: cli.env, cwd: process.cwd(), now: cli.now };
      if (args.fix === true) for (const done of await repair(options)) cli.out.note(`fixed: ${done}`);
      const checks = runChecks(await collectFacts(options));
      if (args.json === true) cli.out.json({ checks });
      else for (const line of checks.flatMap((finding) => describe(cli, finding))) cli.out.line(line);
      return checks.some(({ status }) => status === "fail") ? EXIT.failed : EXIT.ok;
    },
  });
}

function describe({ out }: Cli, { hint, message, status }: Finding): string[] {
  const mark = out.paint(COLOURS[status], status.padEnd(4));
  return [`${mark}  ${message}`, ...(hint === undefined ? [] : [`        ${hint}`])];
}
