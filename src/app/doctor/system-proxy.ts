// The proxy that the desktop is set to. Programs of the command line do not follow it by themselves, which surprises people.
// Asks the system's own tool; knows nothing where there is none.
import { type Env, readVariable } from "../../base/env.ts";

interface Source {
  readonly command: readonly [program: string, ...args: readonly string[]];
  /** "host:port", or null where none is set. */
  readonly read: (output: string) => string | null;
}

const SOURCES: Readonly<Partial<Record<NodeJS.Platform, Source>>> = {
  linux: { command: ["gsettings", "list-recursively", "org.gnome.system.proxy"], read: readGnome },
  darwin: { command: ["scutil", "--proxy"], read: readMac },
  win32: {
    command: ["reg", "query", "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings"],
    read: readWindows,
  },
};
const ANSWER_MS = 500;
const VARIABLES = ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/** "host:port" of the desktop's proxy; null where there is none, or a variable names one already. */
export async function readSystemProxy(env: Env): Promise<string | null> {
  const source = SOURCES[process.platform];
  if (source === undefined || VARIABLES.some((name) => readVariable(env, name) !== undefined)) return null;
  const [program, ...args] = source.command;
  const path = Bun.which(program, { PATH: readVariable(env, "PATH") ?? "" });
  if (path === null) return null;
  try {
    const asked = Bun.spawn([path, ...args], {
      env: { ...env },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
      timeout: ANSWER_MS,
    });
    return source.read(await new Response(asked.stdout).text());
  } catch {
    return null;
  }
}

function readGnome(output: string): string | null {
  if (!/^org\.gnome\.system\.proxy mode 'manual'$/m.test(output)) return null;
  return ["https", "http"].map((scheme) => readPair(output, scheme)).find((pair) => pair !== null) ?? null;
}

function readPair(output: string, scheme: string): string | null {
  const of = (key: string): string =>
    new RegExp(`^org\\.gnome\\.system\\.proxy\\.${scheme} ${key} '?([^'\\n]*)'?$`, "m").exec(output)?.[1] ??
    "";
  return of("host") === "" || of("port") === "0" ? null : `${of("host")}:${of("port")}`;
}

function readMac(output: string): string | null {
  const of = (key: string): string => new RegExp(`^\\s*${key} : (.+)$`, "m").exec(output)?.[1]?.trim() ?? "";
  return of("HTTPSEnable") === "1" ? `${of("HTTPSProxy")}:${of("HTTPSPort")}` : null;
}

function readWindows(output: string): string | null {
  const of = (key: string): string =>
    new RegExp(`^\\s*${key}\\s+REG_\\w+\\s+(.+)$`, "m").exec(output)?.[1]?.trim() ?? "";
  if (of("ProxyEnable") !== "0x1") return null;
  const servers = of("ProxyServer");
  return (
    /(?:^|;)https=([^;]+)/.exec(servers)?.[1] ?? (servers === "" || servers.includes("=") ? null : servers)
  );
}
