import { describe, expect, test } from "bun:test";
import { type Endpoint, endpointOf, ENDPOINTS } from "../../src/proxy/endpoints.ts";
import { FALSE_SUCCESS, GOOD, HTML_PAGE, reply, type ReplyParts } from "../helpers/answers.ts";
import { type Answer, RESET, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy, type TestProxy } from "../helpers/in-process-proxy.ts";

const TURN = { model: "gpt-5", stream: true, input: [] };
const DATA = {
  body: {
    object: "list",
    data: [],
    input_tokens: 7,
    output: [{ type: "compaction", encrypted_content: "x" }],
  },
};
/** A request to each endpoint of the table that is no turn. */
const REQUESTS: readonly (readonly [method: string, path: string])[] = [
  ["POST", "/v1/responses/compact"],
  ["POST", "/v1/messages/count_tokens?beta=true"],
  ["POST", "/v1/responses/input_tokens"],
  ["POST", "/v1/embeddings"],
  ["POST", "/v1/completions"],
  ["POST", "/v1/moderations"],
  ["POST", "/v1/alpha/search"],
  ["POST", "/v1/images/generations"],
  ["POST", "/v1/images/edits"],
  ["POST", "/v1/audio/speech"],
  ["POST", "/v1/audio/transcriptions"],
  ["GET", "/v1/models?client_version=0.169.0"],
  ["GET", "/v1/models/gpt-5"],
  ["GET", "/v1/responses/resp_1"],
  ["POST", "/v1/files"],
  ["POST", "/v1/responses/resp_1/cancel"],
  ["DELETE", "/v1/responses/resp_1"],
  ["POST", "/v2/something"],
];
const endpoint = ([method, path]: readonly [string, string]): Endpoint =>
  endpointOf(method, path.split("?")[0] ?? "");
const NO_TURNS = REQUESTS.filter((request) => endpoint(request).counts === "no");
const JUDGED = REQUESTS.filter((request) => endpoint(request).judged !== "no");

async function ask(proxy: TestProxy, [method, path]: readonly [string, string]): Promise<Response> {
  return await fetch(`${proxy.origin}${path}`, {
    method,
    ...(method === "POST" ? { body: JSON.stringify({ model: "m", input: "hi" }) } : {}),
    headers: { "content-type": "application/json" },
  });
}

/** Two upstreams: the first answers all but turns with `answer`. */
async function startPair(answer: Answer) {
  const first = await startFakeUpstream(({ target }) =>
    target === "/v1/responses" ? GOOD.responses({ text: "of the first" }) : answer,
  );
  const second = await startFakeUpstream(({ target }) =>
    target === "/v1/responses" ? GOOD.responses({ text: "of the second" }) : reply(DATA),
  );
  const proxy = startTestProxy({ upstreams: [first.baseUrl, second.baseUrl] });
  return {
    first,
    second,
    proxy,
    async [Symbol.asyncDispose]() {
      await proxy[Symbol.asyncDispose]();
      await Promise.all([first.close(), second.close()]);
    },
  };
}

test("the table names each endpoint once, and has a row for every request", () => {
  expect(new Set(ENDPOINTS.map(({ id }) => id)).size).toBe(ENDPOINTS.length);
  const named = new Set(
    [...REQUESTS, ["POST", "/responses"], ["POST", "/messages"], ["POST", "/chat/completions"]].map(
      ([method = "", path = ""]) => endpoint([method, path]).id,
    ),
  );
  expect([...named].toSorted()).toEqual(ENDPOINTS.map(({ id }) => id).toSorted());
});

describe("what the first upstream refuses, the second is asked for", () => {
  const refusals: readonly ReplyParts[] = [
    { status: 429 },
    { status: 401, body: { error: { message: "no", type: "x", code: null } } },
    { status: 402 },
    { status: 503 },
    { status: 404 },
  ];
  test.each(REQUESTS)("%s %s", async (method, path) => {
    const request = [method, path] as const;
    for (const refusal of refusals) {
      await using pair = await startPair(reply(refusal));
      const response = await ask(pair.proxy, request);
      expect({ refusal, status: response.status }).toEqual({ refusal, status: 200 });
      expect(pair.second.requests.length).toBe(1);
    }
  });
});

describe("an ambiguous failure fails over only where the upstream keeps nothing", () => {
  test.each(REQUESTS)("%s %s", async (method, path) => {
    const request = [method, path] as const;
    await using pair = await startPair([RESET]);
    const response = await ask(pair.proxy, request);
    const isKept = endpoint(request).keeps === "something";
    expect({ status: response.status, asked: pair.second.requests.length }).toEqual(
      isKept ? { status: 503, asked: 0 } : { status: 200, asked: 1 },
    );
  });
});

describe("whatever happens to a request that is no turn, turns go where they went", () => {
  const failures: readonly (readonly [string, Answer])[] = [
    ["500", reply({ status: 500 })],
    ["503", reply({ status: 503 })],
    ["403", reply({ status: 403, body: { error: { type: "forbidden", message: "not allowed" } } })],
    ["429 with a time", reply({ status: 429, headers: { "retry-after": "30" } })],
    ["a spent quota", reply({ status: 402 })],
    ["an unknown model", reply({ status: 404, body: { error: { code: "model_not_found" } } })],
    ["a reset", [RESET]],
    ["a page", FALSE_SUCCESS["an HTML page"]()],
  ];
  test.each(failures)("%s", async (_, answer) => {
    await using pair = await startPair(answer);
    for (const request of NO_TURNS)
      for (let n = 0; n < 4; n += 1) await (await ask(pair.proxy, request)).text();
    const turn = await pair.proxy.ask("/v1/responses", TURN);
    expect(await turn.text()).toContain("of the first");
    const upstreams = pair.proxy.upstreams;
    expect(upstreams.map((upstream) => pair.proxy.router.report(upstream))).toMatchObject([
      { availability: "ok", failures: 0 },
      { availability: "ok", failures: 0 },
    ]);
  });

  test("and what is well of them does not settle a probe, or end what keeps turns away", async () => {
    await using upstream = await startFakeUpstream(({ target }) =>
      target === "/v1/responses" ? reply({ status: 500 }) : reply(DATA),
    );
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    for (let n = 0; n < 3; n += 1) await (await proxy.ask("/v1/responses", TURN)).text();
    const before = proxy.router.report(proxy.upstreams[0] ?? expect.unreachable());
    expect(before).toMatchObject({ availability: "open" });
    // It is asked all the same: there is no other.
    for (const request of NO_TURNS) expect((await ask(proxy, request)).status).toBe(200);
    const after = proxy.router.report(proxy.upstreams[0] ?? expect.unreachable());
    expect({ ...after, attempts: before.attempts }).toEqual(before);
  });
});

describe("a 200 that is no answer fails over", () => {
  const answers: readonly (readonly [string, Answer])[] = [
    ["a page", FALSE_SUCCESS["an HTML page"]()],
    [
      "a page that is labelled as JSON",
      reply({ headers: { "content-type": "application/json" }, body: HTML_PAGE }),
    ],
    ["nothing", reply()],
    ["an error", reply({ body: { error: { message: "unsupported" } } })],
    ["an error of a relay's own making", reply({ body: { code: 40_001, msg: "not supported" } })],
    ["a failure", reply({ body: { success: false, message: "no channel" } })],
  ];
  test.each(answers)("%s", async (_, answer) => {
    for (const request of JUDGED) {
      await using pair = await startPair(answer);
      const response = await ask(pair.proxy, request);
      expect({ request, status: response.status, body: await response.json() }).toEqual({
        request,
        status: 200,
        body: DATA.body,
      });
      expect(pair.second.requests.length).toBe(1);
    }
  });

  test("a cut before its end too", async () => {
    const half = 'HTTP/1.1 200 OK\r\ncontent-length: 90000\r\n\r\n{"object":"list","data":[';
    await using pair = await startPair([half, RESET]);
    expect(await (await ask(pair.proxy, ["POST", "/v1/embeddings"])).json()).toEqual(DATA.body);
  });
});

describe("where no upstream has a better one, the client gets the answer that it would get directly", () => {
  const answers: readonly (readonly [string, ReplyParts])[] = [
    ["a page", { headers: { "content-type": "text/html" }, body: HTML_PAGE }],
    ["nothing", {}],
    ["an error in a 200", { body: { error: { message: "unsupported" } } }],
    ["500", { status: 500, body: { error: { message: "broken" } } }],
    ["429", { status: 429, headers: { "retry-after": "40" }, body: { error: { message: "slow down" } } }],
    ["404", { status: 404, body: { error: { message: "unknown path" } } }],
  ];
  test.each(answers)("%s", async (_, parts) => {
    for (const request of NO_TURNS) {
      await using upstream = await startFakeUpstream([reply(parts)]);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const response = await ask(proxy, request);
      const direct = await fetch(upstream.origin, { method: "POST" });
      expect({ request, status: response.status, text: await response.text() }).toEqual({
        request,
        status: direct.status,
        text: await direct.text(),
      });
      expect(response.headers.get("retry-after")).toBe(direct.headers.get("retry-after"));
    }
  });

  test("but not a relay's word on a key of ours, and no cut", async () => {
    const answers: readonly Answer[] = [reply({ status: 401 }), [RESET]];
    for (const answer of answers) {
      await using upstream = await startFakeUpstream([answer]);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const response = await ask(proxy, ["GET", "/v1/models"]);
      expect(response.status).toBeOneOf([400, 503]);
      expect(await response.text()).toContain("ch (codex-helper): No upstream could answer Codex. main#1: ");
    }
  });
});

test.each([
  ["POST", "/v1/responses/", "responses"],
  ["POST", "/v1/messages//", "messages"],
  ["GET", "/v1/models/", "models"],
])("%s %s is what it is without the slash: %s", (method, path, id) => {
  expect(endpointOf(method, path).id).toBe(id);
});

describe("data passes, whatever it looks like", () => {
  const bodies: readonly (readonly [string, ReplyParts])[] = [
    ["subtitles", { headers: { "content-type": "text/vtt" }, body: "<v Ann>hello" }],
    ["speech", { headers: { "content-type": "audio/mpeg" }, body: Buffer.from([0xff, 0xf3, 0, 0x3c, 0x21]) }],
    ["an error that is null", { body: { error: null, data: [] } }],
    ["a list", { body: [{ message: "hi" }] }],
    ["much", { body: { message: "x".repeat(200_000), error: "in words" } }],
    ["nothing, by its status", { status: 204 }],
    [
      "events",
      {
        headers: { "content-type": "text/event-stream" },
        body: 'data: {"b64_json":"a"}\n\ndata: {"error":"later"}\n\n',
      },
    ],
  ];
  test.each(bodies)("%s", async (_, parts) => {
    await using direct = await startFakeUpstream([reply(parts)]);
    await using pair = await startPair(reply(parts));
    const expected = await fetch(`${direct.origin}/v1/audio/transcriptions`, { method: "POST", body: "{}" });
    const response = await ask(pair.proxy, ["POST", "/v1/audio/transcriptions"]);
    expect(response.status).toBe(expected.status);
    expect(await response.bytes()).toEqual(await expected.bytes());
    expect(pair.second.requests).toEqual([]);
  });
});

describe("what an upstream lacks is asked elsewhere first", () => {
  const COUNT = ["POST", "/v1/messages/count_tokens"] as const;
  test.each([404, 405, 501])("after one %d", async (status) => {
    await using pair = await startPair(reply({ status }));
    for (const request of [COUNT, COUNT, COUNT]) expect((await ask(pair.proxy, request)).status).toBe(200);
    expect([pair.first.requests.length, pair.second.requests.length]).toEqual([1, 3]);
    // Of the other endpoints nothing is known.
    await ask(pair.proxy, ["POST", "/v1/embeddings"]);
    expect(pair.first.requests.length).toBe(2);
  });

  test("after two 500, and it is still asked where the other fails", async () => {
    await using pair = await startPair(reply({ status: 500 }));
    for (const request of [COUNT, COUNT, COUNT]) expect((await ask(pair.proxy, request)).status).toBe(200);
    expect([pair.first.requests.length, pair.second.requests.length]).toEqual([2, 3]);
    pair.second.play([reply({ status: 503 })]);
    pair.first.play([reply({ body: { input_tokens: 5 } })]);
    expect(await (await ask(pair.proxy, COUNT)).json()).toEqual({ input_tokens: 5 });
    expect(await (await ask(pair.proxy, COUNT)).json()).toEqual({ input_tokens: 5 });
    expect([pair.first.requests.length, pair.second.requests.length]).toEqual([4, 4]);
  });

  test("a 429 or an unknown model says nothing of the endpoint", async () => {
    for (const refusal of [{ status: 429 }, { status: 404, body: { error: { code: "model_not_found" } } }]) {
      await using pair = await startPair(reply(refusal));
      for (const request of [COUNT, COUNT]) await (await ask(pair.proxy, request)).text();
      expect(pair.first.requests.length).toBe(2);
    }
  });
});

describe("/responses/compact counts like a turn", () => {
  const COMPACT = ["POST", "/v1/responses/compact"] as const;
  test.each([404, 405, 501])("but %d says only that it is not there", async (status) => {
    const body = { error: { code: "model_not_found", message: "Invalid URL" } };
    await using pair = await startPair(reply({ status, body }));
    expect((await ask(pair.proxy, COMPACT)).status).toBe(200);
    const [first = expect.unreachable()] = pair.proxy.upstreams;
    expect(pair.proxy.router.report(first)).toMatchObject({ availability: "ok", failures: 0 });
    expect(await (await pair.proxy.ask("/v1/responses", TURN)).text()).toContain("of the first");
  });

  test.each([
    ["401", reply({ status: 401 }), "auth-dead"],
    ["402", reply({ status: 402 }), "exhausted"],
    ["429", reply({ status: 429, headers: { "retry-after": "30" } }), "cooling"],
    ["a page", FALSE_SUCCESS["an HTML page"](), "ok"],
  ] as const)("%s", async (_, answer, availability) => {
    await using pair = await startPair(answer);
    expect((await ask(pair.proxy, COMPACT)).status).toBe(200);
    const [first = expect.unreachable()] = pair.proxy.upstreams;
    expect(pair.proxy.router.report(first)).toMatchObject({ availability, failures: 1 });
  });

  test("and its usage is in the log", async () => {
    const usage = { input_tokens: 900, output_tokens: 40, total_tokens: 940 };
    const output = [{ type: "compaction", encrypted_content: "x" }];
    await using upstream = await startFakeUpstream([
      reply({ body: { id: "c", object: "response.compaction", output, usage } }),
    ]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    await (await ask(proxy, COMPACT)).text();
    expect(await proxy.entry()).toMatchObject({ model: "m", outcome: "ok", usage });
  });
});

test("what else is billed is counted too", async () => {
  const usage = { prompt_tokens: 8, total_tokens: 8 };
  await using upstream = await startFakeUpstream([
    reply({ body: { object: "list", data: [{ embedding: [0.5] }], usage } }),
  ]);
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  await (await ask(proxy, ["POST", "/v1/embeddings"])).text();
  expect(await proxy.entry()).toMatchObject({ model: "m", usage: { input_tokens: 8, total_tokens: 8 } });
});

describe("an upstream that says nothing is left for the next one, sooner or later", () => {
  const waits = { connectMs: 10_000, firstByteLastMs: 60_000, idleMs: 60_000 };
  const SHORT = { ...waits, firstByteMs: 50, nonStreamMs: 60_000 };
  const WHOLE = { ...waits, firstByteMs: 60_000, nonStreamMs: 50 };
  test.each([
    ["/v1/messages/count_tokens", "the first byte", SHORT],
    ["/v1/embeddings", "the first byte", SHORT],
    ["/v1/images/generations", "the whole answer", WHOLE],
    ["/v1/responses/compact", "the whole answer", WHOLE],
  ] as const)("%s: the limit for %s", async (path, _, timeouts) => {
    await using silent = await startFakeUpstream(() => [SILENCE]);
    await using second = await startFakeUpstream(() => reply(DATA));
    await using proxy = startTestProxy({
      upstreams: [silent, second].map(({ baseUrl }) => ({ baseUrl, timeouts })),
    });
    expect((await ask(proxy, ["POST", path])).status).toBe(200);
    expect([silent.requests.length, second.requests.length]).toEqual([1, 1]);
  });
});
