// The kinds of places that know a balance, as data: where they are asked, how the token is sent, how the answer is read.
// Pure.
import type { JsonRecord } from "../base/json-value.ts";
import type { Balance } from "./balance.ts";
import { PRESETS, type PathMap, readByPath } from "./json-path.ts";
import type { Provider } from "./providers.ts";
import { readBudget, readNewApiToken, readOpenaiBilling, readSub2api, readYescode } from "./read-relays.ts";

export type RelayKind =
  Exclude<Provider["kind"], "auto" | "json_path"> | keyof typeof PRESETS | "openai_billing";

export interface Kind {
  readonly auth: "bearer" | "x-api-key";
  /** Where it is asked. `root`: the base URL without /v1. `now`: wall clock, ms. */
  readonly urls: (root: string, now: number) => readonly string[];
  /** The answers, in the order of `urls`. Null: not recognised. */
  readonly read: (bodies: readonly JsonRecord[]) => Balance | null;
}

/** Relays count all that was ever used in this span. */
const BILLING_SPAN_MS = 99 * 86_400_000;
const NOTHING: JsonRecord = {};

const one =
  (read: (body: JsonRecord) => Balance | null) =>
  ([body = NOTHING]: readonly JsonRecord[]): Balance | null =>
    read(body);

const nowhere = (): readonly string[] => [];

export const KINDS: Readonly<Record<RelayKind, Kind>> = {
  budget_http_json: { auth: "bearer", urls: nowhere, read: one(readBudget) },
  yescode_profile: { auth: "x-api-key", urls: nowhere, read: one(readYescode) },
  newapi_token: {
    auth: "bearer",
    urls: (root) => [`${root}/api/usage/token/`],
    read: one((body) => readNewApiToken(body)),
  },
  sub2api_usage: { auth: "bearer", urls: (root) => [`${root}/v1/usage`], read: one(readSub2api) },
  openai_billing: {
    auth: "bearer",
    urls: (root, now) => {
      const [from, to] = [now - BILLING_SPAN_MS, now + 86_400_000].map(showDay);
      const billing = `${root}/v1/dashboard/billing`;
      return [`${billing}/subscription`, `${billing}/usage?start_date=${from}&end_date=${to}`];
    },
    read: ([subscription = NOTHING, usage = NOTHING]) => readOpenaiBilling(subscription, usage),
  },
  openrouter: makeVendor("openrouter"),
  deepseek: makeVendor("deepseek"),
  moonshot: makeVendor("moonshot"),
  moonshot_ai: makeVendor("moonshot_ai"),
};

/** A place of the user's own description. */
export function makePathKind(map: PathMap): Kind {
  return { auth: "bearer", urls: nowhere, read: one((body) => readByPath(body, map)) };
}

function makeVendor(name: keyof typeof PRESETS): Kind {
  const { endpoint, map } = PRESETS[name];
  return { ...makePathKind(map), urls: () => [endpoint] };
}

function showDay(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}
