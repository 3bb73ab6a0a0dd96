// What a command says whose output has no room. Linux has a device that is always full; elsewhere, where there is none to write
// to, the same commands must end well with their output thrown away.
import { expect, test } from "bun:test";
import { closeSync, existsSync, openSync } from "node:fs";
import { FROM_SOURCE, PROGRAM } from "../helpers/cli.ts";
import { loadCommandPlaces } from "../helpers/command-table.ts";
import { type TempHome, makeTempHome } from "../helpers/temp-home.ts";

const HAS_FULL = existsSync("/dev/full");
const FULL = HAS_FULL ? "/dev/full" : process.platform === "win32" ? "NUL" : "/dev/null";

const FAULTS = Bun.fileURLToPath(import.meta.resolve("../helpers/fs-faults.ts"));

const COMMANDS = [
  ["--version"],
  ["--help"],
  ["config", "list"],
  ["config", "list", "--json"],
  ["config", "show", "main"],
  ["config", "path"],
  ["config", "export"],
  ["completion", "bash"],
  ["completion", "zsh"],
  ["completion", "fish"],
  ["completion", "powershell"],
  ["completion", "names", "targets"],
  ["doctor", "--json"],
  ["status"],
  ["status", "--json"],
  ["switch", "status", "--json"],
  ["routing", "explain"],
  ["quota", "list", "--json"],
  ["usage", "summary", "--json"],
  ["filter", "check", "--json"],
];

async function runInto(
  home: TempHome,
  args: readonly string[],
  streams: { readonly stdout: "ignore" | number; readonly stderr: "pipe" | number },
) {
  const child = Bun.spawn([...PROGRAM, ...args], {
    env: home.env,
    cwd: home.path,
    stdin: "ignore",
    ...streams,
  });
  const stderr = child.stderr instanceof ReadableStream ? await new Response(child.stderr).text() : "";
  return { code: await child.exited, stderr };
}

function makeConfiguredHome(): TempHome {
  const home = makeTempHome();
  const upstreams = [{ base_url: "https://relay.example/v1", auth: { auth_token_env: "K" } }];
  home.write(".codex-helper/config.json", { codex: { active: "main", configs: { main: { upstreams } } } });
  return home;
}

test.each(COMMANDS)("says in one line that there is no room: %s %s %s", async (...args) => {
  using home = makeConfiguredHome();
  const full = openSync(FULL, "w");
  try {
    const { code, stderr } = await runInto(
      home,
      args.filter((word) => typeof word === "string"),
      { stdout: full, stderr: "pipe" },
    );
    if (HAS_FULL) {
      expect(stderr).toMatch(/^error: cannot write: no space left \(ENOSPC\)$/m);
      expect(code).toBe(1);
    }
    expect(stderr).not.toContain("bug");
  } finally {
    closeSync(full);
  }
});

test("every command's help does", async () => {
  using home = makeConfiguredHome();
  const full = openSync(FULL, "w");
  const lines = (await loadCommandPlaces()).map(({ line }) => line.split(" ").slice(1));
  for (const line of lines) {
    const { code, stderr } = await runInto(home, [...line, "--help"], { stdout: full, stderr: "pipe" });
    const words = HAS_FULL ? "error: cannot write: no space left (ENOSPC)\n" : "";
    expect({ line, code, stderr }).toEqual({ line, code: HAS_FULL ? 1 : 0, stderr: words });
  }
  closeSync(full);
});

test.each(["--version", "--help", "config list", "usage summary --json"])(
  "says that a file would be too large: %s",
  async (line) => {
    using home = makeConfiguredHome();
    // A limit of 0 holds for files; standard error is none.
    const limited = 'ulimit -f 0; exec "$@" >out';
    const child = Bun.spawn(["sh", "-c", limited, "sh", ...PROGRAM, ...line.split(" ")], {
      env: home.env,
      cwd: home.path,
      stderr: "pipe",
    });
    const stderr = await new Response(child.stderr).text();
    expect(stderr).toBe("error: cannot write: the file would be larger than is allowed (EFBIG)\n");
    expect(await child.exited).toBe(1);
  },
);

test("says that the quota of a disk is reached", async () => {
  using home = makeConfiguredHome();
  const [bun = "", ...program] = FROM_SOURCE;
  const child = Bun.spawn([bun, "--preload", FAULTS, ...program, "--version"], {
    env: { ...home.env, FS_FAULT: JSON.stringify({ kind: "fail", at: 1, code: "EDQUOT" }) },
    stderr: "pipe",
  });
  expect(await new Response(child.stderr).text()).toBe("error: cannot write: disk quota reached (EDQUOT)\n");
  expect(await child.exited).toBe(1);
});

test("messages without room for them do not stop a command", async () => {
  using home = makeConfiguredHome();
  const full = openSync(FULL, "w");
  const { code } = await runInto(home, ["config", "set-active", "main"], { stdout: "ignore", stderr: full });
  expect(code).toBe(0);
  closeSync(full);
});
