// What Codex's provider tables add to its requests: `http_headers`, `env_http_headers` and `query_params` stay in the table while
// a switch moves its `base_url`, and belong to the relay that stood there.
import { type Env, readVariable } from "../../base/env.ts";
import type { OwnedName } from "../../base/owned-names.ts";
import { SERVICE_FACTS } from "../../base/service.ts";
import type { ClientFiles } from "../client.ts";
import { type CodexFacts, makeCodexFacts, readCodexFacts, readCodexProfiles } from "./facts.ts";
import type { CodexProvider } from "./provider.ts";

/** Of all files and of each profile (`codex -p NAME`). Throws UserError for what Codex could not read either. */
export async function readCodexOwned(
  { env, paths, systemDirectory }: ClientFiles,
  userText: string | undefined,
): Promise<OwnedName[]> {
  const [facts, profiles] = await Promise.all([
    readCodexFacts(paths, { systemDirectory, userText }),
    readCodexProfiles(paths),
  ]);
  const below = facts.layers.filter(({ kind }) => kind !== "managed");
  const managed = facts.layers.filter(({ kind }) => kind === "managed");
  const all = [facts, ...profiles.map((layer) => makeCodexFacts([...below, layer, ...managed], facts.login))];
  return all.flatMap((one) => listCodexOwned(one, env));
}

/** Of every provider's table. `env` tells values that Codex takes from variables, where they are the same here. */
export function listCodexOwned({ activeId, providers }: CodexFacts, env: Env): OwnedName[] {
  const isInUse = ({ id }: CodexProvider): boolean => id === activeId;
  return providers.flatMap((provider) => [
    ...Object.entries(provider.httpHeaders).map(([name, value]) =>
      makeHeader(provider, isInUse(provider), { name, value }),
    ),
    // The client's variable may be another than ours of that name.
    ...Object.entries(provider.envHttpHeaders).flatMap(([name, variable]) =>
      [readVariable(env, variable), null].flatMap((value) =>
        value === undefined ? [] : [makeHeader(provider, isInUse(provider), { name, value })],
      ),
    ),
    ...Object.entries(provider.queryParams).flatMap(([name, value]) =>
      makeParameters(provider, isInUse(provider), { name, value }),
    ),
  ]);
}

interface Added {
  readonly name: string;
  readonly value: string | null;
}

function makeHeader(provider: CodexProvider, isInUse: boolean, { name, value }: Added): OwnedName {
  return {
    kind: "header",
    name: name.toLowerCase(),
    shown: name,
    value: value?.trim() ?? null,
    isInUse,
    ...ownerOf(provider),
  };
}

/** Codex writes "name=value" into the address as it is: what the value has of "&" makes more parameters. */
function makeParameters(provider: CodexProvider, isInUse: boolean, { name, value }: Added): OwnedName[] {
  return [...new URLSearchParams(`${name}=${value ?? ""}`)].map(([key, text]) => ({
    kind: "parameter",
    name: key.toLowerCase(),
    // What comes of a value is a part of it, and is not shown.
    shown: name,
    value: text,
    isInUse,
    ...ownerOf(provider),
  }));
}

/** A table without an address goes to OpenAI's own. */
function ownerOf({ baseUrl, id }: CodexProvider): Pick<OwnedName, "baseUrl" | "owner"> {
  return {
    owner: `[model_providers.${id}]`,
    baseUrl: baseUrl?.value ?? SERVICE_FACTS.codex.origins[0] ?? "",
  };
}
