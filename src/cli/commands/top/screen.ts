// The live view as lines of a terminal, from what is known at a moment: as many lines as there are rows, none wider than the
// terminal. Columns have fixed widths, so that nothing moves that did not change; what has no room goes by rank.
import { CLIENT_NAME } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { showHost } from "../../../base/upstream.ts";
import { describeState } from "../../../routing/availability-words.ts";
import { hasFailed } from "../../../usage/outcome.ts";
import { formatCents, formatMs, formatTokens } from "../../figures.ts";
import { t, tell } from "../../language.ts";
import { cutColumns, cutMiddle } from "../../layout.ts";
import type { Data } from "../../output.ts";
import { listQuotaCells, showRough, showTightest } from "../../quota-words.ts";
import { describeAloneShort } from "../../pool-words.ts";
import { showClock } from "../../request-line.ts";
import type { ScreenSize } from "../../full-screen.ts";
import { describeHealth } from "../../upstream-words.ts";
import type { ConfigRow, ProxyRow, RequestRow, Row, TopModel, UpstreamRow } from "./model.ts";

export interface ScreenState {
  readonly model: Pick<TopModel, "proxies" | "runningCount" | "today">;
  /** Those that the filter lets through. */
  readonly rows: readonly Row[];
  readonly events: readonly string[];
  /** Id of the row that keys act on. */
  readonly selected: string | null;
  readonly filter: string;
  /** The last lines: a question, what was done, what is typed. Null: the keys. */
  readonly foot: readonly string[] | null;
  readonly version: string;
  /** Wall clock, ms. */
  readonly now: number;
}

type Paint = Data["paint"];

const GAP = "  ";
/** The columns at the end of an upstream's line, the first that goes last. */
const TAIL = ["now", "left", "today", "first", "failed"] as const;
const WIDTH = { now: 3, first: 7, failed: 6, today: 8 } as const;
const STATE_COLUMNS = { least: 15, most: 48 } as const;
const LEFT_COLUMNS = { least: 14, most: 40 } as const;
const MOST_LABEL = 24;
const MARKER = { selected: "> ", other: "  " } as const;

export function drawScreen(state: ScreenState, { columns, rows }: ScreenSize, paint: Paint): string[] {
  const upstreams = state.rows.filter((row) => row.kind !== "request");
  const requests = state.rows.filter((row) => row.kind === "request");
  const heights = shareRows(rows, upstreams.length);
  const lines = [
    drawHead(state, columns, paint),
    ...drawUpstreams(state, upstreams, { columns, rows: heights.upstreams }, paint),
    ...drawRequests(state, requests, { columns, rows: heights.requests }, paint),
    ...drawEvents(state.events, { columns, rows: heights.events }, paint),
  ];
  const foot = state.foot ?? [drawKeys(columns, paint)];
  const body = lines.slice(0, Math.max(0, rows - foot.length));
  const blank = Array.from({ length: Math.max(0, rows - foot.length - body.length) }, () => "");
  return [...body, ...blank, ...foot].slice(-rows).map((line) => cutColumns(line, columns));
}

/** Lines of each part with its heading: upstreams as many as there are, as far as the others keep a third each. */
function shareRows(rows: number, upstreams: number) {
  const all = Math.max(0, rows - 2);
  const most = Math.max(2, Math.floor(all * 0.45));
  const forUpstreams = Math.min(all, most, Math.max(1, upstreams) + 1);
  const rest = all - forUpstreams;
  const forRequests = rest < 3 ? rest : Math.max(2, Math.round(rest * 0.45));
  return { upstreams: forUpstreams, requests: forRequests, events: Math.max(0, rest - forRequests) };
}

function drawHead({ filter, model, now, version }: ScreenState, columns: number, paint: Paint): string {
  const today = model.today();
  const proxies = model.proxies().map((one) => nameProxy(one, now));
  const name = paint("bold", `ch ${version}`);
  const clock = showClock(now);
  const cost =
    today?.cost_usd == null ? "" : formatCents(today.cost_usd) + (today.is_cost_complete ? "" : "+");
  const figures =
    today === null
      ? []
      : [
          t`today ${today.requests}`,
          ...(today.failures === 0 ? [] : [t`failed ${today.failures}`]),
          ...(cost === "" ? [] : [cost]),
        ];
  const left = [
    name,
    proxies.length === 0 ? paint("yellow", t`no proxy runs: ch serve`) : proxies.join(GAP),
    ...(filter === "" ? [] : [paint("yellow", `/${oneLine(filter)}`)]),
  ].join(GAP);
  for (const right of [[...figures, clock], [...figures.slice(-1), clock], [clock]]) {
    const end = right.join(GAP);
    const gap = columns - Bun.stringWidth(left) - Bun.stringWidth(end);
    if (gap >= 2) return left + " ".repeat(gap) + end;
  }
  return cutColumns(left, columns);
}

/** "Codex 3211"; one that does not answer says so. */
function nameProxy({ facts, instance: { port, service }, isSilent }: ProxyRow, now: number): string {
  const alone = describeAloneShort(facts?.pool, now);
  const name = `${CLIENT_NAME[service]} ${port}${alone === null ? "" : ` (${alone})`}`;
  return isSilent ? t`${name} (no answer)` : name;
}

/** So many lines, with the heading; the selected row is among them. */
function drawPart<R extends Row>(
  heading: string,
  rows: readonly R[],
  room: number,
  draw: (row: R) => string,
  selected: string | null,
): string[] {
  if (room <= 0) return [];
  const most = room - 1;
  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === selected),
  );
  const first = Math.max(0, Math.min(rows.length - most, at - most + 1));
  const shown = rows.slice(first, first + most).map(draw);
  return [heading, ...shown, ...Array.from({ length: most - shown.length }, () => "")];
}

interface UpstreamLayout {
  readonly client: number;
  readonly label: number;
  readonly state: number;
  readonly left: number;
  readonly host: number;
  readonly tail: ReadonlySet<(typeof TAIL)[number]>;
}

function layOutUpstreams(rows: readonly (UpstreamRow | ConfigRow)[], columns: number): UpstreamLayout {
  const services = new Set(rows.map(({ service }) => service));
  const widest = rows.map((row) => Bun.stringWidth(nameRow(row)));
  const label = Math.min(MOST_LABEL, Math.max(Bun.stringWidth(t`UPSTREAM`), ...widest));
  const client =
    services.size > 1 ? Math.max(...[...services, t`CLIENT`].map((one) => Bun.stringWidth(one))) : 0;
  const shown = new Set<(typeof TAIL)[number]>(TAIL);
  const room = (): number => {
    const ends = [...shown].reduce(
      (sum, name) => sum + GAP.length + (name === "left" ? LEFT_COLUMNS.least : columnWidth(name)),
      0,
    );
    return columns - 2 - (client > 0 ? client + GAP.length : 0) - label - GAP.length - ends;
  };
  for (const name of TAIL.toReversed()) if (room() < STATE_COLUMNS.least) shown.delete(name);
  const spare = Math.max(0, room() - STATE_COLUMNS.least);
  const forLeft = shown.has("left")
    ? Math.min(LEFT_COLUMNS.most - LEFT_COLUMNS.least, Math.ceil(spare / 2))
    : 0;
  const state = Math.min(
    STATE_COLUMNS.most,
    STATE_COLUMNS.least + spare - forLeft,
    Math.max(1, room() - forLeft),
  );
  const host = room() - forLeft - state - GAP.length;
  return { client, label, state, left: LEFT_COLUMNS.least + forLeft, host: host < 8 ? 0 : host, tail: shown };
}

const columnWidth = (name: keyof typeof WIDTH): number =>
  Math.max(WIDTH[name], Bun.stringWidth(headingOf(name)));

function headingOf(name: (typeof TAIL)[number]): string {
  return { now: t`NOW`, left: t`LEFT`, today: t`TODAY`, first: t`FIRST`, failed: t`FAILED` }[name];
}

function drawUpstreams(
  state: ScreenState,
  rows: readonly (UpstreamRow | ConfigRow)[],
  { columns, rows: room }: ScreenSize,
  paint: Paint,
): string[] {
  const layout = layOutUpstreams(rows, columns);
  const line = (cells: UpstreamCells): string => {
    const { tail } = layout;
    const parts = [
      ...(layout.client > 0 ? [fit(cells.client, layout.client)] : []),
      fit(cells.label, layout.label),
      fit(firstThatFits(cells.state, layout.state), layout.state, cells.paintState),
      ...(tail.has("left") ? [fit(firstThatFits(cells.left, layout.left), layout.left)] : []),
      ...(["now", "first", "failed", "today"] as const)
        .filter((name) => tail.has(name))
        .map((name) => fitRight(cells[name], columnWidth(name))),
      ...(layout.host > 0 ? [paint("dim", cutMiddle(cells.host, layout.host))] : []),
    ];
    return parts.join(GAP).trimEnd();
  };
  const heading = `${MARKER.other}${line({
    client: t`CLIENT`,
    label: t`UPSTREAM`,
    state: [t`STATE`],
    paintState: (text) => text,
    left: [t`LEFT`],
    now: headingOf("now"),
    first: headingOf("first"),
    failed: headingOf("failed"),
    today: headingOf("today"),
    host: "",
  })}`;
  const draw = (row: UpstreamRow | ConfigRow): string =>
    mark(
      row.id === state.selected,
      line(row.kind === "config" ? configCells(row, paint) : upstreamCells(row, state.now, paint)),
      paint,
    );
  return drawPart(paint("dim", heading), rows, room, draw, state.selected);
}

interface UpstreamCells {
  readonly client: string;
  readonly label: string;
  readonly state: readonly string[];
  readonly paintState: (text: string) => string;
  readonly left: readonly string[];
  readonly now: string;
  readonly first: string;
  readonly failed: string;
  readonly today: string;
  readonly host: string;
}

function upstreamCells(row: UpstreamRow, now: number, paint: Paint): UpstreamCells {
  const { facts, firstByteMs, inFlight, service, today } = row;
  const { colour, sign, words } = describeHealth(facts, now);
  const { enabled, problem, standing, until_ms: until } = facts;
  const brief = (end: number | null): string[] =>
    enabled && problem === null ? [tell(describeState({ availability: standing, until: end }, now))] : [];
  const [forms = [], [resets = ""] = []] = listQuotaCells(facts, now);
  const left = forms.filter((form) => form !== "");
  const usd = today?.cost_usd ?? null;
  return {
    client: service,
    label: nameRow(row),
    state: [words, ...brief(until), ...brief(null)].map((form) => `${sign} ${form}`),
    paintState: (text) => paint(colour, text),
    left: [
      ...left.map((form) => (resets === "" ? form : `${form}  ${resets}`)),
      ...left.slice(0, -1),
      showTightest(facts),
      ...left,
    ],
    now: String(inFlight),
    first: firstByteMs === null ? "-" : formatMs(firstByteMs),
    failed: today === null ? "-" : String(today.failed_attempts),
    today: usd === null ? "-" : `${formatCents(usd)}${today?.is_cost_complete === false ? "+" : ""}`,
    host: showHost(facts.base_url),
  };
}

function configCells({ name, service, upstreams }: ConfigRow, paint: Paint): UpstreamCells {
  const count = upstreams === 1 ? t`1 upstream` : t`${upstreams} upstreams`;
  return {
    client: service,
    label: oneLine(name),
    state: [t`○ not active, ${count}`, t`○ not active`],
    paintState: (text) => paint("dim", text),
    left: [""],
    now: "",
    first: "",
    failed: "",
    today: "",
    host: "",
  };
}

function nameRow(row: UpstreamRow | ConfigRow): string {
  return oneLine(row.kind === "config" ? row.name : row.facts.label);
}

const REQUEST = { session: 8, upstream: 14, age: 8, does: 22, model: 28 } as const;

function drawRequests(
  state: ScreenState,
  rows: readonly RequestRow[],
  { columns, rows: room }: ScreenSize,
  paint: Paint,
): string[] {
  const isWide = columns >= 100;
  const hasModel = columns >= 70;
  const hasUpstream = columns >= 56;
  const fixed =
    MARKER.other.length +
    REQUEST.session +
    GAP.length +
    REQUEST.age +
    GAP.length +
    REQUEST.does +
    (hasUpstream ? GAP.length + REQUEST.upstream : 0);
  const rest = Math.max(0, columns - fixed - GAP.length);
  const model = hasModel ? (isWide ? REQUEST.model : Math.floor(rest * 0.55)) : 0;
  const project = Math.max(0, rest - (model > 0 ? model + GAP.length : 0));
  const draw = (row: RequestRow): string => {
    const cells = requestCells(row, state.now);
    const line = [
      fit(cells.session, REQUEST.session),
      ...(project >= 4 ? [fit(cutMiddle(cells.project, project), project)] : []),
      ...(model > 0 ? [fit(cutMiddle(cells.model, model), model)] : []),
      ...(hasUpstream ? [fit(cutMiddle(cells.upstream, REQUEST.upstream), REQUEST.upstream)] : []),
      fitRight(cells.age, REQUEST.age),
      cutColumns(cells.does, REQUEST.does),
    ]
      .join(GAP)
      .trimEnd();
    const isBad = row.record !== null && hasFailed(row.record);
    return mark(
      row.id === state.selected,
      row.running === null ? paint(isBad ? "red" : "dim", line) : line,
      paint,
    );
  };
  const running = state.model.runningCount();
  const heading = running === 0 ? t`REQUESTS  none is running` : t`REQUESTS  ${running} running`;
  return drawPart(paint("dim", MARKER.other + heading), rows, room, draw, state.selected);
}

function requestCells({ project, record, running }: RequestRow, now: number) {
  const session = running?.session_id ?? record?.session_id ?? "-";
  const model = running?.model ?? record?.model ?? running?.path ?? record?.path ?? "-";
  const startedAt = running?.started_at_ms ?? record?.timestamp_ms ?? now;
  const cell = (text: string): string => oneLine(text);
  return {
    session: cell(session).slice(0, REQUEST.session),
    project: cell(project === "" ? "-" : project.replace(/^.*[/\\](?=[^/\\])/, "")),
    model: cell(model),
    upstream: cell(running?.upstream ?? record?.upstream_label ?? "-"),
    age: running === null ? formatMs(record?.duration_ms ?? 0) : showRough(Math.max(0, now - startedAt)),
    does: running === null ? describeEnded(record) : describeRunning(running),
  };
}

/** "waiting, 2 failed", "~1.1k out". */
export function describeRunning({
  attempts,
  output_tokens_estimate: out,
  state,
}: NonNullable<RequestRow["running"]>): string {
  const failed = attempts.length;
  const words =
    state === "answering" ? (out === null ? t`answering` : t`~${formatTokens(out)} out`) : t`waiting`;
  return failed === 0 ? words : t`${words}, ${failed} failed`;
}

function describeEnded(record: RequestRow["record"]): string {
  const { output_tokens: out } = record?.usage ?? {};
  const status = String(record?.status_code ?? "-");
  return out === undefined ? status : t`${status}, ${formatTokens(out)} out`;
}

function drawEvents(events: readonly string[], { columns, rows }: ScreenSize, paint: Paint): string[] {
  if (rows <= 0) return [];
  const most = rows - 1;
  const shown = most <= 0 ? [] : events.slice(-most);
  return [
    paint("dim", MARKER.other + t`EVENTS`),
    ...shown.map((line) => cutColumns(MARKER.other + line, columns)),
  ];
}

function drawKeys(columns: number, paint: Paint): string {
  const keys = [
    t`enter details  p pause  a make active  r reset  / filter  ? help  q quit`,
    t`enter details  p pause  ? help  q quit`,
    t`? help  q quit`,
  ];
  return paint("dim", keys.find((line) => Bun.stringWidth(line) <= columns) ?? "");
}

function mark(isSelected: boolean, line: string, paint: Paint): string {
  return isSelected ? paint("bold", MARKER.selected) + paint("bold", line) : MARKER.other + line;
}

function firstThatFits(forms: readonly string[], width: number): string {
  return forms.find((form) => Bun.stringWidth(form) <= width) ?? cutColumns(forms.at(-1) ?? "", width);
}

function fit(text: string, width: number, paint: (text: string) => string = (same) => same): string {
  const cut = cutMiddle(text, width);
  return paint(cut) + " ".repeat(Math.max(0, width - Bun.stringWidth(cut)));
}

function fitRight(text: string, width: number): string {
  return " ".repeat(Math.max(0, width - Bun.stringWidth(text))) + text;
}
