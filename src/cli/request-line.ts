// One request of the log on one line of a terminal.
import { showHost } from "../base/upstream.ts";
import { isRecord } from "../base/json-value.ts";
import { t, tellList } from "./language.ts";
import { describeError, describeOutcome } from "./logged-error.ts";
import { oneLine } from "../base/terminal-text.ts";
import { SERVICES } from "../base/service.ts";
import type { StoredEntry } from "../log/reader.ts";
import type { LogRecord, RecordedAttempt } from "../log/record.ts";
import { outcomeOf } from "../usage/outcome.ts";
import { formatMs, formatTokens } from "./figures.ts";
import type { Data } from "./output.ts";
import { cutColumns } from "./layout.ts";

/** The rest is in the log, for --raw. */
const MAX_ERROR_COLUMNS = 160;
const MAX_MODEL_COLUMNS = 28;
const LONGEST_SERVICE = Math.max(...SERVICES.map((service) => service.length));

/** "11-22 14:03:05  codex  200  1.2 s  relay.example  gpt-5  123 in, 456 out". */
export function describeRecord(
  record: LogRecord,
  { paint }: Pick<Data, "paint">,
  { withId = false }: { readonly withId?: boolean } = {},
): string {
  const {
    status_code: status,
    outcome,
    duration_ms: duration,
    attempts = [],
    refusals = 1,
    upstream_base_url: url,
  } = record;
  const how = outcomeOf(record);
  const isOk = how === "ok";
  const words = [
    withId ? paint("cyan", showValue(record.id)) : "",
    paint("dim", localTime(record.timestamp_ms)),
    showValue(record.service).padEnd(LONGEST_SERVICE),
    paint(
      isOk ? "green" : how === "client_gone" ? "yellow" : "red",
      `${showValue(status)}${isOk ? "" : ` ${describeOutcome(outcome)}`}`,
    ),
    refusals > 1 ? `×${refusals}` : "",
    duration === undefined ? "-" : formatMs(duration),
    showValue(url == null ? record.config_name : showHost(url)),
    showModel(record),
    describeUsage(record.usage),
    describeAttempts(attempts),
    isOk ? "" : cutColumns(describeError(record), MAX_ERROR_COLUMNS),
  ].filter((word) => word !== "");
  return words.join("  ");
}

/** The model that was asked for, and the one of a chain that was asked for in its place. */
export function showModel({ chain_model: instead, model, path }: LogRecord): string {
  const asked = cutColumns(showValue(model ?? path), MAX_MODEL_COLUMNS);
  return instead === undefined ? asked : `${asked} -> ${cutColumns(showValue(instead), MAX_MODEL_COLUMNS)}`;
}

function describeUsage(usage: LogRecord["usage"]): string {
  const parts: readonly (readonly [tokens: number | undefined, say: (tokens: string) => string])[] = [
    [usage?.input_tokens, (tokens) => t`${tokens} in`],
    [usage?.cached_input_tokens, (tokens) => t`${tokens} cached`],
    [usage?.output_tokens, (tokens) => t`${tokens} out`],
  ];
  const told = parts.flatMap(([tokens, say]) => (tokens === undefined ? [] : [say(formatTokens(tokens))]));
  return tellList(usage?.partial === true ? [...told, t`partial`] : told);
}

/** The upstreams whose attempts failed before. */
function describeAttempts(attempts: readonly RecordedAttempt[]): string {
  const before = attempts
    .slice(0, -1)
    .map(({ upstream_base_url: url }) => showValue(url == null ? url : showHost(url)));
  return before.length > 0 ? t`after ${tellList(before)}` : "";
}

/** A value of the log on one line; `unknown` where it has none. */
export function showValue(value: string | number | null | undefined, unknown = "-"): string {
  return value == null ? unknown : oneLine(String(value));
}

/** What --json prints of a request: its line as it is stored, and its directory where that is known from its session. */
export function storedFields({ raw, record }: StoredEntry, directory: string | undefined): object {
  const fields: unknown = JSON.parse(raw);
  return {
    ...(isRecord(fields) ? fields : {}),
    ...(directory === undefined || directory === record.cwd ? {} : { cwd: directory }),
  };
}

/** "11-22 14:03:05" in local time. */
export function localTime(timestampMs: number): string {
  const date = new Date(timestampMs);
  const two = (part: number): string => String(part).padStart(2, "0");
  const day = `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
