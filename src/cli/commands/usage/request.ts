// One request of the log in words: what was asked, how it went, what it cost, and each attempt on a line of time.
import { isRecord } from "../../../base/json-value.ts";
import { retell, t } from "../../../base/language.ts";
import { showPath } from "../../../base/paths.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import type { EntryFields } from "../../../usage/groups.ts";
import type { Cost } from "../../../usage/prices.ts";
import type { Cli } from "../../cli.ts";
import { formatMs, formatTokens, formatUsd } from "../../figures.ts";
import { localTime } from "../../request-line.ts";
import { alignRows, fitFields, wrapWords } from "../../layout.ts";

/** Between two columns of `alignRows`. */
const GAP_COLUMNS = 2;

export interface RequestContext {
  readonly cli: Cli;
  readonly cost: Cost;
}

export function describeRequest(fields: EntryFields, { cli, cost }: RequestContext): string[] {
  const { out, env } = cli;
  const facts: readonly (readonly [label: string, value: string])[] = [
    [t`request`, `${text(fields["method"])} ${text(fields["path"])}`],
    [t`when`, localTime(fields["timestamp_ms"])],
    [t`client`, text(fields["service"])],
    [t`model`, describeModel(fields)],
    [t`config`, text(fields["config_name"])],
    [t`session`, text(fields["session_id"])],
    [t`directory`, showPath(text(fields["cwd"]), env)],
    [t`outcome`, describeOutcome(fields)],
    [t`tokens`, describeTokens(fields["usage"])],
    [t`cost`, cost.kind === "priced" ? formatUsd(cost.usd) : cost.kind === "unpriced" ? t`unpriced` : ""],
    [t`redactions`, text(fields["redactions"])],
    [t`error`, retell(text(fields["error"]))],
  ];
  const known = facts.filter(([, value]) => value.trim() !== "");
  const labelColumns = Math.max(...known.map(([label]) => Bun.stringWidth(label)));
  const rows = known.flatMap(([label, value]) => {
    const lines = out.isTerminal ? wrapWords(value, out.width - labelColumns - GAP_COLUMNS) : [value];
    return lines.map((line, index) => [index === 0 ? out.paint("dim", label) : "", line]);
  });
  return [
    out.paint("bold", text(fields["id"])),
    ...alignRows(rows, undefined),
    "",
    ...describeAttempts(fields, cli),
  ];
}

function describeModel(fields: EntryFields): string {
  const model = text(fields["model"]);
  const asked = text(fields["upstream_model"]);
  return asked === "" ? model : t`${model}, asked for as ${asked}`;
}

function describeOutcome(fields: EntryFields): string {
  const { duration_ms: duration, ttfb_ms: ttfb } = fields;
  return [
    text(fields["outcome"]),
    text(fields["status_code"]),
    typeof duration === "number" ? formatMs(duration) : "",
    typeof ttfb === "number" ? firstByte(formatMs(ttfb)) : "",
  ]
    .filter((part) => part !== "")
    .join(", ");
}

const firstByte = (time: string): string => t`first byte after ${time}`;

function describeTokens(usage: unknown): string {
  if (!isRecord(usage)) return "";
  const figures: readonly (readonly [name: string, say: (tokens: string) => string])[] = [
    ["input_tokens", (tokens) => t`${tokens} in`],
    ["cached_input_tokens", (tokens) => t`${tokens} from the cache`],
    ["cache_creation_tokens", (tokens) => t`${tokens} into the cache`],
    ["output_tokens", (tokens) => t`${tokens} out`],
    ["reasoning_tokens", (tokens) => t`${tokens} of it reasoning`],
    ["total_tokens", (tokens) => t`${tokens} in all`],
  ];
  return figures
    .flatMap(([name, say]) => {
      const tokens = usage[name];
      return typeof tokens === "number" && tokens > 0 ? [say(formatTokens(tokens))] : [];
    })
    .join(", ");
}

const TIMELINE_COLUMNS = 24;

/** One after the other: an attempt begins when the one before it has ended. */
function describeAttempts(fields: EntryFields, { out }: Cli): string[] {
  const attempts = listAttempts(fields);
  if (attempts.length === 0) return [t`It was never sent to an upstream.`];
  const durations = attempts.map((attempt) => numberOr0(attempt["duration_ms"]));
  const whole = Math.max(
    1,
    numberOr0(fields["duration_ms"]),
    durations.reduce((sum, one) => sum + one, 0),
  );
  let startMs = 0;
  const rows = attempts.map((attempt, index) => {
    const duration = durations[index] ?? 0;
    const isOk = attempt["verdict"] === "ok";
    const timeline = makeTimeline(startMs / whole, duration / whole);
    startMs += duration;
    return [
      out.paint(isOk ? "green" : "red", timeline),
      formatMs(duration),
      text(attempt["upstream_base_url"]),
      [text(attempt["status_code"]), text(attempt["verdict"])].filter((part) => part !== "").join(" "),
      retell(text(attempt["error"])),
    ];
  });
  return alignRows(rows, undefined).map((line) => fitFields(line, out));
}

function makeTimeline(start: number, share: number): string {
  const from = Math.min(TIMELINE_COLUMNS - 1, Math.floor(start * TIMELINE_COLUMNS));
  const length = Math.max(1, Math.min(TIMELINE_COLUMNS - from, Math.round(share * TIMELINE_COLUMNS)));
  return "·".repeat(from) + "█".repeat(length) + "·".repeat(TIMELINE_COLUMNS - from - length);
}

/** The log leaves out the one attempt of a request that went well. */
function listAttempts(fields: EntryFields): EntryFields[] {
  const { attempts, upstream_base_url: upstream } = fields;
  if (Array.isArray(attempts)) return attempts.filter(isRecord);
  if (typeof upstream !== "string") return [];
  const { status_code, duration_ms, outcome } = fields;
  return [{ upstream_base_url: upstream, status_code, duration_ms, verdict: outcome }];
}

function numberOr0(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}

function text(value: unknown): string {
  return typeof value === "string" || typeof value === "number" ? oneLine(String(value)) : "";
}
