// What a model provider of Codex is set to, over all layers.
// Pure.
import { UserError } from "../../base/errors.ts";
import { t } from "../../base/text.ts";
import { type CodexLayer, findText, findValue, isTable, mergeTexts, valueAt } from "./layers.ts";

export type CodexProvider = Readonly<ReturnType<typeof makeProvider>>;

/** All providers that some layer defines, in the order of the files. Throws UserError for a wrong shape. */
export function listProviders(layers: readonly CodexLayer[]): CodexProvider[] {
  const ids = new Set<string>();
  for (const { where, table } of layers) {
    const providers = valueAt(table, ["model_providers"]);
    if (providers === undefined) continue;
    if (!isTable(providers)) throw new UserError(t`${where}: model_providers must be a table`);
    for (const [id, provider] of Object.entries(providers)) {
      if (!isTable(provider)) throw new UserError(t`${where}: model_providers.${id} must be a table`);
      ids.add(id);
    }
  }
  return [...ids].map((id) => makeProvider(layers, id));
}

function makeProvider(layers: readonly CodexLayer[], id: string) {
  const path = (key: string): string[] => ["model_providers", id, key];
  const text = (key: string): string | undefined => findText(layers, path(key))?.value;
  return {
    id,
    baseUrl: findText(layers, path("base_url")),
    /** Name of the variable with its key. Codex refuses to start a turn without it. */
    envKey: text("env_key"),
    bearerToken: text("experimental_bearer_token"),
    requiresOpenaiAuth: findValue(layers, path("requires_openai_auth"))?.value === true,
    /** Its gateway's token may go to the origin of its list of models alone. */
    isBoundToOrigin:
      findValue(layers, path("gateway_oauth")) !== undefined &&
      findValue(layers, path("model_catalog_url")) !== undefined,
    /** Its key comes from a command that Codex runs. */
    hasAuthCommand: findValue(layers, [...path("auth"), "command"]) !== undefined,
    httpHeaders: mergeTexts(layers, path("http_headers")),
    /** Header name to the variable with its value. */
    envHttpHeaders: mergeTexts(layers, path("env_http_headers")),
    queryParams: mergeTexts(layers, path("query_params")),
    /** The layers that say something of it, from low to high. */
    definedIn: layers
      .filter(({ table }) => valueAt(table, ["model_providers", id]) !== undefined)
      .map(({ kind, where }) => ({ kind, where })),
  };
}
