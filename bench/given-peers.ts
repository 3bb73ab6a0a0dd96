// Peers that a user puts beside us by a command: `--peer "NAME=COMMAND"`. docs/performance.md has the contract.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Peer } from "./peers.ts";
import { RESPONSES } from "./wire.ts";

/** What a command may say in braces. */
interface Place {
  readonly port: number;
  readonly home: string;
  readonly origin: string;
}

/**
 * A peer from "NAME=COMMAND". `headers`: all lines of `--peer-header`, each "NAME=Header: value". The command runs below `sh`, as
 * the process that does the work. Throws where no name or command stands there.
 */
export function parsePeer(text: string, headers: readonly string[]): Peer {
  const [name, command] = splitName(text);
  if (command === "") throw new Error(`--peer "${text}": give it as "NAME=COMMAND"`);
  const lines = headers.map(splitName).filter(([owner]) => owner === name);
  return {
    name,
    launch: ({ home, origin, port }) => ({
      command: ["sh", "-c", `exec ${fillIn(command, { home, origin, port })}`],
      env: { UPSTREAM: origin },
      dialect: { ...RESPONSES, headers: lines.map(([, line]) => line) },
    }),
  };
}

/**
 * `{port}`: where to listen on 127.0.0.1. `{upstream}`: the address of the upstream, without a path. `{home}`: an empty directory,
 * HOME too. `{file:PATH}`: a copy of this file in that directory, with the same filled in.
 */
export function fillIn(template: string, place: Place): string {
  const values: Record<string, string> = {
    port: `${place.port}`,
    upstream: place.origin,
    home: place.home,
  };
  return template.replaceAll(/\{(port|upstream|home)\}|\{file:([^}]+)\}/g, (whole, word, path) => {
    if (path === undefined) return values[String(word)] ?? whole;
    const copy = join(place.home, basename(String(path)));
    writeFileSync(copy, fillIn(readFileSync(String(path), "utf8"), place), { mode: 0o600 });
    return copy;
  });
}

function splitName(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  return at <= 0 ? ["", ""] : [text.slice(0, at).trim(), text.slice(at + 1).trim()];
}
