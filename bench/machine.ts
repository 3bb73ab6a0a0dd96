// What a report was made on, and with which versions: ratios of two runs compare only where these are told.
import { cpus, release, totalmem } from "node:os";
import manifest from "../package.json";
import { PEER_VERSIONS } from "./peers.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryMib: number;
  readonly kernel: string;
  /** By program, the first line of what it says of itself. */
  readonly versions: Readonly<Record<string, string>>;
}

/** `given`: commands of peers, by name. */
export function describeMachine(given: Readonly<Record<string, string>>): Machine {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? "unknown",
    cores: all.length,
    memoryMib: Math.round(totalmem() / 2 ** 20),
    kernel: release(),
    versions: {
      "codex-helper": manifest.version,
      bun: Bun.version,
      ...say("nginx", ["/usr/sbin/nginx", "-v"]),
      ...say("haproxy", ["/usr/sbin/haproxy", "-v"]),
      ...say("node", ["node", "--version"]),
      peers: PEER_VERSIONS.join(" "),
      ...given,
    },
  };
}

function say(name: string, command: readonly string[]): Record<string, string> {
  if (Bun.which(command[0] ?? "") === null) return {};
  const { stderr, stdout } = Bun.spawnSync([...command]);
  return { [name]: (stdout.toString() || stderr.toString()).split("\n")[0] ?? "" };
}
