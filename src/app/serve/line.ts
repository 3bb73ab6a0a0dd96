// The facts of a status line for whoever asks: where the next request goes, what is left there, what the day and a session cost,
// how the last turn went. Until somebody asks, a request costs nothing here; a session is summed from the log when it is first
// asked for, and by each of its requests from then on.
import { onUserError } from "../../base/errors.ts";
import { setNewest } from "../../base/newest.ts";
import type { Paths } from "../../base/paths.ts";
import type { Service } from "../../base/service.ts";
import { localDay } from "../../base/text.ts";
import type { Upstream } from "../../base/upstream.ts";
import { readLogBackward } from "../../log/reader.ts";
import type { LogRecord } from "../../log/record.ts";
import { concerns, placeAt } from "../../quota/budget.ts";
import type { QuotaRow } from "../../quota/sources.ts";
import type { Router } from "../../routing/router.ts";
import { type StatePaths, createSavedSections } from "../../state/state-file.ts";
import { answererOf, hasFailed, isGeneration, lacksUsage, listAttempts } from "../../usage/outcome.ts";
import { readBilledTokens } from "../../usage/price-rates.ts";
import type { Pricer } from "../../usage/prices.ts";
import { countDay } from "../../usage/today.ts";
import type { LiveRoute } from "../live-config.ts";
import type { Quota } from "../quota/quota.ts";
import type { SpendBook } from "../spend/spend-book.ts";
import { explainRoute } from "../status/facts.ts";
import { type LineCost, type LineFacts, SAVED_LINES, type SavedLine } from "../status/line-facts.ts";

export interface LineBookOptions {
  readonly service: Service;
  readonly paths: StatePaths & Pick<Paths, "requestsLog">;
  readonly book: SpendBook;
  readonly quota: Pick<Quota, "budgets" | "rowsOf">;
  readonly route: LiveRoute;
  readonly router: Router;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** What is known of one session, or of all for "". */
interface Seen {
  usd: number;
  priced: number;
  unknown: number;
  last: { at: number; label: string; share: number | null } | null;
  hop: { at: number; from: string; to: string } | null;
  /** Numbers of our own lines that came while the log was read. */
  readonly counted: Set<number>;
  isRead: boolean;
}

const MOST_SESSIONS = 64;
const HOP_MS = 300_000;
/** Of the log, when a session is asked for first: mebibytes, about. */
const MOST_BATCHES = { session: 24, all: 2 };
/** Whoever asks gets what is known by then; the rest comes with the next question. */
const LONGEST_LOOK_MS = 60;
const ALL = "";
/** What a line without a proxy says is what was so last, within this. */
const SAVE_AFTER_MS = 60_000;

export type LineBook = ReturnType<typeof createLineBook>;

export function createLineBook({ book, now, paths, quota, route, router, service }: LineBookOptions) {
  const sessions = new Map<string, Seen>();
  /** Nobody asked, and no request came: nothing is known that was not known before. */
  let isUnused = true;

  const add = (seen: Seen, record: LogRecord, costOf: Pricer["costOf"] | null): void => {
    if (record.seq !== undefined && record.run === book.lastLine().run) {
      if (seen.counted.has(record.seq)) return;
      if (!seen.isRead) seen.counted.add(record.seq);
    }
    if (record.service !== service || record.refusals !== undefined || !isGeneration(record)) return;
    const cost = costOf?.(record);
    for (const one of cost === undefined ? [] : [cost, ...(cost.attempts ?? [])]) {
      if (one.kind === "priced") {
        seen.usd += one.usd;
        seen.priced += 1;
      } else if (one.kind === "unpriced") seen.unknown += 1;
    }
    if (cost === undefined || lacksUsage(record) || record.usage?.partial === true) seen.unknown += 1;
    noteTurn(seen, record);
  };

  const readSession = async (id: string, seen: Seen): Promise<void> => {
    const costOf = book.costOf();
    const most = id === ALL ? MOST_BATCHES.all : MOST_BATCHES.session;
    let batches = 0;
    for await (const entries of readLogBackward(paths.requestsLog)) {
      for (const { record } of entries)
        if (id === ALL || record.session_id === id) add(seen, record, id === ALL ? null : costOf);
      if ((batches += 1) < most) continue;
      seen.unknown += 1;
      break;
    }
  };

  const open = async (id: string): Promise<Seen> => {
    await book.load();
    const known = sessions.get(id);
    if (known !== undefined) return known;
    const seen: Seen = {
      usd: 0,
      priced: 0,
      unknown: 0,
      last: null,
      hop: null,
      counted: new Set(),
      isRead: false,
    };
    setNewest(sessions, id, seen, MOST_SESSIONS);
    await readSession(id, seen).catch(onUserError(() => {}));
    seen.isRead = true;
    seen.counted.clear();
    return seen;
  };

  const makeToday = (): LineCost | null => {
    const spend = book.spend();
    if (spend === null) return null;
    const today = localDay(now());
    const sums = countDay(spend.rowsOf(today)).get(service)?.sums;
    return { usd: sums?.usd ?? 0, is_partial: (sums?.unknown ?? 0) > 0 || !spend.isSure(today) };
  };

  const findBudget = (upstream: Upstream): LineFacts["budget"] => {
    const place = placeAt(upstream, { model: null });
    const own = (quota.budgets.facts() ?? []).filter(({ budget }) => concerns(budget, upstream, place));
    const shares = own.map(({ budget, count, isSpent, limit }) => ({
      share: count.used / (Number.isFinite(limit) ? limit : budget.limit),
      is_spent: isSpent,
      until_ms: count.opensAt,
    }));
    return shares.toSorted((one, other) => other.share - one.share)[0] ?? null;
  };

  const findPlace = (session: string | null) => {
    const at = now();
    const asked = { model: null, sessionId: session };
    const { places } = explainRoute({ router, state: route.state(), now: at }, asked);
    const [first] = places;
    const upstream = route.upstreams().find(({ label }) => label === first?.label);
    return {
      at,
      first,
      left: upstream === undefined ? null : chooseRow(quota.rowsOf(upstream)),
      budget: upstream === undefined ? null : findBudget(upstream),
    };
  };

  const saved = createSavedSections({
    paths,
    sections: [SAVED_LINES],
    isOwn: (name) => name === service,
    make: () => {
      const { at, budget, first, left } = findPlace(null);
      const line: SavedLine | null =
        first === undefined ? null : { at_ms: at, label: first.label, left, budget };
      return { [SAVED_LINES]: line === null ? {} : { [service]: line } };
    },
    saveAfterMs: SAVE_AFTER_MS,
    // Where state.json cannot be written, those whose state matters more say so.
    onTrouble: () => {},
  });

  return {
    /** At the end, and some time after somebody asked: for lines that are asked for when nothing runs. Never rejects. */
    async save(): Promise<void> {
      if (isUnused) return;
      saved.noteChange();
      await saved.flush();
    },
    /** A request that ended. Nothing, as long as nobody asked for its session. */
    note(record: LogRecord): void {
      isUnused = false;
      if (sessions.size === 0) return;
      for (const id of [ALL, record.session_id]) {
        const seen = id === undefined ? undefined : sessions.get(id);
        if (seen !== undefined) add(seen, record, id === ALL ? null : book.costOf());
      }
    },
    /** Of a session, or of none (null). */
    async facts(session: string | null): Promise<LineFacts> {
      isUnused = false;
      const id = session ?? ALL;
      const look = open(id)
        .then(() => book.refresh())
        .catch(onUserError(() => {}));
      await Promise.race([look, Bun.sleep(LONGEST_LOOK_MS)]);
      const { at, budget, first, left } = findPlace(session);
      saved.noteChange();
      const seen = sessions.get(id);
      const hop = seen?.hop ?? null;
      const isFresh = hop !== null && at - hop.at < HOP_MS && hop.to === first?.label;
      const isKnown = seen !== undefined && session !== null && seen.isRead && seen.last !== null;
      return {
        service,
        now_ms: at,
        upstream:
          first === undefined
            ? null
            : { label: first.label, state: first.standing, until_ms: first.until_ms },
        from: isFresh ? hop.from : null,
        left,
        budget,
        today: makeToday(),
        session: isKnown ? { usd: seen.usd, is_partial: seen.unknown > 0 } : null,
        cached_share: seen?.last?.share ?? null,
      };
    },
  };
}

/** Lines may come in any order: those of the log from the newest back. */
function noteTurn(seen: Seen, record: LogRecord): void {
  const { agent, timestamp_ms: at } = record;
  const label = answererOf(record)?.label;
  if (label === undefined || hasFailed(record) || agent === "auxiliary") return;
  const failed = listAttempts(record).findLast((one) => one.label !== label)?.label;
  const { last } = seen;
  const isNewer = last === null || at >= last.at;
  if (failed !== undefined && at >= (seen.hop?.at ?? 0)) seen.hop = { at, from: failed, to: label };
  if (!isNewer) return;
  if (failed === undefined && seen.hop !== null && seen.hop.to !== label) seen.hop = null;
  seen.last = { at, label, share: shareCached(record) };
}

function shareCached(record: LogRecord): number | null {
  const tokens = readBilledTokens(record);
  if (tokens === null) return null;
  const input = tokens.fresh + tokens.cached + tokens.created + tokens.created1h;
  return input === 0 ? null : tokens.cached / input;
}

/** The one that ends first says most. */
function chooseRow(rows: readonly QuotaRow[]): LineFacts["left"] {
  const told = rows.filter(
    ({ left, source, unit, used, window }) =>
      source !== "budget" &&
      (left !== null || (unit === "%" && used !== null)) &&
      !(source === "headers" && /requests|tokens/.test(window ?? "")),
  );
  const shareOf = ({ left, limit, unit, used }: QuotaRow): number => {
    if (unit === "%") return 1 - (used ?? 0) / 100;
    const whole = limit ?? (left ?? 0) + (used ?? 0);
    return whole > 0 ? (left ?? 0) / whole : 1;
  };
  const [row] = told.toSorted((one, other) => shareOf(one) - shareOf(other));
  if (row === undefined) return null;
  const { left, limit, read_at_ms, resets_at_ms, state, unit, used, window } = row;
  return { left, limit, read_at_ms, resets_at_ms, state, unit, used, window };
}
