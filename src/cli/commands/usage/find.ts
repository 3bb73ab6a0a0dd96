// `ch usage find`: the requests of the log that match.
// Reads and prints; what fits is decided in usage/search.ts.
import { UserError } from "../../../base/errors.ts";
import { t } from "../../language.ts";
import { makeSearch } from "../../../usage/search.ts";
import { JSON_ARG, LIMIT_ARG, type ServiceFlags, readLimit, readService, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { storedFields } from "../../request-line.ts";
import { createLinePrinter } from "./lines.ts";
import { RANGE_ARGS, readLast, readRange } from "./range.ts";

const DEFAULT_FOUND = 20;
const MOST_FOUND = 100_000;
const OUTCOMES = ["ok", "client_gone", "cut", "error", "refused"] as const;

export const findCommand = defineCommand({
  description: "find requests in the log",
  examples: [
    ["ch usage find --status 5xx --since today", "requests that failed today with a 5xx"],
    ["ch usage find --slower-than 60s --upstream relay.example", "slow requests of one upstream"],
  ],
  args: {
    status: { type: "string", valueHint: "N", description: "status the client got: 429, 5xx" },
    outcome: { type: "enum", options: [...OUTCOMES], valueHint: "WORD", description: "its outcome" },
    upstream: {
      type: "string",
      valueHint: "TEXT",
      description: "part of the address of an upstream that was tried, or NAME#N",
    },
    config: { type: "string", valueHint: "NAME", description: "the config it used" },
    model: { type: "string", valueHint: "TEXT", description: "part of the model's name" },
    session: { type: "string", valueHint: "ID", description: "the session's id, or the start of it" },
    path: { type: "string", valueHint: "TEXT", description: "part of the path" },
    text: { type: "string", valueHint: "TEXT", description: "part of an error" },
    rule: {
      type: "string",
      valueHint: "NAME",
      description: "the redaction rule or pack that found something",
    },
    "slower-than": {
      type: "string",
      valueHint: "TIME",
      description: "took at least this long: 500ms, 30s, 2m",
    },
    ...RANGE_ARGS,
    ...LIMIT_ARG,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const range = readRange(args, cli.now());
    const limit = readLimit(args.limit, { usual: DEFAULT_FOUND, most: MOST_FOUND });
    const fits = makeSearch({
      ...args,
      upstream: await readUpstream(cli, args),
      status: readStatus(args.status),
      slowerThanMs: readSpan(args["slower-than"]),
    });
    const found = await readLast(
      cli,
      { limit, since: range.since },
      ({ record }) => range.includes(record) && fits(record),
    );
    if (args.json === true) {
      const { locateRecords } = await import("../../../app/session/directories.ts");
      const directoryOf = await locateRecords(
        cli.paths,
        found.map(({ record }) => record),
      );
      return cli.out.json({
        requests: found.map((entry) => storedFields(entry, directoryOf(entry.record))),
      });
    }
    const print = await createLinePrinter(cli, { hasService: readService(args) === undefined, withId: true });
    for (const { record } of found) print(record);
    if (found.length === 0) return cli.out.note(t`no matching request in the log`);
    if (found.length === limit) cli.out.note(t`the last ${limit}; --limit shows more`);
    cli.out.note(t`details: ch usage show ID`);
  },
});

const NAMED_UPSTREAM = /^[^/:]+#\d+$/;

/** NAME#N is that upstream's address; everything else is a part of one. Throws UserError for one that does not exist. */
async function readUpstream(
  { paths }: Cli,
  args: { readonly upstream?: string | undefined } & ServiceFlags,
): Promise<string | undefined> {
  const { upstream } = args;
  if (upstream === undefined || !NAMED_UPSTREAM.test(upstream)) return upstream;
  const [{ loadConfig }, { readBaseUrl }, { chooseService, findUpstream }] = await Promise.all([
    import("../../../config/file.ts"),
    import("../../../config/base-url.ts"),
    import("../config/target.ts"),
  ]);
  const config = await loadConfig(paths.config);
  const service = chooseService(args, config);
  const { name, position } = findUpstream(config, service, upstream);
  const entry = config.services[service].configs.get(name)?.entry.upstreams[position - 1];
  const address = entry === undefined ? null : readBaseUrl(entry.base_url);
  if (address?.kind === "ok") return address.url;
  throw new UserError(t`the config "${name}" has no upstream ${position} that can be used`, {
    hint: `ch config show ${name}`,
  });
}

function readStatus(value: string | undefined): string | undefined {
  if (value === undefined || /^[1-5](?:\d\d|xx)$/.test(value)) return value;
  throw usageError(t`--status takes a status such as 429 or 5xx, not "${value}"`);
}

const SPAN_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

function readSpan(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const [, figure, unit = "s"] = /^(\d{1,6}(?:\.\d{1,3})?)(ms|s|m)?$/.exec(value) ?? [];
  if (figure !== undefined) return Number(figure) * (SPAN_MS[unit] ?? 1000);
  throw usageError(t`--slower-than takes a time such as 500ms, 30s or 2m, not "${value}"`);
}
