import { describe, expect, test } from "bun:test";
import { textsInEnglish } from "../helpers/texts-in-english.ts";
import { gzipSync } from "node:zlib";
import { fetchJson } from "../../src/quota/fetch-json.ts";
import { HTML_PAGE, head, reply } from "../helpers/answers.ts";
import { CODINGS, makeBomb } from "../helpers/bombs.ts";
import { type Answer, FIN, RESET, SILENCE, startFakeUpstream } from "../helpers/fake-upstream.ts";

async function ask(answer: Answer, timeoutMs = 5_000) {
  await using server = await startFakeUpstream([answer]);
  const found = await fetchJson({
    url: `${server.origin}/usage`,
    headers: { authorization: "Bearer sk-secret" },
    proxy: false,
    signal: new AbortController().signal,
    timeoutMs,
  });
  return { found, asked: server.requests.length };
}

const BOMBS = new Map(CODINGS.map(([coding]) => [coding, makeBomb(coding, 256, '{"left": 1')]));
const TEN_MB = 10 * 2 ** 20;

describe("U35: an answer about a balance", () => {
  test("is JSON, or nothing is learned", async () => {
    expect(textsInEnglish((await ask(reply({ body: { left: 1 } }))).found)).toEqual({
      kind: "json",
      body: { left: 1 },
    });
    const odd: readonly [Answer, string][] = [
      [reply({ body: HTML_PAGE, headers: { "content-type": "text/html" } }), "answered with a web page"],
      [reply({ body: "" }), "the answer is not JSON"],
      [reply({ body: "[1]" }), "the answer is not JSON"],
      [reply({ body: '{"left": NaN}' }), "the answer is not JSON"],
      [reply({ body: "{".repeat(1_000) }), "the answer is not JSON"],
      [reply({ status: 500 }), "the endpoint answered 500"],
      [reply({ status: 429 }), "the endpoint answered 429"],
      [reply({ status: 204 }), "the endpoint answered 204"],
      [[RESET], "connection lost (ECONNRESET)"],
      [[head(200, { "content-length": "100" }), '{"left":', FIN], "connection lost (ECONNRESET)"],
    ];
    for (const [answer, why] of odd)
      expect(textsInEnglish((await ask(answer)).found)).toEqual({ kind: "failed", why });
  });

  test("of ten megabytes is given up at one, compressed or not", async () => {
    const large = `{"left": 1, "pad": "${"x".repeat(TEN_MB)}"}`;
    const compressed = reply({ body: gzipSync(large), headers: { "content-encoding": "gzip" } });
    for (const answer of [reply({ body: large }), compressed]) {
      expect(textsInEnglish((await ask(answer)).found)).toEqual({
        kind: "failed",
        why: "the answer is larger than 1 MB",
      });
    }
  });

  for (const [coding, compress] of CODINGS)
    test(`is read in ${coding}, and of a bomb in it no more than one megabyte`, async () => {
      const headers = { "content-encoding": coding };
      const body = compress(Buffer.from('{"left": 1}'));
      expect((await ask(reply({ headers, body }))).found).toEqual({ kind: "json", body: { left: 1 } });
      const before = process.memoryUsage().rss;
      const bomb = await ask(reply({ headers, body: BOMBS.get(coding) ?? "" }));
      expect(textsInEnglish(bomb.found)).toEqual({ kind: "failed", why: "the answer is larger than 1 MB" });
      expect(process.memoryUsage().rss - before).toBeLessThan(60e6);
      const broken = await ask(reply({ headers, body: body.fill(7, 3) }));
      expect(textsInEnglish(broken.found)).toEqual({ kind: "failed", why: "the answer is not JSON" });
    });

  test("that does not come, or never ends, is not waited for", async () => {
    const silent: Answer = [SILENCE];
    const endless: Answer = [head(200, { "content-length": "100" }), "{", SILENCE];
    for (const answer of [silent, endless]) {
      expect(textsInEnglish((await ask(answer, 50)).found)).toEqual({
        kind: "failed",
        why: "no answer within 0.05 s",
      });
    }
  });

  test("that refuses says that the place does not offer it", async () => {
    for (const status of [400, 401, 403, 404, 405]) {
      expect((await ask(reply({ status }))).found.kind).toBe("unsupported");
    }
  });

  test("that sends elsewhere is not followed: the token stays", async () => {
    await using elsewhere = await startFakeUpstream([reply({ body: { left: 0 } })]);
    for (const status of [301, 302, 307, 308]) {
      const redirect = reply({ status, headers: { location: `${elsewhere.origin}/usage` } });
      expect(textsInEnglish((await ask(redirect)).found)).toEqual({
        kind: "failed",
        why: `${status} answered with a redirect to ${elsewhere.origin}/usage`,
        location: `${elsewhere.origin}/usage`,
      });
    }
    expect(elsewhere.connections).toHaveLength(0);
  });
});
