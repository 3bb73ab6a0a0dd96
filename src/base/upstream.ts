// One upstream as the proxy and the router see it: resolved, immutable, identified by what it is and not by where
// it is in a list. Made from config.json in app/; no room below needs to know that file.
// Pure.
import { type Service, flagFor } from "./service.ts";
import type { Text } from "./text.ts";

/** How an upstream is told who we are. */
export type Credential =
  /** `Authorization: Bearer <secret>` */
  | { readonly kind: "bearer"; readonly secret: string }
  /** `x-api-key: <secret>` */
  | { readonly kind: "api-key"; readonly secret: string }
  /** One of these, once the user's command has printed it: nothing is sent before. `problem`: why it gave none when it ran last. */
  | {
      readonly kind: "command";
      readonly as: NeededKey["kind"];
      readonly source: KeySource;
      readonly problem: Text | null;
    }
  /** The client's own credentials pass through. Only for an origin they belong to. */
  | { readonly kind: "client" }
  /** No credential is configured: none is sent. */
  | { readonly kind: "none" }
  /**
   * Nothing can be sent until the user fixes it: `why` says what (an unset variable, a proxy that is not supported). `needs`: the
   * variable whose key is missing, and how it would be sent.
   */
  | { readonly kind: "unusable"; readonly why: Text; readonly needs?: NeededKey };

export interface NeededKey {
  readonly kind: "bearer" | "api-key";
  readonly variable: string;
}

/** A command of the user's that prints a key. */
export interface KeySource {
  /** The program and its arguments. No shell reads them. */
  readonly words: readonly string[];
  /** How long a key that it printed is used, ms. */
  readonly ttlMs: number;
}

export type KeyRead =
  | { readonly kind: "key"; readonly secret: string }
  /** `why` may be logged; `said` is what the command wrote to its stderr, masked, for the user's own eyes. */
  | { readonly kind: "none"; readonly why: Text; readonly said: string };

/** Gives the key of a command, from memory if it can. `refused` is one that is of no use any more. Never rejects. */
export type ReadKey = (source: KeySource, refused?: string) => Promise<KeyRead>;

/** The same upstream with the key that its command printed. */
export function withKey(upstream: Upstream, secret: string): Upstream {
  const { credential } = upstream;
  return credential.kind === "command"
    ? { ...upstream, credential: { kind: credential.as, secret } }
    : upstream;
}

/** All in milliseconds. docs/config.md gives the meanings and defaults. */
export interface Timeouts {
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly firstByteLastMs: number;
  readonly nonStreamMs: number;
  readonly idleMs: number;
}

/** A user's rule for one status of one upstream. */
export type StatusOverride = "next" | "terminal" | "exhausted" | "auth-dead" | "cooldown";

export type OwnVerdict = StatusOverride | "model";

/** A user's rule for what a refusal says. */
export interface ErrorRule {
  /** What its words and codes hold, one after the other, in lower case. */
  readonly parts: readonly string[];
  /** Of any status where null. */
  readonly status: number | null;
  readonly verdict: OwnVerdict;
  /** "2h30m" or "00:00 +08:00"; null where what the upstream states decides. */
  readonly until: string | null;
}

/** How many requests it takes at once. */
export interface LaneSettings {
  /** Those of one name share the limit. */
  readonly name: string;
  /** The user's name for several, or null. */
  readonly group: string | null;
  /** Null: only what it says itself. */
  readonly limit: number | null;
  /** Longest wait for a place; null where the default applies, ms. */
  readonly queueMs: number | null;
}

export interface Upstream {
  /** Identity for health, quota and affinity: service, base URL and credential fingerprint. */
  readonly key: string;
  readonly service: Service;
  readonly configName: string;
  /** 1-based place in its config. */
  readonly position: number;
  /** How commands and messages call it: "main#2". */
  readonly label: string;
  /** Without a trailing slash; scheme, host, optional path; no userinfo, query or fragment. */
  readonly baseUrl: string;
  /** Scheme, host and port of it, as `URL#origin` gives them. */
  readonly origin: string;
  /** The vendor's own API. */
  readonly isOfficial: boolean;
  readonly credential: Credential;
  /** Added to its requests, lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** The client's headers that it may see although a relay would not, lower-case names. */
  readonly headersAllowed: ReadonlySet<string>;
  /** Requested model (or "*") -> model to ask this upstream for. */
  readonly models: Readonly<Record<string, string>>;
  /** Outbound proxy URL, or false for a direct connection. Already resolved against the environment. */
  readonly proxy: string | false;
  /** A file with the only authorities that may have signed its certificate; null for the usual ones. */
  readonly tlsCa: string | null;
  readonly timeouts: Timeouts;
  readonly onStatus: Readonly<Record<string, StatusOverride>>;
  /** Before `onStatus`; the first that fits decides. */
  readonly onError: readonly ErrorRule[];
  /** Empty the `workspaces` part of Codex's turn metadata for this host. */
  readonly stripWorkspaces: boolean;
  /** Null where nothing is set. */
  readonly lane: LaneSettings | null;
  /** Percent of a window ("5h") of its plan that is left to its owner; null for none. */
  readonly keep: Readonly<Record<string, number>> | null;
}

/** Where its requests go, whatever its key: the host, and the way there. */
export function addressOf({ origin, proxy }: Pick<Upstream, "origin" | "proxy">): string {
  return proxy === false ? origin : `${proxy} ${origin}`;
}

/** Requested model, or "*" for every other, to the models that it is asked as, one after the other; "*" in a list is the requested one. */
export type ModelChains = Readonly<Record<string, readonly string[]>>;

/** The models that a request may be asked as. Null where no chain is set for it. */
export function chainOf(chains: ModelChains, requested: string): readonly string[] | null {
  const chain = Object.hasOwn(chains, requested) ? chains[requested] : chains["*"];
  return chain === undefined ? null : [...new Set(chain.map((model) => (model === "*" ? requested : model)))];
}

/** How every screen names the host of an address: `https://` is what is expected, and anything else is said. */
export function showHost(address: string): string {
  const known = hosts.get(address);
  if (known !== undefined) return known;
  const url = URL.parse(address);
  const isNone = url === null || url.host === "";
  const host = isNone ? address : url.protocol === "https:" ? url.host : `${url.protocol}//${url.host}`;
  if (hosts.size >= MOST_HOSTS) hosts.clear();
  hosts.set(address, host);
  return host;
}

/** The few that a process has: to parse one costs more than the rest of a line. */
const hosts = new Map<string, string>();
const MOST_HOSTS = 256;

/** The model to ask this upstream for: its `models` entry of that name, else that of "*", else the same name. */
export function modelAt(upstream: Upstream, requested: string): string {
  const { models } = upstream;
  return (Object.hasOwn(models, requested) ? models[requested] : models["*"]) ?? requested;
}

/** The command that sets its key, without showing it to anyone. `credential`: how it is sent; default "bearer". */
export function keyCommand({
  credential,
  label,
  service,
}: Pick<Upstream, "label" | "service"> & { readonly credential?: string | undefined }): string {
  const kind = credential === "api-key" ? "api-key" : "auth-token";
  return `ch config set ${label} --${kind}-stdin${flagFor(service)}`;
}
