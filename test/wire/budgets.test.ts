import { expect, test } from "bun:test";
import {
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  LAST_CHUNK,
  reply,
  responsesEvents,
  stream,
} from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { newSession, requestOf, startWallBench } from "../helpers/wall-bench.ts";
import { type Answer, FIN, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";

/** The 30 tokens of a fake answer cost 30 cents; a request costs nothing by its size. */
const PRICES = [{ model: "*", input: 0, output: 10_000 }];
type Budget = Readonly<Record<string, unknown>>;

/** Two upstreams of Codex and of Claude; `at`: what stands where in config.json. */
async function startBudgeted(
  at: { readonly first?: Budget; readonly config?: Budget; readonly top?: Budget; readonly prices?: unknown },
  answer?: (request: ReceivedRequest) => Answer,
) {
  const isClaude = ({ target }: ReceivedRequest): boolean => target.includes("messages");
  const good = (text: string) => (request: ReceivedRequest) =>
    answer !== undefined && text === "first"
      ? answer(request)
      : isClaude(request)
        ? GOOD.messages({ text })
        : GOOD.responses({ text });
  const first = await startFakeUpstream(good("first"));
  const second = await startFakeUpstream(good("second"));
  const upstreams = [
    { base_url: first.baseUrl, auth: { auth_token: "sk-1" }, ...at.first },
    { base_url: second.baseUrl, auth: { auth_token: "sk-2" } },
  ];
  const configs = { main: { upstreams, ...at.config } };
  const proxy = await startConfiguredProxy({
    codex: [],
    claude: [],
    settings: { codex: { active: "main", configs }, claude: { active: "main", configs }, ...at.top },
    usageProviders: { providers: [] },
    prices: at.prices ?? PRICES,
  });
  return {
    first,
    second,
    proxy,
    /** Which upstream answered, or the error. */
    async ask({ model = "gpt-5", session }: { model?: string; session?: string } = {}) {
      const response = await fetch(`${proxy.codexUrl}/responses`, {
        method: "POST",
        headers: {
          "user-agent": "codex_exec/0.171.0",
          ...(session === undefined ? {} : { session_id: session }),
        },
        body: JSON.stringify({ model, stream: true, input: [] }),
      });
      const text = await response.text();
      return {
        status: response.status,
        text,
        headers: response.headers,
        by: /first|second/.exec(text)?.[0] ?? null,
      };
    },
    async askClaude() {
      const response = await fetch(`${proxy.claudeUrl}/v1/messages`, {
        method: "POST",
        headers: { "user-agent": "claude-cli/2.1.332 (external, cli)" },
        body: JSON.stringify({ model: "claude-opus-5-5", max_tokens: 100, stream: true, messages: [] }),
      });
      return { status: response.status, text: await response.text(), headers: response.headers };
    },
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await second[Symbol.asyncDispose]();
    },
  };
}

const DAY = { usd: 0.3, per: "day" };

test.each([
  ["in short", { first: { budget_usd: { day: 0.3 } } }],
  ["of an upstream", { first: { budget: DAY } }],
  ["in tokens", { first: { budget: { tokens: 150, per: "week" } } }],
  ["in answers", { first: { budget: { requests: 1, per: "5h" } } }],
  ["one of several", { first: { budget: [{ usd: 100, per: "month" }, DAY] } }],
])("a spent budget %s: the next upstream answers, and this one is not asked", async (_, at) => {
  await using desk = await startBudgeted(at);
  expect((await desk.ask()).by).toBe("first");
  for (let count = 0; count < 3; count += 1) expect((await desk.ask()).by).toBe("second");
  // Not for what is no turn either.
  await (await fetch(`${desk.proxy.codexUrl}/models`)).text();
  expect(desk.first.requests).toHaveLength(1);
});

test.each([
  ["a config", { config: { budget: DAY } }],
  ["a model", { top: { budgets_by_model: { "GPT-*": DAY } } }],
  ["everything", { top: { budget: DAY } }],
  ["everything, in short", { top: { budget_usd: { month: 0.3 } } }],
])("a spent budget of %s: no upstream is asked, and the client is told when it opens", async (_, at) => {
  await using desk = await startBudgeted(at);
  expect((await desk.ask()).by).toBe("first");
  const { by, status, text } = await desk.ask();
  expect({ by, status }).toEqual({ by: null, status: 429 });
  const { error } = JSON.parse(text) as { error: { type: string; resets_at: number; message: string } };
  expect(error.type).toBe("usage_limit_reached");
  expect(error.resets_at * 1_000).toBeGreaterThan(Date.now());
  expect(error.resets_at * 1_000).toBeLessThanOrEqual(Date.now() + 32 * 86_400_000);
  expect(error.message).toMatch(/your budget for [^:]+: \$0\.30 of \$0\.30 a (?:day|month)/);
  expect(error.message).toContain("ch budget lift");
  expect([desk.first.requests, desk.second.requests].map(({ length }) => length)).toEqual([1, 0]);
});

test("a budget of a model is for no other one", async () => {
  await using desk = await startBudgeted({ top: { budgets_by_model: { "gpt-6*": DAY } } });
  expect((await desk.ask({ model: "gpt-6-sol" })).by).toBe("first");
  expect((await desk.ask({ model: "gpt-6-sol" })).status).toBe(429);
  expect((await desk.ask({ model: "gpt-5" })).by).toBe("first");
});

test("on_spent stop ends the request there, as on_exhausted stop does whatever on_spent says", async () => {
  for (const at of [
    { first: { budget: { ...DAY, on_spent: "stop" } } },
    { first: { budget: { ...DAY, on_spent: "next" } }, config: { on_exhausted: "stop" } },
  ]) {
    await using desk = await startBudgeted(at);
    await desk.ask();
    expect((await desk.ask()).status).toBe(429);
    const claude = await desk.askClaude();
    expect(claude.status).toBe(200);
    expect(desk.second.requests).toHaveLength(0);
  }
});

test("Claude Code gets a 429 with the time until the budget opens", async () => {
  await using desk = await startBudgeted({ top: { budget: { ...DAY, on_spent: "stop" } } });
  await desk.askClaude();
  const { headers, status, text } = await desk.askClaude();
  expect(status).toBe(429);
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
  expect(text).toContain("your budget for everything");
  expect(text).toContain("ch budget lift all --for 1h");
});

test("the command that lifts it is one that works, where others are called so too", async () => {
  await using desk = await startBudgeted({
    config: { budget: { ...DAY, on_spent: "stop" } },
    top: { budgets_by_model: { main: DAY } },
  });
  await desk.ask();
  await desk.askClaude();
  const [codex, claude] = [await desk.ask(), await desk.askClaude()];
  expect(codex.text).toContain("ch budget lift codex:main --for 1h");
  expect(claude.text).toContain("ch budget lift claude:main --for 1h");
});

test("on_spent warn keeps nothing back", async () => {
  await using desk = await startBudgeted({ first: { budget: { ...DAY, on_spent: "warn" } } });
  for (let count = 0; count < 3; count += 1) expect((await desk.ask()).by).toBe("first");
});

/** Ends once so many are there, or all that will come are. */
function makeGate() {
  let open = (): void => {};
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

test.each([
  ["dollars", { usd: 0.9, per: "day" }],
  ["tokens", { tokens: 450, per: "day" }],
  ["answers", { requests: 3, per: "day" }],
])(
  "ten at once with a budget in %s for three answers: three are served, and no room is lost",
  async (_, budget) => {
    await using desk = await startBudgeted({ first: { budget: { ...budget, on_spent: "stop" } } });
    const answers = await Promise.all(
      Array.from({ length: 10 }, (__, index) => desk.ask({ session: `s${index}` })),
    );
    const served = answers.filter(({ by }) => by === "first").length;
    expect(served).toBe(3);
    expect(desk.first.requests).toHaveLength(3);
    expect(desk.second.requests).toHaveLength(0);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(7);
  },
);

test("an answer may be larger than what was expected: it is the only one over", async () => {
  // The tokens of the request are far more than its size.
  const usage = { input_tokens: 900_000, output_tokens: 30, total_tokens: 900_030 };
  const dear = responsesEvents({ text: "first" }).map((event) =>
    event.replace(
      /"usage":\{.*?\}\}(?=\}\})|"usage":\{[^}]*\{[^}]*\}[^}]*\{[^}]*\}[^}]*\}/,
      `"usage":${JSON.stringify(usage)}`,
    ),
  );
  await using desk = await startBudgeted({ first: { budget: { tokens: 2_700_090, per: "day" } } }, () =>
    stream(dear),
  );
  const ask = async (): Promise<number> => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => desk.ask()));
    return answers.filter(({ by }) => by === "first").length;
  };
  expect((await desk.ask()).by).toBe("first");
  expect(await ask()).toBe(2);
  expect(await ask()).toBe(0);
});

test("room is free again after what was refused, and held by what is in flight", async () => {
  const gate = makeGate();
  let count = 0;
  await using desk = await startBudgeted({ first: { budget: { requests: 1, per: "day" } } }, () => {
    count += 1;
    if (count === 1) return reply({ status: 500, body: { error: { message: "busy" } } });
    return (async function* () {
      yield head(200, EVENT_STREAM);
      await gate.opened;
      for (const event of responsesEvents({ text: "first" })) yield chunk(event);
      yield LAST_CHUNK;
    })();
  });
  expect((await desk.ask()).by).toBe("second");
  const running = desk.ask();
  await desk.first.gotRequest(2);
  gate.open();
  expect((await running).by).toBe("first");
  expect((await desk.ask()).by).toBe("second");
});

/** Half of an answer, and no word of its usage. */
const HALF = [head(200, EVENT_STREAM), ...responsesEvents({ text: "first" }).slice(0, 4).map(chunk)];
/** 2,000 tokens, where none of the model are known. */
const EXPECTED = { tokens: expect.closeTo(2_015, -2), usd: expect.closeTo(20) };

test("an answer of unknown usage is booked at what was expected, and marked", async () => {
  const gate = makeGate();
  await using desk = await startBudgeted({ first: { budget: { usd: 0.2, per: "day" } } }, () =>
    (async function* () {
      yield* HALF;
      await gate.opened;
      yield FIN;
    })(),
  );
  const leaving = new AbortController();
  const response = await fetch(`${desk.proxy.codexUrl}/responses`, {
    method: "POST",
    body: JSON.stringify({ model: "gpt-5", stream: true, input: [] }),
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  const [line] = await desk.proxy.logged();
  gate.open();
  expect(line).toMatchObject({ usage_unknown: "cut", outcome: "client_gone", estimate: EXPECTED });
  expect((await desk.ask()).by).toBe("second");
});

test("so is one that broke off before the client saw it", async () => {
  await using desk = await startBudgeted({ first: { budget: { usd: 0.2, per: "day" } } }, () => [
    ...HALF.slice(0, 3),
    FIN,
  ]);
  expect((await desk.ask()).by).toBe("second");
  const [line] = await desk.proxy.logged();
  expect(line?.attempts).toMatchObject([{ shown: false, estimate: EXPECTED }, { shown: true }]);
  expect(line?.estimate).toBeUndefined();
  expect((await desk.ask()).by).toBe("second");
  expect(desk.first.requests).toHaveLength(1);
});

test("and one that told its input alone", async () => {
  const start = { id: "m", type: "message", role: "assistant", content: [], usage: { input_tokens: 20 } };
  const told = [
    { type: "message_start", message: start },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "first" } },
  ].map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const gate = makeGate();
  await using desk = await startBudgeted({ first: { budget: { usd: 0.2, per: "day" } } }, () =>
    (async function* () {
      yield head(200, EVENT_STREAM);
      for (const event of told) yield chunk(event);
      await gate.opened;
      yield FIN;
    })(),
  );
  const leaving = new AbortController();
  const response = await fetch(`${desk.proxy.claudeUrl}/v1/messages`, {
    method: "POST",
    headers: { "user-agent": "claude-cli/2.1.332 (external, cli)" },
    body: JSON.stringify({ model: "claude-opus-5-5", max_tokens: 100, stream: true, messages: [] }),
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  const [line] = await desk.proxy.logged();
  gate.open();
  expect(line).toMatchObject({ usage: { input_tokens: 20, partial: true }, estimate: EXPECTED });
  expect((await desk.askClaude()).text).toContain("second");
});

test("a model without a price is counted as nothing, or refused", async () => {
  const unpriced = { model: "no-such-model-anywhere" };
  const allowed = { budget: { usd: 5, per: "day" } };
  for (const [first, by] of [
    [allowed, "first"],
    [{ budget: { ...allowed.budget, unpriced: "refuse" } }, "second"],
  ] as const) {
    await using desk = await startBudgeted({ first });
    desk.proxy.home.write(".codex-helper/prices.json", []);
    expect((await desk.ask(unpriced)).by).toBe(by);
  }
});

test("a lift of a budget, and a budget that is changed, count from the next request on", async () => {
  await using desk = await startBudgeted({ first: { budget: DAY } });
  await desk.ask();
  expect((await desk.ask()).by).toBe("second");
  const until_ms = Date.now() + 3_600_000;
  const lift = (amount: number | null) =>
    desk.proxy.home.write(".codex-helper/budgets.json", {
      lifts: [{ budget: "codex:main#1", unit: "usd", per: "day", amount, until_ms }],
      told: {},
    });
  lift(0.3);
  expect((await desk.ask()).by).toBe("first");
  expect((await desk.ask()).by).toBe("second");
  lift(null);
  expect((await desk.ask()).by).toBe("first");
});

test("where what was spent cannot be known, nothing more is spent, and the client is told why", async () => {
  await using desk = await startBudgeted({ top: { budget: DAY }, prices: "[{" });
  const { status, text } = await desk.ask();
  expect(status).toBe(400);
  expect(text).toMatch(/your budgets cannot be counted: .*prices\.json:1:/);
  expect(desk.first.requests).toHaveLength(0);
  desk.proxy.home.write(".codex-helper/prices.json", PRICES);
  expect((await desk.ask()).by).toBe("first");
});

test.each(["codex", "claude"] as const)(
  "a project's budget is for its own requests, of %s, and for those of the rules below it",
  async (service) => {
    await using bench = await startWallBench({
      projects: {
        "~/work/**": { budget: { requests: 2, per: "day" } },
        "~/work/acme/**": { allow: ["main#2"] },
      },
      unknown_project: "default",
    });
    const ask = async (directory: string): Promise<number> => {
      const response = await bench.send(
        service,
        requestOf[service]({ cwds: [bench.at(directory)], session: newSession() }),
      );
      await response.text();
      return response.status;
    };
    expect(await ask("work/acme")).toBe(200);
    expect(await ask("work/acme/sub")).toBe(200);
    expect(await ask("work/acme")).toBe(429);
    expect(await ask("open")).toBe(200);
    expect(bench.inside.requests).toHaveLength(2);
  },
);
