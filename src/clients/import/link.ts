// From a ccswitch:// link to one config. A link is a stranger's words: it is read strictly, its addresses must be what
// `config add` would take, it may name no variable of ours, and nothing of it is ever run or fetched.
// Pure.
import { decodeUtf8 } from "../../base/bytes.ts";
import { UserError } from "../../base/errors.ts";
import { type JsonRecord, parseRecord } from "../../base/json-value.ts";
import { type Text, t } from "../../base/text.ts";
import { isOnThisMachine } from "../../config/base-url.ts";
import type { UpstreamEntry } from "../../config/schema.ts";
import {
  type CcSwitchProvider,
  type CcSwitchService,
  formatOf,
  isKept,
  makeForeignExtras,
  readFacts,
  textOf,
} from "./cc-switch-provider.ts";
import { type Import, nameConfig, problemOfUpstream } from "../imported-config.ts";

/** What is read here or has no meaning for us. Any other parameter is named as left out. */
const PARAMETERS = new Set(
  "resource app name endpoint apiKey model notes config configFormat homepage icon enabled apiFormat".split(
    " ",
  ),
);
const LONGEST_LINK = 64 * 1024;
const MOST_ADDRESSES = 8;

/** Throws UserError for a link that cannot be taken over as a whole. Its message holds no key. */
export function importLink(link: string): Import {
  const { service, parameters } = readLink(link);
  const given = (name: string): string => (parameters.get(name) ?? "").trim();
  const name = given("name");
  const provider: CcSwitchProvider = {
    id: "",
    service,
    name,
    settings: readSettings(given("config"), given("configFormat"), service),
    category: "",
    notes: given("notes"),
    meta: { apiFormat: given("apiFormat") },
    endpoints: [],
    isQueued: false,
    isCurrent: false,
  };
  const facts = readFacts(provider);
  if (facts.wireFormat !== formatOf(service).wireFormat)
    throw refuse(t`it uses another API format (${facts.wireFormat})`);
  const key = textOf(given("apiKey"), facts.key);
  if (key === "") throw refuse(t`it has no key`);
  // Headers and the like of a stranger's choosing are left out.
  const model = textOf(given("model"), facts.model);
  const { models, tags: allTags } = makeForeignExtras(provider, { ...facts, model });
  const { cc_switch_id: _, ...tags } = allTags;
  const addresses = (given("endpoint") === "" ? facts.baseUrl : given("endpoint"))
    .split(",")
    .map((text) => text.trim().replace(/\/+$/, ""))
    .filter((text) => text !== "");
  if (addresses.length === 0) throw refuse(t`it has no address`);
  if (addresses.length > MOST_ADDRESSES) throw refuse(t`it has more than ${MOST_ADDRESSES} addresses`);
  const upstreams = [...new Set(addresses)].map((baseUrl): UpstreamEntry => {
    const upstream = {
      base_url: baseUrl,
      auth: { auth_token: key },
      ...(models === undefined ? {} : { models }),
      tags: { ...tags, imported_from: "ccswitch link" },
    };
    const problem = isOnThisMachine(baseUrl)
      ? t`its address is on this machine`
      : problemOfUpstream(upstream, service);
    if (problem !== null) throw refuse(problem);
    return upstream;
  });
  const skipped = [...parameters.keys()]
    .filter((parameter) => !PARAMETERS.has(parameter))
    .map((parameter) => t`${parameter}: not supported here`);
  return { configs: [{ service, ...nameConfig(name), upstreams, from: t`the link` }], skipped };
}

function readLink(link: string): { service: CcSwitchService; parameters: ReadonlyMap<string, string> } {
  const url = link.length <= LONGEST_LINK ? URL.parse(link) : null;
  if (url === null || url.protocol !== "ccswitch:") throw refuse(t`it is not a ccswitch:// address`);
  if (url.host !== "v1" || url.pathname !== "/import" || url.username !== "" || url.hash !== "")
    throw refuse(t`it does not begin with ccswitch://v1/import?`);
  const parameters = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (parameters.has(name)) throw refuse(t`it contains ${name} twice`);
    parameters.set(name, value);
  }
  const resource = parameters.get("resource") ?? "";
  if (resource !== "provider") throw refuse(t`it contains no provider (resource=${resource})`);
  const app = parameters.get("app") ?? "";
  if (!isKept(app)) throw refuse(t`it is neither for codex nor for claude (app=${app})`);
  if ((parameters.get("name") ?? "").trim() === "") throw refuse(t`it has no name`);
  return { service: app, parameters };
}

/** The settings that `config` carries in Base64: what cc-switch itself would write. */
function readSettings(base64: string, format: string, service: CcSwitchService): JsonRecord {
  if (base64 === "") return {};
  const isToml = format !== "" && format === formatOf(service).linkFormat;
  if (format !== "" && format !== "json" && !isToml)
    throw refuse(t`its config has another format (${format})`);
  const text = decode(base64);
  if (text === null) throw refuse(t`its config is not valid Base64`);
  if (isToml) return { config: text };
  const settings = parseRecord(text);
  if (settings === null) throw refuse(t`its config is not a JSON object`);
  return settings;
}

/** Base64 in either alphabet, with or without padding; a "+" has become a blank on its way through an address. */
function decode(base64: string): string | null {
  const plain = base64.replace(/ /g, "+").replace(/-/g, "+").replace(/_/g, "/").replace(/=+$/, "");
  if (!/^[A-Za-z0-9+/]*$/.test(plain)) return null;
  return decodeUtf8(Buffer.from(plain, "base64"));
}

function refuse(why: Text): UserError {
  return new UserError(t`the link cannot be imported: ${why}`, {
    hint: "ch config add NAME --base-url URL --auth-token-stdin",
  });
}
