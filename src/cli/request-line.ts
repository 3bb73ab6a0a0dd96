// One request of the log on one line of a terminal: who answered, with what, in which time, for how much. A line is never
// wider than its terminal: what does not fit goes by rank, and a sentence loses its middle.
import { isRecord } from "../base/json-value.ts";
import { oneLine } from "../base/terminal-text.ts";
import { isText } from "../base/text.ts";
import { showHost } from "../base/upstream.ts";
import type { StoredEntry } from "../log/reader.ts";
import type { LogRecord } from "../log/record.ts";
import { describeState } from "../routing/availability-words.ts";
import { RULES } from "../routing/classify-rules.ts";
import { isOfNetwork } from "../routing/fixes.ts";
import { idOfWords, isReason } from "../routing/reasons.ts";
import type { Availability, Blame, Reason } from "../routing/types.ts";
import { answererOf, isGeneration, outcomeOf } from "../usage/outcome.ts";
import { isCacheApart } from "../usage/price-rates.ts";
import type { Cost } from "../usage/prices.ts";
import { formatCents, formatMs, formatTokens } from "./figures.ts";
import { t, tell, tellList } from "./language.ts";
import { cutMiddle } from "./layout.ts";
import { describeError, describeOutcome, tellReason } from "./logged-error.ts";
import type { Colour, Data } from "./output.ts";
import { markOf } from "./upstream-words.ts";

export interface LineOptions {
  /** Null where costs are not looked up. */
  readonly cost?: Cost | null;
  /** The service is named: there are lines of more than one. */
  readonly hasService?: boolean;
  readonly withId?: boolean;
  /** Columns that a line may take; Infinity for all. */
  readonly width: number;
  /** Shortens the paths in a sentence. */
  readonly tidy?: (text: string) => string;
  /** The widest cells so far, so that lines stand under one another. */
  readonly widths?: Map<string, number>;
}

/** One cell of a line. */
class Cell {
  columns: number;
  /** How many of the shorter forms were taken. */
  private taken = 0;

  /** `text`: its longest form; "" for none. `shorter`: the others, "" where it may be left out; asked for where there is no room. */
  constructor(
    readonly name: string,
    public text: string,
    private readonly shorter: readonly string[] | (() => readonly string[]) = NO_FORMS,
    readonly style: { readonly colour?: Colour; readonly isFigure?: boolean } = PLAIN,
  ) {
    this.columns = text === "" ? 0 : Bun.stringWidth(text);
  }

  /** Its next shorter form, where there is one. Returns by how much less that takes. */
  shorten(): number {
    const next = (typeof this.shorter === "function" ? this.shorter() : this.shorter)[this.taken];
    if (next === undefined) return 0;
    const before = this.columns;
    this.taken += 1;
    this.text = next;
    this.columns = Bun.stringWidth(next);
    return before - this.columns + (next === "" && before > 0 ? GAP.length : 0);
  }
}

const NO_FORMS: readonly string[] = [];
const OR_NOTHING: readonly string[] = [""];
const PLAIN = {};
const FIGURE = { isFigure: true } as const;
const DIM = { colour: "dim" } as const;
const CYAN = { colour: "cyan" } as const;

const GAP = "  ";
const MAX_MODEL_COLUMNS = 28;
const SHORTER_MODEL_COLUMNS = [16, 10] as const;
const MAX_BRIEF_COLUMNS = 28;
/** Whose next shorter form is taken first where there is no room. */
const RANKS = [
  "session",
  "host",
  "times",
  "model",
  "cached",
  "input",
  "model",
  "output",
  "service",
  "times",
  "model",
] as const;

/** "09:14:02  main#1  gpt-5.6-sol  200  1.2/8.4 s  24.0k in  88 %  320 out  $0.02". */
export function describeRecord(
  record: LogRecord,
  paint: Data["paint"],
  { cost = null, hasService = false, tidy = (text) => text, width, widths, withId = false }: LineOptions,
): string {
  const isOk = outcomeOf(record) === "ok";
  const answerer = answererOf(record);
  const { session_id: session, timestamp_ms: at } = record;
  const url = answerer?.url;
  const stories = storiesOf(record);
  const sentence = isOk ? "" : tidy(describeFailure(record));
  const model = nameModel(record);
  const host = answerer?.label === undefined || url === undefined ? "" : showHost(url);
  const cells: Cell[] = [];
  if (withId) cells.push(new Cell("id", showValue(record.id), NO_FORMS, CYAN));
  cells.push(new Cell("time", showClock(at), NO_FORMS, DIM));
  if (hasService) cells.push(new Cell("service", showValue(record.service), OR_NOTHING));
  if (stories === null) cells.push(new Cell("label", showAnswerer(answerer)));
  if (host !== "") cells.push(new Cell("host", host, OR_NOTHING, DIM));
  cells.push(
    // A sentence says more.
    new Cell("model", cutMiddle(model, MAX_MODEL_COLUMNS), () => [
      ...SHORTER_MODEL_COLUMNS.map((columns) => cutMiddle(model, columns)),
      ...(isOk ? NO_FORMS : OR_NOTHING),
    ]),
    new Cell("status", describeStatus(record), NO_FORMS, { colour: colourOf(record) }),
    timeCell(record),
  );
  if (record.usage !== undefined) addUsage(cells, record.usage, isCacheApart(record.path));
  const price = describeCost(record, cost);
  if (price !== "") cells.push(new Cell("cost", price, NO_FORMS, FIGURE));
  if (isOk && session !== undefined) cells.push(new Cell("session", session.slice(0, 8), OR_NOTHING, DIM));
  const said = sentence === "" ? 0 : Bun.stringWidth(sentence) + GAP.length;
  shorten(cells, width - said);
  const line = layOut(cells, { paint, spare: sentence === "" ? width : 0, widths });
  if (sentence === "") return line;
  const room = width - Bun.stringWidth(line) - GAP.length;
  return line + GAP + (stories === null ? cutMiddle(sentence, room) : fitStories(stories, room));
}

/** Each cell in its longest form, or by rank as much shorter as the width demands. */
function shorten(cells: readonly Cell[], width: number): void {
  let over = widthOf(cells) - width;
  for (const name of RANKS) {
    if (over <= 0) break;
    over -= cells.find((cell) => cell.name === name)?.shorten() ?? 0;
  }
}

function widthOf(cells: readonly Cell[]): number {
  let sum = -GAP.length;
  for (const { columns } of cells) if (columns > 0) sum += columns + GAP.length;
  return sum;
}

/** Cells under those of the lines before, as far as there is room for that. */
function layOut(
  cells: readonly Cell[],
  {
    paint,
    spare,
    widths,
  }: {
    readonly paint: Data["paint"];
    readonly spare: number;
    readonly widths: LineOptions["widths"] | undefined;
  },
): string {
  let left = spare - widthOf(cells);
  const last = cells.findLast(({ text }) => text !== "");
  let line = "";
  for (const cell of cells) {
    const { columns, name, text } = cell;
    const { colour, isFigure = false } = cell.style;
    if (text === "") continue;
    const known = widths?.get(name) ?? 0;
    if (columns > known) widths?.set(name, columns);
    const mayPad = known > columns && left > 0 && (isFigure || cell !== last);
    const blanks = mayPad ? " ".repeat(Math.min(known - columns, left)) : "";
    left -= blanks.length;
    const painted = colour === undefined ? text : paint(colour, text);
    line += (line === "" ? "" : GAP) + (isFigure ? blanks + painted : painted + blanks);
  }
  return line;
}

function showAnswerer(answerer: ReturnType<typeof answererOf>): string {
  if (answerer === null) return "-";
  return showValue(answerer.label ?? (answerer.url === undefined ? null : showHost(answerer.url)));
}

/** The model that was asked for, and the one of a chain that was asked for in its place; the path where no model is named. */
function nameModel(record: LogRecord): string {
  const { chain_model: instead, model, path } = record;
  const asked = showValue(model ?? (isGeneration(record) ? null : path));
  return instead === undefined ? asked : `${asked} -> ${showValue(instead)}`;
}

function describeStatus(record: LogRecord): string {
  const { outcome, refusals = 1, status_code: status } = record;
  const how = outcomeOf(record);
  const words = how === "ok" || how === "error" ? "" : ` ${describeOutcome(outcome)}`;
  return `${showValue(status)}${words}${refusals > 1 ? ` ×${refusals}` : ""}`;
}

function colourOf(record: LogRecord): Colour {
  const how = outcomeOf(record);
  return how === "ok" ? "green" : how === "client_gone" ? "yellow" : "red";
}

/** "1.2/8.4 s", "8.4 s". */
function timeCell({ duration_ms: whole, ttfb_ms: first }: LogRecord): Cell {
  if (whole === undefined) return new Cell("times", "-", OR_NOTHING, FIGURE);
  const total = formatMs(whole);
  if (first === undefined || whole < 1000) return new Cell("times", total, OR_NOTHING, FIGURE);
  const both = `${(first / 1000).toFixed(1)}/${(whole / 1000).toFixed(whole < 99_950 ? 1 : 0)} s`;
  return new Cell("times", both, [total], FIGURE);
}

function addUsage(cells: Cell[], usage: NonNullable<LogRecord["usage"]>, isApart: boolean): void {
  const { cache_creation_tokens: created = 0, cached_input_tokens: cached = 0 } = usage;
  const { input_tokens: input, output_tokens: output, partial } = usage;
  const more = partial === true ? "+" : "";
  if (input !== undefined) {
    const all = isApart ? input + cached + created : input;
    cells.push(new Cell("input", t`${formatTokens(all) + more} in`, OR_NOTHING, FIGURE));
    const share = Math.round((100 * cached) / all);
    if (all !== 0) cells.push(new Cell("cached", `${share} %`, OR_NOTHING, FIGURE));
  }
  if (output !== undefined)
    cells.push(new Cell("output", t`${formatTokens(output) + more} out`, OR_NOTHING, FIGURE));
}

/** Of the answer and of the attempts before it; "-" where nobody can say. */
function describeCost(record: LogRecord, cost: Cost | null): string {
  if (cost === null) return "";
  let usd: number | null = null;
  let isPart = record.usage?.partial === true;
  for (const one of [cost, ...(cost.attempts ?? [])]) {
    if (one.kind === "priced") usd = (usd ?? 0) + one.usd;
    isPart ||= one.kind === "unpriced";
  }
  if (usd === null) return cost.kind === "unpriced" ? "-" : "";
  return `${formatCents(usd)}${isPart ? "+" : ""}`;
}

/** What became of one upstream in a request that none answered. */
interface Story {
  readonly label: string;
  readonly sign: string;
  readonly words: string;
  /** The state, the status or the code alone. */
  readonly brief: string;
  /** Which reason it comes to: a request that fails for the same one is a repeat. */
  readonly cause: string;
}

/** Null for a request that was answered, and where nothing is known of the upstreams. */
export function storiesOf({ reason }: Pick<LogRecord, "reason">): readonly Story[] | null {
  const stories = isReason(reason) && reason.rule === "no-answer" ? reason["stories"] : undefined;
  if (!Array.isArray(stories) || stories.length === 0) return null;
  // Of an upstream each: what else is said is for the answer.
  const own = stories.filter(({ label }) => typeof label === "string");
  return own.map((story): Story => {
    const { cause, label, standing } = story;
    const told = withoutAdvice(cause ?? story);
    // An upstream that is well all the same failed just now, or cannot be used.
    const state = typeof standing === "string" && !WELL.has(standing) ? standing : "";
    const { cause: first = told, rule } = told;
    // What is at fault there says more than how long it is left alone for it.
    const fault = isOfNetwork(first) ? tellReason(first, "") : null;
    const isKnown = rule === "in-state" || story.rule !== "story";
    const words = oneLine(
      fault ?? (rule === "in-state" ? tellState(told["brief"] ?? told["state"]) : tellReason(told, "")),
    );
    return {
      label: typeof label === "string" ? label : "-",
      sign: (state !== "" && (isKnown || WAITING.has(state)) ? markOf(state) : BROKEN).sign,
      words,
      brief:
        fault !== null
          ? tellBriefly(first)
          : isKnown && state !== ""
            ? tell(describeState({ availability: state, until: null }, 0))
            : String(first.status ?? cutMiddle(first.code ?? words, MAX_BRIEF_COLUMNS)),
      cause: causeOf(told),
    };
  });
}

/** The words alone: of a connection its code says the same. */
function tellBriefly(reason: Reason): string {
  const id = idOfWords(reason);
  return tellReason({ rule: id === "redirect-to" ? "redirect" : id }, "");
}

const BROKEN = markOf("open");
/** Their sign says more than that an attempt failed. */
const WAITING: ReadonlySet<string> = new Set(["exhausted", "cooling", "full", "walled", "auth-dead"]);
const WELL: ReadonlySet<string> = new Set(["ok", "low", "probing"] satisfies Availability[]);
const ADVICE: ReadonlySet<string> = new Set(["see-doctor", "to-fix", "allow-others", "map-model"]);

/** What to type against it is on the screens that have room for it. */
function withoutAdvice(reason: Reason): Reason {
  return ADVICE.has(reason.rule) && reason.cause !== undefined ? withoutAdvice(reason.cause) : reason;
}

/** The innermost reason: "not tried, as it failed" is that failure. */
export function causeOf({ cause, rule, status }: Reason): string {
  return cause === undefined ? `${rule} ${status ?? ""}` : causeOf(cause);
}

function tellState(state: Reason[string]): string {
  return isText(state) ? tell(state) : typeof state === "string" ? state : "";
}

/** "none left: main#1 ✕ connection refused, main#2 ▲ spent until 10:44": in full, else in brief; of those that do not fit, the number. */
function fitStories(stories: readonly Story[], room: number): string {
  const all = stories.map(({ label, sign, words }) => `${label} ${sign} ${words}`);
  const whole = t`none left: ${tellList(all)}`;
  if (Bun.stringWidth(whole) <= room) return whole;
  const told = stories.map(({ brief, label, sign }) => `${label} ${sign} ${brief}`);
  for (let shown = told.length; shown > 0; shown -= 1) {
    const rest = told.length - shown;
    const list = tellList(told.slice(0, shown));
    const line = rest === 0 ? t`none left: ${list}` : t`none left: ${list}, ${rest} more`;
    if (Bun.stringWidth(line) <= room || shown === 1) return cutMiddle(line, room);
  }
  return "";
}

function describeFailure(record: LogRecord): string {
  const stories = storiesOf(record);
  return stories === null ? describeError(record) : fitStories(stories, Infinity);
}

const STATE_OF_BLAME: Readonly<Partial<Record<Blame, Availability>>> = {
  cooldown: "cooling",
  exhausted: "exhausted",
  "auth-dead": "auth-dead",
};
const BLAME_OF_RULE: ReadonlyMap<string, Blame> = new Map(RULES.map(({ blame, id }) => [id, blame]));

/** An upstream that failed before another answered. */
export interface Way {
  readonly label: string;
  /** "main#1 ✕ 502 failed" */
  readonly words: string;
  readonly cause: string;
}

/** Each upstream once, by what it came to last. */
export function listWay({ attempts = [] }: Pick<LogRecord, "attempts">): Way[] {
  const failed = attempts.filter(
    ({ verdict }, place) => verdict !== "ok" && verdict !== "client-gone" && place < attempts.length - 1,
  );
  const ways = failed.map((attempt): Way => {
    const { reason, upstream_base_url: url, upstream_label: named, verdict = "" } = attempt;
    const label = showValue(named ?? (url === undefined ? null : showHost(url)));
    const { sign } = markOf(STATE_OF_BLAME[BLAME_OF_RULE.get(verdict) ?? "failure"] ?? "open");
    const said = describeError(attempt) || describeOutcome(verdict);
    return { label, words: `${label} ${sign} ${said}`, cause: isReason(reason) ? causeOf(reason) : verdict };
  });
  return [...new Map(ways.map((way) => [way.label, way])).values()];
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

/** "14:03:05" in local time. */
export function showClock(timestampMs: number): string {
  const date = new Date(timestampMs);
  const two = (part: number): string => (part < 10 ? `0${part}` : String(part));
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
