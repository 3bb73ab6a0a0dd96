// `ch usage show ID`: one request of the log in words: what was asked, how it went, what it cost, and each attempt on a
// timeline.
import { showHost } from "../../../base/upstream.ts";
import { UserError } from "../../../base/errors.ts";
import { inEnglish, localDay } from "../../../base/text.ts";
import { t, tell, tellList } from "../../language.ts";
import { describeError, describeOutcome } from "../../logged-error.ts";
import { showPath } from "../../../base/paths.ts";
import { type StoredEntry, readLogBackward } from "../../../log/reader.ts";
import type { LogRecord, RecordedAttempt } from "../../../log/record.ts";
import type { Cost } from "../../../usage/prices.ts";
import { JSON_ARG } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { formatBytes, formatMs, formatTokens, formatUsd } from "../../figures.ts";
import { alignRows, fitFields, wrapWords } from "../../layout.ts";
import { showClock, showValue, storedFields } from "../../request-line.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { similarNames } from "../../../base/similar-names.ts";
import { notePrices } from "../../price-words.ts";
import { warnOfRemovedPrices } from "./range.ts";

export const showCommand = defineCommand({
  description: "show one request and its attempts",
  examples: [
    ["ch usage show m2qx0k801a2b3c4", "an id from usage find"],
    ["ch usage show m2qx0k801a2b3c4 --json", "all details"],
  ],
  args: {
    id: { type: "positional", required: true, valueHint: "ID", description: "the request's id" },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const found = await findById(cli, args.id);
    const [{ loadPricer }, { locateRecords }] = await Promise.all([
      import("../../../app/prices.ts"),
      import("../../../app/session/directories.ts"),
    ]);
    const directory = (await locateRecords(cli.paths, [found.record]))(found.record);
    const pricer = await loadPricer(cli.paths);
    const cost = pricer.costOf(found.record);
    if (args.json === true) {
      const cost_usd = cost.kind === "priced" ? cost.usd : null;
      const cost_missing = cost.kind === "unpriced" && cost.why !== undefined ? inEnglish(cost.why) : null;
      const failed_attempts_cost_usd = sumOf(cost.attempts);
      const costs = { cost_usd, cost_missing, failed_attempts_cost_usd };
      cli.out.json({ request: storedFields(found, directory), ...costs });
    } else
      for (const line of describeRequest({ ...found.record, cwd: directory }, cost, cli)) cli.out.line(line);
    notePrices(cli, pricer, args.json !== true && cost.kind === "priced");
    await warnOfRemovedPrices(cli);
  },
});

/** Ids that are compared with one that is unknown; typing errors are about what was just seen. */
const MOST_COMPARED = 5000;

/** Throws UserError with ids that are like it. */
async function findById({ paths }: Cli, id: string): Promise<StoredEntry> {
  const ids: string[] = [];
  for await (const batch of readLogBackward(paths.requestsLog)) {
    for (const entry of batch) {
      if (entry.record.id === id) return entry;
      if (ids.length < MOST_COMPARED && entry.record.id !== undefined) ids.push(entry.record.id);
    }
  }
  const near = tellList(similarNames(id, ids));
  throw new UserError(t`no request "${id}" in the log`, {
    hint: near === "" ? "ch usage find" : t`did you mean ${near}?`,
  });
}

/** Between two columns of `alignRows`. */
const GAP_COLUMNS = 2;

function describeRequest(record: LogRecord, cost: Cost, cli: Cli): string[] {
  const { out, env } = cli;
  const facts: readonly (readonly [label: string, value: string])[] = [
    [t`request`, `${text(record.method)} ${text(record.path)}`],
    [t`when`, `${localDay(record.timestamp_ms).slice("2026-".length)} ${showClock(record.timestamp_ms)}`],
    [t`client`, text(record.service)],
    [t`model`, describeModel(record)],
    [t`config`, text(record.config_name)],
    [t`session`, text(record.session_id)],
    [t`directory`, showPath(text(record.cwd), env)],
    [t`outcome`, describeEnd(record)],
    [t`tokens`, describeTokens(record)],
    [t`cost`, describeCost(cost, record.usage?.partial === true)],
    [t`redactions`, describeRedactions(record)],
    [t`not redacted`, text(record.redactions_exempt)],
    [t`restored`, text(record.restored)],
    [t`not restored`, text(record.restored_exempt)],
    [t`refused`, text(record.refusals)],
    [t`error`, describeError(record)],
  ];
  const known = facts.filter(([, value]) => value.trim() !== "");
  const labelColumns = Math.max(...known.map(([label]) => Bun.stringWidth(label)));
  const rows = known.flatMap(([label, value]) => {
    const lines = out.isTerminal ? wrapWords(value, out.width - labelColumns - GAP_COLUMNS) : [value];
    return lines.map((line, index) => [index === 0 ? out.paint("dim", label) : "", line]);
  });
  return [
    out.paint("bold", text(record.id)),
    ...alignRows(rows, undefined),
    "",
    ...describeAttempts(record, cli),
  ];
}

/** By rule, where the line says so: older ones do not. */
function describeRedactions({ redactions, redactions_by_rule: byRule = {} }: LogRecord): string {
  const hits = Object.entries(byRule).map(([name, count]) => `${oneLine(name)} ${count}`);
  return hits.length === 0 ? text(redactions) : `${text(redactions)} (${tellList(hits)})`;
}

function describeCost(cost: Cost, isPartial: boolean): string {
  const failed = sumOf(cost.attempts);
  const own = describeOwnCost(cost, isPartial);
  return failed === null ? own : t`${own === "" ? "-" : own}, and ${formatUsd(failed)} for failed attempts`;
}

/** Null where none of them has a price. */
function sumOf(costs: Cost["attempts"]): number | null {
  const priced = (costs ?? []).flatMap((cost) => (cost.kind === "priced" ? [cost.usd] : []));
  return priced.length === 0 ? null : priced.reduce((sum, usd) => sum + usd, 0);
}

function describeOwnCost(cost: Cost, isPartial: boolean): string {
  if (cost.kind === "priced") return isPartial ? `${formatUsd(cost.usd)}+` : formatUsd(cost.usd);
  if (cost.kind === "unknown") return "";
  return cost.why === undefined ? t`unpriced` : t`unpriced: ${tell(cost.why)}`;
}

function describeModel(record: LogRecord): string {
  const model =
    record.chain_model === undefined ? text(record.model) : `${text(record.model)} -> ${record.chain_model}`;
  const asked = record.upstream_model === record.chain_model ? "" : text(record.upstream_model);
  return asked === "" ? model : t`${model}, sent as ${asked}`;
}

function describeEnd(record: LogRecord): string {
  const { duration_ms: duration, queued_ms: queued, ttfb_ms: ttfb, waited_ms: waited } = record;
  return [
    outcomeOrNone(record.outcome),
    text(record.status_code),
    typeof duration === "number" ? formatMs(duration) : "",
    typeof ttfb === "number" ? t`first byte after ${formatMs(ttfb)}` : "",
    typeof queued === "number" ? t`queued for ${formatMs(queued)}` : "",
    typeof waited === "number" ? t`held for ${formatMs(waited)} until a limit was reset` : "",
  ]
    .filter((part) => part !== "")
    .join(t`, `);
}

/** The id of a rule, which an attempt has in its place, stays. */
const outcomeOrNone = (outcome: string | undefined): string =>
  outcome === undefined ? "" : describeOutcome(outcome);

function describeTokens({ usage = {}, usage_unknown: unknown }: LogRecord): string {
  const why = unknown === undefined ? undefined : WHY_UNKNOWN.get(unknown);
  if (why !== undefined) return why();
  const figures: readonly (readonly [tokens: number | undefined, say: (tokens: string) => string])[] = [
    [usage.input_tokens, (tokens) => t`${tokens} in`],
    [usage.cached_input_tokens, (tokens) => t`${tokens} read from cache`],
    [usage.cache_creation_tokens, (tokens) => t`${tokens} written to cache`],
    [usage.output_tokens, (tokens) => t`${tokens} out`],
    [usage.reasoning_tokens, (tokens) => t`${tokens} of that reasoning`],
    [usage.total_tokens, (tokens) => t`${tokens} total`],
  ];
  const told = figures.flatMap(([tokens = 0, say]) => (tokens > 0 ? [say(formatTokens(tokens))] : []));
  return usage.partial === true ? t`${tellList(told)}, and more that the answer did not say` : tellList(told);
}

/** By `usage_unknown` of the log. */
const WHY_UNKNOWN: ReadonlyMap<string, () => string> = new Map([
  ["too_large", () => t`unknown, because the answer decompresses to more than the limits allow`],
  ["unreadable", () => t`unknown, because the answer could not be decompressed`],
  ["cut", () => t`unknown, because the answer broke off before it said`],
  ["not_told", () => t`unknown, because the answer did not say`],
]);

const TIMELINE_COLUMNS = 24;

/** One after the other: an attempt begins when the one before it has ended. */
function describeAttempts(record: LogRecord, { out }: Cli): string[] {
  const attempts = listAttempts(record);
  if (attempts.length === 0) return [t`It was not sent to any upstream.`];
  const tried = attempts.reduce((sum, { duration_ms = 0 }) => sum + duration_ms, 0);
  const whole = Math.max(1, record.duration_ms ?? 0, tried);
  let startMs = 0;
  const rows = attempts.map((attempt) => {
    const { duration_ms: duration = 0 } = attempt;
    const isOk = attempt.verdict === "ok";
    const timeline = makeTimeline(startMs / whole, duration / whole, attempt.shown === false ? HELD : SHOWN);
    startMs += duration;
    return [
      out.paint(isOk ? "green" : "red", timeline),
      formatMs(duration),
      [
        text(attempt.upstream_label),
        attempt.upstream_base_url === undefined ? "" : showHost(attempt.upstream_base_url),
        text(attempt.chain_model),
      ]
        .filter((part) => part !== "")
        .join("  "),
      [text(attempt.status_code), outcomeOrNone(attempt.verdict)].filter((part) => part !== "").join(" "),
      describeError(attempt),
      describeHeld(attempt),
    ];
  });
  return alignRows(rows, undefined).map((line) => fitFields(line, out));
}

const SHOWN = "█";
/** The client saw nothing of it. */
const HELD = "▒";

function makeTimeline(start: number, share: number, bar: string): string {
  const from = Math.min(TIMELINE_COLUMNS - 1, Math.floor(start * TIMELINE_COLUMNS));
  const length = Math.max(1, Math.min(TIMELINE_COLUMNS - from, Math.round(share * TIMELINE_COLUMNS)));
  return "·".repeat(from) + bar.repeat(length) + "·".repeat(TIMELINE_COLUMNS - from - length);
}

/** What was held of an answer before it was passed on or given up. */
function describeHeld({ held_bytes: bytes = 0, held_events: events = 0, shown }: RecordedAttempt): string {
  if (bytes === 0) return "";
  const size = formatBytes(bytes);
  return shown === false ? t`held: ${events} events, ${size}, not shown` : t`held: ${events} events, ${size}`;
}

/** The log leaves out the one attempt of a request that went well. */
function listAttempts(record: LogRecord): readonly RecordedAttempt[] {
  const { attempts, upstream_base_url, status_code, duration_ms, outcome } = record;
  if (attempts !== undefined) return attempts;
  return upstream_base_url == null ? [] : [{ upstream_base_url, status_code, duration_ms, verdict: outcome }];
}

function text(value: string | number | null | undefined): string {
  return showValue(value, "");
}
