// The proxy's own addresses under /__codex-helper/ and the greetings of clients that are answered here.
// Nothing here reaches an upstream or shows a secret.
import { SERVICE_FACTS, type Service } from "../base/service.ts";
import type { RequestTarget } from "./guard.ts";
import { makeErrorResponse } from "./local-error.ts";

export const OWN_PREFIX = "/__codex-helper/";

export interface OwnRoutes {
  /** Secret of this run, kept in the instance record. */
  readonly token: string;
  /** GET: facts without secrets. The argument is the request's query. */
  readonly read: Readonly<Record<string, (query: URLSearchParams) => unknown>>;
  /** POST with the token: changes something. */
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
  const refuse = (status: number, message: string): Response =>
    makeErrorResponse(service, { status, message }, request.method);
  if (Object.hasOwn(own.read, name)) {
    if (request.method !== "GET") return refuse(405, `${name} is read with GET`);
    return Response.json(own.read[name]?.(new URLSearchParams(target.search)));
  }
  if (Object.hasOwn(own.act, name)) {
    if (request.method !== "POST") return refuse(405, `${name} is asked for with POST`);
    if (!isToken(request.headers.get("authorization"), own.token))
      return refuse(403, "the token of this run is needed");
    return Response.json((await own.act[name]?.(new URLSearchParams(target.search))) ?? {});
  }
  return refuse(404, "there is no such page here");
}

function isGreeting(service: Service, method: string, path: string): boolean {
  const { greetings } = SERVICE_FACTS[service];
  return Object.hasOwn(greetings, path) && greetings[path]?.includes(method) === true;
}

function isToken(header: string | null, token: string): boolean {
  const given = Buffer.from(header ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && crypto.timingSafeEqual(given, wanted);
}
