// A day of five upstreams as public reports know it, the same for the same seed: what each of them answers at each moment. Bursts of
// 429, plans that are spent in words that change from vendor to vendor, half an hour of an address that is down in one of six ways, a
// relay that does not take what a client's release adds, an outbound proxy that dies, slow starts, and history of another account.

export interface SimulatedUpstream {
  readonly name: string;
  readonly host: string;
  readonly isBehindProxy: boolean;
  /** It refuses reasoning that another account wrote; null: it does not look at it. */
  readonly account: string | null;
  readonly isPlan: boolean;
  readonly isPaid: boolean;
}

/** In the user's order. Two keys lead to one address. */
export const UPSTREAMS: readonly SimulatedUpstream[] = [
  { name: "plan", host: "a.example", isBehindProxy: false, account: "X", isPlan: true, isPaid: false },
  { name: "relay", host: "b.example", isBehindProxy: true, account: null, isPlan: false, isPaid: false },
  { name: "second plan", host: "a.example", isBehindProxy: false, account: "Y", isPlan: true, isPaid: false },
  { name: "pool", host: "c.example", isBehindProxy: false, account: null, isPlan: false, isPaid: false },
  { name: "paid backup", host: "d.example", isBehindProxy: false, account: "Z", isPlan: false, isPaid: true },
];

/** What the client's release of that hour adds to each turn, and the relay does not take. */
export const RELEASE_AT_H = 9;
export const RELEASE_FIELD = "prompt_cache_key";

export type Behaviour =
  | { readonly kind: "ok" | "silent" }
  | { readonly kind: "error"; readonly code: string }
  | {
      readonly kind: "status";
      readonly status: number;
      readonly headers?: Record<string, string>;
      readonly body: unknown;
    };

interface Span {
  readonly from: number;
  readonly until: number;
}

interface Incident extends Span {
  readonly place: number;
  readonly behave: (now: number) => Behaviour;
  readonly isSpent?: true;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

const json = (status: number, body: unknown, headers: Record<string, string> = {}): Behaviour => ({
  kind: "status",
  status,
  body,
  headers,
});
const openAi = (message: string, code: string | null = null): object => ({
  error: { message, type: "invalid_request_error", param: null, code },
});

/** Ways to say that a plan is spent. Of the last six no rule knows the words. */
const SPENT: readonly ((leftSecs: number) => Behaviour)[] = [
  (left) => json(429, { error: { type: "usage_limit_reached", message: "limit", resets_in_seconds: left } }),
  () => json(403, { error: { message: "用户额度不足，剩余额度：0", code: "insufficient_user_quota" } }),
  (left) => json(429, openAi(`Weekly quota exceeded, resets in ${Math.ceil(left / 60)}m`)),
  () => json(402, { message: "Top up to continue." }),
  () => json(403, openAi("Your seat has nothing left for this cycle.")),
  () => json(403, { detail: "This subscription rests until its next period begins." }),
  () => json(429, openAi("That was the last of this month. See you on the 1st!")),
  () => json(403, { code: 40311, msg: "本周期的用量到此为止，请等待下个周期" }),
  () => json(402, { error: "renewal needed" }),
];

const BURSTS: readonly ((leftSecs: number) => Behaviour)[] = [
  (left) => json(429, openAi("Rate limit reached"), { "retry-after": String(Math.min(30, left)) }),
  (left) => json(429, openAi(`Rate limit reached. Please try again in ${left}s.`)),
  () => json(429, openAi("Too many requests")),
  () => json(429, { error: { message: "当前并发过高，请稍后重试" } }),
];

const OUTAGES: readonly Behaviour[] = [
  { kind: "error", code: "ECONNREFUSED" },
  { kind: "error", code: "ECONNRESET" },
  { kind: "silent" },
  json(502, "<html><h1>502 Bad Gateway</h1></html>"),
  json(503, openAi("Service temporarily unavailable")),
  json(500, openAi("internal error")),
];

const PROXY_DEATHS: readonly Behaviour[] = [
  { kind: "error", code: "ConnectionRefused" },
  json(502, "<html>ERR_CONNECT_FAIL</html>"),
];

const FOREIGN: readonly ((id: string) => Behaviour)[] = [
  () => json(400, openAi("The encrypted content gAAA could not be verified.", "invalid_encrypted_content")),
  (id) =>
    json(404, openAi(`Item with id '${id}' not found. Items are not persisted when \`store\` is false.`)),
  (id) => json(400, openAi(`The encrypted content for item ${id} could not be verified.`)),
  () => json(500, openAi("upstream: invalid_encrypted_content")),
  () => json(400, { error: { message: "Invalid 'input[1].encrypted_content': not of this organization" } }),
];

export interface Turn {
  /** Items of reasoning in its history, the oldest first: "X:rs_12". */
  readonly thoughts: readonly string[];
  readonly hasReleaseField: boolean;
}

export type Day = ReturnType<typeof makeDay>;

/** `random`: 0 to below 1. Times are ms since the day began. */
export function makeDay(random: () => number) {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const between = (least: number, most: number): number => least + random() * (most - least);
  const incidents: Incident[] = [];
  const add = (
    place: number,
    lengthMs: number,
    incident: (span: Span) => Omit<Incident, "place" | keyof Span>,
  ): void => {
    const from = random() * (DAY - lengthMs);
    const span = { from, until: from + lengthMs };
    incidents.push({ place, ...span, ...incident(span) });
  };
  const leftSecs = (until: number, now: number): number => Math.max(1, Math.ceil((until - now) / 1_000));
  // What is down says nothing else.
  for (const host of ["a.example", "b.example", "c.example"])
    for (let count = 0; count < 2; count += 1) {
      const behaviour = pick(OUTAGES);
      const from = random() * (DAY - HOUR);
      for (const [place, upstream] of UPSTREAMS.entries())
        if (upstream.host === host)
          incidents.push({ place, from, until: from + 30 * MINUTE, behave: () => behaviour });
    }
  for (const [place, { isPaid, isPlan }] of UPSTREAMS.entries()) {
    const says = pick(SPENT);
    for (let count = 0; isPlan && count < 3; count += 1)
      add(place, between(1, 3) * HOUR, ({ until }) => ({
        isSpent: true,
        behave: (now) => says(leftSecs(until, now)),
      }));
    const burst = pick(BURSTS);
    for (let count = 0; count < (isPaid ? 3 : 30); count += 1)
      add(place, between(20_000, 90_000), ({ until }) => ({ behave: (now) => burst(leftSecs(until, now)) }));
  }
  const death = pick(PROXY_DEATHS);
  const proxy: Span[] = [0, 1].map(() => {
    const from = random() * (DAY - HOUR);
    return { from, until: from + 30 * MINUTE };
  });
  const slow = UPSTREAMS.map(() => {
    const from = random() * (DAY - HOUR);
    return { from, until: from + between(20, 40) * MINUTE };
  });
  const refusals = UPSTREAMS.map(() => pick(FOREIGN));
  const isIn = (now: number, { from, until }: Span): boolean => now >= from && now < until;
  const incidentAt = (place: number, now: number): Incident | undefined =>
    incidents.find((one) => one.place === place && isIn(now, one));

  const isProxyDead = (now: number): boolean => proxy.some((span) => isIn(now, span));
  return {
    /** Whatever the turn is. */
    stateAt(place: number, now: number): Behaviour {
      if (UPSTREAMS[place]?.isBehindProxy === true && isProxyDead(now)) return death;
      return incidentAt(place, now)?.behave(now) ?? { kind: "ok" };
    },
    answerTo(place: number, now: number, { hasReleaseField, thoughts }: Turn): Behaviour {
      const state = this.stateAt(place, now);
      if (state.kind !== "ok") return state;
      const { account, isBehindProxy } = UPSTREAMS[place] ?? {};
      if (isBehindProxy === true && hasReleaseField)
        return json(400, openAi(`Unknown parameter: '${RELEASE_FIELD}'.`, "unknown_parameter"));
      const foreign = account == null ? undefined : thoughts.find((one) => !one.startsWith(`${account}:`));
      if (foreign === undefined) return state;
      return refusals[place]?.(foreign.slice(foreign.indexOf(":") + 1)) ?? state;
    },
    isSpent: (place: number, now: number): boolean =>
      incidents.some((one) => one.isSpent === true && one.place === place && isIn(now, one)),
    /** How long a good answer takes to begin, ms. `draw`: 0 to below 1. */
    startMs(place: number, now: number, draw: number): number {
      const span = slow[place];
      if (span !== undefined && isIn(now, span)) return 40_000 + draw * 60_000;
      return 800 + 6_000 * draw ** 3;
    },
  };
}
