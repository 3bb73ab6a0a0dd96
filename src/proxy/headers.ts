// Makes the headers of one attempt out of the client's, and a client's out of an upstream's: what belongs to the
// connection, to the client's account or to another upstream is left out, this upstream's own headers are added.
// Pure.
import { CLIENT_HEADERS, CONNECTION_HEADERS, IDENTITY_HEADERS } from "../base/header-names.ts";
import type { Upstream } from "../base/upstream.ts";
import { HOPS_HEADER } from "./guard.ts";
import { createNameMemory, type HeldBack } from "./held-back.ts";

/** Sticky token of one account (Codex echoes it within a turn). */
export const TURN_STATE_HEADER = "x-codex-turn-state";

export interface RequestHeaderParts {
  readonly client: Headers;
  readonly upstream: Upstream;
  /** Lower-case names that any upstream of the service sets: a client's value would be mistaken for ours. */
  readonly ownedNames: ReadonlySet<string>;
  /** True when the body was decoded: its Content-Encoding no longer holds. */
  readonly decoded: boolean;
  /** False when the turn state came from another upstream. */
  readonly keepTurnState: boolean;
  /** This process's id for loop detection. */
  readonly instance: string;
  /** Replaces values of headers that carry text of the user's, after redaction. */
  readonly replaced: Readonly<Record<string, string>>;
  /** What this upstream may not see. Default: nothing. */
  readonly held?: Pick<HeldBack, "headers" | "ofClient" | "own">;
}

/** What an API cannot do without, where the client's value is for another upstream. */
const SUBSTITUTES: readonly (readonly [name: string, value: string])[] = [
  ["anthropic-version", "2023-06-01"],
  ["user-agent", "codex-helper"],
];

/** The headers to send. Names are lower case. */
export function makeRequestHeaders(parts: RequestHeaderParts): Headers {
  const { client, held, upstream } = parts;
  const { kind } = upstream.credential;
  const isClient = kind === "client";
  // To copy all and delete some costs half of setting the others.
  const out = new Headers(client);
  for (const name of namedByConnection(client)) out.delete(name);
  for (const name of parts.ownedNames) {
    const mayPass = upstream.headersAllowed.has(name) || (isClient && IDENTITY_HEADERS.has(name));
    if (!mayPass) out.delete(name);
  }
  // The relay that the client's own file names beside such a header gets it, unless it has a key of ours.
  for (const name of held?.ofClient ?? CLIENT_HEADERS) {
    const mayPass = isClient || (kind === "none" && held?.own.has(name) === true);
    if (!mayPass || !IDENTITY_HEADERS.has(name)) out.delete(name);
  }
  for (const name of held?.headers ?? []) out.delete(name);
  if (parts.decoded) out.delete("content-encoding");
  if (!parts.keepTurnState) out.delete(TURN_STATE_HEADER);
  for (const [name, value] of Object.entries(parts.replaced)) if (out.has(name)) out.set(name, value);
  // Without this Bun would offer its own list, and the answer's bytes would not be the client's to read.
  if (!out.has("accept-encoding")) out.set("accept-encoding", "identity");
  for (const [name, value] of SUBSTITUTES) if (held?.headers.includes(name) === true) out.set(name, value);
  for (const [name, value] of Object.entries(upstream.headers)) out.set(name, value);
  if (upstream.credential.kind === "bearer") out.set("authorization", `Bearer ${upstream.credential.secret}`);
  if (upstream.credential.kind === "api-key") out.set("x-api-key", upstream.credential.secret);
  // A vendor's own API cannot lead back to us, and needs no word of us.
  if (!upstream.isOfficial) {
    const hops = client.get(HOPS_HEADER);
    out.set(HOPS_HEADER, hops === null ? parts.instance : `${hops}, ${parts.instance}`);
  }
  return out;
}

/** Would be read as ours by anything that keeps state per host (RFC 6265, RFC 7838, RFC 6797). */
const STATEFUL = ["set-cookie", "set-cookie2", "alt-svc", "strict-transport-security", "clear-site-data"];
const DROPPED: ReadonlySet<string> = new Set([...CONNECTION_HEADERS, ...STATEFUL]);
const droppedOf = createNameMemory((names) =>
  names.filter((name) => DROPPED.has(name) || name.startsWith("access-control-")),
);

export interface ResponseHeaderParts {
  readonly upstream: Headers;
  /** The body goes out decoded though the upstream sent it encoded. */
  readonly decoded: boolean;
  /** The client has sent what not everybody may see, and would take it along to where a redirect leads. */
  readonly isConfined?: boolean;
}

/** Of an address, only one that leads back to us is left. */
const OWN_PATH = /^\/(?![/\\])[^\\\s]*$/;

/** The headers to answer with. Content-Length is left out: Bun writes the framing that fits what is sent. */
export function makeResponseHeaders({ decoded, isConfined, upstream }: ResponseHeaderParts): Headers {
  const out = new Headers(upstream);
  for (const name of droppedOf(upstream)) out.delete(name);
  for (const name of namedByConnection(upstream)) out.delete(name);
  if (decoded) out.delete("content-encoding");
  if (isConfined === true && !OWN_PATH.test(out.get("location") ?? "/")) out.delete("location");
  return out;
}

/** The fields that Connection names are hop-by-hop too (RFC 9110 7.6.1). */
function namedByConnection(headers: Headers): readonly string[] {
  const connection = headers.get("connection");
  if (connection === null || /^(?:keep-alive|close)$/i.test(connection)) return [];
  // What is no name (RFC 9110 5.6.2) names no field.
  return connection.toLowerCase().match(/[\w!#$%&'*+.^`|~-]+/g) ?? [];
}
