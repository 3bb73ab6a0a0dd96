import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Status } from "../../../src/base/check.ts";
import { fingerprint } from "../../../src/base/secrets.ts";
import { runCli, startCli } from "../../helpers/cli.ts";
import { freePort } from "../../helpers/free-port.ts";
import { sendRaw } from "../../helpers/raw-client.ts";
import { startStuckListener } from "../../helpers/stuck-listener.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { TURN } from "../../wire/turn.ts";

const TOML =
  'model_provider = "relay"\n[model_providers.relay]\nname = "relay"\nbase_url = "https://relay.example/v1"\n';
/** Its upstream is a port that refuses at once: nothing of this home is sent anywhere. */
const CONFIG = {
  codex: {
    configs: {
      main: { upstreams: [{ base_url: "http://127.0.0.1:9/v1", auth: { auth_token_env: "RELAY_KEY" } }] },
    },
  },
};

/** A home in which nothing is odd. */
function makeHealthyHome(): TempHome {
  const home = makeTempHome({ RELAY_KEY: "sk-relay-secret-value" });
  home.write(".codex-helper/config.json", CONFIG);
  home.write(".codex/config.toml", TOML);
  chmodSync(home.paths.home, 0o700);
  chmodSync(home.paths.config, 0o600);
  return home;
}

interface Result {
  readonly code: number;
  readonly of: (id: string) => { id: string; status: Status; message: string; hint?: string }[];
}

async function examine(home: TempHome, env: Record<string, string> = {}): Promise<Result> {
  const { code, stdout } = await runCli(["doctor", "--json"], { home, env });
  const { checks } = JSON.parse(stdout) as {
    checks: { id: string; status: Status; message: string; hint?: string }[];
  };
  return { code, of: (id) => checks.filter((check) => check.id === id) };
}

async function switchAndKill(home: TempHome): Promise<void> {
  await using serving = startCli(["serve", "--port", String(freePort())], { home });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  await serving.stop("SIGKILL");
}

test("shows what is odd with a command to type, and the rest as a number", async () => {
  using home = makeHealthyHome();
  home.write(".codex-helper/config.json", "{");
  const { code, stderr, stdout } = await runCli(["doctor"], { home });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^fail {2}~\/\.codex-helper\/config\.json:1:\d+: .+\n {8}ch config edit\n/m);
  expect(stdout).toMatch(/^ok {4}\d+ checks passed \(ch doctor --all shows them\)$/m);
  expect(stdout.split("\n").filter((line) => line.length > 80 && !line.startsWith("        "))).toEqual([]);
  expect(stderr).toContain("Next: ch");
  const all = await runCli(["doctor", "--all"], { home });
  expect(all.stdout.split("\n").filter((line) => line.startsWith("ok ")).length).toBeGreaterThan(5);
});

test("--json holds every check's findings as a script can read them", async () => {
  using home = makeHealthyHome();
  const { of } = await examine(home, { HTTP_PROXY: "http://proxy.example:8080" });
  expect(of("loopback-proxy")).toMatchObject([
    { status: "warn", hint: expect.stringContaining("export NO_PROXY=127.0.0.1") },
    { status: "warn" },
  ]);
  expect(of("config-file")).toEqual([{ id: "config-file", status: "ok", message: expect.any(String) }]);
});

test("--fix puts a client back whose proxy was killed, and makes our files private", async () => {
  using home = makeHealthyHome();
  await switchAndKill(home);
  chmodSync(home.paths.config, 0o644);
  const { code, stderr, stdout } = await runCli(["doctor", "--fix"], { home });
  expect(stderr).toContain(`fixed: restored ~/.codex/config.toml`);
  expect(stderr).toContain(`fixed: made ~/.codex-helper/config.json private`);
  expect(readFileSync(home.paths.codexConfig, "utf8")).toBe(TOML);
  const fails = stdout.split("\n").filter((line) => line.startsWith("fail"));
  expect({ code, fails }).toEqual({
    code: 1,
    fails: [expect.stringContaining("main#1 (127.0.0.1:9): refused the connection")],
  });
});

test("--fix restores a file whose writing in place was killed half-way, which every screen tells until then", async () => {
  using home = makeHealthyHome();
  const path = home.paths.codexConfig;
  const after = `${TOML}# the new end\n`;
  home.write(
    `.codex-helper/run/switch-codex-${fingerprint(path)}.copy`,
    JSON.stringify({ file: path, before: TOML, after }),
  );
  home.write(".codex/config.toml", after.slice(0, -5));
  const words = /writing \S+config\.toml was interrupted: ch doctor --fix restores it/;
  const screens = [["switch", "status"], ["doctor"], ["status"]];
  for (const args of screens) {
    const { stdout } = await runCli(args, { home });
    expect({ args, said: words.test(stdout.replace(/\s+/g, " ")) }).toEqual({ args, said: true });
  }
  const { stderr } = await runCli(["doctor", "--fix"], { home });
  expect(stderr).toContain("fixed: restored ~/.codex/config.toml");
  expect(readFileSync(path, "utf8")).toBe(TOML);
  expect(readdirSync(home.paths.run).filter((name) => name.endsWith(".copy"))).toEqual([]);
});

test("--fix says what it could not repair, and repairs the rest", async () => {
  using home = makeHealthyHome();
  await switchAndKill(home);
  const lock = join(home.paths.run, "switch.lock");
  rmSync(lock, { force: true });
  mkdirSync(lock, { mode: 0o700 });
  chmodSync(home.paths.config, 0o644);
  const { code, stderr } = await runCli(["doctor", "--fix"], { home });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^warning: not fixed: .*~\/\.codex-helper\/run\/switch\.lock/m);
  expect(stderr).toContain("fixed: made ~/.codex-helper/config.json private");
});

test("an upstream that hangs holds the command up for 3 s and no longer", async () => {
  using home = makeHealthyHome();
  await using stuck = await startStuckListener();
  home.write(".codex-helper/config.json", {
    codex: { configs: { main: { upstreams: [{ base_url: `http://127.0.0.1:${stuck.port}/v1` }] } } },
  });
  const began = performance.now();
  const { stdout } = await runCli(["doctor"], { home });
  expect(stdout).toContain("connection timed out (TCP)");
  expect(performance.now() - began).toBeLessThan(8_000);
}, 15_000);

test("no secret is in what it prints, even where everything is broken", async () => {
  using home = makeHealthyHome();
  home.write(".codex-helper/config.json", {
    codex: {
      configs: {
        main: {
          upstreams: [{ base_url: "https://r.example/v1", auth: { auth_token: "sk-very-secret-literal" } }],
        },
      },
    },
  });
  for (const args of [["doctor"], ["doctor", "--json"]]) {
    const { stdout, stderr } = await runCli(args, { home });
    expect(stdout + stderr).not.toContain("sk-very-secret-literal");
    expect(stdout + stderr).not.toContain("sk-relay-secret-value");
  }
});

test("what the proxy met is told with its command, while it runs and after, and an address is a command too", async () => {
  using home = makeHealthyHome();
  using site = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("here") });
  const upstreams = [{ base_url: `https://127.0.0.1:${site.port}/v1` }];
  chmodSync(home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } }), 0o600);
  const port = freePort();
  await using serving = startCli(["serve", "--no-switch", "--port", String(port)], { home });
  await serving.waitFor(/Press Ctrl\+C to stop/);
  const fix = `ch config set main#1 --base-url http://127.0.0.1:${site.port}/v1`;
  const answer = await sendRaw(port, { method: "POST", path: "/v1/responses", body: TURN });
  expect(answer.text()).toContain(fix);
  await serving.waitFor(/none left: main#1 \S+ no TLS on this port: https to an http port$/m);
  const seen = `main#1: no TLS on this port: https to an http port (HTTP_PORT), once in the last hour`;
  const running = await examine(home);
  expect(running.of("seen")).toMatchObject([{ status: "warn", message: seen, hint: fix }]);
  await serving.stop();
  const stopped = await runCli(["doctor"], { home });
  expect(stopped.stdout.replace(/\s+/g, " ")).toContain(seen);
  expect(stopped.stderr).toContain(`Next: ${fix}\n`);
  // Done: what was met before is over.
  const { code } = await runCli(["config", "set", "main#1", "--header", "X-Team=core"], { home });
  expect(code).toBe(0);
  expect((await examine(home)).of("seen")).toMatchObject([
    { status: "info", message: `${seen}; config.json was changed since` },
  ]);
});
