// One request of the log on one line of a terminal, and the figures in it.
import { isRecord } from "../base/json-value.ts";
import { oneLine } from "../base/terminal-text.ts";
import type { Data } from "./output.ts";

/** The rest is in the log, for --raw. */
const MAX_ERROR_LENGTH = 160;
const MAX_MODEL_COLUMNS = 28;

type Fields = Readonly<Record<string, unknown>>;

/** "11-22 14:03:05  codex  200  1.2 s  relay.example  gpt-5  123 in, 456 out". Takes entries of any version. */
export function describeEntry(fields: Fields, { paint }: Pick<Data, "paint">): string {
  const status = fields["status_code"];
  const { outcome } = fields;
  const isOk = outcome === undefined ? typeof status === "number" && status < 400 : outcome === "ok";
  const words = [
    paint("dim", localTime(fields["timestamp_ms"])),
    text(fields["service"]).padEnd("claude".length),
    paint(
      isOk ? "green" : outcome === "client_gone" ? "yellow" : "red",
      `${text(status)}${isOk ? "" : ` ${text(outcome)}`}`,
    ),
    typeof fields["duration_ms"] === "number" ? formatMs(fields["duration_ms"]) : "-",
    hostOf(fields["upstream_base_url"]) ?? text(fields["config_name"]),
    cutText(text(fields["model"] ?? fields["path"]), MAX_MODEL_COLUMNS),
    describeUsage(fields["usage"]),
    describeAttempts(fields["attempts"]),
    isOk ? "" : text(fields["error"], "").slice(0, MAX_ERROR_LENGTH),
  ].filter((word) => word !== "");
  return words.join("  ");
}

/** 950, 12.3k, 4.56M, 7.89G. */
export function formatTokens(tokens: number): string {
  if (tokens < 1000) return String(Math.round(tokens));
  if (tokens < 999_500) return `${(tokens / 1000).toPrecision(3)}k`;
  return tokens < 999.5e6 ? `${(tokens / 1e6).toPrecision(3)}M` : `${(tokens / 1e9).toFixed(2)}G`;
}

/** 85 ms, 1.2 s, 75 s. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

function describeUsage(usage: unknown): string {
  if (typeof usage !== "object" || usage === null) return "";
  const parts = {
    in: Reflect.get(usage, "input_tokens"),
    cached: Reflect.get(usage, "cached_input_tokens"),
    out: Reflect.get(usage, "output_tokens"),
  };
  return Object.entries(parts)
    .flatMap(([word, tokens]) => (typeof tokens === "number" ? [`${formatTokens(tokens)} ${word}`] : []))
    .join(", ");
}

/** Who was asked before, and did not answer. */
function describeAttempts(attempts: unknown): string {
  if (!Array.isArray(attempts)) return "";
  const before = attempts
    .slice(0, -1)
    .map((attempt: unknown) => hostOf(isRecord(attempt) ? attempt["upstream_base_url"] : undefined) ?? "-");
  return before.length > 0 ? `after ${before.join(", ")}` : "";
}

function hostOf(url: unknown): string | undefined {
  return typeof url === "string" ? oneLine(URL.parse(url)?.host ?? url) : undefined;
}

function cutText(words: string, columns: number): string {
  return Bun.stringWidth(words) <= columns ? words : `${Bun.sliceAnsi(words, 0, columns - 1)}…`;
}

function text(value: unknown, unknown = "-"): string {
  return typeof value === "string" || typeof value === "number" ? oneLine(String(value)) : unknown;
}

/** "11-22 14:03:05" in local time. */
function localTime(timestampMs: unknown): string {
  const date = new Date(Number(timestampMs));
  if (Number.isNaN(date.getTime())) return "-";
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
