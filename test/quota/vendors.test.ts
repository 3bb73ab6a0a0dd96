import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Balance, assess } from "../../src/quota/balance.ts";
import { type PathMap, readByPath } from "../../src/quota/json-path.ts";
import { type ReadContext, isError } from "../../src/quota/readers.ts";
import { VENDORS, type VendorName, readBodies } from "../../src/quota/vendors.ts";
import { BODIES } from "./bodies.ts";
import { QUOTA_DOC_PATH, withVendors } from "./vendor-tables.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const DAY = 86_400_000;

const CONTEXT: ReadContext = { site: null, path: "/codex/v1", endpoint: "", now: NOW };

/** "exhausted", or "ok 7.5/20 USD" by the meter that decides. */
function read(kind: VendorName, ...bodies: Readonly<Record<string, unknown>>[]): string {
  return describeBalance(readBodies(VENDORS[kind], bodies, CONTEXT));
}

function describeBalance(balance: Balance | null): string {
  if (balance === null) return "unknown";
  const { meter, state } = assess(balance, NOW);
  if (meter === null) return state;
  return `${state} ${meter.name} ${meter.left}/${meter.limit ?? "-"} ${meter.unit}`;
}

/** A body of each kind with something left and one with nothing, numbers as numbers and as text. */
type Shape = readonly [kind: VendorName, what: string, bodies: Record<string, unknown>[], says: string];

const SHAPES: readonly Shape[] = [
  [
    "budget_http_json",
    "a monthly budget",
    [{ monthly_budget_usd: 20, monthly_spent_usd: 12.5 }],
    "ok month 7.5/20 USD",
  ],
  [
    "budget_http_json",
    "budgets as text, the day's spent",
    [
      {
        monthly_budget_usd: "100.00",
        monthly_spent_usd: "12.50",
        daily_budget_usd: "5",
        daily_spent_usd: "5.01",
      },
    ],
    "exhausted day 0/5 USD",
  ],
  [
    "budget_http_json",
    "a budget that nobody set",
    [{ monthly_budget_usd: 0, monthly_spent_usd: 3 }],
    "unknown",
  ],
  ["budget_http_json", "only what was spent", [{ monthly_spent_usd: 3, plan_type: "basic" }], "unknown"],
  [
    "budget_http_json",
    "a balance of a user within data",
    [{ success: true, data: { balance_usd: "42.10" } }],
    "ok balance 42.1/- USD",
  ],
  [
    "budget_http_json",
    "a quota without a unit",
    [{ total_quota: 1000, used_quota: 950, remaining_quota: 50 }],
    "low quota 50/1000 quota",
  ],
  [
    "yescode_profile",
    "a subscription",
    [
      {
        subscription_balance: 17,
        pay_as_you_go_balance: 0,
        subscription_plan: { daily_balance: 20, weekly_limit: 100 },
        current_week_spend: "60",
      },
    ],
    "ok week 40/100 USD",
  ],
  [
    "yescode_profile",
    "a week that is used up",
    [
      {
        subscription_balance: 17,
        pay_as_you_go_balance: 0,
        subscription_plan: { daily_balance: 20, weekly_limit: 100 },
        current_week_spend: 100.2,
      },
    ],
    "exhausted week 0/100 USD",
  ],
  [
    "yescode_profile",
    "an empty subscription with money beside it",
    [{ subscription_balance: 0, pay_as_you_go_balance: 8.5 }],
    "ok balance 8.5/- USD",
  ],
  [
    "yescode_profile",
    "money only, by preference",
    [{ subscription_balance: 17, pay_as_you_go_balance: "0", balance_preference: "payg_only" }],
    "exhausted balance 0/- USD",
  ],
  [
    "yescode_profile",
    "the balance page",
    [{ total_balance: 3.2, weekly_limit: 100, weekly_spent_balance: 1 }],
    "ok balance 3.2/- USD",
  ],
  [
    "newapi_token",
    "a key with a quota",
    [
      {
        code: true,
        data: {
          object: "token_usage",
          total_granted: 5_000_000,
          total_used: 1_250_000,
          total_available: 3_750_000,
          unlimited_quota: false,
        },
      },
    ],
    "ok key 7.5/10 USD",
  ],
  [
    "newapi_token",
    "a key that was overdrawn",
    [
      {
        code: true,
        data: {
          total_granted: "500000",
          total_used: "500100",
          total_available: -100,
          unlimited_quota: false,
        },
      },
    ],
    "exhausted key 0/1 USD",
  ],
  [
    "newapi_token",
    "a key without a limit",
    [{ code: true, data: { total_granted: 0, total_available: 0, unlimited_quota: true } }],
    "unlimited",
  ],
  ["newapi_token", "a refusal", [{ success: false, message: "no" }], "unknown"],
  [
    "sub2api_usage",
    "an older build",
    [{ isValid: true, planName: "x", remaining: 12, unit: "USD" }],
    "ok balance 12/- USD",
  ],
  [
    "sub2api_usage",
    "an older build without a limit",
    [{ isValid: true, remaining: -1, unit: "USD" }],
    "unlimited",
  ],
  [
    "sub2api_usage",
    "a newer build",
    [{ mode: "quota_limited", quota: { limit: 10, used: 9.5, remaining: 0.5, unit: "USD" } }],
    "low key 0.5/10 USD",
  ],
  [
    "sub2api_usage",
    "a window at its end",
    [
      {
        mode: "quota_limited",
        quota: { limit: "10", used: "1", remaining: "9", unit: "USD" },
        rate_limits: [
          {
            window: "5h",
            limit: 2,
            used: 2,
            remaining: 0,
            reset_at: new Date(NOW + 3_600_000).toISOString(),
          },
          { window: "1d", limit: 5, used: 2, remaining: 3, reset_at: new Date(NOW + DAY).toISOString() },
        ],
      },
    ],
    "exhausted 5h 0/2 USD",
  ],
  [
    "sub2api_usage",
    "a subscription",
    [
      {
        mode: "unrestricted",
        subscription: { daily_usage_usd: 4, daily_limit_usd: 10, weekly_usage_usd: 30, weekly_limit_usd: 40 },
        balance: 0,
      },
    ],
    "ok week 10/40 USD",
  ],
  ["sub2api_usage", "a wallet", [{ mode: "unrestricted", balance: "0.00" }], "exhausted balance 0/- USD"],
  ["openai_billing", "a key", [{ hard_limit_usd: 20 }, { total_usage: "550" }], "ok key 14.5/20 USD"],
  ["openai_billing", "no limit", [{ hard_limit_usd: 100_000_000 }, { total_usage: 5 }], "unlimited"],
  [
    "openai_billing",
    "an error inside a 200",
    [{ hard_limit_usd: 20 }, { error: { message: "no" } }],
    "unknown",
  ],
  ["openai_billing", "a limit alone", [{ hard_limit_usd: 20 }, {}], "unknown"],
  [
    "openrouter",
    "a key with a limit",
    [{ data: { limit: 10, limit_remaining: 0, usage: 50 } }],
    "exhausted quota 0/10 USD",
  ],
  ["openrouter", "a key without one", [{ data: { limit: null, limit_remaining: null } }], "no_key_limit"],
  [
    "deepseek",
    "a wallet",
    [{ is_available: true, balance_infos: [{ currency: "CNY", total_balance: "110.00" }] }],
    "ok balance 110/- CNY",
  ],
  [
    "deepseek",
    "an empty wallet of two that works",
    [{ is_available: true, balance_infos: [{ currency: "CNY", total_balance: "0.00" }] }],
    "low balance 0/- CNY",
  ],
  [
    "deepseek",
    "a wallet in two currencies, of which the first is empty",
    [
      {
        is_available: true,
        balance_infos: [
          { currency: "CNY", total_balance: "0.00", granted_balance: "0.00", topped_up_balance: "0.00" },
          { currency: "USD", total_balance: "12.30", granted_balance: "0.00", topped_up_balance: "12.30" },
        ],
      },
    ],
    "ok balance 12.3/- USD",
  ],
  [
    "deepseek",
    "a wallet in two currencies, of which the first is worth more",
    [
      {
        is_available: true,
        balance_infos: [
          { currency: "CNY", total_balance: "70.00" },
          { currency: "USD", total_balance: "9.00" },
        ],
      },
    ],
    "ok balance 70/- CNY",
  ],
  [
    "deepseek",
    "a wallet whose first entry makes no sense",
    [{ is_available: true, balance_infos: [null, { currency: "USD", total_balance: "5" }] }],
    "ok balance 5/- USD",
  ],
  ["deepseek", "a wallet that does not", [{ is_available: false, balance_infos: [] }], "exhausted"],
  ["moonshot", "a wallet", [{ code: 0, data: { available_balance: 49.5 } }], "ok balance 49.5/- CNY"],
  ["moonshot_ai", "a debt", [{ code: 0, data: { available_balance: -3 } }], "exhausted balance 0/- USD"],
  ...BODIES.flatMap(({ cases, vendor }) =>
    cases.map(({ bodies, says, what }) => [vendor, what, bodies, says] as Shape),
  ),
];

describe.each(SHAPES)("%s, %s", (kind, _what, bodies, says) => {
  test(`is read as "${says}"`, () => {
    expect(read(kind, ...bodies)).toBe(says);
  });

  test("U35: without a field, or with an odd one, is never taken for exhausted unless the rest says so", () => {
    const seen = new Set<string>();
    // Without the word that makes it an error it is an answer.
    if (bodies.some(isError)) return;
    for (const [place, body] of bodies.entries()) {
      for (const variant of ODD.flatMap((odd) => spoil(body, odd))) {
        seen.add(read(kind, ...bodies.with(place, variant)).split(" ")[0] ?? "");
      }
    }
    if (!says.startsWith("exhausted")) expect([...seen]).not.toContain("exhausted");
  });
});

const ODD = [undefined, "", "soon", Number.NaN, Number.POSITIVE_INFINITY, -1e300, {}, [], null, true];

/** The record with each of its figures in turn replaced. */
function spoil(record: Readonly<Record<string, unknown>>, odd: unknown): Record<string, unknown>[] {
  return Object.entries(record).flatMap(([key, value]): Record<string, unknown>[] => {
    if (typeof value === "boolean") return [];
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return [{ ...record, [key]: odd }];
    return spoil(value as Record<string, unknown>, odd).map((inner) => ({ ...record, [key]: inner }));
  });
}

describe("what nobody knows", () => {
  const kinds = Object.keys(VENDORS) as VendorName[];

  test("U35: any JSON is read without a throw, and its figures are finite and not negative", () => {
    const names = [
      "data",
      "quota",
      "remaining",
      "limit",
      "used",
      "balance",
      "total_available",
      "hard_limit_usd",
      "total_usage",
      "monthly_budget_usd",
      "monthly_spent_usd",
      "subscription_balance",
      "rate_limits",
      "balance_infos",
      "is_available",
      "code",
    ];
    const leaf = fc.oneof(fc.double(), fc.integer(), fc.string(), fc.boolean(), fc.constant(null));
    const name = fc.constantFrom(...names);
    const flat = fc.dictionary(name, leaf, { maxKeys: 6 });
    const value = fc.dictionary(name, fc.oneof(leaf, flat, fc.array(flat, { maxLength: 2 })), { maxKeys: 6 });
    fc.assert(
      fc.property(fc.constantFrom(...kinds), value, value, (kind, ...bodies) => {
        const balance = readBodies(VENDORS[kind], bodies, CONTEXT);
        for (const { left, limit, used } of balance?.meters ?? []) {
          for (const figure of [left, limit, used]) {
            if (figure !== null) expect(Number.isFinite(figure) && figure >= 0).toBe(true);
          }
        }
      }),
    );
  });

  test("an empty object says nothing, to any kind", () => {
    for (const kind of kinds) expect([kind, read(kind, {}, {})]).toEqual([kind, "unknown"]);
  });
});

// MiniMax-AI/MiniMax-M2, issue 99; openclaw/openclaw, issue 81115: one account at both addresses.
test.each([
  ["https://api.minimax.io/v1/token_plan/remains", 151, "ok 5h 1349/1500 prompts"],
  ["https://platform.minimax.io/v1/api/openplatform/coding_plan/remains", 1349, "ok 5h 1349/1500 prompts"],
  ["https://api.minimax.io/v1/coding_plan/remains", 0, "exhausted 5h 0/1500 prompts"],
  ["https://api.minimaxi.com/v1/token_plan/remains", 0, "ok 5h 1500/1500 prompts"],
])("MiniMax's count of prompts at %s, %d, is %s", (endpoint, count, says) => {
  const one = { model_name: "MiniMax-M*", current_interval_total_count: 1500 };
  const body = { model_remains: [{ ...one, current_interval_usage_count: count }] };
  const { minimax } = VENDORS;
  expect(describeBalance(readBodies(minimax, [body], { ...CONTEXT, endpoint }))).toBe(says);
});

describe("a window is full again when its reset has passed", () => {
  test.each(["resetTime", "resetAt", "reset_time", "reset_at"])("of Kimi Code, by %s", (name) => {
    const body = (at: number) => ({
      usage: { limit: "100", remaining: "0", [name]: new Date(at).toISOString() },
    });
    expect(read("kimi_code", body(NOW + 1000))).toBe("exhausted 7d 0/100 requests");
    expect(read("kimi_code", body(NOW - 1000))).toBe("ok 7d null/100 requests");
  });

  test("of a subscription at sub2api, by when it began", () => {
    const body = (at: number) => ({
      planName: "pro",
      remaining: 0,
      subscription: {
        weekly_usage_usd: 40,
        weekly_limit_usd: 40,
        weekly_window_start: new Date(at).toISOString(),
      },
    });
    expect(read("sub2api_usage", body(NOW - 6 * DAY))).toBe("exhausted week 0/40 USD");
    expect(read("sub2api_usage", body(NOW - 8 * DAY))).toBe("ok week null/40 USD");
  });

  test("and zero is no time", () => {
    const window = { current_weekly_total_count: 0, model_name: "general", end_time: 0 };
    const body = { model_remains: [{ ...window, current_interval_remaining_percent: 0 }] };
    expect(read("minimax", body)).toBe("exhausted 5h 0/100 %");
  });
});

describe("a place that the user describes", () => {
  const body = { plan: { windows: [{ max: "2000", spent: 500, until: 1_795_521_600 }] } };
  const readAt = (value: unknown, map: PathMap) => readByPath(value, map, NOW);

  test("is read by its paths, with its own unit and divisor", () => {
    const balance = readAt(body, {
      limit: "plan.windows[0].max",
      used: "plan.windows[0].spent",
      reset: "plan.windows[0].until",
      divisor: 100,
    });
    expect(describeBalance(balance)).toBe("ok quota 15/20 USD");
    expect(balance?.meters[0]?.resetsAt).toBe(1_795_521_600_000);
  });

  test("is unknown where nothing stands at its paths", () => {
    expect(readAt(body, { remaining: "plan.windows[1].left" })).toBeNull();
    expect(readAt(body, { remaining: "constructor" })).toBeNull();
    expect(readAt([], { wallets: "balance_infos", remaining: "total_balance" })).toBeNull();
  });

  test.each([
    [1_795_521_600, 1_795_521_600_000],
    [1_795_521_600_000, 1_795_521_600_000],
    ["2026-11-24T12:00:00Z", 1_795_521_600_000],
    [3600, NOW + 3_600_000],
    ["1h30m", NOW + 5_400_000],
    ["never", null],
    [null, null],
  ])("has its reset at %j", (until, at) => {
    const balance = readAt({ left: 5, until }, { remaining: "left", reset: "until" });
    expect(balance?.meters[0]?.resetsAt).toBe(at);
  });

  // https://api.anthropic.com/api/oauth/usage
  test("of which only a share is known is of a hundred per cent", () => {
    const map = { used: "five_hour.utilization", reset: "five_hour.resets_at", unit: "%" };
    const utilization = (used: number) => ({
      five_hour: { utilization: used, resets_at: "2026-11-23T15:00:00Z" },
    });
    expect(describeBalance(readAt(utilization(42.5), map))).toBe("ok quota 57.5/100 %");
    expect(describeBalance(readAt(utilization(100), map))).toBe("exhausted quota 0/100 %");
    expect(describeBalance(readAt({ share: 0.25 }, { used: "share", unit: "%", divisor: 0.01 }))).toBe(
      "ok quota 75/100 %",
    );
  });

  test.each([[false], ["false"], [0], ["0"]])("is exhausted where it is available by %j", (available) => {
    const map = { remaining: "left", available: "ok" };
    expect(describeBalance(readAt({ left: 5, ok: available }, map)).split(" ")[0]).toBe("exhausted");
    expect(describeBalance(readAt({ left: 5, ok: null }, map))).toBe("ok balance 5/- USD");
  });
});

describe("a site of one-api's family says in what it counts", () => {
  const at = (kind: VendorName, site: Record<string, unknown>, ...bodies: Record<string, unknown>[]) =>
    describeBalance(readBodies(VENDORS[kind], bodies, { ...CONTEXT, site: { success: true, data: site } }));
  const billing = (limit: number, used: number) =>
    [{ hard_limit_usd: limit }, { total_usage: used * 100 }] as const;
  const token = {
    code: true,
    data: { total_granted: 1_000_000, total_used: 250_000, total_available: 750_000 },
  };

  test.each<[string, Record<string, unknown>, string, string]>([
    [
      "dollars",
      { quota_per_unit: 500_000, quota_display_type: "USD" },
      "ok key 15/20 USD",
      "ok key 1.5/2 USD",
    ],
    ["another number a dollar", { quota_per_unit: 100_000 }, "ok key 15/20 USD", "ok key 7.5/10 USD"],
    [
      "yuan",
      { quota_per_unit: 500_000, quota_display_type: "CNY", usd_exchange_rate: 8 },
      "ok key 15/20 CNY",
      "ok key 12/16 CNY",
    ],
    ["tokens", { quota_display_type: "TOKENS" }, "ok key 15/20 tokens", "ok key 750000/1000000 tokens"],
    [
      "tokens of one-api",
      { display_in_currency: false },
      "ok key 15/20 tokens",
      "ok key 750000/1000000 tokens",
    ],
    ["yuan at no rate", { quota_display_type: "CNY" }, "ok key 15/20 quota", "ok key 750000/1000000 quota"],
    [
      "a currency of its own",
      { quota_display_type: "CUSTOM", custom_currency_symbol: "pt", custom_currency_exchange_rate: 100 },
      "ok key 15/20 pt",
      "ok key 150/200 pt",
    ],
  ])("%s", (_, site, ofBilling, ofToken) => {
    expect(at("openai_billing", site, ...billing(20, 5))).toBe(ofBilling);
    expect(at("newapi_token", site, token)).toBe(ofToken);
  });

  test("tokens without a limit are told by the very number that says so", () => {
    const site = { quota_display_type: "TOKENS" };
    expect(at("openai_billing", site, ...billing(100_000_000, 5))).toBe("unlimited");
    expect(at("openai_billing", site, ...billing(200_000_000, 5))).toBe("ok key 199999995/200000000 tokens");
  });
});

describe("a key of OpenRouter", () => {
  const resetAt = (reset: string, now: number): string => {
    const body = { data: { limit: 10, limit_remaining: 5, limit_reset: reset } };
    const balance = readBodies(VENDORS.openrouter, [body], { ...CONTEXT, now });
    return new Date(balance?.meters[0]?.resetsAt ?? 0).toISOString();
  };

  test("is full again at the next midnight, Monday or month by UTC", () => {
    expect(resetAt("daily", NOW)).toBe("2026-11-24T00:00:00.000Z");
    expect(resetAt("weekly", NOW)).toBe("2026-11-30T00:00:00.000Z");
    expect(resetAt("weekly", Date.UTC(2026, 10, 29, 23))).toBe("2026-11-30T00:00:00.000Z");
    expect(resetAt("monthly", Date.UTC(2026, 11, 31, 23))).toBe("2027-01-01T00:00:00.000Z");
  });
});

test("each vendor says who knows its shape, and has an answer with something left and one with nothing", () => {
  const told = new Map<string, Set<string>>();
  for (const [kind, , , says] of SHAPES)
    told.getOrInsertComputed(kind, () => new Set()).add(says.startsWith("exhausted") ? "nothing" : "some");
  for (const [name, { source }] of Object.entries(VENDORS)) {
    expect({ name, source, told: [...(told.get(name) ?? [])].toSorted() }).toEqual({
      name,
      source: expect.stringMatching(/./),
      told: ["nothing", "some"],
    });
  }
  for (const { shape, vendor } of BODIES)
    expect([vendor, VENDORS[vendor].source.startsWith("by documentation")]).toEqual([
      vendor,
      shape === "by documentation",
    ]);
});

test("the documentation has the tables that the rows make", async () => {
  const text = await Bun.file(QUOTA_DOC_PATH).text();
  expect(text).toBe(withVendors(text));
});
