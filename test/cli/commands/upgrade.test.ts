import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { askNewest } from "../../../src/app/upgrade/newest-release.ts";
import { isAfter } from "../../../src/app/upgrade/upgrade.ts";
import { VERSION } from "../../../src/base/version.ts";
import { runCli } from "../../helpers/cli.ts";
import { runInProcess } from "../../helpers/in-process-cli.ts";
import { startOutbound, says } from "../../helpers/outbound-proxy.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";

/** What the server has at each path, beside "/NAME/release.json". */
const RELEASES: Readonly<Record<string, (request: Request) => Response | Promise<Response>>> = {
  newer: () => Response.json({ version: "99.0.0", more: ["fields", "of", "later"] }),
  same: () => Response.json({ version: VERSION }),
  older: () => Response.json({ version: "0.0.9" }),
  candidate: () => Response.json({ version: "99.0.0-rc.1" }),
  page: () =>
    new Response("<html>Sign in to this network</html>", { headers: { "content-type": "text/html" } }),
  garbage: () => new Response(new Uint8Array(500).fill(0xff)),
  empty: () => new Response(""),
  list: () => Response.json(["99.0.0"]),
  "no-version": () => Response.json({ tag: "v99.0.0" }),
  "odd-version": () => Response.json({ version: "99.0.0\u001b[31m; rm -rf ~" }),
  "path-version": () => Response.json({ version: "../../99.0.0" }),
  "number-version": () => Response.json({ version: 99 }),
  endless: () => new Response(repeat(new Uint8Array(65_536).fill(0x20))),
  bomb: () =>
    new Response(Bun.gzipSync(new Uint8Array(2 ** 25)), { headers: { "content-encoding": "gzip" } }),
  gone: () => new Response("no", { status: 404 }),
  broken: () => new Response("no", { status: 500 }),
  login: () => new Response("no", { status: 401, headers: { "www-authenticate": "Basic" } }),
  tagged: () => redirect("/o/r/releases/download/v99.1.0/release.json"),
  "odd-tag": () => redirect("/o/r/releases/download/v../release.json"),
  moved: () => redirect("/newer/release.json"),
  round: () => redirect("/round/release.json"),
  elsewhere: () => redirect("http://releases.example/newer/release.json"),
  nowhere: () => new Response(null, { status: 302 }),
};

const redirect = (location: string): Response => new Response(null, { status: 302, headers: { location } });

function repeat(chunk: Uint8Array): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
}

let server: Bun.Server<unknown>;
let asked: { readonly path: string; readonly headers: Readonly<Record<string, string>> }[] = [];
beforeAll(() => {
  server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const path = new URL(request.url).pathname;
      asked.push({ path, headers: Object.fromEntries(request.headers) });
      const [, name = "", file] = path.split("/");
      return (
        (file === "release.json" ? RELEASES[name]?.(request) : undefined) ??
        new Response("?", { status: 404 })
      );
    },
  });
});
afterAll(() => server.stop(true));

async function check(name: string, ...more: readonly string[]) {
  using home = makeTempHome();
  asked = [];
  return await runInProcess(
    ["upgrade", "--check", "--from", `${server.url.origin}/${name}`, ...more],
    home.env,
  );
}

describe("ch upgrade --check", () => {
  test.each([
    ["newer", "newest release: 99.0.0\n", true],
    ["tagged", "newest release: 99.1.0\n", true],
    ["moved", "newest release: 99.0.0\n", true],
    ["same", `newest release: ${VERSION}, which this is\n`, false],
    ["older", "newest release: 0.0.9, and this is newer\n", false],
    ["candidate", "newest release: 99.0.0-rc.1, which is only for trying out\n", false],
  ])("%s", async (name, words, isNewer) => {
    const { code, stderr, stdout } = await check(name);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining(words) });
    expect(stdout.includes("To upgrade:\n  git -C ")).toBe(isNewer);
    expect(stderr.includes("A proxy that is running stays the old version")).toBe(isNewer);
    const { code: same, stdout: json } = await check(name, "--json");
    expect({ same, ...JSON.parse(json) }).toMatchObject({
      same: 0,
      version: VERSION,
      is_newer: isNewer,
      installed_with: "source",
      upgrade: [expect.stringContaining("git -C ")],
      problem: null,
    });
  });

  test.each([
    ["page", "answered with a web page"],
    ["garbage", "the answer is not JSON"],
    ["empty", "the answer is not JSON"],
    ["list", "the answer is not JSON"],
    ["no-version", "does not say which release is the newest"],
    ["odd-version", "does not say which release is the newest"],
    ["path-version", "does not say which release is the newest"],
    ["number-version", "does not say which release is the newest"],
    ["endless", "the answer is larger than 1 MB"],
    ["bomb", "the answer is larger than 1 MB"],
    ["gone", "answered 404"],
    ["login", "answered 401"],
    ["broken", "the endpoint answered 500"],
    ["odd-tag", "answered 404"],
    ["round", "leads on and on"],
    ["elsewhere", "answered with a redirect to http://releases.example/newer/release.json"],
    ["nowhere", "redirect"],
  ])("an answer that says nothing is said, with what to type all the same: %s", async (name, words) => {
    const { code, stderr, stdout } = await check(name);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringMatching(/^error: 127\.0\.0\.1:\d+ ?/),
    });
    expect(stderr).toContain(words);
    for (const never of ["\u001b", "rm -rf", "Sign in"]) expect(stderr + stdout).not.toContain(never);
    expect(stdout).toContain("To upgrade:\n  git -C ");
    const { code: same, stdout: json } = await check(name, "--json");
    expect({ same, ...JSON.parse(json) }).toMatchObject({
      same: 1,
      newest: null,
      is_newer: null,
      problem: expect.stringContaining(words),
    });
  });

  test("a tag in the address that latest leads to is enough: no more is asked", async () => {
    await check("tagged");
    expect(asked.map(({ path }) => path)).toEqual(["/tagged/release.json"]);
  });

  test("sends no key, no cookie and nothing of this machine but the version", async () => {
    using home = makeTempHome({ OPENAI_API_KEY: "sk-own", ANTHROPIC_AUTH_TOKEN: "sk-own" });
    home.write(".codex-helper/config.json", {
      codex: {
        active: "a",
        configs: { a: { upstreams: [{ base_url: server.url.origin, auth: { auth_token: "sk-own" } }] } },
      },
    });
    asked = [];
    const { code } = await runCli(["upgrade", "--check", "--from", `${server.url.origin}/newer`], { home });
    expect(code).toBe(0);
    expect(asked[0]?.headers).toEqual({
      accept: "application/json",
      connection: "keep-alive",
      host: server.url.host,
      "user-agent": `codex-helper/${VERSION}`,
    });
  });

  test("goes through the outbound proxy like other requests, which may refuse", async () => {
    await using proxy = await startOutbound(says("403 Forbidden"));
    using home = makeTempHome({ HTTPS_PROXY: `http://${proxy.host}` });
    const from = ["--from", "https://releases.example/latest/download"];
    const { code, stderr } = await runInProcess(["upgrade", "--check", ...from], home.env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/^error: releases\.example/) });
    expect(proxy.heads[0]).toStartWith("CONNECT releases.example:443 ");
    using other = makeTempHome({ HTTPS_PROXY: "socks5://127.0.0.1:1" });
    expect((await runInProcess(["upgrade", "--check", ...from], other.env)).stderr).toContain(
      "is a SOCKS proxy",
    );
  });

  test("offline is said in a line, and an answer that does not come is not waited for", async () => {
    using home = makeTempHome();
    const { code, stderr } = await runInProcess(
      ["upgrade", "--check", "--from", "https://127.0.0.1:1/x"],
      home.env,
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: "error: 127.0.0.1:1: refused the connection (ECONNREFUSED)\n",
    });
    using mute = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Promise<Response>(() => {}) });
    const asking = askNewest(mute.url.origin, { env: {}, timeoutMs: 50 });
    expect(asking).rejects.toThrow("no answer within 0.05 s");
    await asking.catch(() => {});
    await mute.stop(true);
  });

  test("a directory with a release is looked into, for a machine without internet", async () => {
    using home = makeTempHome();
    home.write("usb/release.json", { version: "99.0.0" });
    for (const from of [`${home.path}/usb/`, `file://${home.path}/usb`]) {
      const { stdout } = await runInProcess(["upgrade", "--check", "--from", from, "--json"], home.env);
      expect(JSON.parse(stdout)).toMatchObject({ newest: "99.0.0", is_newer: true });
    }
    const { code, stderr } = await runInProcess(
      ["upgrade", "--check", "--from", `${home.path}/none`],
      home.env,
    );
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: `error: ${home.path}/none/release.json: no such file\n`,
    });
  });

  test.each(["http://releases.example/x", "https://me:secret@releases.example/x", "ftp://127.0.0.1/x", ""])(
    "is not asked of %j",
    async (from) => {
      using home = makeTempHome();
      const { code, stderr } = await runInProcess(["upgrade", "--check", "--from", from], home.env);
      expect(code).toBe(2);
      expect(stderr).not.toContain("secret");
    },
  );
});

describe("ch upgrade", () => {
  test("asks nobody, and says what to type", async () => {
    using home = makeTempHome();
    asked = [];
    const { code, stderr, stdout } = await runInProcess(["upgrade"], home.env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "\nNext: ch upgrade --check\n" });
    expect(stdout).toMatch(
      /^codex-helper \S+ \(source\)\nprogram: .+\ninstalled with: git, run from source\n/,
    );
    const place = ["--from", `${server.url.origin}/newer`];
    expect(await runInProcess(["upgrade", ...place], home.env)).toMatchObject({ code: 2 });
    expect(asked).toEqual([]);
  });

  test("of a development build says so", async () => {
    using home = makeTempHome();
    const { code, stdout } = await runInProcess(["upgrade", "--check"], home.env);
    expect(code).toBe(0);
    expect(stdout.replaceAll("\n", " ")).toContain(
      "unknown, because this build does not come from a release",
    );
  });
});

test.each([
  ["0.2.0", "0.1.9", true],
  ["0.10.0", "0.9.9", true],
  ["1.0.0", "0.99.99", true],
  ["0.2.0", "0.2.0-rc.1", true],
  ["0.2.0-rc.2", "0.2.0-rc.1", false],
  ["0.2.0-rc.1", "0.2.0", false],
  ["0.2.0", "0.2.0", false],
  ["0.1.0", "0.2.0", false],
])("%s after %s: %p", (version, other, is) => {
  expect(isAfter(version, other)).toBe(is);
});
