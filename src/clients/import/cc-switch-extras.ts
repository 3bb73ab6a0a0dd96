// What cc-switch knows of a provider beside address and key: price, limits, headers, models; and as tags what has no
// counterpart here. Keeps no secret.
// Pure.
import { isRecord } from "../../base/json-value.ts";
import { type CcSwitchProvider, type ProviderFacts, envOf, textOf } from "./cc-switch-provider.ts";

/** Keys of an upstream in config.json. */
export interface ForeignExtras {
  readonly tags: Record<string, unknown>;
  readonly models?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly query?: Record<string, string>;
  readonly cost_multiplier?: number;
  readonly budget_usd?: { readonly day?: number; readonly month?: number };
}

/** Names that stand for what is not shown. */
const SECRET_NAME = /key|token|secret|password|auth|cookie|script/i;
/** Read already, or of no meaning outside of cc-switch. */
const KNOWN = new Set([
  "ANTHROPIC_BASE_URL",
  "apiFormat",
  "commonConfigEnabled",
  "costMultiplier",
  "custom_endpoints",
  "customUserAgent",
  "endpointAutoSelect",
  "isFullUrl",
  "limitDailyUsd",
  "limitMonthlyUsd",
  "localProxyRequestOverrides",
]);
const LONGEST_TAG = 200;
/** The vendors' own models: a relay knows them by these names. */
const VENDOR_MODEL = /^(?:gpt-|o\d|codex|claude-|sonnet|opus|haiku|default)/i;

export function makeForeignExtras(
  provider: CcSwitchProvider,
  { model, table }: ProviderFacts,
): ForeignExtras {
  const { meta } = provider;
  const overrides = meta["localProxyRequestOverrides"];
  const agent = textOf(meta["customUserAgent"]);
  const headers = {
    ...table?.httpHeaders,
    ...(isRecord(overrides) ? textsOf(overrides["headers"]) : {}),
    ...(agent === "" ? {} : { "user-agent": agent }),
  };
  const query = table?.queryParams ?? {};
  const factor = readAmount(meta["costMultiplier"], 1000);
  const day = readAmount(meta["limitDailyUsd"]);
  const month = readAmount(meta["limitMonthlyUsd"]);
  const budget = { ...(day === null ? {} : { day }), ...(month === null ? {} : { month }) };
  return {
    tags: makeTags(provider, model),
    ...(model === "" || VENDOR_MODEL.test(model) ? {} : { models: { "*": model } }),
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    ...(Object.keys(query).length > 0 ? { query: { ...query } } : {}),
    ...(factor === null || factor === 1 ? {} : { cost_multiplier: factor }),
    ...(Object.keys(budget).length > 0 ? { budget_usd: budget } : {}),
  };
}

function makeTags(provider: CcSwitchProvider, model: string): Record<string, unknown> {
  const { id, name, category, notes, meta } = provider;
  const rest = [...Object.entries(meta), ...Object.entries(envOf(provider))].filter(
    ([key, value]) =>
      !KNOWN.has(key) &&
      !SECRET_NAME.test(key) &&
      (typeof value === "boolean" ||
        typeof value === "number" ||
        (typeof value === "string" && value !== "" && value.length <= LONGEST_TAG)),
  );
  return {
    ...Object.fromEntries(rest),
    ...(model === "" ? {} : { model }),
    ...(category === "" ? {} : { category }),
    ...(notes === "" ? {} : { notes: notes.slice(0, LONGEST_TAG) }),
    cc_switch_id: id,
    provider_id: name,
    imported_from: "cc-switch",
  };
}

/** A number above 0, which cc-switch keeps as a text; null for anything else. */
function readAmount(value: unknown, most = Number.MAX_SAFE_INTEGER): number | null {
  const number = typeof value === "number" ? value : Number(textOf(value) || Number.NaN);
  return number > 0 && number <= most ? number : null;
}

function textsOf(value: unknown): Record<string, string> {
  const entries = isRecord(value) ? Object.entries(value) : [];
  return Object.fromEntries(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
