// Why Codex would not start with a config.toml, and where: a value of a kind that it does not take, a provider or an MCP server that
// contradicts itself. What it ignores (keys that it does not know) is no reason. The table: test/real-clients/files.test.ts.
// Pure.
import { type TomlTable, TomlError, parse } from "smol-toml";
import { UserError } from "../../base/errors.ts";
import { stringOr } from "../../base/json-value.ts";
import { type Text, t } from "../../base/text.ts";
import { isLoopback } from "../../config/base-url.ts";
import { isSamePath, showKey } from "../client.ts";
import { type Refusal, findMisfit } from "../../base/shape.ts";
import shape from "./config-shape.json" with { type: "json" };
import { isTable, valueAt } from "./layers.ts";
import { type TomlDocument, readToml } from "./toml-document.ts";

interface Contradiction {
  readonly path: readonly (string | number)[];
  readonly words: Text;
}

const RESERVED = new Set(["openai", "ollama", "lmstudio"]);
/** Of these it knows parts only, and says itself which. */
const PARTLY_FIXED = new Set(["amazon-bedrock", "amazon-bedrock-runtime", "gcp"]);
/** What an MCP server of each kind cannot have. */
const ONLY_STDIO = ["args", "env", "env_vars", "cwd"];
const ONLY_HTTP = ["http_headers", "env_http_headers", "http_headers_helper", "bearer_token_env_var"];

/** Null for a file that it starts with. */
export function findConfigRefusal(source: string): Refusal | null {
  let document: TomlDocument;
  let table: TomlTable;
  try {
    document = readToml(source);
    table = parse(document.text, { integersAsBigInt: "asNeeded" });
  } catch (error) {
    if (error instanceof UserError) return { place: "", words: error.text };
    if (!(error instanceof TomlError)) throw error;
    return { place: `:${error.line}:${error.column}`, words: t`this is not valid TOML` };
  }
  const misfit = findMisfit(table, shape, t`a table`);
  const found: Contradiction | undefined =
    misfit === null
      ? listContradictions(table)[0]
      : { path: misfit.path, words: t`${showKey(misfit.path.map(String))} must be ${misfit.expected}` };
  if (found === undefined) return null;
  const { column, line } = placeOf(document, found.path);
  return { place: `:${line}:${column}`, words: found.words };
}

export function describeRefused(file: string, { place, words }: Refusal): Text {
  return t`${file + place}: ${words}; Codex does not start with it`;
}

function listContradictions(table: TomlTable): Contradiction[] {
  const retired = ["profile", "experimental_thread_store_endpoint"].filter((key) => table[key] !== undefined);
  return [
    ...retired.map((key): Contradiction => ({ path: [key], words: t`${key} is no longer supported` })),
    ...entriesAt(table, "model_providers").flatMap(([id, provider]) => {
      const words = describeProvider(id, provider);
      return words === null ? [] : [{ path: ["model_providers", id], words: t`provider "${id}": ${words}` }];
    }),
    ...entriesAt(table, "mcp_servers").flatMap(([id, server]) => {
      const words = describeServer(server);
      return words === null ? [] : [{ path: ["mcp_servers", id], words: t`MCP server "${id}": ${words}` }];
    }),
  ];
}

/** Also of a provider that is not in use. */
function describeProvider(id: string, provider: TomlTable): Text | null {
  if (PARTLY_FIXED.has(id) || Object.keys(provider).length === 0) return null;
  if (RESERVED.has(id)) return t`it is built in and cannot be defined`;
  if (stringOr(provider["name"], "").trim() === "") return t`it has no name`;
  const { auth, aws, gateway_oauth: gateway } = provider;
  if (aws !== undefined) return t`aws is for Amazon Bedrock only`;
  if (isTable(auth)) {
    const other = ["env_key", "experimental_bearer_token"].find((key) => provider[key] !== undefined);
    const rival = provider["requires_openai_auth"] === true ? "requires_openai_auth" : other;
    if (rival !== undefined) return t`auth cannot be combined with ${rival}`;
    if (stringOr(auth["command"], "") === "") return t`auth needs a command`;
  }
  return gateway === undefined ? null : describeGateway(provider);
}

/** Its token goes to one origin alone, and not in the clear. */
function describeGateway({ base_url: base, model_catalog_url: catalog }: TomlTable): Text | null {
  const url = URL.parse(stringOr(base, ""));
  if (url === null) return t`gateway_oauth needs a base_url`;
  if (url.protocol !== "https:" && !isLoopback(url.hostname))
    return t`gateway_oauth needs a base_url with https`;
  if (catalog === undefined || URL.parse(stringOr(catalog, ""))?.origin === url.origin) return null;
  return t`with gateway_oauth, model_catalog_url must have the origin of base_url (${url.origin})`;
}

function describeServer(server: TomlTable): Text | null {
  const { command, url } = server;
  if (command === undefined && url === undefined) return t`it needs a command or a url`;
  const [kind, foreign] = command === undefined ? ["url", ONLY_STDIO] : ["command", [...ONLY_HTTP, "url"]];
  const found = foreign.find((key) => server[key] !== undefined);
  return found === undefined ? null : t`${found} cannot be combined with ${kind}`;
}

function entriesAt(table: TomlTable, key: string): [string, TomlTable][] {
  return Object.entries(valueAt(table, [key]) ?? {}).filter((one): one is [string, TomlTable] =>
    isTable(one[1]),
  );
}

/** Of the value, or of the header or value around it. */
function placeOf(
  { entries, tables }: TomlDocument,
  path: Contradiction["path"],
): { line: number; column: number } {
  for (let length = path.length; length > 0; length -= 1) {
    const part = path.slice(0, length);
    const node =
      entries.find((one) => isSamePath(one.path, part))?.value ??
      tables.find((one) => isSamePath(one.resolvedKey, part));
    if (node !== undefined) return { line: node.loc.start.line, column: node.loc.start.column + 1 };
  }
  return { line: 1, column: 1 };
}
