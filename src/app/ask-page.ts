// One question to a running proxy over its own address. Both sides prove that they know the token of the run.
import { OWN_PREFIX, makeChallenge } from "../proxy/own-routes.ts";

export interface PageQuestion {
  readonly method?: "GET" | "POST";
  readonly query?: Readonly<Record<string, string>> | undefined;
  readonly signal: AbortSignal;
}

/**
 * The answer; null where it is not from ours. Never through an outbound proxy: it is a question to this machine alone. Throws as
 * fetch does where there is no answer.
 */
export async function askPage(
  { port, token }: { readonly port: number; readonly token: string },
  name: string,
  { method = "GET", query = {}, signal }: PageQuestion,
): Promise<Response | null> {
  const search = new URLSearchParams(query).toString();
  const url = `http://127.0.0.1:${port}${OWN_PREFIX}${name}${search === "" ? "" : `?${search}`}`;
  const { headers, isAnsweredBy } = makeChallenge(token);
  const response = await fetch(url, {
    method,
    headers,
    signal,
    redirect: "error",
    // Not ours, where it is compressed.
    decompress: false,
    proxy: false,
    timeout: false,
  });
  return isAnsweredBy(response) ? response : null;
}
