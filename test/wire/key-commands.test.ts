// Keys that a command prints, on the wire: nothing is run before a request needs one, a refused key is asked for again once, and a
// command that fails is an upstream that fails.
import { expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GOOD, reply } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { waitUntil } from "../helpers/wait.ts";
import { TURN } from "./turn.ts";

/** A password manager of the test: what it gives can be changed, and its runs are counted. */
function makeVault(script: string) {
  const home = makeTempHome();
  const [path, runs] = [join(home.path, "script"), join(home.path, "runs")];
  const set = (text: string): void => writeFileSync(path, text);
  set(script);
  return {
    set,
    command: ["sh", "-c", `echo run >> ${runs}; . ${path}`],
    runs: () => (existsSync(runs) ? readFileSync(runs, "utf8").trim().split("\n").length : 0),
    [Symbol.dispose]: () => home[Symbol.dispose](),
  };
}

const UNAUTHORISED = reply({
  status: 401,
  body: JSON.stringify({ error: { message: "Incorrect API key" } }),
});
const GOOD_TURN = GOOD.responses({ text: "hello" });
const isOf = (secret: string) => (request: ReceivedRequest) =>
  request.header("authorization") === `Bearer ${secret}` ? GOOD_TURN : UNAUTHORISED;

const ask = (url: string, path = "responses"): Promise<Response> =>
  fetch(`${url}/${path}`, { method: "POST", body: TURN, headers: { "content-type": "application/json" } });

test("nothing is run before a request needs the key; one that was replaced is asked for once more, and is no failure", async () => {
  using vault = makeVault("echo sk-first");
  let valid = "sk-first";
  await using upstream = await startFakeUpstream((request) => isOf(valid)(request));
  await using proxy = await startConfiguredProxy({
    codex: [{ base_url: upstream.baseUrl, auth: { auth_token_command: vault.command } }],
  });
  expect(vault.runs()).toBe(0);
  for (let n = 0; n < 3; n += 1) expect((await ask(proxy.codexUrl)).status).toBe(200);
  expect(vault.runs()).toBe(1);
  valid = "sk-second";
  vault.set("echo sk-second");
  const answers = await Promise.all([1, 2, 3, 4].map(() => ask(proxy.codexUrl)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(vault.runs()).toBe(2);
  const log = JSON.stringify(await proxy.logged(7));
  expect(log).not.toContain("sk-first");
  expect(log).not.toContain("sk-second");
  expect(
    (await proxy.logged(7)).every(({ attempts, outcome }) => outcome === "ok" && attempts === undefined),
  ).toBe(true);
});

test("a key that stays refused is asked for twice in a request, and the next upstream answers", async () => {
  using vault = makeVault("echo sk-dead");
  await using primary = await startFakeUpstream([UNAUTHORISED]);
  await using backup = await startFakeUpstream([GOOD_TURN]);
  await using proxy = await startConfiguredProxy({
    codex: [{ base_url: primary.baseUrl, auth: { auth_token_command: vault.command } }, backup],
  });
  expect((await ask(proxy.codexUrl)).status).toBe(200);
  expect(vault.runs()).toBe(2);
  expect(primary.requests).toHaveLength(1);
  const [entry] = await proxy.logged(1);
  expect(entry?.attempts?.map(({ verdict }) => verdict)).toEqual(["credential", "ok"]);
});

test("a command that fails fails over; alone, the answer and the log say so without what it said, and it is healed by itself", async () => {
  using vault = makeVault("echo 'locked: sk-secret0123456789' >&2; exit 1");
  await using upstream = await startFakeUpstream([GOOD_TURN]);
  await using backup = await startFakeUpstream([GOOD_TURN]);
  const entry = { base_url: upstream.baseUrl, auth: { auth_token_command: vault.command } };
  await using proxy = await startConfiguredProxy({ codex: [entry, backup] });
  expect((await ask(proxy.codexUrl)).status).toBe(200);
  expect([upstream.requests.length, backup.requests.length]).toEqual([0, 1]);
  await using alone = await startConfiguredProxy({ codex: [entry] });
  const refused = await ask(alone.codexUrl);
  const words = await refused.text();
  expect(refused.status).toBe(400);
  expect(words).toContain("main#1: not tried, the command for its key (sh) exited with code 1");
  expect(words).toContain("ch doctor");
  expect(words + JSON.stringify(await alone.logged(1))).not.toMatch(/locked|sk-secret/);
  expect(alone.troubles.join()).toContain("exited with code 1: locked: sk-…");
  vault.set("echo sk-open");
  await waitUntil(async () => (await ask(alone.codexUrl)).status === 200);
  expect(upstream.requests[0]?.header("authorization")).toBe("Bearer sk-open");
});

test("an x-api-key comes from a command too, for Claude Code", async () => {
  using vault = makeVault("printf 'sk-ant-key\\nnotes\\n'");
  await using upstream = await startFakeUpstream([GOOD.messages({ text: "hello" })]);
  await using proxy = await startConfiguredProxy({
    claude: [{ base_url: upstream.baseUrl, auth: { api_key_command: vault.command } }],
  });
  expect((await ask(`${proxy.claudeUrl}/v1`, "messages")).status).toBe(200);
  expect(upstream.requests[0]?.header("x-api-key")).toBe("sk-ant-key");
  expect(upstream.requests[0]?.header("authorization")).toBeNull();
});

test("a balance is asked for with the key of its own command, and again with the one that replaced it", async () => {
  using vault = makeVault("echo tk-old");
  let valid = "tk-new";
  await using upstream = await startFakeUpstream((request) =>
    request.method === "GET"
      ? request.header("authorization") === `Bearer ${valid}`
        ? reply({ status: 200, body: JSON.stringify({ left: 5 }) })
        : (vault.set("echo tk-new"), UNAUTHORISED)
      : GOOD_TURN,
  );
  const host = new URL(upstream.baseUrl).hostname;
  await using proxy = await startConfiguredProxy({
    codex: [upstream],
    usageProviders: {
      providers: [
        {
          id: "own",
          kind: "json_path",
          domains: [host],
          endpoint: `${new URL(upstream.baseUrl).origin}/balance`,
          token_command: vault.command,
          paths: { remaining: "left" },
        },
      ],
    },
  });
  expect((await ask(proxy.codexUrl)).status).toBe(200);
  await waitUntil(() => upstream.requests.filter(({ method }) => method === "GET").length === 2);
  expect(vault.runs()).toBe(2);
});
