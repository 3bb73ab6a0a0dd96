// The log that runs in a terminal or a file while requests are served: a line a request, what happened on its way under it.
// What repeats is counted and not repeated, so that an outage of ten minutes is a dozen lines.
// Pure, but for what it is given to write with.
import { inEnglish } from "../base/text.ts";
import type { ToldEvent } from "../app/serve/events.ts";
import type { LogRecord } from "../log/record.ts";
import { isReason } from "../routing/reasons.ts";
import { answererOf, isGeneration, outcomeOf } from "../usage/outcome.ts";
import type { Cost } from "../usage/prices.ts";
import { t, tell, tellList } from "./language.ts";
import { cutMiddle } from "./layout.ts";
import { describeError } from "./logged-error.ts";
import { type Way, causeOf, describeRecord, listWay, showClock, storiesOf } from "./request-line.ts";
import { INDENT, type PageOptions, type RepeatsOptions, createPage, createRepeats } from "./repeats.ts";
import { markOf } from "./upstream-words.ts";

export interface LiveLogOptions extends PageOptions, Pick<RepeatsOptions, "later"> {
  /** Shortens the paths in a sentence. */
  readonly tidy?: (text: string) => string;
  /** Lines are named by service. */
  readonly hasServices: boolean;
  /** Is a request being answered? What happens belongs to it, and waits for its line. */
  readonly isBusy: () => boolean;
}

/** What happened on the way of a request that takes longer stands alone, before its line. */
const LONGEST_HOLD_MS = 30_000;

export function createLiveLog(options: LiveLogOptions) {
  const { isBusy, later, now, paint, tidy = (text) => text, width } = options;
  const widths = new Map<string, number>();
  const page = createPage(options);
  const repeats = createRepeats({ ...options, page });
  /** Happened while requests were being answered. */
  let waiting: ToldEvent[] = [];
  let hold: (() => void) | null = null;
  /** Told by themselves before the line of their request: from when on, by what they say. */
  const toldAlone = new Map<string, number>();
  const seenOthers = new Set<string>();

  /** Upstreams whose fix was said: once, until they have recovered. */
  const toldFixes = new Set<string>();

  const fit = (line: string): string => cutMiddle(tidy(line), width());
  const sayAlone = (event: ToldEvent): void => {
    const [label = ""] = event.labels;
    if (event.isInFailure) toldAlone.set(label, event.at);
    const words = describeEvent(event);
    const line = fit(`${showClock(event.at)}  ${words}`);
    repeats.say(keyOf(event), { line: () => line, short: words, isGood: event.sign === "ok" });
  };
  const release = (): void => {
    hold?.();
    hold = null;
    const due = waiting;
    waiting = [];
    for (const event of due) sayAlone(event);
  };

  const draw = (entry: LogRecord, cost: Cost | null): string =>
    describeRecord(entry, paint, { cost, hasService: options.hasServices, tidy, width: width(), widths });

  const sayFailure = (entry: LogRecord, cost: Cost | null): void => {
    const stories = storiesOf(entry);
    const answerer = answererOf(entry)?.label ?? "";
    const reason = isReason(entry.reason) ? causeOf(entry.reason) : (entry.error ?? "");
    const causes =
      stories === null
        ? [answerer, String(entry.status_code), reason]
        : stories.filter(({ cause }) => !PASSING.has(cause.trim())).map((one) => `${one.label} ${one.cause}`);
    const short =
      stories === null
        ? `${answerer} ${entry.status_code} ${describeError(entry)}`.trim()
        : tellList(stories.map(({ label, sign, words }) => `${label} ${sign} ${words}`));
    repeats.say([entry.service, entry.outcome, ...causes.toSorted()].join("\n"), {
      line: () => draw(entry, cost),
      short,
      ...(stories === null
        ? {}
        : { brief: tellList(stories.map(({ brief, label, sign }) => `${label} ${sign} ${brief}`)) }),
      isFailure: true,
    });
  };

  /** On a line under its request: who failed before, and what else happened meanwhile. */
  const sayWay = (entry: LogRecord, events: readonly ToldEvent[]): void => {
    if (events.length === 0 && entry.attempts === undefined) return;
    const isFailed = outcomeOf(entry) !== "ok";
    const stories = isFailed ? [] : describeOthers(entry, events);
    const isTold = (event: ToldEvent): boolean =>
      (isFailed && event.isInFailure) ||
      stories.some(({ label }) => label === event.labels[0]) ||
      (event.kind === "hop" && stories.length > 0) ||
      (event.kind === "hop" &&
        events.some((one) => one.kind === "recovered" && one.labels[0] === event.labels[1]));
    const others = events.filter((event) => !isTold(event));
    const parts = [
      ...stories.map(({ words }) => words),
      ...(stories.length === 0 ? [] : [t`next ${nameAnswerer(entry)}`]),
      ...others.map(describeEvent),
    ];
    if (parts.length === 0) return;
    const key = [...stories.map(({ cause, label }) => `${label} ${cause}`), ...others.map(keyOf)].join("\n");
    const words = tellList(parts);
    const isGood = stories.length === 0 && others.every(({ sign }) => sign === "ok");
    repeats.say(key, { line: () => fit(INDENT + paint("dim", words)), short: words, isGood });
  };

  /** Those that failed before the one that answered, but for what was told while it was asked. */
  const describeOthers = (entry: LogRecord, events: readonly ToldEvent[]): Way[] =>
    listWay(entry).flatMap((way) => {
      if ((toldAlone.get(way.label) ?? 0) >= entry.timestamp_ms) return [];
      const spent = events.find(({ kind, labels }) => kind === "exhausted" && labels[0] === way.label);
      return [spent === undefined ? way : { ...way, words: describeEvent(spent) }];
    });

  const isOther = (entry: LogRecord): boolean => {
    if (outcomeOf(entry) !== "ok" || isGeneration(entry)) return false;
    const key = `${entry.service} ${entry.method} ${entry.path} ${entry.upstream_label}`;
    const isKnown = seenOthers.has(key);
    if (!isKnown && seenOthers.size < MOST_OTHERS) seenOthers.add(key);
    return isKnown;
  };

  return {
    /** A request that has ended. */
    request(entry: LogRecord, cost: Cost | null): void {
      const mine = waiting.length === 0 ? waiting : waiting.filter((event) => belongs(event, entry));
      if (mine.length > 0) waiting = waiting.filter((event) => !mine.includes(event));
      const how = outcomeOf(entry);
      if (!isOther(entry)) {
        if (how === "ok" || (how === "client_gone" && entry.usage !== undefined)) {
          repeats.flushFailures();
          page.write(draw(entry, cost), now());
        } else sayFailure(entry, cost);
      }
      sayWay(entry, mine);
      if (!isBusy()) release();
    },
    /** What to type against what no waiting ends. */
    fix(label: string, words: string): void {
      if (toldFixes.has(label)) return;
      toldFixes.add(label);
      page.write(fit(INDENT + words), now());
    },
    event(event: ToldEvent): void {
      if (event.kind === "recovered") toldFixes.delete(event.labels[0] ?? "");
      waiting.push(event);
      // The request that it is about ends in hours.
      if (!isBusy() || event.kind === "waiting") return release();
      hold ??= later(() => {
        hold = null;
        release();
      }, LONGEST_HOLD_MS);
    },
    /** Something that the person has done: a file was read again. */
    notice(words: string): void {
      const at = now();
      page.write(fit(`${showClock(at)}  ${words}`), at);
    },
    /** Another wrote a line. */
    interrupt: () => page.interrupt(),
    /** Tells what was counted and not told. */
    close(): void {
      release();
      repeats.close();
    },
  };
}

/** Token counts and lists of models are asked for all the time. */
const MOST_OTHERS = 100;
/** Of an upstream that is left alone for a moment: nothing of its own. */
const PASSING: ReadonlySet<string> = new Set(["retry-budget", "probe-running", "retry-next"]);

/** Where another model was asked for, that is what differs. */
function nameAnswerer(entry: LogRecord): string {
  const label = answererOf(entry)?.label ?? "-";
  return entry.chain_model === undefined ? label : `${label} (${entry.chain_model})`;
}

function keyOf({ json, kind, labels, words }: ToldEvent): string {
  // One alarm must not be counted as another.
  const about = kind === "cost-alarm" ? [kind, String(json["alarm"])] : [kind];
  return [...about, ...(labels.length === 0 ? [inEnglish(words)] : labels)].join(" ");
}

function belongs({ labels, service }: ToldEvent, entry: LogRecord): boolean {
  if (service !== entry.service) return false;
  const asked = [entry.upstream_label, ...(entry.attempts ?? []).map((attempt) => attempt.upstream_label)];
  return labels.length === 0 || labels.some((label) => asked.includes(label));
}

/** "main#1 ▲ spent until 10:44 (402 payment required)". */
function describeEvent({ at: _, labels: [label = ""], sign, words }: ToldEvent): string {
  return [label, sign === null ? "" : markOf(sign).sign, tell(words)].filter((part) => part !== "").join(" ");
}
