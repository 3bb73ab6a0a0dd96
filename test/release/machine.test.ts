import { afterAll, beforeAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PLATFORMS } from "../../release/platforms.ts";
import { listDependencies } from "../../release/third-party.ts";
import { GOOD } from "../helpers/answers.ts";
import { runCli, startCli } from "../helpers/cli.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { codexBinary, makeCodexConfig } from "../helpers/real-codex.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const ROOT = join(import.meta.dir, "../..");
const SOURCES = [
  "src",
  "release",
  "build.ts",
  "package.json",
  "bun.lock",
  "tsconfig.json",
  "install.sh",
  "install.ps1",
].concat(["README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]);
/** All that the machine has: no Node, no Bun, no package manager. */
const TOOLS =
  "sh uname tar gzip mkdir mktemp mv ln readlink rm rmdir cat cp sed curl sha256sum openssl".split(" ");
const BUILD_MS = 120_000;

const HERE =
  PLATFORMS.find(({ name }) => name === `${process.platform}-${process.arch}`)?.name ?? "no release";
let workshop: string;
/** The same release, made twice, from two copies of the source. */
let releases: readonly [string, string];
let sumsOfBoth: readonly string[];

beforeAll(async () => {
  workshop = mkdtempSync(join(tmpdir(), "codex-helper-machine-"));
  const first = join(workshop, "first");
  const packages = [...listDependencies(ROOT), "fflate", "modern-tar"].map((name) => `node_modules/${name}`);
  for (const name of [...SOURCES, ...packages])
    cpSync(join(ROOT, name), join(first, name), { recursive: true });
  const second = join(workshop, "another place/second");
  cpSync(first, second, { recursive: true });
  releases = await Promise.all([makeRelease(first), makeRelease(second)]);
  sumsOfBoth = releases.map((out) => readFileSync(join(out, "SHA256SUMS"), "utf8"));
  await runBun(join(first, "release/sign.ts"), "--throw-away", releases[0]);
}, BUILD_MS);
afterAll(() => rmSync(workshop, { recursive: true }));

async function makeRelease(source: string): Promise<string> {
  const out = join(source, "out");
  await runBun(join(source, "release/make.ts"), "--out", out, HERE);
  return out;
}

async function runBun(file: string, ...args: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, file, ...args], {
    cwd: dirname(file),
    stdout: "ignore",
    stderr: "pipe",
  });
  const [words, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`no release was made:\n${words}`);
}

test("two builds of the same source are the same to the byte", () => {
  const [first, second] = sumsOfBoth;
  expect(first).toMatch(/^[0-9a-f]{64}  codex-helper-\S+\.tar\.gz$/m);
  expect(second).toBe(first ?? "");
});

test("without Node and Bun: install, look, a real turn of Codex, uninstall, and nothing is left", async () => {
  using home = makeTempHome();
  const bin = join(home.path, "bin");
  mkdirSync(bin);
  for (const tool of TOOLS) symlinkSync(Bun.which(tool) ?? `/missing/${tool}`, join(bin, tool));
  symlinkSync(codexBinary(), join(bin, "codex"));
  const env = { HOME: home.path, PATH: `${bin}:${join(home.path, ".local/bin")}`, LANG: "C.UTF-8" };
  expect(["node", "bun", "npm"].map((name) => Bun.which(name, env))).toEqual([null, null, null]);
  const before = listFiles(home.path);

  await using site = serveFiles(releases[0]);
  const place = `http://127.0.0.1:${site.port}`;
  const machine = { home: { ...home, env }, program: [join(bin, "sh"), join(releases[0], "install.sh")] };
  const installed = await runCli(["--from", place], machine);
  expect(installed).toMatchObject({ code: 0, stderr: "" });
  expect(installed.stdout).toMatch(/^Installed codex-helper \d+\.\d+\.\d+ \(.*\) in .*\/\.local\/bin$/m);

  const ch = { home: { ...home, env }, program: [join(home.path, ".local/bin/ch")] };
  expect((await runCli(["--version"], ch)).stdout).toMatch(/^codex-helper \d+\.\d+\.\d+ /);
  const demo = await runCli(["demo"], ch);
  expect(demo.code).toBe(0);
  expect(demo.stdout).toContain("5 turns, 5 answered, 0 errors");

  await using upstream = await startFakeUpstream(() => GOOD.responses({ text: "hello from the relay" }));
  await using elsewhere = await startFakeUpstream(() => GOOD.responses({ text: "not through the proxy" }));
  const own = makeCodexConfig(elsewhere.baseUrl);
  const config = home.write(".codex/config.toml", own);
  const add = ["config", "add", "main", "--base-url", upstream.baseUrl, "--auth-token-stdin"];
  expect(await runCli(add, { ...ch, stdin: "sk-relay" })).toMatchObject({ code: 0 });

  const port = String(freePort());
  {
    await using serving = startCli(["serve", "--port", port], ch);
    await serving.waitFor(/on http:\/\/127\.0\.0\.1:\d+/);
    const turn = await runCli(["exec", "--skip-git-repo-check", "say hi"], {
      ...ch,
      program: [join(bin, "codex")],
    });
    expect(turn).toMatchObject({ code: 0, stdout: "hello from the relay\n" });
    expect(upstream.requests.map((request) => request.header("authorization"))).toEqual(["Bearer sk-relay"]);
    expect(await serving.stop()).toBe(130);
  }
  expect(readFileSync(config, "utf8")).toBe(own);

  // Left switched on: whoever removes the program must not leave Codex without an address.
  expect((await runCli(["switch", "on", "--port", port], ch)).code).toBe(0);
  expect(readFileSync(config, "utf8")).not.toBe(own);
  const removed = await runCli(["--uninstall", "--purge"], machine);
  expect(removed).toMatchObject({ code: 0 });
  expect(readFileSync(config, "utf8")).toBe(own);
  const ofCodex = /^\.codex\//;
  expect(listFiles(home.path).filter((path) => !ofCodex.test(path))).toEqual(before);
  expect(elsewhere.requests).toEqual([]);
}, 60_000);

test("what lies in the directory that it is started in changes nothing", async () => {
  using home = makeTempHome();
  const folder = `codex-helper-${HERE}`;
  const archive = join(releases[0], `${folder}.tar.gz`);
  expect(Bun.spawnSync(["tar", "-xzf", archive], { cwd: home.path }).exitCode).toBe(0);
  const program = [join(home.path, folder, "codex-helper")];
  mkdirSync(join(home.path, "clean"));
  const trap =
    'console.log("TAKEN"); process.env.CODEX_HELPER_HOME = "/nowhere"; throw new Error("taken");\n';
  home.write("trap/evil.ts", trap);
  home.write("trap/.env", "CODEX_HELPER_HOME=/nowhere\nNO_COLOR=\nFORCE_COLOR=1\n");
  home.write("trap/.env.production", "CODEX_HELPER_HOME=/nowhere\n");
  home.write("trap/bunfig.toml", 'preload = ["./evil.ts"]\n[define]\n"process.env.HOME" = "\'/nowhere\'"\n');
  home.write("trap/tsconfig.json", { compilerOptions: { paths: { "*": ["./evil.ts"] } } });
  home.write("trap/package.json", { type: "commonjs", imports: { "#x": "./evil.ts" }, main: "./evil.ts" });
  for (const name of ["citty", "zod", "consola", "jsonc-parser", "re2js"]) {
    home.write(`trap/node_modules/${name}/package.json`, { name, main: "index.js" });
    home.write(`trap/node_modules/${name}/index.js`, trap);
  }
  for (const args of [["--version"], ["config", "list"], ["filter", "check"], ["--help"]]) {
    const [clean, trapped] = await Promise.all(
      ["clean", "trap"].map((name) => runCli(args, { home, program, cwd: join(home.path, name) })),
    );
    expect(clean?.code).toBe(0);
    expect({ args, ...trapped }).toEqual({ args, ...clean, code: 0 });
  }
});

function serveFiles(directory: string): AsyncDisposable & { readonly port: number | undefined } {
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    reusePort: false,
    fetch: (request) => {
      const file = Bun.file(join(directory, new URL(request.url).pathname));
      return file.size > 0 ? new Response(file) : new Response(null, { status: 404 });
    },
  });
  return {
    port: server.port,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

/** Every file below, links not followed. */
function listFiles(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
    .toSorted();
}
