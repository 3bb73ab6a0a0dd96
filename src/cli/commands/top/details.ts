// One row of the live view in full: a request with its attempts, an upstream with why it is as it is. And what the keys do.
import { CLIENT_NAME } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { showMoment, showSpan } from "../../../base/text.ts";
import { showHost } from "../../../base/upstream.ts";
import type { RecordedAttempt } from "../../../log/record.ts";
import { outcomeOf } from "../../../usage/outcome.ts";
import type { Cost } from "../../../usage/prices.ts";
import { formatCents, formatMs, formatTokens, showMs } from "../../figures.ts";
import type { ScreenSize } from "../../full-screen.ts";
import { t, tell, tellList } from "../../language.ts";
import { alignRows, cutColumns, wrapWords } from "../../layout.ts";
import { describeError, describeOutcome, tellReason } from "../../logged-error.ts";
import type { Data } from "../../output.ts";
import { describeEnd, describeLeft, describeQuotaState, makeBar, showSource } from "../../quota-words.ts";
import { showClock } from "../../request-line.ts";
import {
  describeConcurrency,
  describeFix,
  describeLearned,
  describeReserves,
  describeWhy,
  showHealth,
} from "../../upstream-words.ts";
import type { ConfigRow, RequestRow, Row, UpstreamRow } from "./model.ts";
import { describeRunning } from "./screen.ts";

interface Look {
  readonly paint: Data["paint"];
  /** Wall clock, ms. */
  readonly now: number;
  readonly costOf: ((record: NonNullable<RequestRow["record"]>) => Cost) | null;
}

/** A name and what stands behind it; "" is left out. */
type Field = readonly [name: string, value: string];

export function describeRow(row: Row, look: Look, columns: number): string[] {
  const lines =
    row.kind === "request"
      ? describeRequest(row, look)
      : row.kind === "upstream"
        ? describeUpstream(row, look)
        : describeConfig(row, look);
  return wrapLines(lines, columns);
}

const wrapLines = (lines: readonly string[], columns: number): string[] =>
  lines.flatMap((line) => wrapLine(line, columns));

/** What continues stands under what it continues. */
function wrapLine(line: string, columns: number): string[] {
  if (Bun.stringWidth(line) <= columns) return [line];
  const [indent = ""] = /^ *(?:\S+ {2,})?/.exec(line) ?? [];
  const hang = Bun.stringWidth(indent) < columns / 2 ? " ".repeat(Bun.stringWidth(indent)) : "";
  const [first = "", ...others] = wrapWords(line, columns - hang.length);
  return [first, ...others.map((other) => hang + other)];
}

/** As many lines as there are rows, from `first` on. */
export function drawPage(
  lines: readonly string[],
  first: number,
  { columns, rows }: ScreenSize,
  paint: Data["paint"],
): string[] {
  const room = Math.max(1, rows - 1);
  const from = Math.max(0, Math.min(first, lines.length - room));
  const shown = lines.slice(from, from + room).map((line) => cutColumns(line, columns));
  const blank = Array.from({ length: room - shown.length }, () => "");
  const rest = lines.length - from - room;
  const foot = rest > 0 ? t`esc back  down: ${rest} more lines` : t`esc back`;
  return [...shown, ...blank, paint("dim", cutColumns(foot, columns))].slice(-rows);
}

function describeRequest({ project, record, running, service }: RequestRow, look: Look): string[] {
  const { now, paint } = look;
  const id = running?.id ?? record?.id ?? "-";
  const usage = record?.usage;
  const tokens = tellList([
    ...(usage?.input_tokens === undefined ? [] : [t`${formatTokens(usage.input_tokens)} in`]),
    ...(usage?.cached_input_tokens === undefined
      ? []
      : [t`${formatTokens(usage.cached_input_tokens)} cached`]),
    ...(usage?.output_tokens === undefined ? [] : [t`${formatTokens(usage.output_tokens)} out`]),
  ]);
  const startedAt = running?.started_at_ms ?? record?.timestamp_ms ?? now;
  const does =
    running === null
      ? [record?.status_code ?? "-", record === null ? "" : describeOutcome(outcomeOf(record))].join(" ")
      : describeRunning(running);
  const fields: Field[] = [
    [t`state`, does],
    [t`session`, running?.session_id ?? record?.session_id ?? ""],
    [t`project`, project],
    [t`model`, describeModel(running, record)],
    [t`upstream`, running?.upstream ?? record?.upstream_label ?? ""],
    [t`client`, running?.client ?? record?.client ?? ""],
    [t`path`, running?.path ?? record?.path ?? ""],
    [t`started`, showClock(startedAt)],
    [
      t`took`,
      running === null ? showMs(record?.duration_ms ?? null) : tell(showSpan(Math.max(0, now - startedAt))),
    ],
    [t`first byte`, showMs(running?.ttfb_ms ?? record?.ttfb_ms ?? null)],
    [t`waited`, waits(record)],
    [t`tokens`, tokens],
    [t`cost`, record === null ? "" : showCost(look.costOf?.(record) ?? null)],
    [t`error`, record === null ? "" : describeError(record)],
  ];
  const attempts = [
    ...(record?.attempts ?? []).map(attemptCells),
    ...(running?.attempts ?? []).map(({ duration_ms: ms, error, reason, status_code: status, upstream }) => [
      oneLine(upstream),
      String(status ?? "-"),
      formatMs(ms),
      oneLine(tellReason(reason, error)),
    ]),
  ];
  return [
    paint("bold", t`request ${id}, ${CLIENT_NAME[service]}`),
    "",
    ...alignFields(fields, paint),
    ...(attempts.length === 0
      ? []
      : ["", paint("dim", t`attempts`), ...alignRows(attempts, undefined).map((line) => `  ${line}`)]),
  ];
}

function describeModel(running: RequestRow["running"], record: RequestRow["record"]): string {
  const asked = running?.model ?? record?.model ?? "";
  const instead = record?.chain_model ?? record?.upstream_model;
  return instead === undefined ? asked : `${asked} -> ${instead}`;
}

function waits(record: RequestRow["record"]): string {
  const { queued_ms: queued, waited_ms: waited } = record ?? {};
  return tellList([
    ...(queued === undefined ? [] : [t`${formatMs(queued)} for a place`]),
    ...(waited === undefined ? [] : [t`${tell(showSpan(waited))} for a reset`]),
  ]);
}

function showCost(cost: Cost | null): string {
  if (cost === null) return "";
  const all = [cost, ...(cost.attempts ?? [])];
  const priced = all.flatMap((one) => (one.kind === "priced" ? [one.usd] : []));
  if (priced.length === 0) return cost.kind === "unpriced" ? t`unpriced` : "";
  const more = all.some(({ kind }) => kind === "unpriced") ? "+" : "";
  return formatCents(priced.reduce((sum, usd) => sum + usd, 0)) + more;
}

function attemptCells(attempt: RecordedAttempt): string[] {
  const {
    duration_ms: ms,
    status_code: status,
    upstream_base_url: url,
    upstream_label: label,
    verdict,
  } = attempt;
  return [
    oneLine(label ?? (url === undefined ? "-" : showHost(url))),
    String(status ?? "-"),
    showMs(ms ?? null),
    describeError(attempt) || describeOutcome(verdict),
  ];
}

function describeUpstream(
  { facts, firstByteMs, inFlight, service, today }: UpstreamRow,
  look: Look,
): string[] {
  const { now, paint } = look;
  const { last_failure: last, outbound_proxy: way } = facts;
  const usd = today?.cost_usd ?? null;
  const fields: Field[] = [
    [t`state`, showHealth({ paint }, facts, now)],
    [t`why`, describeWhy(facts, now)],
    [t`to do`, describeFix(facts) ?? ""],
    [t`address`, showHost(facts.base_url)],
    [t`through`, way ?? ""],
    [t`running`, String(inFlight)],
    [t`places`, describeConcurrency(facts, now)],
    [t`first byte`, firstByteMs === null ? "" : t`${formatMs(firstByteMs)} (median of the newest)`],
    [t`sessions`, facts.sessions === 0 ? "" : String(facts.sessions)],
    [t`today`, today === null ? "" : t`${today.attempts} attempts, ${today.failed_attempts} failed`],
    [t`cost`, usd === null ? "" : `${formatCents(usd)}${today?.is_cost_complete === false ? "+" : ""}`],
    [
      t`last failure`,
      last === null ? "" : t`${showMoment(last.at_ms, now)}: ${tellReason(last.reason_data, last.reason)}`,
    ],
  ];
  const quota = facts.quota.map((row) => [
    showSource(row),
    tell(describeQuotaState(row.state).words),
    [makeBar(row), row.left === null ? "" : describeLeft(row)].join(" ").trim(),
    describeEnd(row, now) ??
      (row.resets_at_ms === null ? "" : t`resets ${showMoment(row.resets_at_ms, now)}`),
  ]);
  const more = [...describeReserves(facts, now), ...describeLearned(facts, now)];
  return [
    paint("bold", `${oneLine(facts.label)}, ${CLIENT_NAME[service]}`),
    "",
    ...alignFields(fields, paint),
    ...(quota.length === 0
      ? []
      : ["", paint("dim", t`left`), ...alignRows(quota, undefined).map((line) => `  ${line}`)]),
    ...(more.length === 0 ? [] : ["", ...more.map((line) => `  ${oneLine(line)}`)]),
  ];
}

function describeConfig({ name, service, upstreams }: ConfigRow, { paint }: Look): string[] {
  return [
    paint("bold", `${oneLine(name)}, ${CLIENT_NAME[service]}`),
    "",
    t`not active; upstreams: ${upstreams}`,
    t`a makes it the config that requests use`,
  ];
}

function alignFields(fields: readonly Field[], paint: Data["paint"]): string[] {
  const told = fields.filter(([, value]) => value !== "" && value !== "-");
  const widest = Math.max(0, ...told.map(([name]) => Bun.stringWidth(name)));
  return told.map(([name, value]) => {
    const blanks = " ".repeat(widest - Bun.stringWidth(name));
    return `  ${paint("dim", name)}${blanks}  ${value}`;
  });
}

export interface HelpOptions {
  /** The screen runs in front of the proxy itself: leaving it ends both. */
  readonly endsProxy: boolean;
}

export function describeHelp({ endsProxy }: HelpOptions, columns: number): string[] {
  const keys: readonly (readonly [keys: string, does: string])[] = [
    [t`up down j k`, t`select an upstream or a request`],
    [t`enter`, t`details: a request with its attempts, an upstream with why it is so`],
    ["p", t`pause an upstream: it is disabled in config.json; p again enables it`],
    ["a", t`make the config of the selected row active`],
    ["r", t`forget what is held against an upstream, as ch routing reset does`],
    ["/", t`only rows and events with these words; esc shows all again`],
    ["q", endsProxy ? t`quit, which stops the proxy and restores the clients` : t`quit; the proxies go on`],
  ];
  const lines = [
    t`What the keys do`,
    "",
    ...alignRows(
      keys.map(([name, does]) => [`  ${name}`, does]),
      undefined,
    ),
    "",
    t`FIRST is the median time to the first byte, NOW the requests that are there.`,
    t`~ before tokens: judged by what has passed so far. Failures and costs are today's, + where a part is unknown.`,
  ];
  return wrapLines(lines, columns);
}
