// Learns whether an upstream's address accepts connections, without sending a request: no token is spent on it.
// Never throws.
import { errorCode } from "../base/errors.ts";

export interface ProbeTarget {
  /** The URL a request would go to. */
  readonly url: string;
  /** The outbound proxy that requests go through, or false. Only its own address is tried then. */
  readonly proxy: string | false;
}

export type ProbeResult =
  | { readonly kind: "connected" }
  | { readonly kind: "refused"; readonly code: string }
  | { readonly kind: "timeout" };

/** One bare TCP connect, with the TLS handshake for https. Certificates are left for the real request to judge. */
export async function probeConnect(target: ProbeTarget, timeoutMs: number): Promise<ProbeResult> {
  const address = new URL(target.proxy === false ? target.url : target.proxy);
  const secure = address.protocol === "https:";
  const { promise, resolve } = Promise.withResolvers<ProbeResult>();
  const timer = setTimeout(() => resolve({ kind: "timeout" }), timeoutMs);
  const fail = (error: unknown): void =>
    resolve({ kind: "refused", code: errorCode(error) ?? "ECONNREFUSED" });
  const connecting = Bun.connect({
    hostname: address.hostname.replace(/^\[|\]$/g, ""),
    port: Number(address.port) || (secure ? 443 : 80),
    ...(secure ? { tls: { rejectUnauthorized: false, serverName: address.hostname } } : {}),
    socket: {
      open: () => {
        if (!secure) resolve({ kind: "connected" });
      },
      handshake: () => resolve({ kind: "connected" }),
      data: () => {},
      connectError: (_socket, error) => fail(error),
      error: (_socket, error) => fail(error),
      close: (_socket, error) => fail(error),
    },
  });
  connecting.catch(fail);
  const result = await promise;
  clearTimeout(timer);
  connecting.then(
    (socket) => socket.terminate(),
    () => {},
  );
  return result;
}
