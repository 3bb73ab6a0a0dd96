import { expect, test } from "bun:test";
import type { Service } from "../../src/base/service.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { type TestProxy, startTestProxy } from "../helpers/in-process-proxy.ts";

const TOKEN = "0123456789abcdef0123456789abcdef";
const OTHER = "fedcba9876543210fedcba9876543210";
const BODY = { model: "m", stream: true, input: [], messages: [], max_tokens: 1 };

const PATHS: Readonly<Record<Service, string>> = { codex: "/v1/responses", claude: "/v1/messages" };

const errorOf = async (answer: Response): Promise<{ status: number; body: unknown }> => ({
  status: answer.status,
  body: await answer.json(),
});

/** What clients of another user can try without the token. */
const WITHOUT: readonly (readonly [string, string])[] = [
  ["no token", ""],
  ["another token", `/ch_${OTHER}`],
  ["the beginning of the token", `/ch_${TOKEN.slice(0, -1)}`],
  ["the token and one letter more", `/ch_${TOKEN}0`],
  ["the token in capitals", `/ch_${TOKEN.toUpperCase()}`],
  ["an empty token", "/ch_"],
  ["the token in the middle", `/v1/ch_${TOKEN}`],
  ["the token behind another", `/ch_${OTHER}/ch_${TOKEN}`],
  ["the token in another spelling", `/%63h_${TOKEN}`],
  ["the token with more behind it", `/ch_${TOKEN}%2f`],
];

for (const service of ["codex", "claude"] as const) {
  test.each(WITHOUT)(
    `${service}: %s gets a 401 in the API's shape, and nothing is sent`,
    async (_, prefix) => {
      await using upstream = await startFakeUpstream(() => GOOD.responses());
      await using proxy = startTestProxy({ service, upstreams: [upstream.baseUrl], clientToken: TOKEN });
      const answer = await errorOf(await proxy.ask(`${prefix}${PATHS[service]}`, BODY));
      const message = expect.stringMatching(
        /limits\.client_token.*type ch switch on.* and start a new session/,
      );
      expect(answer).toEqual({
        status: 401,
        body:
          service === "codex"
            ? { error: { message, type: "invalid_request_error", param: null, code: null } }
            : { type: "error", error: { message, type: "authentication_error" } },
      });
      expect(upstream.requests).toEqual([]);
      // Counted, so that nobody can push the user's own requests out of the log; and without a token.
      expect(proxy.entries).toMatchObject([{ status_code: 401, outcome: "refused", refusals: 1 }]);
      expect(JSON.stringify([answer, proxy.entries])).not.toMatch(new RegExp(`${TOKEN}|${OTHER}`, "i"));
    },
  );
}

test("with the token a request passes as it would without one", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], clientToken: TOKEN });
  expect(await (await proxy.ask(`/ch_${TOKEN}/v1/responses?a=1`, BODY)).text()).toContain(
    "response.completed",
  );
  const [request] = upstream.requests;
  expect(request?.target).toBe("/v1/responses?a=1");
  const sent = JSON.stringify([request?.target, request?.fields, request?.text()]);
  expect(sent).not.toContain(TOKEN);
  const entry = await proxy.entry();
  expect(entry.path).toBe("/v1/responses");
  expect(JSON.stringify(entry)).not.toContain(TOKEN);
});

test.each([
  ["GET /v1/models", `/ch_${TOKEN}/v1/models?client_version=1`, "/v1/models?client_version=1"],
  ["compaction", `/ch_${TOKEN}/v1/responses/compact`, "/v1/responses/compact"],
  ["a path without /v1", `/ch_${TOKEN}/models`, "/v1/models"],
] as const)("%s needs the token and arrives without it", async (_, path, target) => {
  await using upstream = await startFakeUpstream(() => reply({ body: { data: [] } }));
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], clientToken: TOKEN });
  expect((await fetch(proxy.origin + target)).status).toBe(401);
  expect((await fetch(proxy.origin + path)).status).toBe(200);
  expect(upstream.requests.map((request) => request.target)).toEqual([target]);
});

test.each([
  ["twice", `/ch_${TOKEN}/ch_${TOKEN}/v1/responses`],
  ["in the path too", `/ch_${TOKEN}/v1/responses/%63h_${TOKEN}`],
  ["in the query too", `/ch_${TOKEN}/v1/responses?from=/ch_${TOKEN}/v1`],
])("a token that is there %s reaches neither an upstream nor the log", async (_, path) => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl], clientToken: TOKEN });
  expect((await proxy.ask(path, BODY)).status).toBe(400);
  expect(upstream.requests).toEqual([]);
  expect(JSON.stringify(proxy.entries)).not.toContain(TOKEN);
});

async function upgrade(proxy: TestProxy, path: string): Promise<number> {
  const headers = { upgrade: "websocket", connection: "upgrade", "sec-websocket-key": "x" };
  return (await fetch(proxy.origin + path, { headers })).status;
}

test("a WebSocket upgrade without the token is a 401, with it the 426 that sends Codex to HTTP", async () => {
  await using proxy = startTestProxy({ upstreams: ["http://127.0.0.1:9/v1"], clientToken: TOKEN });
  expect(await upgrade(proxy, "/v1/responses")).toBe(401);
  expect(await upgrade(proxy, `/ch_${TOKEN}/v1/responses`)).toBe(426);
});

test("Claude Code's greeting is answered to those who have the token", async () => {
  await using proxy = startTestProxy({
    service: "claude",
    upstreams: ["http://127.0.0.1:9"],
    clientToken: TOKEN,
  });
  const greet = async (path: string): Promise<number> =>
    (await fetch(proxy.origin + path, { method: "HEAD" })).status;
  expect([await greet("/"), await greet(`/ch_${TOKEN}`), await greet(`/ch_${TOKEN}/`)]).toEqual([
    401, 200, 200,
  ]);
});

test("a web page is told nothing of a token, and our own pages have a proof of their own", async () => {
  await using proxy = startTestProxy({ upstreams: ["http://127.0.0.1:9/v1"], clientToken: TOKEN });
  const page = await fetch(`${proxy.origin}/v1/models`, { headers: { origin: "https://page.example" } });
  expect(page.status).toBe(403);
  expect((await fetch(`${proxy.origin}/__codex-helper/health`)).status).toBe(200);
});

test("where no token is asked for, one that a client still has is taken off all the same", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  await (await proxy.ask(`/ch_${OTHER}/v1/responses`, BODY)).text();
  expect(upstream.requests[0]?.target).toBe("/v1/responses");
  expect(JSON.stringify(await proxy.entry())).not.toContain(OTHER);
});

test("a token that others may have seen is answered to this user alone", async () => {
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  await using proxy = startTestProxy({
    upstreams: [upstream.baseUrl],
    clientToken: TOKEN,
    isForOneUser: true,
  });
  // Another user's side of it is in test/app/other-user.test.ts.
  expect((await proxy.ask(`/ch_${TOKEN}/v1/responses`, BODY)).status).toBe(200);
});
