import { describe, expect, test } from "bun:test";
import {
  askForSummary,
  makeCompactionStream,
  readCompaction,
  readSummary,
  unfoldSummaries,
} from "../../src/proxy/compaction.ts";
import { createSseSplitter } from "../../src/base/sse.ts";
import {
  chunk,
  GOOD,
  LAST_CHUNK,
  reply,
  responsesFailed,
  responsesPrologue,
  sse,
  stream,
} from "../helpers/answers.ts";
import { SILENCE, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
const decode = (body: Uint8Array): { input: Record<string, unknown>[] } =>
  JSON.parse(new TextDecoder().decode(body));
const USER = { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] };
const TRIGGER = { type: "compaction_trigger" };
const REQUEST = { model: "m", stream: true, input: [USER, TRIGGER] };

const NATIVE = stream([
  sse("response.created", { type: "response.created", response: { id: "r" } }),
  sse("response.output_item.done", {
    type: "response.output_item.done",
    item: { type: "compaction", encrypted_content: "opaque" },
  }),
  sse("response.completed", { type: "response.completed", response: { id: "r" } }),
]);

test("only a trigger at the end asks for compaction, and only what looks like it is parsed", () => {
  expect(readCompaction("responses", encode(REQUEST)).isRequest).toBe(true);
  expect(readCompaction("responses", encode({ input: [TRIGGER, USER] })).isRequest).toBe(false);
  expect(readCompaction("messages", encode(REQUEST)).isRequest).toBe(false);
  expect(readCompaction("responses", new TextEncoder().encode('{"compaction_trigger"')).isRequest).toBe(
    false,
  );
});

test("a summary survives being wrapped as an item and unfolded in a later request", () => {
  const summary = '用户想要 …\n"quotes" and \\ slashes';
  const wrapped = makeCompactionStream({ id: "r", summary, usage: undefined, tokens: undefined });
  const events = createSseSplitter({ maxEventBytes: 1e6 }).push(new TextEncoder().encode(wrapped));
  const item = events
    .map(({ data }) => JSON.parse(data) as { item?: unknown })
    .find((event) => event.item !== undefined)?.item;
  const later = encode({ model: "m", input: [item, USER] });
  expect(readCompaction("responses", later).hasOwn).toBe(true);
  const [first, second] = decode(unfoldSummaries(later)).input;
  expect(JSON.stringify(first)).toContain(JSON.stringify(summary).slice(1, -1));
  expect(first).toMatchObject({ type: "message", role: "user" });
  expect(second).toEqual(USER);
});

test("the redaction rules reach into a summary, which leaves as plain text", async () => {
  await using upstream = await startFakeUpstream((request) =>
    request.text().includes("compaction_trigger")
      ? reply({ status: 400, body: { error: { message: "Invalid value: 'compaction_trigger'" } } })
      : GOOD.responses({ text: "the token is super-secret" }),
  );
  await using proxy = await startConfiguredProxy({
    codex: [upstream],
    filter: [{ op: "replace", source: "super-secret", target: "[X]" }],
  });
  const ask = async (body: unknown): Promise<string> => {
    const answer = await fetch(`${proxy.codexUrl}/responses`, { method: "POST", body: JSON.stringify(body) });
    return await answer.text();
  };
  const item = /\{"type":"compaction".*?\}/.exec(await ask(REQUEST))?.[0] ?? "";
  await ask({ model: "m", stream: true, input: [JSON.parse(item), USER] });
  const sent = upstream.requests.at(-1)?.text();
  expect(sent).toContain("the token is [X]");
  expect(sent).not.toContain("super-secret");
  expect((await proxy.logged(2)).at(-1)).toMatchObject({ redactions: 1 });
});

test("an item that an account made is left as it is", () => {
  const body = encode({ input: [{ type: "compaction", encrypted_content: "opaque" }, USER] });
  expect(readCompaction("responses", body)).toEqual({ isRequest: false, hasOwn: false });
  expect(decode(unfoldSummaries(body))).toEqual(decode(body));
});

test("the summary is read from items, else from deltas, else from the final output", () => {
  const data = (value: unknown) => ({ data: JSON.stringify(value) });
  const item = { type: "message", content: [{ type: "output_text", text: "whole" }] };
  const done = {
    type: "response.completed",
    response: { id: "r9", output: [item], usage: { input_tokens: 1, output_tokens: 2 } },
  };
  expect(readSummary([data({ type: "response.output_text.delta", delta: "a" }), data(done)])).toMatchObject({
    id: "r9",
    tokens: { total_tokens: 3 },
  });
  expect(readSummary([data({ type: "response.output_item.done", item }), data(done)])?.summary).toBe("whole");
  expect(readSummary([data(done)])?.summary).toBe("whole");
  expect(readSummary([{ data: "[DONE]" }])).toBeNull();
});

test("the trigger becomes a question that any model understands", () => {
  const { input } = decode(askForSummary(encode(REQUEST)));
  expect(input[0]).toEqual(USER);
  expect(input[1]).toMatchObject({ type: "message", role: "user" });
});

test("an upstream that compacts by itself is asked as the client asked, and its item passes untouched", async () => {
  await using upstream = await startFakeUpstream([NATIVE]);
  await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
  const text = await (await proxy.ask("/v1/responses", REQUEST)).text();
  expect(text).toContain('"encrypted_content":"opaque"');
  expect(upstream.requests[0]?.json()).toEqual(REQUEST);
});

test.each([
  ["answers in prose", GOOD.responses({ text: "sure" })],
  [
    "does not know the item",
    reply({ status: 400, body: { error: { message: "Invalid value: 'compaction_trigger'" } } }),
  ],
])(
  "an upstream that %s is asked for a summary instead, and only for that from then on",
  async (_name, first) => {
    await using upstream = await startFakeUpstream((request) =>
      request.text().includes("compaction_trigger") ? first : GOOD.responses({ text: "the summary" }),
    );
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const text = await (await proxy.ask("/v1/responses", REQUEST)).text();
    expect(text).toContain('"type":"compaction"');
    expect(text).toContain("response.completed");
    expect(await proxy.entry()).toMatchObject({
      outcome: "ok",
      status_code: 200,
      usage: { total_tokens: 150 },
    });
    expect(upstream.requests.length).toBe(2);
    await (await proxy.ask("/v1/responses", REQUEST)).text();
    expect(upstream.requests.length).toBe(3);
  },
);

test("where one upstream knows compaction, it is asked before the one that does not", async () => {
  await using plain = await startFakeUpstream([GOOD.responses()]);
  await using native = await startFakeUpstream([NATIVE]);
  await using proxy = startTestProxy({ upstreams: [plain.baseUrl, native.baseUrl] });
  expect(await (await proxy.ask("/v1/responses", REQUEST)).text()).toContain("opaque");
  expect(await (await proxy.ask("/v1/responses", REQUEST)).text()).toContain("opaque");
  expect(plain.requests.length).toBe(1);
});

describe("an upstream's summary is taken only when all of it came", () => {
  const DELTA = sse("response.output_text.delta", {
    type: "response.output_text.delta",
    delta: "half of it",
  });
  const incomplete = { type: "response.incomplete", response: { id: "r", status: "incomplete" } };
  test.each<[string, readonly Step[]]>([
    ["a clean end without the terminal event", [LAST_CHUNK]],
    ["a failure in the middle", [chunk(responsesFailed("server_error")), LAST_CHUNK]],
    ["a limit reached in the middle", [chunk(sse("response.incomplete", incomplete)), LAST_CHUNK]],
    ["silence", [SILENCE]],
  ])("%s", async (_name, ending) => {
    await using upstream = await startFakeUpstream((request) =>
      request.text().includes("compaction_trigger")
        ? GOOD.responses()
        : stream([...responsesPrologue(), DELTA], { ending }),
    );
    const timeouts = { ...makeUpstream().timeouts, idleMs: 100 };
    await using proxy = startTestProxy({ upstreams: [{ baseUrl: upstream.baseUrl, timeouts }] });
    const response = await proxy.ask("/v1/responses", REQUEST);
    expect(response.status).toBe(503);
    expect(await response.text()).not.toContain('"type":"compaction"');
    expect(await proxy.entry()).toMatchObject({ outcome: "error", status_code: 503 });
  });

  test("and the next upstream is asked for it, with nothing shown of the first", async () => {
    await using broken = await startFakeUpstream((request) =>
      request.text().includes("compaction_trigger")
        ? GOOD.responses()
        : stream([...responsesPrologue(), DELTA], { ending: [LAST_CHUNK] }),
    );
    await using well = await startFakeUpstream((request) =>
      request.text().includes("compaction_trigger")
        ? GOOD.responses()
        : GOOD.responses({ text: "the summary" }),
    );
    await using proxy = startTestProxy({ upstreams: [broken.baseUrl, well.baseUrl] });
    const response = await proxy.ask("/v1/responses", REQUEST);
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('"type":"compaction"');
    expect(await proxy.entry()).toMatchObject({
      outcome: "ok",
      upstream_base_url: well.baseUrl,
      attempts: [
        { verdict: "no-compaction" },
        { verdict: "no-compaction" },
        { upstream_base_url: broken.baseUrl, error: "returned no summary of the conversation" },
        { upstream_base_url: well.baseUrl, verdict: "ok" },
      ],
    });
  });

  test("and the client is told to come back when the other may be asked, now that none is usable", async () => {
    await using held = await startFakeUpstream([reply({ status: 500, body: { error: { message: "no" } } })]);
    await using broken = await startFakeUpstream((request) =>
      request.text().includes("compaction_trigger")
        ? GOOD.responses()
        : stream([...responsesPrologue(), DELTA], { ending: [LAST_CHUNK] }),
    );
    await using proxy = await startConfiguredProxy({
      codex: [held, broken],
      settings: {
        routing: {
          failure_threshold: 1,
          max_upstreams_per_request: 1,
          open_secs: 100,
          last_usable_open_secs: 4,
        },
      },
    });
    const ask = (body: unknown): Promise<Response> =>
      fetch(`${proxy.codexUrl}/responses`, { method: "POST", body: JSON.stringify(body) });
    await (await ask({ ...REQUEST, input: [USER] })).text();
    const response = await ask(REQUEST);
    expect(response.status).toBe(503);
    expect(Number(response.headers.get("retry-after"))).toBeLessThanOrEqual(4);
    expect([held.requests.length, broken.requests.length]).toEqual([1, 2]);
  });
});

test("an upstream that failed a compaction request is not asked for a summary as well", async () => {
  await using failing = await startFakeUpstream([reply({ status: 500, body: { error: { message: "no" } } })]);
  await using plain = await startFakeUpstream((request) =>
    request.text().includes("compaction_trigger")
      ? GOOD.responses()
      : GOOD.responses({ text: "the summary" }),
  );
  await using proxy = startTestProxy({ upstreams: [failing.baseUrl, plain.baseUrl] });
  const text = await (await proxy.ask("/v1/responses", REQUEST)).text();
  expect(text).toContain('"type":"compaction"');
  expect(failing.requests.length).toBe(1);
  expect(plain.requests.length).toBe(2);
});

test("where every upstream fails a compaction request, each was asked once", async () => {
  await using failing = await startFakeUpstream([reply({ status: 500, body: { error: { message: "no" } } })]);
  await using proxy = startTestProxy({ upstreams: [failing.baseUrl] });
  const response = await proxy.ask("/v1/responses", REQUEST);
  expect(response.status).toBeGreaterThanOrEqual(500);
  expect(failing.requests.length).toBe(1);
});

test("what is compacted, or was, keeps every other byte: numbers, white space and escapes", () => {
  const odd = String.raw`"n":1234567890123456789, "z":-0,"big":1e9999,"e":1.50E+2 ,"u":"\u00e9\/"`;
  const body = (last: string): Uint8Array =>
    new TextEncoder().encode(`{ "model":"m",${odd},"input":[{"type":"x",${odd}} , ${last} ]}`);
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const asked = text(askForSummary(body('{"type" : "compaction_trigger"}')));
  const message = asked.slice(asked.indexOf('{"type":"message"'), asked.lastIndexOf(" ]}"));
  expect(asked).toBe(text(body(message)));
  expect(JSON.parse(message)).toMatchObject({ role: "user" });
  const own = `{"encrypted_content":"codex-helper:summary:1:${Buffer.from("all of it").toString("base64")}","type":"compaction"}`;
  const unfolded = text(unfoldSummaries(body(own)));
  expect(unfolded).toContain(odd);
  expect(unfolded).toContain("all of it");
  expect(unfolded.replace(/\{"type":"message".*\}(?= \]\})/, own)).toBe(text(body(own)));
});
