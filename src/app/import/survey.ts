// What this machine is set up with already, for one service and from all sources: the client itself, other programs of this kind,
// configs of ours that are not in use, and variables that look like keys. Reads only; of variables the names alone.
import { dirname, join } from "node:path";
import { type Env, readVariable } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { lookAt } from "../../base/files.ts";
import { findUserHome, showPath } from "../../base/paths.ts";
import { fingerprint } from "../../base/secrets.ts";
import { type Text, t } from "../../base/text.ts";
import type { Import, ImportedConfig } from "../../clients/imported-config.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { findCredential } from "../../config/check-upstreams.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { chooseConfig } from "../../config/resolve.ts";
import type { UpstreamEntry } from "../../config/schema.ts";
import { createClientSecrets } from "../client-secrets.ts";
import { type ImportOptions, readImport } from "./client-import.ts";
import { FOREIGN_DIRECTORY, FOREIGN_TOOLS, type ForeignTool } from "../../clients/import/tools.ts";
import { findForeignImport } from "./foreign-import.ts";

/** One upstream, by the name that it has where it was found. */
export interface Candidate {
  readonly name: string;
  readonly from: Text | string;
  readonly upstream: UpstreamEntry;
}

export interface Survey {
  /** Each once, the one in use first. Those of the config in use are not among them. */
  readonly candidates: readonly Candidate[];
  /** Where they are, and how many there. */
  readonly places: readonly { readonly name: string; readonly count: number }[];
  /** What was left out, and why. */
  readonly skipped: readonly (Text | string)[];
  /** Names of variables that are set and look like keys. */
  readonly keyVariables: readonly string[];
}

/** `now` is the wall clock, ms. Never throws for what others' files hold. */
export async function survey(
  options: ImportOptions,
  config: ParsedConfig,
  now: () => number,
): Promise<Survey> {
  const { env, paths, service } = options;
  const { configs } = config.services[service];
  const inUse = chooseConfig(config.services[service], service);
  const active = "kind" in inUse ? null : inUse;
  const sources = [
    {
      name: showPath(dirname(CLIENTS[service].secrets.fileIn(paths)), env),
      ...(await findOrSay(() => readImport(options))),
    },
    ...(await Promise.all(FOREIGN_TOOLS.map(async (name) => ({ name, ...(await findForeign(name, env)) })))),
    {
      name: showPath(paths.config, env),
      configs: [...configs.values()]
        .filter(({ name }) => name !== active?.name)
        .map(({ entry, name }) => ({
          service,
          name,
          upstreams: entry.upstreams,
          from: t`your config "${name}"`,
        })),
      skipped: [],
    },
  ];
  const secrets = createClientSecrets(paths, now);
  const readKey = (variable: string) => readVariable(env, variable) ?? secrets.read(service, variable);
  const known = (active?.entry.upstreams ?? []).map((upstream) => identify(upstream, readKey));
  const found = sources.map(({ configs: own, name, skipped }) => ({
    name,
    skipped,
    candidates: own.filter((one) => one.service === service).flatMap(listCandidates),
  }));
  return {
    candidates: joinSame(
      found.flatMap(({ candidates }) => candidates),
      new Set(known),
      readKey,
    ),
    places: found
      .map(({ candidates, name }) => ({ name, count: candidates.length }))
      .filter(({ count }) => count > 0),
    skipped: found.flatMap(({ skipped }) => skipped),
    keyVariables: listKeyVariables(env),
  };
}

async function findForeign(tool: ForeignTool, env: Env): Promise<Import> {
  const directory = join(findUserHome(env), FOREIGN_DIRECTORY[tool]);
  if (lookAt(directory) === null) return { configs: [], skipped: [] };
  return await findOrSay(() => findForeignImport(tool, undefined, env));
}

async function findOrSay(find: () => Promise<Import>): Promise<Import> {
  try {
    return await find();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { configs: [], skipped: [error.text] };
  }
}

/** The name that a relay has where it was found stays with it, as a tag. */
export function listCandidates({ from, name, upstreams }: ImportedConfig): Candidate[] {
  return upstreams.map((upstream) => {
    const { provider_id: id = name } = upstream.tags ?? {};
    const own = typeof id === "string" ? id : name;
    return { name: own, from, upstream: { ...upstream, tags: { ...upstream.tags, provider_id: own } } };
  });
}

type ReadKey = (variable: string) => string | undefined;

/** The same address with the same key, whoever has it: the later one counts, whose key is not the client's to change. */
function joinSame(
  candidates: readonly Candidate[],
  known: ReadonlySet<string>,
  readKey: ReadKey,
): Candidate[] {
  const all = new Map<string, Candidate>();
  for (const one of candidates) {
    const identity = identify(one.upstream, readKey);
    if (!known.has(identity)) all.set(identity, one);
  }
  return [...all.values()];
}

function identify({ base_url, headers, query, ...upstream }: UpstreamEntry, readKey: ReadKey): string {
  const written = findCredential(upstream.auth);
  const credential =
    written === null
      ? upstream.auth?.client === true
      : written.from === "command"
        ? written.source.words
        : fingerprint(written.from === "text" ? written.secret : readNamed(written.variable, readKey));
  return JSON.stringify([base_url.replace(/\/+$/, ""), credential, headers ?? {}, query ?? {}]);
}

function readNamed(variable: string, readKey: ReadKey): string {
  return (readKey(variable) ?? `$${variable}`).trim();
}

/** What a relay's key may be in. Those of other programs are well known. */
const KEY_VARIABLE = /(?:^|_)(?:API_?KEY|KEY|TOKEN)$/;
const OTHERS_VARIABLE =
  /^(?:AWS|AZURE|CARGO|CF|CI|CLOUDFLARE|DOCKER|GH|GITHUB|GITLAB|GOOGLE|HF|HOMEBREW|NODE|NPM|PYPI|SSH|SENTRY|SLACK|STRIPE|VAULT|VERCEL)_|PUBLIC_KEY$/;

function listKeyVariables(env: Env): string[] {
  return Object.keys(env)
    .filter((name) => KEY_VARIABLE.test(name) && !OTHERS_VARIABLE.test(name))
    .filter((name) => readVariable(env, name) !== undefined)
    .toSorted();
}
