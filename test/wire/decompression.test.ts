import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { deflateRawSync } from "node:zlib";
import {
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  LAST_CHUNK,
  reply,
  responsesEvents,
  stream,
  USED,
} from "../helpers/answers.ts";
import type { AskedBalances } from "../helpers/ask-balances.ts";
import { CODINGS, makeBomb } from "../helpers/bombs.ts";
import { startCli } from "../helpers/cli.ts";
import { type Answer, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { peakMb } from "../helpers/peak-memory.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { makeTempHome } from "../helpers/temp-home.ts";
import { sendTurn, TURN } from "./turn.ts";

const BOMB_MIB = 256;
const FULL = process.env["VERIFY"] === "full";
const AT_ONCE = FULL ? 100 : 24;
/** Usual are 70 to 110, and 150 with a hundred bombs; more where the collector gets little time, as beside other tests. */
const GROWTH_MB = FULL ? 200 : 170;
/** Of the whole process. */
const MOST_MB = 200;
const ACCEPTED = "gzip, deflate, br, zstd";
const ASK_BALANCES = join(import.meta.dir, "../helpers/ask-balances.ts");
const WHOLE_TURN = JSON.stringify({ ...JSON.parse(TURN), stream: false });

const STARTS = ["", 'data: {"x":"', '{"object":"response","output":["'];
const names = CODINGS.map(([coding]) => coding);
const bombs = new Map(
  names.flatMap((coding) =>
    STARTS.map((start) => [
      `${coding} ${start}`,
      makeBomb(coding, BOMB_MIB, start, start === "" ? " " : "x"),
    ]),
  ),
);
/** The n-th of all kinds there are; where it is nested, in a second coding too. */
function bombAt(
  n: number,
  { isNested = false, status, type }: Pick<Kind, "isNested" | "status" | "type">,
): Answer {
  const coding = names[n % names.length] ?? "";
  const plain =
    bombs.get(`${coding} ${STARTS[Math.floor(n / names.length) % STARTS.length]}`) ?? Buffer.alloc(0);
  const outer = isNested ? CODINGS[Math.floor(n / 3) % CODINGS.length] : undefined;
  const codings = outer === undefined ? coding : `${coding}, ${outer[0]}`;
  const body = outer === undefined ? plain : outer[1](plain);
  return reply({ status, headers: { "content-type": type, "content-encoding": codings }, body });
}

interface Kind {
  readonly name: string;
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly accepts: string;
  readonly isNested?: boolean;
  /** Default: a turn. */
  readonly ask?: { readonly method: string; readonly path: string };
}

const MORE_KINDS: readonly Kind[] = [
  {
    name: "nested streams",
    status: 200,
    type: "text/event-stream",
    body: TURN,
    accepts: ACCEPTED,
    isNested: true,
  },
  {
    name: "nested 500s",
    status: 500,
    type: "application/json",
    body: TURN,
    accepts: ACCEPTED,
    isNested: true,
  },
  {
    name: "lists of models",
    status: 200,
    type: "application/json",
    body: "",
    accepts: "identity",
    ask: { method: "GET", path: "/v1/models" },
  },
];

const KINDS: readonly [Kind, ...Kind[]] = [
  { name: "streams", status: 200, type: "text/event-stream", body: TURN, accepts: ACCEPTED },
  { name: "documents", status: 200, type: "application/json", body: WHOLE_TURN, accepts: ACCEPTED },
  { name: "429s", status: 429, type: "application/json", body: TURN, accepts: ACCEPTED },
  { name: "500s", status: 500, type: "application/json", body: TURN, accepts: ACCEPTED },
  {
    name: "streams to clients that cannot decode them",
    status: 200,
    type: "text/event-stream",
    body: TURN,
    accepts: "identity",
  },
  ...(FULL ? MORE_KINDS : []),
];

/** Asks a proxy in a process of its own for so many bombs at once, of these kinds in turn. */
async function answerBombs(name: string, kinds: readonly [Kind, ...Kind[]]) {
  const kindOf = (n: number): Kind => kinds[n % kinds.length] ?? kinds[0];
  await using upstream = await startFakeUpstream((_request, n) => bombAt(n, kindOf(n)));
  await using backup = await startFakeUpstream([GOOD.responses()]);
  using home = makeTempHome();
  const upstreams = [upstream, backup].map(({ baseUrl }) => ({ base_url: baseUrl }));
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
  const port = freePort();
  await using cli = startCli(["serve", "--no-switch", "--port", `${port}`], { home });
  await cli.waitFor(/Ctrl\+C/);
  const before = peakMb(cli.child.pid);
  const answers = await Promise.all(
    Array.from({ length: AT_ONCE }, (_, n) => {
      const { accepts, ask = {}, body } = kindOf(n);
      const fields = ["Content-Type: application/json", `Accept-Encoding: ${accepts}`];
      return sendRaw(port, { ...ask, body, fields, deadlineMs: FULL ? 90_000 : 10_000 }).catch(() => null);
    }),
  );
  const peak = peakMb(cli.child.pid);
  const bombs = upstream.requests.length;
  console.log(`${name}: ${before.toFixed(0)} MB, at most ${peak.toFixed(0)} with ${bombs} bombs`);
  expect(bombs).toBeGreaterThan(0);
  return { before, peak, statuses: answers.map((answer) => answer?.status ?? 0) };
}

// Read from /proc: on other systems the same code runs, and nobody can look.
if (process.platform === "linux")
  describe("a decompression bomb", () => {
    for (const kind of KINDS)
      test(`costs little memory: ${AT_ONCE} ${kind.name} at once`, async () => {
        const { before, peak, statuses } = await answerBombs(kind.name, [kind]);
        // Not one that refuses with a bomb is shown; the backup itself may be left out for a moment.
        if (kind.status !== 200)
          expect(statuses.filter((shown) => shown !== 200 && shown !== 503)).toEqual([]);
        expect(peak - before).toBeLessThan(GROWTH_MB);
      }, 120_000);

    if (FULL)
      test(`costs little memory: ${AT_ONCE} of all of these at once`, async () => {
        expect((await answerBombs("all of these", KINDS)).peak).toBeLessThan(MOST_MB);
      }, 120_000);

    if (FULL)
      test(`costs little memory: ${AT_ONCE} lookups of balances at once`, async () => {
        await using relay = await startFakeUpstream((_request, n) =>
          bombAt(n, { status: 200, type: "application/json", isNested: n % 5 === 0 }),
        );
        const child = Bun.spawn([process.execPath, ASK_BALANCES, relay.origin, `${AT_ONCE}`], {
          stdout: "pipe",
          stderr: "inherit",
        });
        const told = JSON.parse(await new Response(child.stdout).text()) as AskedBalances;
        const { before, errors, peak } = told;
        console.log(
          `lookups: ${before.toFixed(0)} MB, at most ${peak.toFixed(0)} with ${errors.length} bombs`,
        );
        expect(errors.length).toBe(AT_ONCE);
        for (const error of errors) expect(error).toMatch(/larger than 1 MB|not JSON|no answer within/);
        expect(peak - before).toBeLessThan(GROWTH_MB);
      }, 120_000);
  });

describe("an answer that decodes to too much", () => {
  for (const coding of ["br", "zstd"])
    test(`is passed on as it is, its usage unknown: ${coding}`, async () => {
      const body = makeBomb(coding, BOMB_MIB);
      await using upstream = await startFakeUpstream(() =>
        reply({ headers: { "content-type": "text/event-stream", "content-encoding": coding }, body }),
      );
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${ACCEPTED}`] });
      expect([answer.status, answer.end, answer.header("content-encoding")]).toEqual([
        200,
        "complete",
        coding,
      ]);
      expect(Buffer.compare(answer.body, body)).toBe(0);
      const entry = await proxy.entry();
      expect(entry).toMatchObject({ outcome: "ok", usage_unknown: "too_large" });
      expect(entry.usage).toBeUndefined();
    });

  for (const coding of names)
    for (const status of [400, 429, 500])
      test(`is not shown where it refuses (${status} in ${coding}), and the next upstream is asked`, async () => {
        const body = makeBomb(coding, 64, '{"error":{"message":"');
        const headers = { "content-type": "application/json", "content-encoding": coding };
        await using upstream = await startFakeUpstream(() => reply({ status, headers, body }));
        await using backup = await startFakeUpstream([GOOD.responses()]);
        await using proxy = startTestProxy({ upstreams: [upstream.baseUrl, backup.baseUrl] });
        const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${ACCEPTED}`] });
        expect(answer.text()).toBe(responsesEvents().join(""));
        await using alone = startTestProxy({ upstreams: [upstream.baseUrl] });
        const own = await sendTurn(alone, { fields: [`Accept-Encoding: ${ACCEPTED}`] });
        expect(own.header("content-encoding")).toBeNull();
        expect(own.body.length).toBeLessThan(2_000);
      });

  test("is no summary of a conversation", async () => {
    const body = makeBomb("gzip", 64, 'data: {"type":"response.output_text.delta","delta":"');
    const headers = { "content-type": "text/event-stream", "content-encoding": "gzip" };
    await using upstream = await startFakeUpstream(() => reply({ headers, body }));
    await using backup = await startFakeUpstream([GOOD.responses({ text: "the summary" })]);
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl, backup.baseUrl] });
    const request = JSON.stringify({ model: "m", stream: true, input: [{ type: "compaction_trigger" }] });
    const answer = await sendTurn(proxy, { body: request, fields: [`Accept-Encoding: ${ACCEPTED}`] });
    expect(answer.text().slice(0, 2_000)).toContain(Buffer.from("the summary").toString("base64"));
  });
});

describe("an answer in several codings at once", () => {
  for (const nested of ["gzip, gzip", "br, gzip", "zstd, zstd, zstd"])
    test(`is looked into and passed on as it is: ${nested}`, async () => {
      let body: Uint8Array = Buffer.from(responsesEvents({ deltas: 500 }).join(""));
      for (const part of nested.split(", "))
        body = CODINGS.find(([name]) => name === part)?.[1](body) ?? body;
      const headers = { "content-type": "text/event-stream", "content-encoding": nested };
      await using upstream = await startFakeUpstream(() => reply({ headers, body }));
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${ACCEPTED}`] });
      expect([answer.end, Buffer.compare(answer.body, body)]).toEqual(["complete", 0]);
      expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { output_tokens: USED.output } });
      const plain = await sendTurn(proxy);
      expect(plain.header("content-encoding")).toBeNull();
      expect(plain.text()).toBe(responsesEvents({ deltas: 500 }).join(""));
    });

  for (const unknown of ["compress", "gzip, dcb", "gzip, gzip, gzip, gzip, gzip"])
    test(`is a failed attempt where it cannot be undone: ${unknown}`, async () => {
      const headers = { "content-type": "text/event-stream", "content-encoding": unknown };
      await using upstream = await startFakeUpstream(() => reply({ headers, body: "\u001f\u009d packed" }));
      await using backup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl, backup.baseUrl] });
      const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${ACCEPTED}, ${unknown}`] });
      expect(answer.text()).toContain("from the backup");
      expect((await proxy.entry()).attempts?.[0]).toMatchObject({ verdict: "broken-answer", shown: false });
    });
});

describe("a Content-Encoding that names no coding", () => {
  for (const name of ["none", "utf-8", "", "binary", "UTF8, identity", "7bit"])
    test(`is none: "${name}"`, async () => {
      const headers = { "content-encoding": name };
      await using upstream = await startFakeUpstream([
        stream(responsesEvents({ text: "plain" }), { headers }),
      ]);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${ACCEPTED}`] });
      expect(answer.text()).toContain("plain");
      expect(answer.header("content-encoding")).toBeNull();
      expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { output_tokens: USED.output } });
    });
});

describe("deflate without its zlib header", () => {
  for (const accepts of [ACCEPTED, "gzip", "deflate;q=0, *"])
    test(`is looked into, and undone for a client that accepts ${accepts}`, async () => {
      const events = responsesEvents({ deltas: 500 }).join("");
      const body = deflateRawSync(events);
      const headers = { "content-type": "text/event-stream", "content-encoding": "deflate" };
      await using upstream = await startFakeUpstream(() => reply({ headers, body }));
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${accepts}`] });
      const isAsSent = accepts === ACCEPTED;
      expect(answer.header("content-encoding")).toBe(isAsSent ? "deflate" : null);
      expect(Buffer.compare(answer.body, isAsSent ? body : Buffer.from(events))).toBe(0);
      expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { output_tokens: USED.output } });
    });
});

test.each(["gzip;q=0", "gzip; q=0.0, br", "identity", "*;q=0", "br, *;q=0", "gzippy"])(
  "a client that accepts %s gets no gzip",
  async (accepts) => {
    const events = responsesEvents().join("");
    const body = Bun.gzipSync(Buffer.from(events));
    const headers = { "content-type": "text/event-stream", "content-encoding": "gzip" };
    await using upstream = await startFakeUpstream(() => reply({ headers, body }));
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${accepts}`] });
    expect([answer.header("content-encoding"), answer.text()]).toEqual([null, events]);
  },
);

describe("an honest answer", () => {
  const [start = "", ...rest] = responsesEvents({ deltas: 60_000 });
  const events = [start, ...rest].join("");

  for (const [coding, compress] of CODINGS) {
    test(`keeps its usage however well it compresses: ${coding}`, async () => {
      const body = compress(Buffer.from(events));
      const headers = { ...EVENT_STREAM, "content-encoding": coding };
      await using upstream = await startFakeUpstream(() => [head(200, headers), chunk(body), LAST_CHUNK]);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const answer = await sendTurn(proxy, { fields: [`Accept-Encoding: ${ACCEPTED}`] });
      expect([answer.end, Buffer.compare(answer.body, body)]).toEqual(["complete", 0]);
      expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { output_tokens: USED.output } });
    });

    test(`is decoded for a client that cannot read it: ${coding}`, async () => {
      const body = compress(Buffer.from(events));
      const headers = { ...EVENT_STREAM, "content-encoding": coding };
      await using upstream = await startFakeUpstream(() => [head(200, headers), chunk(body), LAST_CHUNK]);
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const answer = await sendTurn(proxy);
      expect(answer.header("content-encoding")).toBeNull();
      expect(Buffer.compare(answer.body, Buffer.from(events))).toBe(0);
      expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { output_tokens: USED.output } });
    });

    test(`is broken off for that client where it lacks its end: ${coding}`, async () => {
      const whole = compress(
        Buffer.from(JSON.stringify({ data: "x".repeat(200_000), more: Bun.hash("x").toString() })),
      );
      const body = whole.subarray(0, -3);
      await using upstream = await startFakeUpstream(() =>
        reply({ headers: { "content-encoding": coding }, body }),
      );
      await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
      const answer = await sendTurn(proxy, { path: "/v1/files", body: "{}" });
      expect(answer.end).not.toBe("complete");
    });
  }
});
