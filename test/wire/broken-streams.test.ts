import { describe, expect, test } from "bun:test";
import {
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  LAST_CHUNK,
  messagesEvents,
  responsesEvents,
  sse,
  stream,
  untilClose,
  USED,
} from "../helpers/answers.ts";
import type { Upstream } from "../../src/base/upstream.ts";
import { type Answer, FIN, RESET, SILENCE, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { connectRaw } from "../helpers/raw-client.ts";
import { elapse } from "../helpers/wait.ts";
import { makeUpstream } from "../helpers/upstream.ts";
import { sendTurn, turnBytes } from "./turn.ts";

const { timeouts } = makeUpstream();
/** All but the last two events: real output, and no end. */
const CUT_RESPONSES = responsesEvents({ deltas: 5 }).slice(0, -2);
const CUT_MESSAGES = messagesEvents({ deltas: 5 }).slice(0, -2);

interface Cut {
  readonly head?: string;
  readonly events: readonly string[];
  readonly ending: readonly Step[];
  readonly service?: "codex" | "claude";
  readonly upstream?: Partial<Upstream>;
}

/** A turn whose upstream sends the events, and its ending only when the client has read them all. */
async function readCut({ ending, events, head: start, service = "codex", upstream }: Cut) {
  const seen = Promise.withResolvers<void>();
  const script = (): Answer =>
    (async function* () {
      yield start ?? head(200, EVENT_STREAM);
      yield* start === undefined ? events.map(chunk) : events;
      await seen.promise;
      yield* ending;
    })();
  await using primary = await startFakeUpstream(script);
  await using backup = await startFakeUpstream([GOOD[service === "codex" ? "responses" : "messages"]()]);
  await using proxy = startTestProxy({
    service,
    upstreams: [{ baseUrl: primary.baseUrl, ...upstream }, backup.baseUrl],
  });
  await using client = await connectRaw(proxy.port);
  client.send(turnBytes(proxy, { path: service === "codex" ? "/v1/responses" : "/v1/messages" }));
  await client.begun(events.join("").length);
  seen.resolve();
  const answer = await client.response();
  expect(answer.text()).toBe(events.join(""));
  expect(backup.requests).toEqual([]);
  await primary.waitForClose();
  return { status: answer.status, end: answer.end, entry: await proxy.entry() };
}

describe("a stream that breaks after its beginning", () => {
  const endings: readonly [string, readonly Step[]][] = [
    ["a reset", [RESET]],
    ["a close without the last chunk", [FIN]],
    ["a clean end without the terminal event", [LAST_CHUNK, FIN]],
  ];
  for (const [what, ending] of endings) {
    test(`U19 ${what} is a cut for the client, never a clean end and never another upstream's answer`, async () => {
      const cut = await readCut({ events: CUT_RESPONSES, ending });
      expect(cut).toMatchObject({ status: 200, end: "reset" });
      expect(cut.entry).toMatchObject({ outcome: "cut", status_code: 200 });
    });
  }

  test("U19 what was counted until the cut is in the log", async () => {
    const cut = await readCut({ events: CUT_MESSAGES, ending: [RESET], service: "claude" });
    expect(cut).toMatchObject({ status: 200, end: "reset" });
    expect(cut.entry).toMatchObject({
      outcome: "cut",
      usage: { input_tokens: USED.input - USED.cached, cached_input_tokens: USED.cached },
    });
  });

  test("U19 a tool call before the cut is passed on once and never asked for again by us", async () => {
    const events = responsesEvents({ shellCommand: ["true"] }).slice(0, -1);
    expect(await readCut({ events, ending: [RESET] })).toMatchObject({ end: "reset" });
  });

  const delimited = [
    ["a close", FIN],
    ["a reset", RESET],
  ] as const;
  for (const [what, ending] of delimited) {
    test(`U20 ${what} of a body that only the connection delimits is a cut without the terminal event`, async () => {
      const start = head(200, { "content-type": "text/event-stream" });
      const cut = await readCut({ head: start, events: CUT_RESPONSES, ending: [ending] });
      expect(cut).toMatchObject({ status: 200, end: "reset", entry: { outcome: "cut" } });
    });
  }

  test("U20 a body that only the connection delimits is whole with its terminal event", async () => {
    const body = responsesEvents().join("");
    await using primary = await startFakeUpstream([
      untilClose(body, { "content-type": "text/event-stream" }),
    ]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl] });
    const answer = await sendTurn(proxy);
    expect([answer.status, answer.end]).toEqual([200, "complete"]);
    expect(answer.text()).toBe(body);
    expect(await proxy.entry()).toMatchObject({ outcome: "ok" });
  });

  test("U21 a stall ends at the idle budget as a cut", async () => {
    const cut = await readCut({
      events: CUT_RESPONSES,
      ending: [SILENCE],
      upstream: { timeouts: { ...timeouts, idleMs: 150 } },
    });
    expect(cut).toMatchObject({ status: 200, end: "reset", entry: { outcome: "cut" } });
  });
});

describe("what keeps a line warm, and says nothing", () => {
  /** Real output, then the same line every 30 ms, `times` over, then the ending. */
  async function readWarm(events: readonly string[], line: string, times: number, ending: readonly Step[]) {
    const service = line.startsWith("event: ping") ? "claude" : "codex";
    const script = (): Answer =>
      (async function* () {
        yield head(200, EVENT_STREAM);
        yield* events.map(chunk);
        for (let n = 0; n < times; n += 1) {
          yield chunk(line);
          await elapse(30);
        }
        yield* ending;
      })();
    await using primary = await startFakeUpstream(script);
    const own = { baseUrl: primary.baseUrl, timeouts: { ...timeouts, idleMs: 200 } };
    await using proxy = startTestProxy({ service, upstreams: [own] });
    const path = service === "codex" ? "/v1/responses" : "/v1/messages";
    const answer = await sendTurn(proxy, { path });
    return { end: answer.end, text: answer.text(), entry: await proxy.entry() };
  }

  const PING = 'event: ping\ndata: {"type":"ping"}\n\n';
  test.each([": PING\n\n", "\n", "\r\n\r\n"])(
    "U21 %j after output does not put off the idle budget",
    async (line) => {
      const { end, entry } = await readWarm(CUT_RESPONSES, line, 1_000, []);
      expect([end, entry.outcome, entry.reason?.rule]).toEqual(["reset", "cut", "cut-idle"]);
    },
  );

  test("U21 pings after output do, since thinking can be long", async () => {
    const { end, entry, text } = await readWarm(CUT_MESSAGES, PING, 14, [
      ...messagesEvents().slice(-2).map(chunk),
      LAST_CHUNK,
    ]);
    expect([end, entry.outcome, text.includes("message_stop")]).toEqual(["complete", "ok", true]);
  });

  test("U21 but not for ever", async () => {
    const { end, entry } = await readWarm(CUT_MESSAGES, PING, 1_000, []);
    expect([end, entry.outcome]).toEqual(["reset", "cut"]);
  });

  test("U21 comments after the end of the answer do not keep the client", async () => {
    const { end, entry } = await readWarm(responsesEvents(), ": PING\n\n", 1_000, []);
    expect([end, entry.outcome, entry.usage?.output_tokens]).toEqual(["complete", "ok", USED.output]);
  });
});

describe("the end of a Chat Completions stream is the end of the API", () => {
  const piece = (delta: object, index = 0, finish: string | null = null): string =>
    `data: ${JSON.stringify({ id: "c", choices: [{ index, delta, finish_reason: finish }] })}\n\n`;
  const usage = 'data: {"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4}}\n\n';
  const one = [piece({ content: "A" }), piece({}, 0, "stop")];
  const two = [piece({ content: "A" }), piece({ content: "B" }, 1), piece({}, 0, "stop")];

  async function readChat(events: readonly string[], later: readonly Step[], idleMs = timeouts.idleMs) {
    const seen = Promise.withResolvers<void>();
    const script = (): Answer =>
      (async function* () {
        yield head(200, EVENT_STREAM);
        yield* events.map(chunk);
        await seen.promise;
        yield* later;
      })();
    await using primary = await startFakeUpstream(script);
    const own = { baseUrl: primary.baseUrl, timeouts: { ...timeouts, idleMs } };
    await using proxy = startTestProxy({ upstreams: [own] });
    await using client = await connectRaw(proxy.port);
    client.send(turnBytes(proxy, { path: "/v1/chat/completions" }));
    await client.begun(events.join("").length);
    // Longer than a client is kept after the end of the API.
    if (later.length > 1) await elapse(2_500);
    seen.resolve();
    const answer = await client.response();
    return { end: answer.end, text: answer.text(), entry: await proxy.entry() };
  }

  test.each([
    ["a reset", [RESET]],
    ["a close without the last chunk", [FIN]],
    ["a clean end", [LAST_CHUNK]],
  ] as const)("%s while a choice has not finished is a cut", async (_title, ending) => {
    expect(await readChat(two, ending)).toMatchObject({ end: "reset", entry: { outcome: "cut" } });
  });

  test("a clean end once every choice has finished is whole", async () => {
    expect(await readChat(one, [LAST_CHUNK])).toMatchObject({ end: "complete", entry: { outcome: "ok" } });
  });

  test("usage and [DONE] that come long after a finish reach the client and the log", async () => {
    const rest = [usage, "data: [DONE]\n\n"];
    const { end, entry, text } = await readChat(one, [...rest.map(chunk), LAST_CHUNK]);
    expect([end, text]).toEqual(["complete", [...one, ...rest].join("")]);
    expect(entry).toMatchObject({ outcome: "ok", usage: { input_tokens: 3, output_tokens: 4 } });
  });

  test("a second choice goes on long after the first has finished", async () => {
    const rest = [piece({ content: "ta" }, 1), piece({}, 1, "stop"), "data: [DONE]\n\n"];
    const { end, entry, text } = await readChat(two, [...rest.map(chunk), LAST_CHUNK]);
    expect([end, text.includes('"ta"'), entry.outcome]).toEqual(["complete", true, "ok"]);
  });

  test("silence after a finish ends the answer at the idle budget, whole", async () => {
    const { end, entry } = await readChat(one, [SILENCE], 200);
    expect([end, entry.outcome]).toEqual(["complete", "ok"]);
  });
});

describe("odd, but whole", () => {
  test("U22 an answer that drips byte by byte for longer than any silence may last", async () => {
    const body = responsesEvents().join("");
    const script = (): Answer =>
      (async function* () {
        yield head(200, { ...EVENT_STREAM });
        for (const byte of body.slice(0, 150)) {
          yield chunk(byte);
          await elapse(2);
        }
        yield chunk(body.slice(150));
        yield LAST_CHUNK;
      })();
    await using primary = await startFakeUpstream(script);
    const slow = { baseUrl: primary.baseUrl, timeouts: { ...timeouts, idleMs: 150 } };
    await using proxy = startTestProxy({ upstreams: [slow] });
    const answer = await sendTurn(proxy);
    expect([answer.status, answer.end]).toEqual([200, "complete"]);
    expect(answer.text()).toBe(body);
  });

  test("U22 events of a known length are passed on as they come, too", async () => {
    const events = responsesEvents();
    const first = events.slice(0, -1).join("");
    const rest = events.slice(-1).join("");
    const seen = Promise.withResolvers<void>();
    const script = (): Answer =>
      (async function* () {
        const length = Buffer.byteLength(first + rest);
        yield head(200, { "content-type": "text/event-stream", "content-length": `${length}` });
        yield first;
        await seen.promise;
        yield rest;
      })();
    await using primary = await startFakeUpstream(script);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl] });
    await using client = await connectRaw(proxy.port);
    client.send(turnBytes(proxy));
    await client.begun(first.length);
    seen.resolve();
    const answer = await client.response();
    expect([answer.status, answer.end]).toEqual([200, "complete"]);
    expect(answer.text()).toBe(first + rest);
    expect(await proxy.entry()).toMatchObject({ outcome: "ok" });
  });

  test("U23 an event of 20 MB without a line end is passed on whole", async () => {
    const huge = sse("response.output_text.delta", {
      type: "response.output_text.delta",
      delta: "x".repeat(20 << 20),
    });
    const [created = "", progress = "", ...rest] = responsesEvents();
    const body = [created, progress, huge, ...rest].join("");
    const pieces = body.match(/[^]{1,65536}/g) ?? [];
    await using primary = await startFakeUpstream([stream(pieces)]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl] });
    const answer = await sendTurn(proxy);
    expect(answer.end).toBe("complete");
    expect(Bun.hash(answer.body)).toBe(Bun.hash(body));
    expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { input_tokens: USED.input } });
  });

  test("U24 a Content-Length beside chunks, or one that is false, never reaches the client", async () => {
    const body = responsesEvents().join("");
    await using upstream = await startFakeUpstream([
      [head(200, { "content-length": "5", "transfer-encoding": "chunked" }), chunk(body), LAST_CHUNK],
    ]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const answer = await sendTurn(proxy);
    expect(answer.end).toBe("complete");
    expect(answer.text()).toBe(body);
    expect(answer.header("content-length") ?? `${body.length}`).toBe(`${body.length}`);
  });

  const framings: readonly [string, Answer][] = [
    [
      "two different Content-Lengths",
      ["HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello", FIN],
    ],
    [
      "a Content-Length that promises more than comes",
      [head(200, { "content-length": "100" }), "data: {}\n\n", FIN],
    ],
  ];
  for (const [what, answer] of framings) {
    test(`U24 ${what} is a failed attempt`, async () => {
      await using primary = await startFakeUpstream([answer]);
      await using backup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
      await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
      expect((await sendTurn(proxy)).text()).toContain("from the backup");
    });
  }

  test("U25 a storm of interim answers is swallowed", async () => {
    await using upstream = await startFakeUpstream([
      [
        "HTTP/1.1 102 Processing\r\n\r\n".repeat(200),
        "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n",
        head(200, { ...EVENT_STREAM }),
        ...responsesEvents().map(chunk),
        LAST_CHUNK,
      ],
    ]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    await using client = await connectRaw(proxy.port);
    client.send(turnBytes(proxy));
    const answer = await client.response();
    expect([answer.status, answer.end]).toEqual([200, "complete"]);
    expect(answer.header("link")).toBeNull();
  });

  const heads: readonly [string, string][] = [
    [
      "U27 300 headers",
      `HTTP/1.1 200 OK\r\n${Array.from({ length: 300 }, (_, n) => `x-h${n}: v\r\n`).join("")}\r\n`,
    ],
    ["U27 a header of 5 MB", `HTTP/1.1 200 OK\r\nx-big: ${"v".repeat(5 << 20)}\r\n\r\n`],
    ["U28 status 0", "HTTP/1.1 0 Zero\r\ncontent-length: 0\r\n\r\n"],
    ["U28 status 999", "HTTP/1.1 999 Beyond\r\ncontent-length: 0\r\n\r\n"],
  ];
  for (const [what, bytes] of heads) {
    test(`${what} is a failed attempt, and a 5xx when nobody else is there`, async () => {
      await using primary = await startFakeUpstream([[bytes, FIN]]);
      await using backup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
      await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
      expect((await sendTurn(proxy)).text()).toContain("from the backup");
      await using alone = startTestProxy({ upstreams: [primary.baseUrl] });
      const answer = await sendTurn(alone);
      expect(answer.status).toBe(503);
      expect(answer.header("retry-after")).toMatch(/^(?:[1-9]|10)$/);
    });
  }

  test("U29 compression that the client did not ask for is taken off", async () => {
    const body = responsesEvents().join("");
    await using upstream = await startFakeUpstream(() =>
      stream([], {
        headers: { "content-encoding": "gzip" },
        ending: [chunk(Bun.gzipSync(Buffer.from(body))), LAST_CHUNK],
      }),
    );
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const answer = await sendTurn(proxy);
    expect(answer.header("content-encoding")).toBeNull();
    expect(answer.text()).toBe(body);
    expect(upstream.requests[0]?.header("accept-encoding")).toBe("identity");
    expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { output_tokens: USED.output } });
  });

  test("U30 a compressed answer that cannot be read is passed on as it is, its usage unknown", async () => {
    const text = Array.from({ length: 4_000 }, (_, n) => Bun.hash(`${n}`).toString(36)).join(" ");
    const broken = Bun.gzipSync(Buffer.from(responsesEvents({ text, deltas: 500 }).join("")));
    // In the middle of the text, of which the client has seen the beginning by then.
    broken.fill(0xff, 40_000, 40_200);
    await using upstream = await startFakeUpstream(() =>
      stream([], { headers: { "content-encoding": "gzip" }, ending: [chunk(broken), LAST_CHUNK] }),
    );
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const answer = await sendTurn(proxy, { fields: ["Accept-Encoding: gzip"] });
    expect([answer.status, answer.end]).toEqual([200, "complete"]);
    expect(answer.header("content-encoding")).toBe("gzip");
    expect(Buffer.compare(answer.body, broken)).toBe(0);
    expect((await proxy.entry()).usage).toBeUndefined();
  });

  test("U30 a compressed answer that cannot be read from its beginning is a failed attempt", async () => {
    const broken = Bun.gzipSync(Buffer.from(responsesEvents({ deltas: 500 }).join("")));
    broken.fill(0xff, 40, 200);
    await using upstream = await startFakeUpstream(() =>
      stream([], { headers: { "content-encoding": "gzip" }, ending: [chunk(broken), LAST_CHUNK] }),
    );
    await using backup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl, backup.baseUrl] });
    expect((await sendTurn(proxy, { fields: ["Accept-Encoding: gzip"] })).text()).toContain(
      "from the backup",
    );
    expect((await proxy.entry()).attempts?.[0]).toMatchObject({ verdict: "broken-answer", shown: false });
  });
});
