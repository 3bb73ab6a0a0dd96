// `ch usage tail`: the last requests of the log, and each new one as it ends.
import { t } from "../../language.ts";
import { followLog } from "../../../log/follow.ts";
import type { StoredEntry } from "../../../log/reader.ts";
import { LIMIT_ARG, SERVICE_ARGS, readService, readLimit } from "../../args.ts";
import { defineCommand } from "../../cli.ts";
import { createLinePrinter } from "./lines.ts";
import { readLast } from "./range.ts";

const DEFAULT_TAIL = 20;
const MOST_TAIL = 100_000;

export const tailCommand = defineCommand({
  description: "show the latest requests",
  examples: [
    ["ch usage tail --limit 5", "the last five"],
    ["ch usage tail --raw --follow | jq .model", "raw lines, as they arrive"],
  ],
  args: {
    ...LIMIT_ARG,
    follow: { type: "boolean", alias: "f", description: "keep running, print each request as it ends" },
    ...SERVICE_ARGS,
    raw: { type: "boolean", description: "the stored lines, unchanged (docs/requests-log.md)" },
  },
  async run(args, cli) {
    const limit = readLimit(args.limit, { usual: DEFAULT_TAIL, least: 0, most: MOST_TAIL });
    const service = readService(args);
    const isWanted = ({ record }: StoredEntry): boolean =>
      service === undefined || record.service === service;
    const print =
      args.raw === true ? null : await createLinePrinter(cli, { hasService: service === undefined });
    const show = ({ raw, record }: StoredEntry): void => (print === null ? cli.out.line(raw) : print(record));
    // Begun before the log is read, so that no line falls between the two.
    const coming = args.follow === true ? followLog(cli.paths.requestsLog) : null;
    const next = coming?.next();
    const last = await readLast(cli, { limit }, isWanted);
    for (const entry of last) show(entry);
    if (coming === null || next === undefined) {
      if (last.length === 0 && limit > 0) cli.out.note(t`no requests in the log`);
      return;
    }
    const shown = new Set(last.map(({ raw }) => raw));
    for (let batch = await next; batch.done !== true; batch = await coming.next()) {
      for (const entry of batch.value) if (isWanted(entry) && !shown.delete(entry.raw)) show(entry);
    }
  },
});
