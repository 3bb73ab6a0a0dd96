// `ch session last`: the latest session of this project, and the command that goes on with it.
import { UserError } from "../../../base/errors.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";
import { PLACE_ARGS } from "./place-args.ts";

/**
 * A session that is gone on with after a long time stays in the directory of its first day, and to look at 50,000 files
 * takes longer than anybody waits for this answer. Older ones are found by hints; the list looks at all.
 */
const MOST_FILES = 4_000;

export function lastCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "last", description: "show the last session of this project, and how to resume it" },
    examples: [
      ["ch session last --path ~/code/my-app", "of another project"],
      ["codex resume $(ch session last --id)", "go on with it at once"],
    ],
    args: {
      ...PLACE_ARGS,
      id: { type: "boolean", description: "print its id alone" },
      ...JSON_ARG,
    },
    async run({ args }) {
      const [{ makeQuery, describeNothing }, { findLast, showLast }] = await Promise.all([
        import("./query.ts"),
        import("./last-session.ts"),
      ]);
      const query = await makeQuery(cli, args, MOST_FILES);
      const facts = findLast(query);
      if (facts === null) {
        const { message, hint } = describeNothing(query, cli);
        throw new UserError(message, { hint });
      }
      await showLast(cli, facts, {
        query,
        format: args.json === true ? "json" : args.id === true ? "id" : "words",
      });
    },
  });
}
