import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { switchOff, switchOn } from "../../src/clients/switch/switch.ts";
import { readCoverage } from "../../src/app/session/coverage.ts";
import { resolvePaths } from "../../src/base/paths.ts";
import { GOOD, reply, sse, stream, toolUse } from "../helpers/answers.ts";
import { type ClientHome, makeClientHome } from "../helpers/client-process.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { type RunningProxy, startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { makeCodexConfig, runCodexExec } from "../helpers/real-codex.ts";

const EXEC = ["exec", "--skip-git-repo-check"];
const LOGIN = '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-client-own"}';

interface Project {
  readonly home: ClientHome;
  readonly switchOn: (port: number) => Promise<void>;
  readonly switchOff: () => Promise<void>;
  /** Runs a turn and gives its session's id. */
  readonly turn: (prompt: string, args?: readonly string[]) => Promise<string>;
}

function makeProject(configToml: string): Project {
  const home = makeClientHome();
  const codexHome = join(home.path, ".codex");
  mkdirSync(codexHome);
  writeFileSync(join(codexHome, "config.toml"), configToml);
  writeFileSync(join(codexHome, "auth.json"), LOGIN, { mode: 0o600 });
  const env = { HOME: home.path, USERPROFILE: home.path, CODEX_HOME: codexHome };
  const target = { service: "codex", paths: resolvePaths(env), env } as const;
  return {
    home,
    async switchOn(port) {
      await switchOn(target, { port, prefersOwnProvider: false }, { kind: "user" });
    },
    async switchOff() {
      await switchOff(target);
    },
    async turn(prompt, args = EXEC) {
      const { code, stderr } = await runCodexExec({ home, args, prompt });
      expect({ prompt, code, stderr: code === 0 ? "" : stderr.slice(-600) }).toEqual({
        prompt,
        code: 0,
        stderr: "",
      });
      return /session id: (\S+)/.exec(stderr)?.[1] ?? "";
    },
  };
}

describe("a Codex session outlives the switch", () => {
  test.each([
    ["a custom provider", (url: string) => makeCodexConfig(url), [] as string[]],
    // After `off` the built-in provider asks its vendor: here the address is given on the command line instead.
    [
      "the built-in provider",
      () => "check_for_update_on_startup = false\n[analytics]\nenabled = false\n",
      ["-c", "openai_base_url="],
    ],
  ])(
    "with %s: made before, it resumes through the proxy; made through the proxy, it resumes after",
    async (_name, makeConfig, direct) => {
      await using own = await startFakeUpstream(({ method }) =>
        method === "GET" ? reply({ status: 426 }) : GOOD.responses({ text: "direct" }),
      );
      await using relay = await startFakeUpstream(() => GOOD.responses({ text: "through the proxy" }));
      await using proxy = await startConfiguredProxy({ codex: [relay] });
      const config = makeConfig(own.baseUrl);
      const project = makeProject(config);
      using _home = project.home;
      const auth = join(project.home.path, ".codex/auth.json");
      const before = statSync(auth);
      const directly = direct.map((word) => (word.endsWith("=") ? word + own.baseUrl : word));

      const first = await project.turn("one", [...directly, ...EXEC]);
      const asked = own.requests.filter(({ method }) => method === "POST").length;
      await project.switchOn(proxy.ports.codex);
      expect(await project.turn("two", [...EXEC, "resume", first])).toBe(first);
      const second = await project.turn("three");
      expect(relay.requests.filter(({ method }) => method === "POST").length).toBe(2);
      expect(own.requests.filter(({ method }) => method === "POST").length).toBe(asked);

      await project.switchOff();
      expect(readFileSync(join(project.home.path, ".codex/config.toml"), "utf8")).toBe(config);
      expect(await project.turn("four", [...directly, ...EXEC, "resume", second])).toBe(second);
      expect(own.requests.filter(({ method }) => method === "POST").length).toBe(asked + 1);

      expect(await coverageOf(project.home, proxy)).toMatchObject({ turns: 4, turns_missing: 2 });

      const after = statSync(auth);
      expect([after.ino, after.mtimeMs, readFileSync(auth, "utf8")]).toEqual([
        before.ino,
        before.mtimeMs,
        LOGIN,
      ]);
    },
    30_000,
  );
});

/** What `ch usage coverage` says of the sessions in a home by a proxy's log. */
async function coverageOf(home: ClientHome, proxy: RunningProxy) {
  const { requestsLog } = proxy.home.paths;
  const paths = { ...resolvePaths({ HOME: home.path, USERPROFILE: home.path }), requestsLog };
  const report = await readCoverage({ paths, project: null, since: 0, until: Infinity, costOf: null });
  return report.clients[0];
}

test("turns of Claude Code that went past the proxy are told from those that came through, with their sub-agents", async () => {
  const input = { description: "help", prompt: "help", subagent_type: "general-purpose" };
  await using relay = await startFakeUpstream((request) =>
    request.text().includes("start an agent") && !request.text().includes("tool_result")
      ? stream(toolUse("Agent", input))
      : GOOD.messages({ text: "an answer" }),
  );
  await using proxy = await startConfiguredProxy({ claude: [relay] });
  using home = makeClientHome();
  const run = async (baseUrl: string, prompt: string, ...args: string[]): Promise<void> => {
    expect((await runClaudePrint({ home, baseUrl, prompt, args: ["-p", ...args] })).code).toBe(0);
  };
  await run(relay.origin, "start an agent");
  expect(await coverageOf(home, proxy)).toMatchObject({ turns: 1, turns_missing: 1 });
  const before = (await coverageOf(home, proxy))?.requests ?? 0;
  await run(proxy.claudeUrl, "and on", "--continue");
  expect(await coverageOf(home, proxy)).toMatchObject({
    turns: 2,
    turns_missing: 1,
    requests: before + 1,
    requests_missing: before,
  });
}, 30_000);

describe("a long conversation on the built-in provider", () => {
  const isTrigger = (body: string): boolean => body.includes('"compaction_trigger"');

  test("compacts through a plain relay, and the next turn and a resume know the summary", async () => {
    await using relay = await startFakeUpstream((request) => {
      if (isTrigger(request.text())) return GOOD.responses({ text: "an ordinary answer" });
      const asksSummary = request.text().includes("replaced by a summary");
      return GOOD.responses({ text: asksSummary ? "SUMMARY: the secret word is mango" : "fine" });
    });
    await using proxy = await startConfiguredProxy({ codex: [relay] });
    const project = makeProject(
      "model_auto_compact_token_limit = 100\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n",
    );
    using _home = project.home;
    await project.switchOn(proxy.ports.codex);
    const session = await project.turn("remember: mango");
    await project.turn("second", [...EXEC, "resume", session]);
    await project.turn("third", [...EXEC, "resume", session]);
    const turns = (await proxy.logged(1)).filter(({ method }) => method === "POST");
    expect(new Set(turns.map(({ agent }) => agent))).toEqual(new Set(["main", "compaction"]));
    const last = relay.requests.at(-1)?.text() ?? "";
    expect(last.includes("SUMMARY: the secret word is mango")).toBe(true);
    expect(last.includes('"type":"compaction"')).toBe(false);
  }, 30_000);

  test("lets the item of an upstream that compacts by itself pass untouched", async () => {
    const item = { type: "compaction", encrypted_content: "OPAQUE-OF-THE-ACCOUNT" };
    await using relay = await startFakeUpstream((request) =>
      isTrigger(request.text())
        ? stream([
            sse("response.created", { type: "response.created", response: { id: "r" } }),
            sse("response.output_item.done", { type: "response.output_item.done", output_index: 0, item }),
            sse("response.completed", { type: "response.completed", response: { id: "r" } }),
          ])
        : GOOD.responses({ text: "fine" }),
    );
    await using proxy = await startConfiguredProxy({ codex: [relay] });
    const project = makeProject(
      "model_auto_compact_token_limit = 100\ncheck_for_update_on_startup = false\n[analytics]\nenabled = false\n",
    );
    using _home = project.home;
    await project.switchOn(proxy.ports.codex);
    const session = await project.turn("one");
    await project.turn("two", [...EXEC, "resume", session]);
    const [last] = relay.requests.filter((request) => !isTrigger(request.text())).slice(-1);
    expect(last?.text().includes("OPAQUE-OF-THE-ACCOUNT")).toBe(true);
  }, 30_000);
});
