// What answers at the engine's address, asked over a bare socket. Bun's client keeps whatever it is sent, without a limit, and says the
// same of a wrong password, a certificate and a host that is not there: it gets to see only what has greeted as an engine does.
import { connect as connectTcp } from "node:net";
import { connect as connectTls } from "node:tls";
import { errorCode } from "../../base/errors.ts";
import { type Text, t } from "../../base/text.ts";
import { describeConnection } from "../../routing/reasons.ts";
import type { Address } from "./address.ts";

/** In all: what never ends its first line would else keep it waiting. */
const WAIT_MS = 2_000;
/** Longer than any first line of an engine. */
const MOST_CHARS = 4_096;

/** Why it cannot be connected to; null where an engine answers. Never rejects. */
export function findEngineProblem({ ca, shown, url }: Address): Promise<Text | null> {
  const { hostname, password, pathname, port, protocol, username } = new URL(url);
  const isTls = /^(?:rediss|valkeys):$|\+tls/.test(protocol);
  const where = protocol.endsWith("unix:")
    ? { path: pathname }
    : { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port === "" ? 6379 : port) };
  return new Promise((resolve) => {
    let answer = "";
    const end = (words: Text | null): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(words);
    };
    const hello = (): void => {
      const user = decodeURIComponent(username === "" ? "default" : username);
      const login = password === "" ? [] : ["AUTH", user, decodeURIComponent(password)];
      const words = ["HELLO", "3", ...login];
      const lines = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
      socket.write(`*${words.length}\r\n${lines.join("")}`);
    };
    const socket = isTls
      ? connectTls({ ...where, ...(ca === null ? {} : { ca }), ...nameOf(where.host) }, hello)
      : connectTcp(where, hello);
    const timer = setTimeout(() => end(t`${shown} did not answer within ${WAIT_MS / 1_000} s`), WAIT_MS);
    socket.on("error", (error) => end(t`${shown}: ${describeConnection(errorCode(error) ?? "")}`));
    socket.on("close", () => end(t`${shown} closed the connection without an answer`));
    socket.on("data", (part: Buffer) => {
      answer += part.toString("latin1", 0, MOST_CHARS);
      if (!answer.includes("\r\n") && answer.length < MOST_CHARS) return;
      if (/^-(?:WRONGPASS|NOAUTH)/.test(answer)) end(t`${shown} refuses the user or the password`);
      else if (answer.startsWith("-NOPERM"))
        end(t`${shown}: the user may not do that; docs/sharing.md has its ACL line`);
      else if (answer.startsWith("-ERR unknown command"))
        end(t`${shown} is too old: Redis 6 or Valkey is needed`);
      else if (answer.startsWith("-")) end(t`${shown} refused the connection`);
      else if (/^[%*]\d{1,3}\r\n/.test(answer)) end(null);
      else end(t`${shown} is neither Redis nor Valkey`);
    });
  });
}

function nameOf(host: string | undefined): { servername?: string } {
  return host === undefined || /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}
