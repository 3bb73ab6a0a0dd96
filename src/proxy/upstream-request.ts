// Makes one upstream's version of a client's request: its address, headers, model, and the history that it can read.
// Pure.
import { type Text, t } from "../base/text.ts";
import { findTopLevelString } from "../base/json-members.ts";
import type { Upstream } from "../base/upstream.ts";
import { METADATA_HEADER } from "../filter/request-filter.ts";
import { stripWorkspaces, stripWorkspacesInBody } from "../filter/workspaces.ts";
import type { OwnedNames } from "../base/owned-names.ts";
import { makeRequestHeaders, type RequestHeaderParts } from "./headers.ts";
import { holdBack } from "./held-back.ts";
import type { RequestTarget } from "./guard.ts";
import { removeHistory } from "./history.ts";
import type { RequestFacts } from "./request-facts.ts";
import { joinTargetUrl } from "./target-url.ts";

/** A client's request, read and redacted: what every attempt starts from. Its body is the pass's. */
export interface ClientRequest {
  readonly method: string;
  readonly target: RequestTarget;
  readonly headers: Headers;
  /** Redacted values of headers, lower-case names. */
  readonly replacedHeaders: Readonly<Record<string, string>>;
  /** The body's Content-Encoding was removed. */
  readonly decoded: boolean;
  readonly facts: RequestFacts;
  /** The client is there as long as this is not aborted. */
  readonly signal: AbortSignal;
}

/** What depends on the upstream, or on what was tried before. */
export interface RequestChanges extends Pick<
  RequestHeaderParts,
  "instance" | "keepTurnState" | "ownedNames"
> {
  /** What the client's own files add, and for whom. */
  readonly owned: OwnedNames;
  readonly body: Uint8Array;
  /** Replaces the model that the client named; null for none. */
  readonly model: string | null;
  /** Pieces of the history that this upstream cannot read. */
  readonly foreignHistory: ReadonlySet<string> | undefined;
}

export interface UpstreamRequest {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  /** Null for methods without a body. */
  readonly body: Uint8Array | null;
  /** What the client sent and this upstream may not see: "x-relay-key", "?key". */
  readonly heldBack: readonly string[];
}

/** The request to send, or why none can be sent. */
export function makeUpstreamRequest(
  client: ClientRequest,
  upstream: Upstream,
  changes: RequestChanges,
): UpstreamRequest | { readonly why: Text } {
  if (upstream.credential.kind === "unusable") return { why: upstream.credential.why };
  const { baseUrl, query, service } = upstream;
  const { instance, keepTurnState, owned, ownedNames } = changes;
  const { path, search } = client.target;
  const held = holdBack({ headers: client.headers, search, upstream, owned });
  const url = joinTargetUrl({ service, baseUrl, query, path, search: held.search });
  if (url === null) return { why: t`the path leads outside the upstream's base URL` };
  return {
    url,
    method: client.method,
    headers: makeRequestHeaders({
      client: client.headers,
      upstream,
      ownedNames,
      decoded: client.decoded,
      keepTurnState,
      instance,
      replaced: replacedHeaders(client, upstream),
      held,
    }),
    heldBack: held.names,
    body: makeBody(client.facts, upstream, changes),
  };
}

function makeBody(
  { endpoint: { api } }: RequestFacts,
  { stripWorkspaces: stripsWorkspaces }: Upstream,
  { body, foreignHistory, model }: RequestChanges,
): Uint8Array | null {
  const readable = (foreignHistory === undefined ? null : removeHistory(api, body, foreignHistory)) ?? body;
  const own = stripsWorkspaces ? stripWorkspacesInBody(readable) : readable;
  if (own.length === 0) return null;
  return model === null ? own : replaceModel(own, model);
}

/** Header values as they may go to this upstream: redacted, and without workspaces unless it is the vendor's own. */
function replacedHeaders(client: ClientRequest, upstream: Upstream): Readonly<Record<string, string>> {
  const metadata = client.replacedHeaders[METADATA_HEADER] ?? client.headers.get(METADATA_HEADER);
  if (metadata === null || !upstream.stripWorkspaces) return client.replacedHeaders;
  const stripped = stripWorkspaces(metadata);
  return stripped === metadata
    ? client.replacedHeaders
    : { ...client.replacedHeaders, [METADATA_HEADER]: stripped };
}

/** The body with its top-level `model` replaced and every other byte left alone; the same body where it has none. */
export function replaceModel(body: Uint8Array, model: string): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const range = findTopLevelString(bytes, "model");
  if (range === null) return body;
  const value = Buffer.from(JSON.stringify(model));
  return Buffer.concat([bytes.subarray(0, range.start), value, bytes.subarray(range.end)]);
}
