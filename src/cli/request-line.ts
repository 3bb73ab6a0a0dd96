// One request of the log on one line of a terminal.
import { isRecord } from "../base/json-value.ts";
import { retell, t } from "../base/language.ts";
import { oneLine } from "../base/terminal-text.ts";
import { SERVICES } from "../base/service.ts";
import { formatMs, formatTokens } from "./figures.ts";
import type { Data } from "./output.ts";
import { cutColumns } from "./layout.ts";

/** The rest is in the log, for --raw. */
const MAX_ERROR_COLUMNS = 160;
const MAX_MODEL_COLUMNS = 28;
const LONGEST_SERVICE = Math.max(...SERVICES.map((service) => service.length));

type Fields = Readonly<Record<string, unknown>>;

/** "11-22 14:03:05  codex  200  1.2 s  relay.example  gpt-5  123 in, 456 out". Takes entries of any version. */
export function describeEntry(
  fields: Fields,
  { paint }: Pick<Data, "paint">,
  { withId = false }: { readonly withId?: boolean } = {},
): string {
  const status = fields["status_code"];
  const { outcome } = fields;
  const isOk = outcome === undefined ? typeof status === "number" && status < 400 : outcome === "ok";
  const words = [
    withId ? paint("cyan", text(fields["id"])) : "",
    paint("dim", localTime(fields["timestamp_ms"])),
    text(fields["service"]).padEnd(LONGEST_SERVICE),
    paint(
      isOk ? "green" : outcome === "client_gone" ? "yellow" : "red",
      `${text(status)}${isOk ? "" : ` ${text(outcome)}`}`,
    ),
    typeof fields["duration_ms"] === "number" ? formatMs(fields["duration_ms"]) : "-",
    hostOf(fields["upstream_base_url"]) ?? text(fields["config_name"]),
    cutColumns(text(fields["model"] ?? fields["path"]), MAX_MODEL_COLUMNS),
    describeUsage(fields["usage"]),
    describeAttempts(fields["attempts"]),
    isOk ? "" : cutColumns(retell(text(fields["error"], "")), MAX_ERROR_COLUMNS),
  ].filter((word) => word !== "");
  return words.join("  ");
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
  return before.length > 0 ? t`after ${before.join(", ")}` : "";
}

function hostOf(url: unknown): string | undefined {
  return typeof url === "string" ? oneLine(URL.parse(url)?.host ?? url) : undefined;
}

function text(value: unknown, unknown = "-"): string {
  return typeof value === "string" || typeof value === "number" ? oneLine(String(value)) : unknown;
}

/** "11-22 14:03:05" in local time. */
export function localTime(timestampMs: unknown): string {
  const date = new Date(Number(timestampMs));
  if (Number.isNaN(date.getTime())) return "-";
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
