// The vendors and kinds of relays that tell a balance, one row each: where it is asked, how it is recognised, how its answer
// is read (readers.ts), and who says so. The names in usage_providers.json and the tables of docs/quota.md follow from the rows.
// Pure.
import type { JsonRecord } from "../base/json-value.ts";
import type { Balance } from "./balance.ts";
import { type PathMap, readByPath } from "./json-path.ts";
import { readKimiCode, readMinimax, readZai } from "./plan-readers.ts";
import {
  type Read,
  type ReadContext,
  isError,
  read88code,
  readBudget,
  readLitellm,
  readNewApiToken,
  readOpenRouter,
  readOpenaiBilling,
  readRightcode,
  readSiliconFlow,
  readSub2api,
  readYescode,
} from "./readers.ts";

export interface Vendor {
  /** How the token is sent. */
  readonly auth: "bearer" | "x-api-key";
  /** Default GET. */
  readonly method?: "POST";
  /** Its one address. An upstream at this host is recognised by it. */
  readonly endpoint?: string;
  /** Others that are its own too. */
  readonly hosts?: readonly string[];
  /** Where a relay is asked, below its base URL without /v1. `now`: wall clock, ms. */
  readonly paths?: (now: number) => readonly string[];
  /** Where a site says in what it counts, without a token. */
  readonly site?: string;
  /** On every answer of a relay with this software: it is recognised by it. */
  readonly header?: string;
  /** One body for each path. None of them is an error. */
  readonly read: Read;
  /** Codes in its bodies mean what they like. */
  readonly hasOwnCodes?: true;
  /** What its figures are, for the documentation. */
  readonly reads: string;
  /** Who says what its answers look like: "by documentation" where no public body with figures was found. */
  readonly source: string;
}

/** Relays count all that was ever used in this span. */
const BILLING_SPAN_MS = 99 * 86_400_000;

/** By the `kind` in usage_providers.json. One without an address needs an `endpoint` of the user. */
const KINDS = {
  budget_http_json: {
    auth: "bearer",
    read: readBudget,
    reads: "daily, weekly and monthly budget and what was spent; else balance",
    source: "bodies of packycode",
  },
  yescode_profile: {
    auth: "x-api-key",
    read: readYescode,
    reads: "subscription with its weekly cap, and the pay-as-you-go balance",
    source: "bodies of yes.vg",
  },
  newapi_token: {
    auth: "bearer",
    paths: () => ["/api/usage/token/"],
    site: "/api/status",
    header: "x-new-api-version",
    read: readNewApiToken,
    reads: "the key's quota in what the site shows: 500,000 units are a dollar unless it says otherwise",
    source: "bodies in new-api's documentation",
  },
  sub2api_usage: {
    auth: "bearer",
    paths: () => ["/v1/usage"],
    read: readSub2api,
    reads: "the key's quota, its windows, a subscription's windows, balance",
    source: "sub2api's source",
  },
  litellm_key: {
    auth: "bearer",
    paths: () => ["/key/info"],
    header: "x-litellm-version",
    read: readLitellm,
    reads: "the key's budget, and when it resets",
    source: "by documentation (docs.litellm.ai)",
  },
} satisfies Readonly<Record<string, Vendor>>;

/** By the `preset` of kind json_path. */
const PRESETS = {
  openrouter: {
    auth: "bearer",
    endpoint: "https://openrouter.ai/api/v1/key",
    read: readOpenRouter,
    reads:
      "the key's limit, by day, week or month (UTC) where it resets; without one, what the account has is not told",
    source: "bodies in openrouter.ai/docs",
  },
  deepseek: {
    auth: "bearer",
    endpoint: "https://api.deepseek.com/user/balance",
    read: byPaths({
      wallets: "balance_infos",
      remaining: "total_balance",
      currency: "currency",
      available: "is_available",
      canBeDebt: true,
    }),
    reads: "balance; if there are wallets in several currencies, the largest one",
    source: "bodies in api-docs.deepseek.com",
  },
  moonshot: {
    auth: "bearer",
    endpoint: "https://api.moonshot.cn/v1/users/me/balance",
    read: byPaths({ remaining: "data.available_balance", unit: "CNY", canBeDebt: true }),
    reads: "balance in CNY",
    source: "bodies in platform.kimi.com/docs",
  },
  moonshot_ai: {
    auth: "bearer",
    endpoint: "https://api.moonshot.ai/v1/users/me/balance",
    read: byPaths({ remaining: "data.available_balance", unit: "USD", canBeDebt: true }),
    reads: "balance in USD",
    source: "bodies in platform.kimi.ai/docs",
  },
  kimi_code: {
    auth: "bearer",
    endpoint: "https://api.kimi.com/coding/v1/usages",
    read: readKimiCode,
    reads: "the plan's month, its week and its window of 5 hours, in requests or per cent",
    source: "public bodies",
  },
  kimi_code_ai: {
    auth: "bearer",
    endpoint: "https://api.kimi.ai/coding/v1/usages",
    read: readKimiCode,
    reads: "the plan's month, its week and its window of 5 hours, in requests or per cent",
    source: "public bodies",
  },
  siliconflow: {
    auth: "bearer",
    endpoint: "https://api.siliconflow.com/v1/user/info",
    read: readSiliconFlow("USD"),
    reads: "balance in USD",
    source: "by documentation (docs.siliconflow.com)",
  },
  siliconflow_cn: {
    auth: "bearer",
    endpoint: "https://api.siliconflow.cn/v1/user/info",
    read: readSiliconFlow("CNY"),
    reads: "balance in CNY; closed by the vendor in August 2026",
    source: "by documentation (docs.siliconflow.cn)",
  },
  zai: {
    auth: "bearer",
    endpoint: "https://api.z.ai/api/monitor/usage/quota/limit",
    read: readZai,
    reads: "the coding plan's windows in per cent",
    source: "public bodies",
  },
  bigmodel: {
    auth: "bearer",
    endpoint: "https://open.bigmodel.cn/api/monitor/usage/quota/limit",
    read: readZai,
    reads: "the coding plan's windows in per cent",
    source: "public bodies",
  },
  minimax: {
    auth: "bearer",
    endpoint: "https://api.minimax.io/v1/token_plan/remains",
    read: readMinimax,
    reads: "the token plan's windows in per cent; those of video, images and speech do not count",
    source: "public bodies",
  },
  minimax_cn: {
    auth: "bearer",
    endpoint: "https://api.minimaxi.com/v1/token_plan/remains",
    read: readMinimax,
    reads: "the token plan's windows in per cent; those of video, images and speech do not count",
    source: "public bodies",
  },
  novita: {
    auth: "bearer",
    endpoint: "https://api.novita.ai/openapi/v1/billing/balance/detail",
    read: byPaths({ remaining: "availableBalance", unit: "USD", divisor: 10_000, canBeDebt: true }),
    reads: "balance in USD",
    source: "by documentation (novita.ai/docs)",
  },
  code88: {
    auth: "bearer",
    method: "POST",
    endpoint: "https://www.88code.org/api/usage",
    hosts: ["88code.org"],
    read: read88code,
    reads: "credits of the fullest active plan",
    source: "public bodies",
  },
  rightcode: {
    auth: "bearer",
    endpoint: "https://www.right.codes/account/summary",
    hosts: ["right.codes"],
    read: readRightcode,
    reads: "the day's quota of the plans for the upstream's path, and the balance",
    source: "by documentation (of other clients)",
  },
  openai_billing: {
    auth: "bearer",
    paths: listBillingPaths,
    site: "/api/status",
    header: "x-oneapi-request-id",
    read: readOpenaiBilling,
    reads: "the key's limit and what was used of it, in what the site shows",
    source: "one-api's and new-api's source",
  },
} satisfies Readonly<Record<string, Vendor>>;

export type KindName = keyof typeof KINDS;
export type PresetName = keyof typeof PRESETS;
export type VendorName = KindName | PresetName;

/** A relay that answers with the headers of two is of the first of them: new-api sets one-api's header too. */
export const VENDORS: Readonly<Record<VendorName, Vendor>> = { ...KINDS, ...PRESETS };
export const KIND_NAMES = namesOf(KINDS);
export const PRESET_NAMES = namesOf(PRESETS);

/** For an endpoint that the user describes. */
export function makePathVendor(map: PathMap): Vendor {
  const reads = "the fields that `paths` names";
  return { auth: "bearer", read: byPaths(map), hasOwnCodes: true, reads, source: "yours" };
}

/** What the bodies mean; null for an error, and for what is not understood. */
export function readBodies(
  { hasOwnCodes, read }: Vendor,
  [body = {}, second = {}]: readonly JsonRecord[],
  context: ReadContext,
): Balance | null {
  const isWrong = [body, second].some((one) => isError(hasOwnCodes === true ? { ...one, code: 0 } : one));
  return isWrong ? null : read(body, second, context);
}

/** Empty where only the user can say. `root`: the base URL without /v1. */
export function urlsOf({ endpoint, paths }: Vendor, root: string, now: number): readonly string[] {
  if (endpoint !== undefined) return [endpoint];
  return (paths?.(now) ?? []).map((path) => root + path);
}

export function isVendorName(name: string): name is VendorName {
  return Object.hasOwn(VENDORS, name);
}

const ALL: readonly (Vendor & { readonly name: VendorName })[] = namesOf(VENDORS).map((name) => ({
  name,
  ...VENDORS[name],
}));
const BY_HOST = new Map(
  ALL.flatMap(({ endpoint, hosts = [], name }) =>
    [endpoint?.split("/")[2], ...hosts].map((host) => [host, name] as const),
  ),
);

/** By the host of an upstream, without a request. */
export function recogniseHost(host: string): VendorName | null {
  return BY_HOST.get(host) ?? null;
}

/** By the headers of an upstream's answer. */
export function recogniseHeaders(headers: Headers): VendorName | null {
  return ALL.find(({ header }) => header !== undefined && headers.has(header))?.name ?? null;
}

function namesOf<T extends object>(rows: T): (keyof T & string)[] {
  return Object.keys(rows) as (keyof T & string)[];
}

function byPaths(map: PathMap): Read {
  return (body, _second, { now }) => readByPath(body, map, now);
}

function listBillingPaths(now: number): readonly string[] {
  const showDay = (at: number): string => new Date(at).toISOString().slice(0, 10);
  const from = showDay(now - BILLING_SPAN_MS);
  const to = showDay(now + 86_400_000);
  const billing = "/v1/dashboard/billing";
  return [`${billing}/subscription`, `${billing}/usage?start_date=${from}&end_date=${to}`];
}
