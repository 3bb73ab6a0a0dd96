// What was used in the last hours, in slices of five minutes, so that a forecast knows the pace and a budget of hours its sum.
// Pure.
import * as z from "zod/mini";
import { later } from "../base/later.ts";

/** Where something was spent, as far as budgets ask. */
export interface BudgetPlace {
  readonly service: string;
  readonly config: string | null;
  /** Its address. */
  readonly upstream: string | null;
  readonly model: string | null;
  /** The rule of config.json for the directory that it was for. */
  readonly rule: string | null;
}

/** What budgets count, in each of their units. */
export interface Used {
  readonly usd: number;
  readonly tokens: number;
  /** Answers. */
  readonly requests: number;
}

/** In the place of a name that is not kept apart: it may be any. */
export const OTHERS = "*";
export const NO_USE: Used = { usd: 0, tokens: 0, requests: 0 };

export const figure = later(() => z.number().check(z.nonnegative()));
const name = later(() => z.nullable(z.string()));
/** From when, and how many dollars; tokens, answers. */
export const recentSchema = later(() =>
  z.array(
    z.object({
      service: z.string(),
      upstream: name,
      config: z._default(name, null),
      model: z._default(name, null),
      rule: z._default(name, null),
      usd: z.array(z.tuple([figure, figure])),
      used: z.optional(z.array(z.tuple([figure, figure, figure]))),
    }),
  ),
);

export const SLICE_MS = 300_000;
const RECENT_MS = 6 * 3_600_000;
const MOST_PLACES = 200;

export function createRecentUse(saved: z.infer<typeof recentSchema> = []) {
  const places = new Map(
    saved.map(({ usd, used, ...place }) => {
      const others = new Map(used?.map(([at, tokens, requests]) => [at, { tokens, requests }]));
      const slices = usd.map(([at, dollars]): [number, Used] => {
        const { requests = 0, tokens = 0 } = others.get(at) ?? {};
        return [at, { usd: dollars, tokens, requests }];
      });
      return [keyOf(place), { place, slices: new Map(slices) }] as const;
    }),
  );
  let latest: ({ readonly named: BudgetPlace } & ReturnType<typeof placeFor>) | null = null;
  const placeFor = ({ config, model, rule, service, upstream }: BudgetPlace) => {
    const named = { service, config, upstream, model, rule };
    const known = places.get(keyOf(named));
    if (known !== undefined) return known;
    const place = places.size < MOST_PLACES ? named : { ...named, model: OTHERS };
    return places.getOrInsertComputed(keyOf(place), () => ({ place, slices: new Map<number, Used>() }));
  };
  return {
    /** `at`: wall clock, ms. Where it is kept. */
    add(at: number, named: BudgetPlace, used: Used): BudgetPlace {
      if (latest?.named !== named) latest = { named, ...placeFor(named) };
      const { place, slices } = latest;
      const slice = at - (at % SLICE_MS);
      slices.set(slice, addUse(slices.get(slice) ?? NO_USE, used));
      return place;
    },
    /** By the start of their slice. */
    *all(): Generator<readonly [place: BudgetPlace, slices: ReadonlyMap<number, Used>]> {
      for (const { place, slices } of places.values()) yield [place, slices];
    },
    /** Dollars of an upstream, by the start of their slice. */
    dollarsAt(service: string, upstream: string): ReadonlyMap<number, number> {
      const sums = new Map<number, number>();
      for (const { place, slices } of places.values())
        if (place.service === service && place.upstream === upstream)
          for (const [at, { usd }] of slices) if (usd > 0) sums.set(at, (sums.get(at) ?? 0) + usd);
      return sums;
    },
    /** `now`: wall clock, ms. */
    save: (now: number): z.infer<typeof recentSchema> =>
      [...places.values()]
        .map(({ place, slices }) => ({
          ...place,
          slices: [...slices].filter(([at]) => Math.abs(now - at) < RECENT_MS),
        }))
        .filter(({ slices }) => slices.length > 0)
        .slice(-MOST_PLACES)
        .map(({ slices, ...place }) => ({
          ...place,
          usd: slices.map(([at, { usd }]): [number, number] => [at, usd]),
          used: slices.map(([at, { requests, tokens }]): [number, number, number] => [at, tokens, requests]),
        })),
  };
}

/** The other so many times: taken away where that is negative. */
export function addUse(one: Used, { requests, tokens, usd }: Used, times = 1): Used {
  return {
    usd: one.usd + times * usd,
    tokens: one.tokens + times * tokens,
    requests: one.requests + times * requests,
  };
}

export function keyOf({ config, model, rule, service, upstream }: BudgetPlace): string {
  return `${service}\n${config ?? ""}\n${upstream ?? ""}\n${model ?? ""}\n${rule ?? ""}`;
}
