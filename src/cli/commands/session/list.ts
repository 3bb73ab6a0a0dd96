// `ch session list`: the sessions of this project, the latest first.
import { readWholeNumber, JSON_ARG, LIMIT_ARG } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";
import { PLACE_ARGS } from "./place-args.ts";

const DEFAULT_LIMIT = 10;
const MOST_LIMIT = 1_000_000;

export function listCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "list", description: "list the sessions of this project, latest first" },
    examples: [
      ["ch session list --since 12h", "what was worked on today"],
      ["ch session list --all --all-services", "everywhere, with both clients"],
    ],
    args: {
      ...LIMIT_ARG,
      ...PLACE_ARGS,
      tsv: { type: "boolean", description: "one session a line, cells separated by tabs" },
      ...JSON_ARG,
    },
    async run({ args }) {
      const [{ makeQuery, describeNothing }, { listSessions }] = await Promise.all([
        import("./query.ts"),
        import("./list-sessions.ts"),
      ]);
      const limit =
        args.limit === undefined
          ? DEFAULT_LIMIT
          : readWholeNumber("--limit", args.limit, { least: 1, most: MOST_LIMIT });
      const query = await makeQuery(cli, args);
      const format = args.json === true ? "json" : args.tsv === true ? "tsv" : "words";
      const isAny = listSessions(cli, { query, limit, format });
      if (isAny) return;
      const { message, hint } = describeNothing(query, cli);
      cli.out.note(message);
      if (hint !== undefined) cli.out.note(hint.replace(/^/gm, "  "));
    },
  });
}
