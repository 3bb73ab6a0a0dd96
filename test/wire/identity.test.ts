import { describe, expect, test } from "bun:test";
import { brotliCompressSync, zstdCompressSync } from "node:zlib";
import {
  chunk,
  GOOD,
  LAST_CHUNK,
  messagesEvents,
  responsesEvents,
  stream,
  USED,
} from "../helpers/answers.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { sendTurn } from "./turn.ts";

const hash = (bytes: string | Uint8Array): string =>
  new Bun.CryptoHasher("sha256").update(bytes).digest("hex");

/** Text of every kind that a body may hold: escapes, several scripts, what looks like events or JSON. */
function longText(bytes: number): string {
  const line = 'const a = "\\u00e9 é 你好 🙂"; // data: {"x":[1,2,{"y":null}]}\r\n\n';
  return line.repeat(Math.ceil(bytes / Buffer.byteLength(line)));
}

const LONG_TURN = JSON.stringify({
  model: "gpt-6.1-sol",
  stream: true,
  store: false,
  input: [{ type: "message", role: "user", content: [{ type: "input_text", text: longText(3_500_000) }] }],
});
const gzip = (bytes: string): Uint8Array => Bun.gzipSync(Buffer.from(bytes));
const zstd = (bytes: string): Uint8Array => zstdCompressSync(bytes);
const brotli = (bytes: string): Uint8Array => brotliCompressSync(bytes);

describe("a request body of 3.5 MB reaches the upstream byte for byte", () => {
  const codings: readonly [string, (bytes: string) => string | Uint8Array, readonly string[]][] = [
    ["as it is", (bytes) => bytes, []],
    ["gzip'd", gzip, ["Content-Encoding: gzip"]],
    ["zstd'd", zstd, ["Content-Encoding: zstd"]],
  ];
  for (const [what, compress, fields] of codings) {
    test(what, async () => {
      await using primary = await startFakeUpstream([[]]);
      await using upstream = await startFakeUpstream([GOOD.responses()]);
      await primary.close();
      await using proxy = startTestProxy({ upstreams: [primary.baseUrl, upstream.baseUrl] });
      expect((await sendTurn(proxy, { body: compress(LONG_TURN), fields })).status).toBe(200);
      expect(hash(upstream.requests[0]?.body ?? "")).toBe(hash(LONG_TURN));
    });
  }
});

describe("a stream of 2,000 events reaches the client byte for byte, and is counted", () => {
  const apis: readonly [string, "codex" | "claude", string, string][] = [
    ["Responses", "codex", "/v1/responses", responsesEvents({ deltas: 2_000, text: "é 你好 🙂" }).join("")],
    ["Messages", "claude", "/v1/messages", messagesEvents({ deltas: 2_000, text: "é 你好 🙂" }).join("")],
  ];
  const codings: readonly [string, (bytes: string) => string | Uint8Array][] = [
    ["identity", (bytes) => bytes],
    ["gzip", gzip],
    ["zstd", zstd],
    ["br", brotli],
  ];
  for (const [api, service, path, body] of apis) {
    for (const [coding, compress] of codings) {
      test(`${api}, ${coding}`, async () => {
        const bytes = Buffer.from(compress(body) as string);
        // Pieces of 1,021 bytes end anywhere: in a line, in a character, in a compressed block.
        const pieces = Array.from({ length: Math.ceil(bytes.length / 1_021) }, (_, n) =>
          chunk(bytes.subarray(n * 1_021, (n + 1) * 1_021)),
        );
        const headers = coding === "identity" ? {} : { "content-encoding": coding };
        await using upstream = await startFakeUpstream([
          stream([], { headers, ending: [...pieces, LAST_CHUNK] }),
        ]);
        await using proxy = startTestProxy({ service, upstreams: [upstream.baseUrl] });
        const answer = await sendTurn(proxy, { path, fields: ["Accept-Encoding: gzip, deflate, br, zstd"] });
        expect([answer.status, answer.end]).toEqual([200, "complete"]);
        expect(answer.header("content-encoding") ?? "identity").toBe(coding);
        expect(hash(answer.body)).toBe(hash(bytes));
        expect(await proxy.entry()).toMatchObject({ outcome: "ok", usage: { output_tokens: USED.output } });
      });
    }
  }
});
