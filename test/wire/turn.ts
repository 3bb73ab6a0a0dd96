import type { TestProxy } from "../helpers/in-process-proxy.ts";
import { makeRequestBytes, type RawResponse, sendRaw } from "../helpers/raw-client.ts";

/** A turn as both clients send it, as far as the proxy looks at it. */
export const TURN = JSON.stringify({
  model: "gpt-6.1-sol",
  stream: true,
  store: false,
  input: [],
  messages: [],
});

export interface TurnParts {
  readonly path?: string;
  readonly fields?: readonly string[];
  readonly body?: string | Uint8Array;
}

/** One streamed turn on a connection of its own, by default to /v1/responses. */
export function sendTurn(proxy: TestProxy, parts: TurnParts = {}): Promise<RawResponse> {
  return sendRaw(proxy.port, makeTurn(parts));
}

/** The bytes of the same, for a connection that the test holds. */
export function turnBytes(proxy: TestProxy, parts: TurnParts = {}): Uint8Array {
  return makeRequestBytes(proxy.port, makeTurn(parts));
}

function makeTurn({ body = TURN, fields = [], path = "/v1/responses" }: TurnParts) {
  return { method: "POST", path, body, fields: ["Content-Type: application/json", ...fields] };
}
