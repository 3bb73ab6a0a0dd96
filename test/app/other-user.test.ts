// Another user of the machine, in earnest: uid 65534, where the tests run as root. Elsewhere the same programs run as this
// user: what they are told by the port alone stays the same, and what only files and sockets keep from others is not tried.
import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nameUser } from "../../src/app/port-owner.ts";
import { GOOD } from "../helpers/answers.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";

const NOBODY = 65534;
const IS_ROOT = process.getuid?.() === 0;
const DROP = IS_ROOT
  ? `process.setgroups([]); process.setgid(${NOBODY}); process.setuid(${NOBODY});`
  : "// as this user: only root can become another";
const NAME =
  process.platform === "linux"
    ? nameUser(readFileSync("/etc/passwd", "utf8"), IS_ROOT ? NOBODY : (process.getuid?.() ?? -1))
    : null;

const TOML =
  'model_provider = "relay"\n[model_providers.relay]\nname = "r"\nbase_url = "https://relay.example/v1"\n';
const TURN = '{"model":"m","stream":true,"input":[]}';

let home: TempHome;
let upstream: FakeUpstream;
beforeEach(async () => {
  home = makeTempHome();
  upstream = await startFakeUpstream(() => GOOD.responses());
  chmodSync(home.write(".codex/config.toml", TOML), 0o600);
});
afterEach(async () => {
  await upstream.close();
  home[Symbol.dispose]();
});

function configure(settings: object): void {
  const section = { configs: { main: { upstreams: [{ base_url: `${upstream.origin}/account-4711/v1` }] } } };
  home.write(".codex-helper/config.json", { codex: section, ...settings });
}

/** A program of the other user's, from its source. Its standard output is what it has to say. */
function startAsOther(source: string): Bun.Subprocess<"ignore", "pipe", "inherit"> {
  const program = `${DROP}\n${source}`;
  return Bun.spawn([process.execPath, "-e", program], { cwd: "/", env: {}, stdin: "ignore", stdout: "pipe" });
}

async function askAsOther(source: string): Promise<unknown> {
  const child = startAsOther(`console.log(JSON.stringify(await (async () => { ${source} })()));`);
  return JSON.parse(await new Response(child.stdout).text());
}

/** Listens on a port as the other user, and answers as our own pages would. */
async function squat(port: number): Promise<AsyncDisposable & { readonly pid: number }> {
  const child = startAsOther(`
    Bun.serve({ hostname: "127.0.0.1", port: ${port}, fetch: () => Response.json({ name: "codex-helper", service: "codex", port: ${port} }) });
    console.log("listens");`);
  const reader = child.stdout.getReader();
  await reader.read();
  return {
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

test("another user's program on a client's port is named with its user, and no client is pointed at it", async () => {
  configure({});
  const port = freePort();
  await using squatter = await squat(port);
  const by = NAME === null ? "" : `user ${NAME}`;
  const refused = await runCli(["switch", "on", "--codex", "--port", String(port)], { home });
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toContain(by);
  expect(refused.stderr).toContain("not by ch: it would receive Codex's requests and key");
  const taken = await runCli(["serve", "--port", String(port)], { home });
  expect(taken.stderr).toContain(`port ${port} is in use by`);
  expect(taken.stderr).toContain(by);
  expect(readFileSync(home.paths.codexConfig, "utf8")).toBe(TOML);
  expect(squatter.pid).toBeGreaterThan(0);
});

test("one that takes the port of a switched client, whose proxy was killed, is named by every screen", async () => {
  configure({});
  const port = freePort();
  const serving = startCli(["serve", "--port", String(port), "--keep-switched"], { home });
  await serving.waitFor(/Ctrl\+C to stop/);
  serving.child.kill("SIGKILL");
  await serving.child.exited;
  await using _squatter = await squat(port);
  const by = NAME === null ? "not ch" : `user ${NAME}`;
  for (const line of [["status"], ["switch"], ["doctor"]]) {
    const { stderr, stdout } = await runCli(line, { home });
    const shown = (stdout + stderr).replace(/\s+/g, " ");
    expect([line, shown]).toEqual([line, expect.stringContaining(by)]);
    expect([line, shown]).toEqual([line, expect.stringContaining("it receives Codex's requests and key")]);
  }
  expect((await runCli(["switch", "off"], { home })).code).toBe(0);
  expect(readFileSync(home.paths.codexConfig, "utf8")).toBe(TOML);
});

test("with a client token another user can spend nothing and read no token", async () => {
  configure({ limits: { client_token: true } });
  const port = freePort();
  await using serving = startCli(["serve", "--port", String(port)], { home });
  await serving.waitFor(/Ctrl\+C to stop/);
  const address = /http:\/\/127\.0\.0\.1:[^"]+/.exec(readFileSync(home.paths.codexConfig, "utf8"))?.[0] ?? "";
  expect((await fetch(`${address}/responses`, { method: "POST", body: TURN })).status).toBe(200);
  const url = `http://127.0.0.1:${port}`;
  const tried = await askAsOther(`
    const ask = async (path, init) => (await fetch("${url}" + path, init)).status;
    return [
      await ask("/v1/responses", { method: "POST", body: ${JSON.stringify(TURN)} }),
      await ask("/v1/models"),
      await ask("/ch_00000000000000000000000000000000/v1/models"),
      await ask("/__codex-helper/reset", { method: "POST" }),
    ];`);
  expect(tried).toEqual([401, 401, 401, 403]);
  const page = JSON.stringify(
    await askAsOther(`return await (await fetch("${url}/__codex-helper/status")).json();`),
  );
  expect(page).toContain(`"base_url":"127.0.0.1:${upstream.port}"`);
  expect(page).not.toContain("account-4711");
  const files = [home.paths.clientToken, home.paths.codexConfig, home.paths.run, home.paths.config];
  const readable = await askAsOther(`
    const { readFileSync, readdirSync, statSync } = require("node:fs");
    return ${JSON.stringify(files)}.filter((path) => {
      try { statSync(path).isDirectory() ? readdirSync(path) : readFileSync(path); return true; } catch { return false; }
    });`);
  expect(readable).toEqual(IS_ROOT ? [] : files);
  expect(upstream.requests.filter(({ method }) => method === "POST")).toHaveLength(1);
});

test("the token on the command line of a run is worth nothing to another user", async () => {
  configure({ limits: { client_token: true } });
  // The client says where it was pointed at, and waits for the other user's turn to be over.
  const place = mkdtempSync("/tmp/codex-helper-run-");
  chmodSync(place, 0o755);
  try {
    const [told, over] = [join(place, "told"), join(place, "over")];
    const script = `#!/bin/sh
case "$*" in *--help*) exit;; esac
echo "$*" > ${told}.part && mv ${told}.part ${told}
while [ ! -e ${over} ]; do sleep 0.05; done
`;
    const client = home.write("bin/codex", script);
    chmodSync(client, 0o755);
    await using running = startCli(["run", "--", client], { home });
    const line = await waitUntil(() => existsSync(told) && readFileSync(told, "utf8"), {
      what: "the client",
    });
    const address = /base_url="([^"]+)"/.exec(String(line))?.[1] ?? "";
    const status = `return (await fetch("${address}/responses", { method: "POST", body: ${JSON.stringify(TURN)} })).status;`;
    const isTold = process.platform === "linux" && IS_ROOT;
    expect(await askAsOther(status)).toBe(isTold ? 401 : 200);
    expect((await fetch(`${address}/responses`, { method: "POST", body: TURN })).status).toBe(200);
    writeFileSync(over, "");
    expect(await running.child.exited).toBe(0);
  } finally {
    rmSync(place, { recursive: true });
  }
});
