// One provider of cc-switch, and which of its facts are ours to use: address, key, wire format, who manages it.
// Knows no config of ours.
// Pure.
import type { TomlTable } from "smol-toml";
import { type JsonRecord, isRecord, stringOr } from "../../base/json-value.ts";
import type { Service } from "../../base/service.ts";
import { CLOUD_SWITCHES } from "../claude/layers.ts";
import { parseToml, valueAt } from "../codex/layers.ts";
import { type CodexProvider, listProviders } from "../codex/provider.ts";

export interface CcSwitchProvider {
  readonly id: string;
  readonly service: Service;
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
  return provider.service === "codex" ? readCodex(provider) : readClaude(provider);
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

/** The provider that `model_provider` names; nobody else's table is looked at. */
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

/** true, 1, "1" or "true": all of them occur. */
function isOn(value: unknown): boolean {
  return value === true || value === 1 || /^(?:1|true)$/i.test(textOf(value));
}
