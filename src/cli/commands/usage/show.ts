// `ch usage show ID`: one request of the log, with its attempts on a line of time.
import { UserError } from "../../../base/errors.ts";
import { t } from "../../../base/language.ts";
import { readLog } from "../../../log/reader.ts";
import type { EntryFields } from "../../../usage/groups.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, type Command, defineCommand } from "../../cli.ts";
import { similarNames } from "../../suggest.ts";
import { describeRequest } from "./request.ts";

export function showCommand(cli: Cli): Command {
  return defineCommand({
    meta: { name: "show", description: "one request and its attempts" },
    examples: [
      ["ch usage show m2qx0k801a2b3c4", "an id from usage find"],
      ["ch usage show m2qx0k801a2b3c4 --json", "all that is known of it"],
    ],
    args: {
      id: { type: "positional", required: true, valueHint: "ID", description: "the request's id" },
      ...JSON_ARG,
    },
    async run({ args }) {
      const found = await findById(cli, args.id);
      const [{ loadPricer }, { withDirectories }] = await Promise.all([
        import("../../../app/prices.ts"),
        import("../../../app/session/directories.ts"),
      ]);
      const [fields = found] = await withDirectories(cli.paths, [found]);
      const cost = (await loadPricer(cli.paths)).costOf(fields);
      if (args.json === true) {
        return cli.out.json({ request: fields, cost_usd: cost.kind === "priced" ? cost.usd : null });
      }
      for (const line of describeRequest(fields, { cost, cli })) cli.out.line(line);
    },
  });
}

/** Ids that are compared with one that is unknown; typing errors are about what was just seen. */
const MOST_COMPARED = 5000;

/** Throws UserError with ids that are like it. */
async function findById({ paths }: Cli, id: string): Promise<EntryFields> {
  const ids: string[] = [];
  for await (const batch of readLog(paths.requestsLog, { order: "newest-first" })) {
    for (const { fields } of batch) {
      if (fields["id"] === id) return fields;
      if (ids.length < MOST_COMPARED && typeof fields["id"] === "string") ids.push(fields["id"]);
    }
  }
  const near = similarNames(id, ids).join(", ");
  throw new UserError(t`no request "${id}" in the log`, {
    hint: near === "" ? "ch usage find" : t`did you mean ${near}?`,
  });
}
