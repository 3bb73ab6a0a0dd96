// What a client's own files and variables add to its requests, and for which origin: read again when a file changes, and
// nothing forgotten while we run, because an open session goes on sending what the file said when it began.
import { dirname } from "node:path";
import type { Env } from "../base/env.ts";
import { onUserError } from "../base/errors.ts";
import { isAboutMessage } from "../base/header-names.ts";
import { type Claim, NO_OWNED_NAMES, type OwnedName, type OwnedNames } from "../base/owned-names.ts";
import type { Paths } from "../base/paths.ts";
import { DEFAULT_PORT, type Service, readProxyAddress } from "../base/service.ts";
import { type WatchedFile, createWatchedFile } from "../base/watched-file.ts";
import { CLIENTS } from "../clients/registry.ts";
import { readUnswitched } from "../clients/switch/status.ts";

export interface OwnedNamesOptions {
  readonly service: Service;
  readonly paths: Paths;
  readonly env: Env;
  /** Where the machine's own files of the client are, if not in the usual place. */
  readonly systemDirectory?: string | undefined;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** A name, and the origin it is for; null where that is not known. */
export type Owned = OwnedName & { readonly origin: string | null };

/** Looking at the files costs about 20 us; many requests may come at once. */
const LOOK_AGAIN_MS = 5;
/** And looking for new ones costs a few times that. */
const LIST_AGAIN_MS = 100;
const MAX_BYTES = 2 ** 20;
/** More than any file has. The oldest are forgotten first. */
const MOST_KNOWN = 1000;

export function createOwnedNames({ service, paths, env, systemDirectory, now }: OwnedNamesOptions) {
  const { owned: source } = CLIENTS[service];
  // Which project a request is from is not known; started in the home, the client has files of a project there.
  const files = { paths, env, cwd: dirname(paths.claudeHome), systemDirectory };
  const watched = new Map<string, WatchedFile<string>>();
  const known = new Map<string, Owned>();
  /** By table or variable: the address that it had last, of those that are not ours. */
  const origins = new Map<string, string>();
  let compiled = NO_OWNED_NAMES;
  let seen: readonly unknown[] | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;
  let listed = { at: Number.NEGATIVE_INFINITY, paths: [] as readonly string[] };
  let pending: Promise<OwnedNames> | null = null;

  const look = (path: string) => {
    const file =
      watched.get(path) ?? createWatchedFile({ path, maxBytes: MAX_BYTES, parse: (text) => text, now });
    watched.set(path, file);
    return file.current();
  };

  const list = (): readonly Owned[] =>
    [...known.values()].map((one) => ({ ...one, origin: one.origin ?? origins.get(one.owner) ?? null }));

  const add = (names: readonly OwnedName[], switchedTo?: number): void => {
    const isOurs = (address: string): boolean => {
      const port = readProxyAddress(service, address)?.port;
      return port !== undefined && (port === DEFAULT_PORT[service] || port === switchedTo);
    };
    for (const one of names) {
      if (one.kind === "header" && isAboutMessage(one.name)) continue;
      const origin = (isOurs(one.baseUrl) ? undefined : URL.parse(one.baseUrl)?.origin) ?? null;
      if (origin !== null) origins.set(one.owner, origin);
      const key = JSON.stringify([one.kind, one.name, one.owner, origin, one.value]);
      const isInUse = one.isInUse || known.get(key)?.isInUse === true;
      known.delete(key);
      known.set(key, { ...one, origin, isInUse });
    }
    for (const key of [...known.keys()].slice(0, -MOST_KNOWN)) known.delete(key);
    compiled = compile(list());
  };

  const read = async (): Promise<OwnedNames> => {
    if (source === undefined) return compiled;
    const { isGuess, port, text } = await readUnswitched({ service, paths, env, systemDirectory });
    // What is only guessed to have had no address before may have had one, and its key is for that.
    add(await source.list(files, isGuess ? undefined : text), port);
    return compiled;
  };

  return {
    /** As it is now. A promise where a file has to be read; never rejects for what the files hold. */
    current(): OwnedNames | Promise<OwnedNames> {
      if (source === undefined) return compiled;
      if (pending !== null) return pending;
      if (Math.abs(now() - lookedAt) < LOOK_AGAIN_MS) return compiled;
      lookedAt = now();
      if (Math.abs(lookedAt - listed.at) >= LIST_AGAIN_MS)
        listed = { at: lookedAt, paths: source.files(files) };
      const states = listed.paths.map(look);
      if (seen?.length === states.length && states.every((state, at) => state === seen?.[at]))
        return compiled;
      seen = states;
      const isSet = source.variable !== undefined && env[source.variable] !== undefined;
      const mayAdd = states.some((state) => state.kind === "ok" && source.hint.test(state.value));
      if (!isSet && !mayAdd) return compiled;
      // What cannot be read keeps the client from starting, too; open sessions send what is known.
      pending = read()
        .catch(onUserError(() => compiled))
        .finally(() => {
          pending = null;
        });
      return pending;
    },
    /** Also what a client's command line adds. */
    add,
    /** All of it, for people. */
    list,
  };
}

function compile(names: readonly Owned[]): OwnedNames {
  const byName = (kind: OwnedName["kind"]): Map<string, Claim[]> =>
    Map.groupBy(
      names.filter((one) => one.kind === kind),
      ({ name }) => name,
    );
  return { headers: byName("header"), parameters: byName("parameter") };
}
