// `ch session search`: where was that said?
import { readWholeNumber, JSON_ARG, LIMIT_ARG } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";
import { PLACE_ARGS } from "./place-args.ts";

const DEFAULT_LIMIT = 20;
const MOST_LIMIT = 1_000_000;

export function searchCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "search", description: "find a text in prompts and answers, latest first" },
    examples: [
      ["ch session search 'flaky test'", "in the sessions of this project"],
      ["ch session search TODO --match-case --all --since 30d", "everywhere, within a month"],
    ],
    args: {
      text: { type: "positional", required: true, description: "what to look for, taken literally" },
      "match-case": { type: "boolean", description: "upper and lower case differ" },
      limit: { ...LIMIT_ARG.limit, description: "in at most N sessions" },
      ...PLACE_ARGS,
      ...JSON_ARG,
    },
    async run({ args }) {
      const [{ makeQuery, describeNothing }, { searchSessions }] = await Promise.all([
        import("./query.ts"),
        import("./search-sessions.ts"),
      ]);
      const limit =
        args.limit === undefined
          ? DEFAULT_LIMIT
          : readWholeNumber("--limit", args.limit, { least: 1, most: MOST_LIMIT });
      const query = await makeQuery(cli, args);
      const { text } = args;
      const isAny = searchSessions(cli, {
        query,
        limit,
        text,
        mindsCase: args["match-case"] === true,
        asJson: args.json === true,
      });
      if (isAny) return 0;
      const { message, hint } = describeNothing(query, cli, text);
      cli.out.note(message);
      if (hint !== undefined) cli.out.note(hint.replace(/^/gm, "  "));
      return 1;
    },
  });
}
