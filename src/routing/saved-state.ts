// Routing's part of state.json: what survives a restart, and what of it is believed. Losing it loses nothing that
// matters, so every record that is odd, old or from the future is dropped alone.
import * as z from "zod/mini";
import { later } from "../base/later.ts";
import { SERVICES, type Service } from "../base/service.ts";
import type { BoundSession } from "./affinity.ts";
import { type At, type Health, HEALTHY, isFromFuture, type Hold, type HoldKind } from "./health.ts";
import { reasonFrom, reasonInEnglish } from "./reasons.ts";
import { LEARNED_MAX_MS, type Learned, nameOf } from "./learned.ts";
import type { RoutingSettings } from "./types.ts";

const time = later(() => z.number().check(z.nonnegative()));
const MAX_CHARS = 300;
const heldFields = {
  since: time,
  until: time,
  reason: z.string().check(z.maxLength(MAX_CHARS)),
  source: z.string().check(z.maxLength(MAX_CHARS)),
  /** The same as data; older versions have none. */
  reason_data: z.optional(z.unknown()),
  source_data: z.optional(z.unknown()),
};
const holdSchema = later(() =>
  z.object({
    ...heldFields,
    probe_at: time,
    last_resort_at: time,
    strikes: z.int().check(z.nonnegative()),
    stated: z.boolean(),
    /** Older versions have none. */
    stated_end: z.optional(z.nullable(time)),
    /** Only of requests with several models. */
    models: z.optional(z.array(z.string().check(z.maxLength(MAX_CHARS))).check(z.maxLength(32))),
  }),
);
const modelSchema = later(() => z.object({ ...heldFields, kind: z.enum(["unknown", "busy"]) }));
const healthSchema = later(() =>
  z.object({
    holds: z.catch(z.record(z.string(), z.unknown()), {}),
    models: z.catch(z.record(z.string(), z.unknown()), {}),
  }),
);
const sessionSchema = later(() =>
  z.object({
    session_id: z.string().check(z.minLength(1), z.maxLength(256)),
    service: z.enum(SERVICES),
    key: z.string().check(z.minLength(1)),
    last_at: time,
    pinned: z.boolean(),
  }),
);
const learnedSchema = later(() =>
  z.object({
    kind: z.enum(["refuses", "without"]),
    key: z.string().check(z.minLength(1)),
    client: z.string().check(z.maxLength(100)),
    endpoint: z.nullable(z.string().check(z.maxLength(200))),
    model: z.nullable(z.string().check(z.maxLength(256))),
    things: z.array(
      z.object({
        kind: z.enum(["beta", "field", "header", "tool"]),
        name: z.string().check(z.minLength(1), z.maxLength(200)),
      }),
    ),
    since: time,
    until: time,
  }),
);
const stateSchema = later(() =>
  z.object({
    health: z.catch(z.record(z.string(), z.unknown()), {}),
    sessions: z.catch(z.array(z.unknown()), []),
    order: z.catch(z.record(z.string(), z.unknown()), {}),
    /** Older versions have none. */
    learned: z.catch(z.record(z.string(), z.unknown()), {}),
  }),
);

/** JSON. */
export interface SavedState {
  readonly health: Readonly<Record<string, { readonly holds: object; readonly models: object }>>;
  readonly sessions: readonly z.infer<typeof sessionSchema>[];
  readonly order: Readonly<Record<string, string>>;
  readonly learned: Readonly<Record<string, Learned>>;
}

export interface KeptState {
  readonly health: ReadonlyMap<string, Health>;
  /** The least recently used first. */
  readonly sessions: readonly BoundSession[];
  readonly orders: ReadonlyMap<Service, string>;
  readonly learned: readonly Learned[];
}

/** What is written. Upstreams without a hold are left out. */
export function makeSavedState({ health, learned, sessions, orders }: KeptState): SavedState {
  const held = [...health].filter(
    ([, record]) => Object.keys(record.holds).length > 0 || Object.keys(record.models).length > 0,
  );
  return {
    health: Object.fromEntries(
      held.map(([key, { holds, models }]) => [
        key,
        { holds: mapValues(holds, writeHold), models: mapValues(models, withEnglish) },
      ]),
    ),
    sessions: sessions.map(({ sessionId, service, key, lastAt, isPinned }) => ({
      session_id: sessionId,
      service,
      key,
      last_at: lastAt,
      pinned: isPinned,
    })),
    order: Object.fromEntries(orders),
    learned: Object.fromEntries(learned.map((entry) => [nameOf(entry), entry])),
  };
}

function writeHold(hold: Hold): z.infer<typeof holdSchema> {
  const { consecutiveTrips, lastResortAt, models, probeAt, statedEnd, ...rest } = hold;
  return {
    ...withEnglish(rest),
    probe_at: probeAt,
    last_resort_at: lastResortAt,
    strikes: consecutiveTrips,
    stated: statedEnd !== null,
    stated_end: statedEnd,
    ...(models === undefined ? {} : { models: [...models] }),
  };
}

type Why = Pick<Hold, "reason" | "source">;

/** English for whoever reads the file, and beside it the data. */
function withEnglish<T extends Why>(hold: T): T & SavedWhy {
  const { reason, source } = hold;
  return {
    ...hold,
    reason: reasonInEnglish(reason).slice(0, MAX_CHARS),
    source: reasonInEnglish(source).slice(0, MAX_CHARS),
    reason_data: reason,
    source_data: source,
  };
}

type SavedWhy = Pick<z.infer<typeof modelSchema>, "reason" | "source" | "reason_data" | "source_data">;

function fromSaved<T extends SavedWhy>(hold: T): Omit<T, keyof SavedWhy> & Why {
  const { reason, reason_data, source, source_data, ...rest } = hold;
  return { ...rest, reason: reasonFrom(reason_data, reason), source: reasonFrom(source_data, source) };
}

type Now = Pick<At, "now" | "settings">;

/** What of a saved state is believed now. Accepts anything. */
export function readSavedState(saved: unknown, at: Now): KeptState {
  const state = stateSchema.safeParse(saved).data ?? { health: {}, sessions: [], order: {}, learned: {} };
  const health = new Map<string, Health>();
  for (const [key, value] of Object.entries(state.health)) {
    const parsed = healthSchema.safeParse(value).data;
    if (parsed !== undefined)
      health.set(key, {
        ...HEALTHY,
        holds: readHolds(parsed.holds, at),
        models: readModels(parsed.models, at),
      });
  }
  return {
    health,
    sessions: readSessions(state.sessions, at),
    orders: readOrders(state.order),
    learned: readLearned(state.learned, at),
  };
}

const KINDS: readonly HoldKind[] = ["open", "cooling", "exhausted", "auth-dead"];
/** Older ones say nothing about now, except that a quota was gone until a certain time. */
const MAX_AGE_MS = 3_600_000;

function readHolds(saved: Record<string, unknown>, at: Now): Health["holds"] {
  const holds: Partial<Record<HoldKind, Hold>> = {};
  for (const kind of KINDS) {
    const parsed = holdSchema.safeParse(saved[kind]).data;
    if (parsed === undefined) continue;
    const { probe_at, last_resort_at, stated, stated_end, strikes, ...hold } = fromSaved(parsed);
    if (
      isBelievable(hold, at, longestOf(kind, at.settings)) &&
      (kind === "exhausted" || at.now - hold.since <= MAX_AGE_MS)
    )
      holds[kind] = {
        ...hold,
        consecutiveTrips: strikes,
        statedEnd: stated ? (stated_end ?? hold.until) : null,
        probeAt: Math.min(probe_at, hold.until),
        lastResortAt: Math.min(last_resort_at, hold.until),
      };
  }
  return holds;
}

function readModels(saved: Record<string, unknown>, at: Now): Health["models"] {
  const models: Record<string, Health["models"][string]> = {};
  for (const [name, value] of Object.entries(saved).slice(0, 32)) {
    const hold = modelSchema.safeParse(value).data;
    if (hold !== undefined && isBelievable(hold, at, at.settings.exhaustedMaxMs))
      models[name] = fromSaved(hold);
  }
  return models;
}

function readSessions(saved: readonly unknown[], { now }: Now): readonly BoundSession[] {
  return saved.flatMap((value) => {
    const session = sessionSchema.safeParse(value).data;
    if (session === undefined || isFromFuture(session.last_at, now)) return [];
    return [
      {
        sessionId: session.session_id,
        service: session.service,
        key: session.key,
        lastAt: session.last_at,
        isPinned: session.pinned,
      },
    ];
  });
}

function readOrders(saved: Record<string, unknown>): ReadonlyMap<Service, string> {
  const orders = new Map<Service, string>();
  for (const service of SERVICES) {
    const order = saved[service];
    if (typeof order === "string") orders.set(service, order);
  }
  return orders;
}

function readLearned(saved: Record<string, unknown>, at: Now): readonly Learned[] {
  return Object.values(saved).flatMap((value) => {
    const entry = learnedSchema.safeParse(value).data;
    return entry !== undefined && entry.until > at.now && isBelievable(entry, at, LEARNED_MAX_MS)
      ? [entry]
      : [];
  });
}

function isBelievable(hold: { since: number; until: number }, { now }: Now, longestMs: number): boolean {
  return !isFromFuture(hold.since, now) && hold.until >= hold.since && hold.until - now <= longestMs;
}

function longestOf(kind: HoldKind, settings: RoutingSettings): number {
  if (kind === "exhausted") return settings.exhaustedMaxMs;
  // The longest pauses of the other kinds: a stated rate limit of an hour, certificates 5 min, the breaker's cap.
  return kind === "auth-dead" ? settings.authDeadMs : 3_600_000;
}

function mapValues<V, W>(values: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, change(value)]));
}
