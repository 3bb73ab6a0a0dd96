// The proxy's own addresses under /__codex-helper/ and the greetings of clients that are answered here.
// Nothing here reaches an upstream or shows a secret. Owner and proxy prove to each other that they know the token of the run,
// which itself never crosses the port: another program may listen there.
import { isSameSecret, signText } from "../base/secrets.ts";
import { SERVICE_FACTS, type Service } from "../base/service.ts";
import type { RequestTarget } from "./guard.ts";
import { makeErrorResponse } from "./local-error.ts";

export const OWN_PREFIX = "/__codex-helper/";

const PROOF_HEADER = "x-codex-helper-proof";

/** A question that only a proxy with this token can answer, and its check. */
export function makeChallenge(token: string) {
  const nonce = crypto.randomUUID();
  return {
    headers: { authorization: `Codex-Helper ${nonce}:${signText(token, `ask ${nonce}`)}` },
    isAnsweredBy: ({ headers }: Response): boolean =>
      isSameSecret(headers.get(PROOF_HEADER) ?? "", signText(token, `answer ${nonce}`)),
  };
}

/** The proof for a question of the owner's; null for anybody else's. */
function meetChallenge(token: string, authorization: string | null): string | null {
  const [, nonce, proof = ""] =
    /^Codex-Helper ([0-9a-f-]{36}):([0-9a-f]{64})$/.exec(authorization ?? "") ?? [];
  if (nonce === undefined || !isSameSecret(proof, signText(token, `ask ${nonce}`))) return null;
  return signText(token, `answer ${nonce}`);
}

export interface OwnRoutes {
  /** Secret of this run, kept in the instance record. */
  readonly token: string;
  /** GET: facts without secrets. Told to others than the owner they hold no more of an address than its host. */
  readonly read: Readonly<Record<string, (query: URLSearchParams, isOwner: boolean) => unknown>>;
  /** GET by the owner: server-sent events, until either side ends them. */
  readonly follow: Readonly<Record<string, () => Promise<ReadableStream>>>;
  /** POST by the owner: changes something. */
  readonly act: Readonly<Record<string, (query: URLSearchParams) => Promise<unknown>>>;
}

/** The answer to one of our own paths, or to a client's greeting; null for everything that is meant for an upstream. */
export async function answerOwn(
  { own, service }: { readonly own: OwnRoutes; readonly service: Service },
  request: Request,
  target: RequestTarget,
): Promise<Response | null> {
  if (isGreeting(service, request.method, target.path)) return new Response(null, { status: 200 });
  if (!target.path.startsWith(OWN_PREFIX)) return null;
  const name = target.path.slice(OWN_PREFIX.length);
  const proof = meetChallenge(own.token, request.headers.get("authorization"));
  const headers = proof === null ? {} : { [PROOF_HEADER]: proof };
  const refuse = (status: number, message: string): Response =>
    makeErrorResponse(service, { status, message }, request.method);
  if (Object.hasOwn(own.read, name)) {
    if (request.method !== "GET") return refuse(405, `${name} is read with GET`);
    const facts = await own.read[name]?.(new URLSearchParams(target.search), proof !== null);
    return Response.json(facts, { headers });
  }
  const denied = (): Response => refuse(403, "the token of this run is needed");
  if (Object.hasOwn(own.follow, name)) {
    if (request.method !== "GET") return refuse(405, `${name} is read with GET`);
    if (proof === null) return denied();
    const type = { "content-type": "text/event-stream", "cache-control": "no-store" };
    return new Response(await own.follow[name]?.(), { headers: { ...headers, ...type } });
  }
  if (Object.hasOwn(own.act, name)) {
    if (request.method !== "POST") return refuse(405, `${name} is asked for with POST`);
    if (proof === null) return denied();
    return Response.json((await own.act[name]?.(new URLSearchParams(target.search))) ?? {}, { headers });
  }
  return refuse(404, "there is no such page here");
}

function isGreeting(service: Service, method: string, path: string): boolean {
  const { greetings } = SERVICE_FACTS[service];
  return Object.hasOwn(greetings, path) && greetings[path]?.includes(method) === true;
}
