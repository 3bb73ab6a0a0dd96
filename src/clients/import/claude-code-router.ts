// From claude-code-router's config.json to configs of ours: each provider that speaks the API of one of the clients is a config.
// It translates for all others, and codex-helper does not. Changes nothing there.
// Its shape: https://github.com/musistudio/claude-code-router, config.example.json and the section "Providers" of its README.
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { readText } from "../../base/files.ts";
import { type JsonRecord, isRecord, stringOr } from "../../base/json-value.ts";
import type { Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import { isOnThisMachine } from "../../config/base-url.ts";
import { readJsonc, valueOf } from "../../config/jsonc.ts";
import type { AuthEntry, UpstreamEntry } from "../../config/schema.ts";
import {
  type Import,
  type ImportedConfig,
  mapModel,
  nameConfig,
  problemOfUpstream,
} from "../imported-config.ts";

/** Each request of a kind goes to one "provider,model". */
interface Route {
  readonly provider: string;
  readonly model: string;
}

/** A transformer's name, in lower case, with its options. */
type Transformer = readonly [name: string, options: JsonRecord];

/** Throws UserError where the directory has no config.json of it, or one that cannot be read. */
export async function readRouterConfig(directory: string): Promise<JsonRecord> {
  const path = join(directory, "config.json");
  const text = await readText(path);
  if (text === null) {
    throw new UserError(t`no claude-code-router data in ${directory}`, {
      hint: "ch config import --from claude-code-router --dir DIR",
    });
  }
  const { root } = readJsonc(text, path);
  const value = root === null ? {} : valueOf(root);
  if (!isRecord(value)) throw new UserError(t`${path} does not contain an object`);
  return value;
}

export function importRouterConfig(root: JsonRecord): Import {
  const skipped: Text[] = [];
  const routes = isRecord(root["Router"]) ? root["Router"] : {};
  const standard = readRoute(routes["default"]);
  const providers = [root["Providers"], root["providers"]].find(Array.isArray) ?? [];
  const configs = providers.filter(isRecord).flatMap((provider): ImportedConfig[] => {
    const name = stringOr(provider["name"], "").trim();
    const made = makeUpstream(provider, standard?.provider === name ? standard.model : null);
    if ("text" in made) {
      skipped.push(t`"${name}": ${made}`);
      return [];
    }
    const from = t`claude-code-router's provider "${name}"`;
    return [{ service: made.service, ...nameConfig(name), upstreams: [made.upstream], from }];
  });
  const others = Object.keys(routes).filter((kind) => kind !== "default" && readRoute(routes[kind]) !== null);
  if (others.length > 0)
    skipped.push(
      t`choosing a provider by the kind of request (${others.join(", ")}): upstreams are tried in order`,
    );
  const isStandard = ({ alias, name }: ImportedConfig): boolean => (alias ?? name) === standard?.provider;
  return {
    configs: configs.toSorted((one, other) => Number(isStandard(other)) - Number(isStandard(one))),
    skipped,
  };
}

/** `model`: that all requests are sent with by default; null where the provider is not the default one. */
function makeUpstream(
  provider: JsonRecord,
  model: string | null,
): { readonly service: Service; readonly upstream: UpstreamEntry } | Text {
  const address = stringOr(provider["api_base_url"], "").trim().replace(/\/+$/, "");
  const key = stringOr(provider["api_key"], "").trim();
  const transformers = readTransformers(provider["transformer"]);
  const service = serviceOf(address, transformers);
  if (address === "") return t`it has no address`;
  if (service === null) return t`it uses another API format (${formatOf(address, transformers)})`;
  if (isOnThisMachine(address)) return t`its address is on this machine`;
  if (key === "") return t`it has no key`;
  const listed: unknown = Array.isArray(provider["models"]) ? provider["models"][0] : undefined;
  const upstream: UpstreamEntry = {
    base_url: address.replace(ENDPOINT, ""),
    auth: authOf(key, service, transformers),
    ...mapModel(model ?? stringOr(listed, "")),
    tags: { provider_id: stringOr(provider["name"], "").trim(), imported_from: "claude-code-router" },
  };
  return problemOfUpstream(upstream, service) ?? { service, upstream };
}

const ENDPOINT = /\/(?:responses|messages|chat\/completions)$/;

/** Whose API it speaks without being translated. */
function serviceOf(address: string, transformers: readonly Transformer[]): Service | null {
  const [first] = transformers;
  const only = transformers.length === 1 ? first?.[0] : undefined;
  if (only === "anthropic" || (transformers.length === 0 && address.endsWith("/messages"))) return "claude";
  const isResponses =
    only === "openai-responses" || (transformers.length === 0 && address.endsWith("/responses"));
  return isResponses ? "codex" : null;
}

function formatOf(address: string, transformers: readonly Transformer[]): string {
  return /chat\/completions$/.exec(address)?.[0] ?? transformers[0]?.[0] ?? "chat/completions";
}

/** Which header it goes in is an option there. "$NAME" and "${NAME}" are variables. */
function authOf(key: string, service: Service, transformers: readonly Transformer[]): AuthEntry {
  const isBearer = service === "codex" || transformers.some(([, options]) => options["UseBearer"] === true);
  const kind = isBearer ? "auth_token" : "api_key";
  const variable = /^\$(?:\{(\w+)\}|(\w+))$/
    .exec(key)
    ?.slice(1)
    .find((name) => name !== undefined);
  return variable === undefined ? { [kind]: key } : { [`${kind}_env`]: variable };
}

/** `{ "use": ["a", ["b", { ... }]] }` */
function readTransformers(value: unknown): Transformer[] {
  const use: unknown = isRecord(value) ? value["use"] : [];
  if (!Array.isArray(use)) return [];
  return use.map((one: unknown): Transformer => {
    const [name, options]: readonly unknown[] = Array.isArray(one) ? one : [one];
    return [stringOr(name, "").toLowerCase(), isRecord(options) ? options : {}];
  });
}

function readRoute(value: unknown): Route | null {
  const [, provider = "", model = ""] = /^([^,]+),(.+)$/.exec(stringOr(value, "")) ?? [];
  return provider === "" ? null : { provider: provider.trim(), model: model.trim() };
}
