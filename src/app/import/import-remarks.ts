// What a person must know of configs and settings from elsewhere before they are written: whom they would make the proxy talk to,
// with which of this machine's secrets, and what they would weaken. The same for every source.
// Pure.
import { type Text, joinTexts, t } from "../../base/text.ts";
import { isRecord } from "../../base/json-value.ts";
import { DEFAULT_SERVICE, SERVICES, SERVICE_FACTS, type Service } from "../../base/service.ts";
import { checkUpstreams } from "../../config/check-upstreams.ts";
import type { Change } from "../../config/jsonc-edit.ts";
import { formatTarget } from "../../config/name.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import type { UpstreamEntry } from "../../config/schema.ts";
import { listSettings } from "../../config/settings.ts";
import { isWithin, registrableDomain } from "../../quota/token-policy.ts";
import type { PlacedImport } from "./import-plan.ts";

export interface Remark {
  /** "main#1", or the name of a config or setting. */
  readonly about: string;
  /** Sends something elsewhere, or weakens a protection. */
  readonly isRisk: boolean;
  readonly words: Text;
}

/** Whose a variable is by its name, as domains. Whoever else gets it gets a key that was not made for them. */
const USUAL_OWNERS: readonly (readonly [name: RegExp, ...domains: string[]])[] = [
  [/^(?:OPENAI|CODEX)_/, "openai.com"],
  [/^(?:ANTHROPIC|CLAUDE)_/, "anthropic.com"],
  [/^AWS_/, "amazonaws.com"],
  [/^(?:GITHUB|GH)_/, "github.com", "githubcopilot.com"],
  [/^(?:GOOGLE|GEMINI|GCP)_/, "googleapis.com"],
  [/^AZURE_/, "azure.com"],
  [/^OPENROUTER_/, "openrouter.ai"],
  [/^DEEPSEEK_/, "deepseek.com"],
  [/^(?:MOONSHOT|KIMI)_/, "moonshot.cn", "moonshot.ai", "kimi.com"],
  [/^(?:DASHSCOPE|ALIBABA|ALIYUN)_/, "aliyuncs.com"],
  [/^(?:ZHIPU|ZAI|BIGMODEL)_/, "bigmodel.cn", "z.ai"],
  [/^(?:GROQ)_/, "groq.com"],
  [/^MISTRAL_/, "mistral.ai"],
  [/^XAI_/, "x.ai"],
  [/^(?:HF|HUGGING_?FACE)_/, "huggingface.co"],
  [/^(?:CLOUDFLARE|CF)_/, "cloudflare.com"],
  [/^(?:NPM|NODE_AUTH)_/, "npmjs.org"],
  [/^(?:GITLAB|CI_JOB)_/, "gitlab.com"],
];

/** What is shown by the table of a preview, or has words of its own below. */
const SAID_ELSEWHERE = new Set(["base_url", "auth", "tags", "enabled", "disabled_until"]);

/** What a config from elsewhere brings along. `here` is config.json as it is. */
export function listRemarks(
  { extra = {}, name, service, upstreams }: PlacedImport,
  here: ParsedConfig,
): Remark[] {
  const label = (position: number): string => formatTarget(name, position);
  const warnings = checkUpstreams(upstreams, service).warnings.map(({ path, words }): Remark => {
    const about = label(Number(path[0]) + 1);
    return { about, isRisk: true, words: t`${about} ${words}` };
  });
  const uses = listUses(here);
  const { origins } = SERVICE_FACTS[service];
  const own = upstreams.flatMap((upstream, index) =>
    describeUpstream(label(index + 1), upstream, { here, uses, origins }),
  );
  const around = Object.entries(extra).flatMap(([key, value]) => describeKey(name, key, value));
  return [...warnings, ...own, ...around];
}

interface Context {
  readonly here: ParsedConfig;
  readonly uses: VariableHosts;
  /** The vendor's own. */
  readonly origins: readonly string[];
}

function describeUpstream(
  about: string,
  upstream: UpstreamEntry,
  { here, origins, uses }: Context,
): Remark[] {
  const host = URL.parse(upstream.base_url)?.hostname ?? "";
  const variables = [upstream.auth?.auth_token_env, upstream.auth?.api_key_env].filter((one) => one != null);
  const shared = here.shell.privacy?.strip_workspaces ?? true;
  const imitated = origins
    .map((origin) => new URL(origin).hostname)
    .find((one) => one !== host && host.includes(one));
  return [
    ...(imitated === undefined
      ? []
      : [{ about, isRisk: true, words: t`${about}: ${host} only looks like ${imitated}` }]),
    ...variables.map((variable) => describeVariable(about, { variable: variable.trim(), host, uses })),
    ...Object.entries(upstream)
      .filter(([key, value]) => !SAID_ELSEWHERE.has(key) && value != null)
      .flatMap(([key, value]) =>
        key === "privacy" ? describePrivacy(about, value, shared) : describeKey(about, key, value),
      ),
  ];
}

function describeVariable(
  about: string,
  { host, uses, variable }: { variable: string; host: string; uses: Context["uses"] },
): Remark {
  const before = [...(uses.get(variable) ?? [])];
  const [, ...domains] = USUAL_OWNERS.find(([name]) => name.test(variable)) ?? [];
  const place = t`${about} would send the variable ${variable} to ${host}`;
  if (before.some((other) => isSameSite(other, host))) return { about, isRisk: false, words: place };
  const [owner] = domains;
  const isOthers = owner !== undefined && !domains.some((domain) => isWithin(host, domain));
  const marks = [
    before.length === 0 ? t`no config here uses it yet` : t`here it goes to ${before.join(", ")}`,
    ...(isOthers ? [t`it usually belongs to ${owner}`] : []),
  ];
  return { about, isRisk: true, words: t`${place}: ${joinTexts(marks, "; ")}` };
}

/** The hosts to which each variable goes. */
export type VariableHosts = ReadonlyMap<string, ReadonlySet<string>>;

/** Why a variable of this machine's was not made for that host; null where nothing says so. */
export function riskOfVariable(
  about: string,
  { host, variable }: { readonly host: string; readonly variable: string },
  uses: VariableHosts,
): Text | null {
  const { isRisk, words } = describeVariable(about, { variable, host, uses });
  const [, ...owners] = USUAL_OWNERS.find(([name]) => name.test(variable)) ?? [];
  return isRisk && (uses.has(variable) || owners.length > 0) ? words : null;
}

function describePrivacy(about: string, value: unknown, shared: boolean): Remark[] {
  const strips = isRecord(value) ? value["strip_workspaces"] : undefined;
  if (typeof strips !== "boolean") return [];
  const change = `privacy.strip_workspaces ${shared} -> ${strips}`;
  return strips
    ? [{ about, isRisk: false, words: t`${about}: ${change}` }]
    : [{ about, isRisk: true, words: t`${about}: ${change}, which weakens your privacy` }];
}

function describeKey(about: string, key: string, value: unknown): Remark[] {
  if (value == null || (isRecord(value) && Object.keys(value).length === 0)) return [];
  const names = isRecord(value) ? Object.keys(value).join(", ") : "";
  if (key === "proxy") {
    // The address may hold a password: the host alone is shown.
    const words =
      typeof value === "string"
        ? t`${about}: its requests would go through the proxy ${URL.parse(value)?.host ?? "?"}`
        : t`${about}: its requests would go past your outbound proxy`;
    return [{ about, isRisk: true, words }];
  }
  if (key === "tls_ca" && typeof value === "string")
    return [{ about, isRisk: true, words: t`${about}: its certificate would be checked against ${value}` }];
  if (key === "headers") return [{ about, isRisk: true, words: t`${about} adds the headers: ${names}` }];
  if (key === "query") return [{ about, isRisk: true, words: t`${about} adds the parameters: ${names}` }];
  if (key === "headers_allowed") {
    const allowed = Array.isArray(value) ? value.join(", ") : "";
    if (allowed === "") return [];
    return [{ about, isRisk: true, words: t`${about} would see these headers of the client: ${allowed}` }];
  }
  if (key === "on_exhausted" && typeof value === "string")
    return [{ about, isRisk: false, words: t`${about}: on_exhausted continue -> ${value}` }];
  return [
    {
      about,
      isRisk: false,
      words: names === "" ? t`${about} sets ${key}` : t`${about} sets ${key}: ${names}`,
    },
  ];
}

/** By the configs that are here. */
export function listUses(here: ParsedConfig): VariableHosts {
  const uses = new Map<string, Set<string>>();
  for (const service of SERVICES)
    for (const { entry } of here.services[service].configs.values())
      for (const { auth, base_url } of entry.upstreams)
        for (const variable of [auth?.auth_token_env, auth?.api_key_env])
          if (variable != null) {
            const hosts = uses.get(variable.trim()) ?? new Set();
            uses.set(variable.trim(), hosts.add(URL.parse(base_url)?.hostname ?? ""));
          }
  return uses;
}

function isSameSite(one: string, other: string): boolean {
  const domain = registrableDomain(one);
  return one === other || (domain !== null && domain === registrableDomain(other));
}

export interface SettingChange extends Remark {
  readonly before: string;
  readonly after: string;
}

/** Settings whose new value takes a protection away. */
const WEAKENS: Readonly<Record<string, string>> = {
  "privacy.strip_workspaces": "false",
  "limits.client_token": "false",
};

/** Old and new value of every setting that the changes touch, as far as they differ. */
export function listSettingChanges(changes: readonly Change[], here: ParsedConfig): SettingChange[] {
  const added = Object.fromEntries(
    changes.flatMap((change) => (change.kind === "set" ? [[String(change.path[0]), change.value]] : [])),
  ) as ParsedConfig["shell"];
  const before = readAll(here.shell);
  const after = readAll({ ...here.shell, ...added });
  return [...after].flatMap(([about, value]): SettingChange[] => {
    const old = before.get(about) ?? "-";
    if (old === value) return [];
    const isRisk = WEAKENS[about] === value;
    const change = `${about} ${old} -> ${value}`;
    return [
      {
        about,
        before: old,
        after: value,
        isRisk,
        words: isRisk ? t`${change}, which weakens your privacy` : t`${change}`,
      },
    ];
  });
}

/** Those in force, and beside them whatever else the groups hold. */
function readAll(shell: ParsedConfig["shell"]): ReadonlyMap<string, string> {
  const unknown = Object.entries(shell).flatMap(([group, value]) =>
    isRecord(value) && !SERVICES.includes(group as Service)
      ? Object.entries(value).map(([key, one]): [string, string] => [`${group}.${key}`, JSON.stringify(one)])
      : [],
  );
  const known = listSettings({ shell }).map(({ name, value }): [string, string] => [name, String(value)]);
  return new Map([...unknown, ["default_service", shell.default_service ?? DEFAULT_SERVICE], ...known]);
}
