import { describe, expect, test } from "bun:test";
import type { Service } from "../../src/base/service.ts";
import { reply, type ReplyParts } from "../helpers/answers.ts";
import { type Answer, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";

const PATHS = { codex: "/v1/responses", claude: "/v1/messages" } as const;
const AGENTS = {
  codex: "codex_exec/0.169.0 (Debian 12)",
  claude: "claude-cli/2.1.330 (external, cli)",
} as const;
const TURN = { model: "m", stream: true, input: [], messages: [] };

/** Asks twice while every upstream answers the same. */
async function askTwice(service: Service, parts: ReplyParts, agent: string = AGENTS[service]) {
  await using first = await startFakeUpstream([reply(parts)]);
  await using second = await startFakeUpstream([reply(parts)]);
  const upstreams = [first, second].map(({ baseUrl, origin }) => (service === "codex" ? baseUrl : origin));
  await using proxy = startTestProxy({ service, upstreams });
  const ask = async () => {
    const answer = await proxy.ask(PATHS[service], TURN, {
      headers: { "content-type": "application/json", "user-agent": agent },
    });
    const { error } = (await answer.json()) as { error: Record<string, unknown> };
    return {
      status: answer.status,
      retryAfter: Number(answer.headers.get("retry-after")),
      shouldRetry: answer.headers.get("x-should-retry"),
      promo: answer.headers.get("x-codex-promo-message"),
      error,
    };
  };
  const answers = [await ask(), await ask()] as const;
  return { answers, asked: first.requests.length };
}

describe("the words name us and each upstream's reason", () => {
  test.each(["codex", "claude"] as const)("%s", async (service) => {
    const { answers } = await askTwice(service, { status: 503 });
    for (const { error } of answers) {
      expect(error["message"]).toStartWith("ch (codex-helper): No upstream could answer ");
      expect(error["message"]).toMatch(/main#1: .*503 overloaded.*main#2: .*503 overloaded/);
    }
  });

  test("also beside Codex's own for a usage limit, as a header can hold them", async () => {
    const { answers } = await askTwice("codex", { status: 402 });
    for (const { error, promo } of answers) {
      expect(error["type"]).toBe("usage_limit_reached");
      expect(`${promo}.`).toBe(String(error["message"]));
    }
    await using spent = await startFakeUpstream([reply({ status: 402 })]);
    const named = { baseUrl: spent.baseUrl, label: "中转#1" };
    await using proxy = startTestProxy({ upstreams: [named, spent.baseUrl] });
    const answer = await proxy.ask(PATHS.codex, TURN);
    expect(answer.headers.get("x-codex-promo-message")).toMatch(
      /\?\?#1: 402 payment required, spent until .*\d\d:\d\d \(default 15 min\)\. main#2: /,
    );
  });
});

test("an outage is no overload for Claude Code, which gives up on one at the third", async () => {
  for (const status of [503, 529, 500]) {
    const { answers } = await askTwice("claude", { status });
    for (const answer of answers)
      expect(answer).toMatchObject({ status: 503, shouldRetry: null, error: { type: "api_error" } });
  }
});

describe("the wait is the same in the first answer and in the next", () => {
  const states: readonly (readonly [string, ReplyParts])[] = [
    ["a spent quota", { status: 402 }],
    ["a rate limit without a time", { status: 429 }],
    ["a rate limit with one", { status: 429, headers: { "retry-after": "40" } }],
    ["a busy model", { status: 503, body: { error: { code: "server_is_overloaded" } } }],
  ];
  for (const service of ["codex", "claude"] as const)
    for (const agent of [AGENTS[service], "OpenAI/Python 2.0"])
      test.each(states)(`${service}, ${agent}: %s`, async (_, parts) => {
        const { answers, asked } = await askTwice(service, parts, agent);
        // The second was answered from what the first had shown.
        expect(asked).toBe(1);
        const [first, next] = answers;
        expect(next.status).toBe(first.status);
        expect(next.shouldRetry).toBe(first.shouldRetry);
        expect(first.retryAfter - next.retryAfter).toBeOneOf([0, 1]);
        const resets = answers.map(({ error }) => Number(error["resets_at"] ?? 0));
        expect(Math.abs((resets[0] ?? 0) - (resets[1] ?? 0))).toBeLessThanOrEqual(1);
      });
});

test("rate limits are a 503 for Codex itself, and a 429 for any other program", async () => {
  const limited = { status: 429, headers: { "retry-after": "20" } };
  const own = await askTwice("codex", limited);
  expect(own.answers[0]).toMatchObject({ status: 503, retryAfter: 20, error: { type: "rate_limit_error" } });
  const other = await askTwice("codex", limited, "OpenAI/JS 6.1.0");
  expect(other.answers[0]).toMatchObject({ status: 429, retryAfter: 20, shouldRetry: null });
});

test("what waiting does not help says so", async () => {
  for (const service of ["codex", "claude"] as const)
    for (const status of [401, 402]) {
      const { answers } = await askTwice(service, { status });
      expect(answers.map(({ shouldRetry }) => shouldRetry)).toEqual(["false", "false"]);
    }
});

describe("after a heartbeat the same answer is an event of the stream", () => {
  const cases: readonly (readonly [Service, string, ReplyParts, object])[] = [
    ["codex", "an outage", { status: 503 }, { code: "server_error" }],
    [
      "codex",
      "a rate limit",
      { status: 429, headers: { "retry-after": "20" } },
      { code: "rate_limit_exceeded" },
    ],
    ["codex", "a spent quota", { status: 402 }, { code: "invalid_prompt" }],
    ["codex", "a refused key", { status: 401 }, { code: "invalid_prompt" }],
    ["claude", "an outage", { status: 529 }, { type: "api_error" }],
    [
      "claude",
      "a rate limit",
      { status: 429, headers: { "retry-after": "20" } },
      { type: "rate_limit_error" },
    ],
    ["claude", "a refused key", { status: 401 }, { type: "permission_error" }],
  ];
  test.each(cases)("%s: %s", async (service, _, parts, error) => {
    const mayAnswer = Promise.withResolvers<void>();
    const late = (): Answer =>
      (async function* () {
        await mayAnswer.promise;
        yield* reply(parts) as readonly string[];
      })();
    await using upstream = await startFakeUpstream(late);
    const { baseUrl, origin } = upstream;
    await using proxy = startTestProxy({
      service,
      upstreams: [service === "codex" ? baseUrl : origin],
      heartbeat: { afterMs: 5, everyMs: 5 },
    });
    const answer = await proxy.ask(PATHS[service], TURN, {
      headers: { "content-type": "application/json", "user-agent": AGENTS[service] },
    });
    expect(answer.status).toBe(200);
    mayAnswer.resolve();
    const events = (await answer.text()).split("\n\n").filter((event) => event.includes("main#1"));
    expect(events.length).toBe(1);
    const data = JSON.parse(events[0]?.split("data: ")[1] ?? "") as {
      error?: { message: string };
      response?: { error: { message: string } };
    };
    const said = data.error ?? data.response?.error;
    const wait = service === "codex" && parts.status === 429 ? " Please try again in 20s." : "";
    expect(said?.message).toMatch(
      new RegExp(`^ch \\(codex-helper\\): No upstream could answer .*\\.${wait}$`),
    );
    expect(said).toMatchObject(error);
  });
});
