import { describe, expect, test } from "bun:test";
import {
  GOOD,
  head,
  HTML_PAGE,
  messagesError,
  messagesPrologue,
  RELAY_ERRORS,
  reply,
  responsesFailed,
  responsesPrologue,
  sse,
  stream,
} from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type Answer, FIN, RESET, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

type Api = "responses" | "messages";

const prologue = (api: Api): string[] => (api === "responses" ? responsesPrologue() : messagesPrologue());
const failure = (api: Api): string =>
  api === "responses" ? responsesFailed("server_is_overloaded") : messagesError();
const emptyEnd = (api: Api): string =>
  api === "responses"
    ? sse("response.completed", { type: "response.completed", response: { id: "r", output: [] } })
    : sse("message_stop", { type: "message_stop" });
const NOWHERE = "http://127.0.0.1:1/v1/elsewhere";

type Faults = Readonly<Record<string, (api: Api) => Answer>>;

const silent = (...statuses: readonly number[]): Faults =>
  Object.fromEntries(statuses.map((status) => [`${status} without a word`, () => reply({ status })]));
const worded = (...names: readonly (keyof typeof RELAY_ERRORS)[]): Faults =>
  Object.fromEntries(names.map((name) => [name, () => reply(RELAY_ERRORS[name])]));

/** How a primary fails before it has said anything real. */
const FAULTS: Faults = {
  ...silent(401, 402, 403, 404, 429, 500, 503, 529),
  ...worded("new-api user quota", "sub2api hidden 401", "claude-relay rate limit", "openrouter no credit"),
  "a redirect": () => reply({ status: 307, headers: { location: NOWHERE } }),
  "a reset before any header": () => [RESET],
  "a close in the middle of the headers": () => ["HTTP/1.1 200 OK\r\ncontent-type: te", FIN],
  garbage: () => ["\u0016\u0003\u0001 no HTTP\r\n\r\n", FIN],
  "no answer at all": () => [SILENCE],
  "a web page with 200": () => reply({ headers: { "content-type": "text/html" }, body: HTML_PAGE }),
  "an empty 200": () => reply({ headers: { "content-type": "text/event-stream" } }),
  "a JSON error with 200": () => reply({ body: { error: { message: "failed", type: "server_error" } } }),
  "an error as the first event": (api) => stream([failure(api)]),
  "an error after the prologue": (api) => stream([...prologue(api), failure(api)]),
  "an answer with nothing in it": (api) => stream([...prologue(api), emptyEnd(api)]),
  "a document where events are due": (api) =>
    reply({
      body:
        api === "responses"
          ? {
              object: "response",
              output: [{ type: "message", content: [{ type: "output_text", text: "x" }] }],
            }
          : { type: "message", role: "assistant", content: [{ type: "text", text: "x" }] },
    }),
  "an end after the prologue": (api) => stream(prologue(api)),
  "a reset after the prologue": (api) => stream(prologue(api), { ending: [RESET] }),
  "headers and nothing more": () => [head(200, { "content-type": "text/event-stream" }), FIN],
};

/** Near relatives of the above, which take their time. */
const MORE_FAULTS: Faults = {
  ...silent(408, 502, 504),
  ...worded(...(Object.keys(RELAY_ERRORS) as (keyof typeof RELAY_ERRORS)[])),
};

const faults = process.env["VERIFY"] === "full" ? { ...FAULTS, ...MORE_FAULTS } : FAULTS;

describe("one question of the client, one answer from the backup, when the primary gives", () => {
  for (const [what, fail] of Object.entries(faults)) {
    test.concurrent(
      what,
      async () => {
        await using codexPrimary = await startFakeUpstream(() => fail("responses"));
        await using codexBackup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
        await using claudePrimary = await startFakeUpstream(() => fail("messages"));
        await using claudeBackup = await startFakeUpstream([GOOD.messages({ text: "from the backup" })]);
        await using proxy = await startConfiguredProxy({
          codex: [codexPrimary, codexBackup],
          claude: [claudePrimary, claudeBackup],
          settings: { timeouts: { first_byte_secs: 1 } },
        });
        const [codex, claude] = await Promise.all([
          runCodexExec({ baseUrl: proxy.codexUrl }),
          runClaudePrint({ baseUrl: proxy.claudeUrl }),
        ]);
        expect([codex.code, codex.stdout]).toEqual([0, "from the backup\n"]);
        expect([claude.code, claude.stdout]).toEqual([0, "from the backup\n"]);
        const lines = (await proxy.logged(2)).filter(({ method }) => method === "POST");
        expect(lines.map(({ attempts, outcome }) => [outcome, attempts?.length])).toEqual([
          ["ok", 2],
          ["ok", 2],
        ]);
        for (const upstream of [codexPrimary, codexBackup, claudePrimary, claudeBackup])
          expect(upstream.requests.filter(({ method }) => method === "POST").length).toBe(1);
      },
      60_000,
    );
  }
});

test.concurrent(
  "C8 with nobody left to ask, Codex comes back when it is told to, and the upstream is spared",
  async () => {
    await using upstream = await startFakeUpstream([[RESET]]);
    await using proxy = await startConfiguredProxy({ codex: [upstream] });
    const retries = { request_max_retries: 2, stream_max_retries: 1 };
    const fewer = Object.entries(retries).flatMap(([key, value]) => [
      "-c",
      `model_providers.test_relay.${key}=${value}`,
    ]);
    const codex = await runCodexExec({
      baseUrl: proxy.codexUrl,
      args: [...fewer, "exec", "--skip-git-repo-check"],
    });
    expect(codex.code).toBe(1);
    expect(codex.stderr).toContain("No upstream could answer Codex");
    const lines = await proxy.logged(6);
    expect(lines.map(({ status_code }) => status_code)).toEqual([503, 503, 503, 503, 503, 503]);
    const times = lines.map(({ timestamp_ms }) => timestamp_ms);
    const pauses = times.slice(1).map((time, n) => time - (times[n] ?? 0));
    for (const pause of pauses) expect(pause).toBeGreaterThan(900);
    // Each came when the upstream could be asked again, and that is ever later.
    for (const [n, pause] of pauses.slice(3).entries())
      expect(pause).toBeGreaterThan(1.5 * (pauses[n + 2] ?? 0));
    expect(upstream.requests.length).toBeLessThanOrEqual(6);
  },
  60_000,
);
