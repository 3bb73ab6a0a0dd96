// One provider of cc-switch, and which of its facts are ours to use: address, key, wire format, who manages it; price,
// limits, headers, models; and as tags what has no counterpart here. Keeps no secret in them.
// Pure.
import type { TomlTable } from "smol-toml";
import { type JsonRecord, isRecord, stringEntries, stringOr } from "../../base/json-value.ts";
import { SERVICES, type Service } from "../../base/service.ts";
import type { AuthEntry } from "../../config/schema.ts";
import { CLOUD_SWITCHES } from "../claude/layers.ts";
import { parseToml, valueAt } from "../codex/layers.ts";
import { type CodexProvider, listProviders } from "../codex/provider.ts";
import { mapModel } from "../imported-config.ts";

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

/** How cc-switch keeps the providers of one client. */
interface Format {
  readonly readFacts: (provider: CcSwitchProvider) => ProviderFacts;
  /** What the client speaks, in cc-switch's words. */
  readonly wireFormat: string;
  readonly authOf: (key: string, provider: CcSwitchProvider) => AuthEntry;
  /** What a link may carry beside JSON. */
  readonly linkFormat?: "toml";
}

const FORMATS = {
  codex: {
    readFacts: readCodex,
    wireFormat: "responses",
    authOf: (key) => ({ auth_token: key }),
    linkFormat: "toml",
  },
  claude: { readFacts: readClaude, wireFormat: "anthropic", authOf: claudeAuthOf },
} satisfies Readonly<Partial<Record<Service, Format>>>;

/** A service whose providers cc-switch keeps. */
export type CcSwitchService = keyof typeof FORMATS;

export const CC_SWITCH_SERVICES = SERVICES.filter(isKept);

export function isKept(value: unknown): value is CcSwitchService {
  return typeof value === "string" && Object.hasOwn(FORMATS, value);
}

export function formatOf(service: CcSwitchService): Format {
  return FORMATS[service];
}

export interface CcSwitchProvider {
  readonly id: string;
  readonly service: CcSwitchService;
  readonly name: string;
  /** What cc-switch writes into the client's files. */
  readonly settings: JsonRecord;
  readonly category: string;
  readonly notes: string;
  readonly meta: JsonRecord;
  /** More addresses with the same key. */
  readonly endpoints: readonly string[];
  readonly isQueued: boolean;
  readonly isCurrent: boolean;
}

export interface ProviderFacts {
  readonly baseUrl: string;
  /** Null where cc-switch has none. */
  readonly key: string | null;
  /** Variable that holds it, where no key is written down. */
  readonly keyVariable: string | null;
  /** The model that the client is set to; "" for none. */
  readonly model: string;
  /** The table of config.toml; null for Claude Code and where there is none. */
  readonly table: CodexProvider | null;
  readonly wireFormat: string;
}

/** The address and key in the order in which cc-switch looks for them. Throws UserError for TOML that does not parse. */
export function readFacts(provider: CcSwitchProvider): ProviderFacts {
  return formatOf(provider.service).readFacts(provider);
}

export function envOf({ settings }: CcSwitchProvider): JsonRecord {
  return isRecord(settings["env"]) ? settings["env"] : {};
}

/** Accounts that cc-switch signs in to by itself: their tokens are of no use elsewhere. */
export function isManaged({ meta, settings }: CcSwitchProvider): boolean {
  const binding = meta["authBinding"];
  return (
    textOf(meta["providerType"]) !== "" ||
    (isRecord(binding) && binding["source"] === "managed_account") ||
    JSON.stringify(settings).includes("githubcopilot.com")
  );
}

/** Its requests go to a cloud's own endpoint, signed in the cloud's way. */
export function isCloud(provider: CcSwitchProvider, baseUrl: string): boolean {
  const env = envOf(provider);
  return CLOUD_SWITCHES.some((name) => isOn(env[name])) || baseUrl.includes("://bedrock-runtime.");
}

/** The first that is a text and not blank. */
export function textOf(...values: readonly unknown[]): string {
  return values.map((value) => stringOr(value, "").trim()).find((text) => text !== "") ?? "";
}

function readCodex(provider: CcSwitchProvider): ProviderFacts {
  const { settings, meta } = provider;
  const auth = isRecord(settings["auth"]) ? settings["auth"] : {};
  const config = isRecord(settings["config"]) ? settings["config"] : {};
  const text = stringOr(settings["config"], "");
  const top: TomlTable = text === "" ? {} : parseToml(text, "config.toml");
  const table = activeTable(top);
  const key = textOf(
    envOf(provider)["OPENAI_API_KEY"],
    auth["OPENAI_API_KEY"],
    settings["apiKey"],
    settings["api_key"],
    config["apiKey"],
    config["api_key"],
    table?.bearerToken,
  );
  const wireApi = table === null ? "" : valueAt(top, ["model_providers", table.id, "wire_api"]);
  const format = textOf(meta["apiFormat"], settings["api_format"], settings["apiFormat"], wireApi);
  return {
    baseUrl: textOf(
      settings["base_url"],
      settings["baseURL"],
      config["base_url"],
      table?.baseUrl?.value,
      top["base_url"],
    ),
    key: key === "" ? null : key,
    keyVariable: table?.envKey ?? null,
    model: textOf(top["model"]),
    table,
    wireFormat: /^(?:|responses|openai_responses)$/i.test(format) ? "responses" : format,
  };
}

/** The provider that `model_provider` names; no other table is looked at. */
function activeTable(table: TomlTable): CodexProvider | null {
  const layer = { kind: "user" as const, where: "config.toml", table };
  return listProviders([layer]).find(({ id }) => id === table["model_provider"]) ?? null;
}

function readClaude(provider: CcSwitchProvider): ProviderFacts {
  const { settings, meta } = provider;
  const env = envOf(provider);
  const key = textOf(env["ANTHROPIC_AUTH_TOKEN"], env["ANTHROPIC_API_KEY"]);
  const isChat = isOn(settings["openrouter_compat_mode"]);
  const format = textOf(meta["apiFormat"], settings["api_format"], isChat ? "openai_chat" : "");
  return {
    baseUrl: textOf(env["ANTHROPIC_BASE_URL"]),
    key: key === "" ? null : key,
    keyVariable: null,
    model: textOf(env["ANTHROPIC_MODEL"]),
    table: null,
    wireFormat: format === "" ? "anthropic" : format,
  };
}

/** The header kind is kept beside the key, or shows in the variable that holds it. */
function claudeAuthOf(key: string, provider: CcSwitchProvider): AuthEntry {
  const hasToken = textOf(envOf(provider)["ANTHROPIC_AUTH_TOKEN"]) !== "";
  const field = textOf(provider.meta["apiKeyField"], hasToken ? "" : "ANTHROPIC_API_KEY");
  return field.toUpperCase() === "ANTHROPIC_API_KEY" ? { api_key: key } : { auth_token: key };
}

/** true, 1, "1" or "true": all of them occur. */
function isOn(value: unknown): boolean {
  return value === true || value === 1 || /^(?:1|true)$/i.test(textOf(value));
}

/** Keys of an upstream in config.json. */
export function makeForeignExtras(provider: CcSwitchProvider, { model, table }: ProviderFacts) {
  const { meta } = provider;
  const overrides = meta["localProxyRequestOverrides"];
  const agent = textOf(meta["customUserAgent"]);
  const headers = {
    ...table?.httpHeaders,
    ...Object.fromEntries(isRecord(overrides) ? stringEntries(overrides["headers"]) : []),
    ...(agent === "" ? {} : { "user-agent": agent }),
  };
  const query = table?.queryParams ?? {};
  const factor = readAmount(meta["costMultiplier"], 1000);
  const day = readAmount(meta["limitDailyUsd"]);
  const month = readAmount(meta["limitMonthlyUsd"]);
  const budget = { ...(day === null ? {} : { day }), ...(month === null ? {} : { month }) };
  return {
    tags: makeTags(provider, model),
    ...mapModel(model),
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
