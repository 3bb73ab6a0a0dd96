// What was learned of an account here is told to the others, and what they learned is taken up: spent, cooling, a refused key, a model
// that is not there, what an upstream does not take. Of two the later one counts, and what was learned here beats what is older.
import * as z from "zod/mini";
import { isRecord } from "../../base/json-value.ts";
import { hashText } from "../../base/secrets.ts";
import type { Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import { type Health, HEALTHY, type Hold, type HoldKind, type ModelHold } from "../../routing/health.ts";
import { type Learned, nameOf } from "../../routing/learned.ts";
import { REASONS, isReason } from "../../routing/reasons.ts";
import type { Router } from "../../routing/router.ts";
import { makeSavedState, readSavedState } from "../../routing/saved-state.ts";
import type { Reason, RoutingSettings } from "../../routing/types.ts";

export interface VerdictsOptions {
  readonly clients: readonly { readonly service: Service; readonly router: Router }[];
  /** Every upstream of the config, also of those that are not active. */
  readonly listUpstreams: (service: Service) => readonly Upstream[];
  readonly settings: () => RoutingSettings;
  /** Null for one that is not shared, or while no pool was met. */
  readonly identify: (upstream: Upstream) => string | null;
  /** Says it to the others; nothing while alone. */
  readonly tell: (news: VerdictNews) => void;
  /** Wall clock here, ms. */
  readonly now: () => number;
  /** Of the engine's clock: added to a time here. */
  readonly skewMs: () => number;
}

/** One thing that was learned; `value` null where it is over. Times are the engine's. */
export interface VerdictNews {
  readonly id: string;
  readonly field: string;
  readonly at: number;
  readonly value: unknown;
  /** How long it matters. */
  readonly forMs: number;
}

const ACCOUNT: readonly HoldKind[] = ["exhausted", "cooling", "auth-dead"];
/** What may be told: no circuit breaker, and nothing that is not known here. */
const FIELD = /^(?:exhausted|cooling|auth-dead|l:[0-9a-f]{16}|m:(?!__proto__$).{1,256})$/;
/** The end of something is kept so long, for what comes late. */
const END_MS = 3_600_000;
const LONGEST_MS = 8 * 86_400_000;
const TIMES = ["since", "until", "probe_at", "last_resort_at", "stated_end"] as const;
/** Endpoints by name: a path may say more than that. */
const ENDPOINTS: Readonly<Record<string, string>> = {
  responses: "POST /v1/responses",
  "responses-bare": "POST /responses",
  compact: "POST /v1/responses/compact",
  chat: "POST /v1/chat/completions",
  messages: "POST /v1/messages",
  count: "POST /v1/messages/count_tokens",
};
/** Where the words of a reason name what is not told. */
const PLAIN: Readonly<Record<string, string>> = {
  exhausted: "on-status-exhausted",
  cooling: "on-status-cooldown",
  "auth-dead": "on-status-auth-dead",
  model: "on-status-model",
};

type Entry = Hold | ModelHold | Learned;

interface Known {
  readonly entry: Entry | null;
  /** By the clock here, ms. */
  readonly at: number;
}

interface Account {
  /** What both sides know, by field. */
  readonly known: Map<string, Known>;
  /** It began to answer here, or was reset here. */
  answeredAt: number;
}

export function createVerdicts(options: VerdictsOptions) {
  const { clients, identify, listUpstreams, now, settings, skewMs, tell } = options;
  const accounts = new Map<string, Account>();
  let byId = new Map<string, readonly [Router, Upstream]>();
  const accountOf = (key: string): Account =>
    accounts.getOrInsertComputed(key, () => ({ known: new Map(), answeredAt: 0 }));

  const list = (): ReadonlyMap<string, readonly [Router, Upstream]> => {
    const found = new Map<string, readonly [Router, Upstream]>();
    for (const { router, service } of clients)
      for (const upstream of listUpstreams(service)) {
        const id = identify(upstream);
        if (id !== null && !found.has(id)) found.set(id, [router, upstream]);
      }
    return (byId = found);
  };
  const entriesOf = (router: Router, key: string): Map<string, Entry> => {
    const { holds, models } = router.healthOf(key);
    const at = now();
    const found = new Map<string, Entry>();
    for (const kind of ACCOUNT) {
      const hold = holds[kind];
      if (hold !== undefined && endOf(hold) > at) found.set(kind, hold);
    }
    for (const [model, hold] of Object.entries(models)) if (hold.until > at) found.set(`m:${model}`, hold);
    if (!router.learned.isEmpty()) for (const one of router.learned.of(key)) found.set(fieldOf(one), one);
    return found;
  };
  const publish = (id: string, field: string, { at, entry }: Known): void => {
    const value = entry === null ? null : writeEntry(field, entry, skewMs());
    if (value === undefined) return;
    const forMs = entry === null ? END_MS : Math.min(LONGEST_MS, Math.max(1_000, endOf(entry) - now()));
    tell({ id, field, at: Math.round(at + skewMs()), value, forMs });
  };
  const look = (id: string, router: Router, key: string): void => {
    const { known } = accountOf(key);
    const entries = entriesOf(router, key);
    for (const [field, entry] of entries) {
      if (known.get(field)?.entry === entry) continue;
      const next = { entry, at: now() };
      known.set(field, next);
      publish(id, field, next);
    }
    for (const [field, { entry }] of known) {
      if (entry === null || entries.has(field)) continue;
      const next = { entry: null, at: now() };
      known.set(field, next);
      if (endOf(entry) > now()) publish(id, field, next);
    }
  };

  return {
    /** The accounts that are known here, as the pool calls them. */
    ids: (): readonly string[] => [...list().keys()],
    /** Something may have been learned here. */
    note(router: Router, key: string, isAnswered: boolean): void {
      if (isAnswered) accountOf(key).answeredAt = now();
      for (const [id, [one, upstream]] of byId)
        if (upstream.key === key && one === router) look(id, one, key);
    },
    /** Takes what is held here as known, and as old as it is: it is from before this pool was met. */
    recall(): void {
      for (const [router, { key }] of list().values()) {
        const { known } = accountOf(key);
        for (const [field, entry] of entriesOf(router, key))
          if (known.get(field)?.entry !== entry) known.set(field, { entry, at: entry.since });
      }
    },
    /** Says again what holds here: the others, or the engine, may have missed it. */
    repeat(): void {
      for (const [id, [router, upstream]] of byId) {
        look(id, router, upstream.key);
        for (const [field, one] of accountOf(upstream.key).known)
          if (one.entry !== null && endOf(one.entry) > now()) publish(id, field, one);
      }
    },
    /** What is held here is forgotten here: what the pool knows by now does not come back. */
    noteReset(keys: readonly string[] | null): void {
      for (const [, { key }] of byId.values()) {
        if (keys !== null && !keys.includes(key)) continue;
        const account = accountOf(key);
        account.answeredAt = now();
        for (const field of account.known.keys()) account.known.set(field, { entry: null, at: now() });
      }
    },
    /** What another machine has learned. `at`: the engine's clock, ms. */
    take({ at, by, field, id, value }: Omit<VerdictNews, "forMs"> & { readonly by: string }): void {
      const [router, upstream] = byId.get(id) ?? list().get(id) ?? [];
      if (router === undefined || upstream === undefined || !FIELD.test(field)) return;
      const { answeredAt, known } = accountOf(upstream.key);
      const here = at - skewMs();
      const before = known.get(field);
      // From a clock that is ahead nothing could be newer, for as long as that lasts.
      if (here > now() + 60_000 || here <= (before?.at ?? -1)) return;
      if (value !== null && here <= answeredAt) return;
      const health = router.healthOf(upstream.key);
      if (value === null) {
        known.set(field, { entry: null, at: here });
        if (field.startsWith("l:")) router.learned.drop(upstream.key, (one) => fieldOf(one) === field);
        else router.take(upstream, withEntry(health, field, null));
        return;
      }
      const entry = readEntry(field, value, {
        by,
        key: upstream.key,
        now: now(),
        settings: settings(),
        skewMs: skewMs(),
      });
      if (entry === null) return;
      known.set(field, { entry, at: here });
      if ("things" in entry) router.learned.load([entry]);
      else router.take(upstream, withEntry(health, field, entry));
    },
  };
}

function endOf(entry: Entry): number {
  return "statedEnd" in entry ? (entry.statedEnd ?? entry.until) : entry.until;
}

function fieldOf(entry: Learned): string {
  return `l:${hashText(nameOf({ ...entry, key: "" })).slice(0, 16)}`;
}

function withEntry(health: Health, field: string, entry: Hold | ModelHold | null): Health {
  const of = <T extends object>(all: T, name: string): T => {
    const others = Object.fromEntries(Object.entries(all).filter(([one]) => one !== name));
    return (entry === null ? others : { ...others, [name]: entry }) as T;
  };
  if (field.startsWith("m:")) return { ...health, models: of(health.models, field.slice(2)) };
  return { ...health, holds: of(health.holds, field) };
}

/** As state.json has it, with the engine's times; undefined for what is not told. */
function writeEntry(field: string, entry: Entry, skewMs: number): unknown {
  const none = { health: new Map<string, Health>(), sessions: [], orders: new Map(), learned: [] };
  if ("things" in entry) {
    const endpoint = Object.keys(ENDPOINTS).find((name) => ENDPOINTS[name] === entry.endpoint) ?? null;
    if (entry.endpoint !== null && endpoint === null) return undefined;
    return shift({ ...entry, key: undefined, endpoint }, skewMs);
  }
  const told = { ...entry, reason: tellReason(entry.reason, field), source: tellReason(entry.source, field) };
  const saved = makeSavedState({ ...none, health: new Map([["", withEntry(HEALTHY, field, told)]]) }).health[
    ""
  ];
  const [value] = Object.values({ ...saved?.holds, ...saved?.models });
  return isRecord(value) ? shift({ ...value, reason: undefined, source: undefined }, skewMs) : undefined;
}

const textSchema = z.object({
  reason_data: z.custom<Reason>(isReason),
  source_data: z.custom<Reason>(isReason),
});

/** What of it is believed. Accepts anything. */
function readEntry(
  field: string,
  value: unknown,
  at: { by: string; key: string; now: number; settings: RoutingSettings; skewMs: number },
): Entry | null {
  if (!isRecord(value)) return null;
  const own = shift(value, -at.skewMs);
  if (field.startsWith("l:")) {
    const { endpoint } = own;
    const path = typeof endpoint === "string" ? (ENDPOINTS[endpoint] ?? null) : null;
    if (endpoint != null && path === null) return null;
    const saved = { learned: { "": { ...own, key: at.key, endpoint: path } } };
    return readSavedState(saved, at).learned[0] ?? null;
  }
  const told = textSchema.safeParse(own).data;
  if (told === undefined) return null;
  const reason = { rule: "from-pool", cause: told.reason_data, name: at.by };
  const whole = { ...own, reason: "", reason_data: reason, source: "" };
  const isModel = field.startsWith("m:");
  const saved = isModel
    ? { holds: {}, models: { [field.slice(2)]: whole } }
    : { holds: { [field]: whole }, models: {} };
  const health = readSavedState({ health: { "": saved } }, at).health.get("");
  return (isModel ? health?.models[field.slice(2)] : health?.holds[field as HoldKind]) ?? null;
}

function shift(entry: object, byMs: number): Record<string, unknown> {
  const times = TIMES.flatMap((name): [string, number][] => {
    const at = Reflect.get(entry, name) as unknown;
    return typeof at === "number" ? [[name, Math.round(at + byMs)]] : [];
  });
  return { ...entry, ...Object.fromEntries(times) };
}

/** Its rule, status and code. What else it says may name an upstream, or be an upstream's own words. */
function tellReason(reason: Reason, field: string): Reason {
  // Heard of, and told on: the first one's words.
  if (reason.rule === "from-pool" && isReason(reason["cause"])) return tellReason(reason["cause"], field);
  const { code, rule, status } = reason;
  const names = [...(REASONS[rule] ?? "").matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const numbers = names.flatMap((name) =>
    typeof reason[name] === "number" ? [[name, reason[name]] as const] : [],
  );
  const isWhole = numbers.length === names.length || rule === "header" || rule === "body-field";
  const header = reason["name"];
  const told = isWhole ? rule : (PLAIN[field.startsWith("m:") ? "model" : field] ?? "default");
  return {
    rule: told,
    ...(status === undefined ? {} : { status }),
    ...(typeof code === "string" && /^[\w.-]{1,64}$/.test(code) ? { code } : {}),
    ...Object.fromEntries(numbers),
    ...(isWhole && typeof header === "string" && /^[\w.-]{1,64}$/.test(header) ? { name: header } : {}),
  };
}
