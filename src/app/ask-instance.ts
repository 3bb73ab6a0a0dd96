// Talks to running proxies over their own addresses: asks for facts, and tells them to change something with the token
// of their run.
import { UserError } from "../base/errors.ts";
import { t } from "../base/language.ts";
import { OWN_PREFIX } from "../proxy/own-routes.ts";
import type { Instance } from "../state/instances.ts";

/** A proxy on this machine answers in a few ms; one that does not is stuck or gone. */
const ANSWER_MS = 1_000;

/** What a proxy says about `name` ("status"); null where it does not answer, or not as one of ours. */
export async function askInstance(
  { port }: Pick<Instance, "port">,
  name: string,
  query: Readonly<Record<string, string>> = {},
): Promise<unknown> {
  const response = await send("GET", urlOf(port, name, query)).catch(() => null);
  return response?.ok === true ? await response.json().catch(() => null) : null;
}

export interface Order {
  readonly query?: Readonly<Record<string, string>>;
  /** For work that takes its time. Default 1,000. */
  readonly waitMs?: number;
}

/** Has a proxy do something. Throws UserError where it does not. */
export async function tellInstance(
  { pid, port, token }: Pick<Instance, "pid" | "port" | "token">,
  name: string,
  { query = {}, waitMs = ANSWER_MS }: Order = {},
): Promise<void> {
  const headers = { authorization: `Bearer ${token}` };
  const response = await send("POST", urlOf(port, name, query), { headers, waitMs }).catch(() => null);
  if (response?.ok === true) return;
  const message =
    response === null
      ? t`the proxy on port ${port} (pid ${pid}) does not answer`
      : t`the proxy on port ${port} (pid ${pid}) refused with status ${response.status}`;
  throw new UserError(message, { hint: "ch status" });
}

function urlOf(port: number, name: string, query: Readonly<Record<string, string>>): string {
  const search = new URLSearchParams(query).toString();
  return `http://127.0.0.1:${port}${OWN_PREFIX}${name}${search === "" ? "" : `?${search}`}`;
}

interface SendOptions {
  readonly headers?: Record<string, string>;
  readonly waitMs?: number;
}

/** Never through an outbound proxy: the token is for this machine alone. */
function send(
  method: string,
  url: string,
  { headers = {}, waitMs = ANSWER_MS }: SendOptions = {},
): Promise<Response> {
  const signal = AbortSignal.timeout(waitMs);
  return fetch(url, { method, headers, signal, redirect: "error", proxy: false });
}
