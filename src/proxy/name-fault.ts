// What made a connection fail, where Bun's code alone does not tell: a bare TLS handshake, and of a port without one a HEAD in plain
// text, without a key. Loaded only after such a failure.
import { HTTPS_PORT, HTTP_PORT } from "../routing/network-faults.ts";
import { openWay, readHead, within } from "./way.ts";

const WITHIN_MS = 500;

/** A better code for `code`, or the same. Never throws. */
export async function nameFault(origin: string, code: string): Promise<string> {
  const { host, hostname, port, protocol } = new URL(origin);
  const isPlain = protocol === "http:";
  const at = `${hostname}:${port === "" ? (isPlain ? 80 : 443) : port}`;
  const way = { verify: false, withinMs: WITHIN_MS };
  const { socket, steps } = await openWay(`https://${at}`, false, way);
  socket?.destroy();
  if (isPlain) return socket === null ? code : HTTPS_PORT;
  const { error = null, name } = steps.at(-1) ?? {};
  if (name !== "tls" || error === null) return code;
  const plain = await openWay(`http://${at}`, false, way);
  if (plain.socket !== null) {
    plain.socket.write(`HEAD / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    const { value } = await within(readHead(plain.socket), WITHIN_MS);
    plain.socket.destroy();
    // A port for TLS answers 400 to plain text, if anything.
    if (/^HTTP\/\d\S* (?!400)\d{3}/.test(value ?? "")) return HTTP_PORT;
  }
  return error.startsWith("ERR_") ? error : code;
}
