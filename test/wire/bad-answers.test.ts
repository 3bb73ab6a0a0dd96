import { describe, expect, test } from "bun:test";
import {
  FALSE_SUCCESS,
  GOOD,
  head,
  HTML_PAGE,
  messagesError,
  messagesPrologue,
  RELAY_ERRORS,
  reply,
  type ReplyParts,
  responsesFailed,
  responsesPrologue,
  stream,
} from "../helpers/answers.ts";
import { keyOf, startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type Answer, type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy } from "../helpers/in-process-proxy.ts";
import { sendRaw } from "../helpers/raw-client.ts";
import { waitUntil } from "../helpers/wait.ts";
import { sendTurn, TURN } from "./turn.ts";

const BACKUP = GOOD.responses({ text: "from the backup" });
/** Nothing of a rejected answer may reach the client: neither this header nor this text. */
const MARK = "of-the-rejected-answer";

function marked(parts: ReplyParts): Answer {
  return reply({ ...parts, headers: { "x-mark": MARK, ...parts.headers } });
}

interface Asked {
  readonly primary: FakeUpstream;
  readonly backup: FakeUpstream;
  /** How each upstream was judged in the first request, and in the second. */
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** Two turns with a primary that answers so; both must come from the backup, whole and clean. */
async function askTwice(answer: Answer, service: "codex" | "claude" = "codex"): Promise<Asked> {
  await using primary = await startFakeUpstream([answer]);
  const good = service === "codex" ? BACKUP : GOOD.messages({ text: "from the backup" });
  await using backup = await startFakeUpstream([good]);
  await using proxy = startTestProxy({ service, upstreams: [primary.baseUrl, backup.baseUrl] });
  for (let n = 0; n < 2; n += 1) {
    const got = await sendTurn(proxy, { path: service === "codex" ? "/v1/responses" : "/v1/messages" });
    expect([got.status, got.end]).toEqual([200, "complete"]);
    expect(got.text()).toContain("from the backup");
    expect(`${JSON.stringify(got.head.fields)}${got.text()}`).not.toContain(MARK);
  }
  const judged = async (n: number): Promise<readonly string[]> =>
    ((await proxy.entry(n)).attempts ?? [{ verdict: "ok" }]).map(({ verdict }) => verdict);
  return { primary, backup, first: await judged(1), second: await judged(2) };
}

describe("statuses", () => {
  for (const status of [500, 502, 503, 504, 520, 522, 529]) {
    test(`U12 ${status} is a counted failure of the primary, and the turn goes on`, async () => {
      const { first, primary, second } = await askTwice(marked({ status, body: MARK }));
      expect(first).toEqual([status === 503 || status === 529 ? "overloaded" : "server-error", "ok"]);
      expect(second).toEqual(first);
      expect(primary.requests.length).toBe(2);
    });
  }

  const waits: readonly (string | null)[] = [
    null,
    "120",
    "0",
    "-1",
    "1.5",
    "soon",
    "Wed, 01 Jan 2120 00:00:00 GMT",
    "1e11",
  ];
  for (const retryAfter of waits) {
    test(`U13 a 429 with Retry-After ${retryAfter ?? "absent"} cools the primary at once`, async () => {
      const headers = retryAfter === null ? {} : { "retry-after": retryAfter };
      const { first, primary, second } = await askTwice(marked({ status: 429, headers, body: MARK }));
      expect(first).toEqual(["rate-limit", "ok"]);
      expect(second).toEqual(["ok"]);
      expect(primary.requests.length).toBe(1);
    });
  }

  const exhausted: readonly (keyof typeof RELAY_ERRORS)[] = [
    "openai insufficient quota",
    "codex usage limit",
    "new-api user quota",
    "new-api pre-consume",
    "sub2api key exhausted",
    "openrouter no credit",
    "anthropic billing",
  ];
  for (const name of exhausted) {
    test(`U14 a quota that is gone, as ${name}, is no failure and keeps the primary out`, async () => {
      const { first, primary, second } = await askTwice(marked(RELAY_ERRORS[name]));
      expect(first.at(-1)).toBe("ok");
      expect(second).toEqual(["ok"]);
      expect(primary.requests.length).toBe(1);
    });
  }

  for (const status of [401, 403]) {
    test(`U15 a key refused with ${status} is left alone until it is mended`, async () => {
      await using primary = await startFakeUpstream((request) =>
        request.header("authorization") === `Bearer ${keyOf(1)}`
          ? marked({ ...RELAY_ERRORS["invalid key"], status })
          : GOOD.responses({ text: "from the primary" }),
      );
      await using backup = await startFakeUpstream([BACKUP]);
      await using proxy = await startConfiguredProxy({ codex: [primary, backup] });
      const ask = async (): Promise<string> => (await sendRaw(proxy.ports.codex, { body: TURN })).text();
      expect(await ask()).toContain("from the backup");
      expect(await ask()).toContain("from the backup");
      expect(primary.requests.length).toBe(1);
      const upstreams = [
        { base_url: primary.baseUrl, auth: { auth_token: "sk-mended" } },
        { base_url: backup.baseUrl, auth: { auth_token: keyOf(2) } },
      ];
      proxy.home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
      await waitUntil(async () => (await ask()).includes("from the primary"), { what: "the mended key" });
      expect(primary.requests.map((request) => request.header("authorization"))).toEqual([
        `Bearer ${keyOf(1)}`,
        "Bearer sk-mended",
      ]);
    });
  }
});

describe("a 200 that is none", () => {
  for (const status of [200, 403]) {
    test(`U16 a web page with ${status} where a stream is due`, async () => {
      const { first } = await askTwice(
        marked({ status, headers: { "content-type": "text/html" }, body: HTML_PAGE }),
      );
      expect(first).toEqual(["challenge", "ok"]);
    });
  }

  for (const [what, makeAnswer] of Object.entries(FALSE_SUCCESS)) {
    test(`U17 ${what} inside a 200`, async () => {
      const { first, primary } = await askTwice(makeAnswer());
      expect(first.at(-1)).toBe("ok");
      expect(first.length).toBe(2);
      expect(primary.requests.length).toBe(2);
    });
  }

  const firstEvents: readonly [string, Answer, "codex" | "claude"][] = [
    ["response.failed first", stream([responsesFailed("server_error", MARK)]), "codex"],
    [
      "response.failed after the prologue",
      stream([...responsesPrologue(), responsesFailed("server_is_overloaded", MARK)]),
      "codex",
    ],
    ["an error event first", stream([messagesError("overloaded_error", MARK)]), "claude"],
    [
      "an error event after the prologue",
      stream([...messagesPrologue(), messagesError("api_error", MARK)]),
      "claude",
    ],
  ];
  for (const [what, answer, service] of firstEvents) {
    test(`U18 ${what}, for ${service}`, async () => {
      const { backup, first } = await askTwice(answer, service);
      expect(first.length).toBe(2);
      expect(backup.requests.length).toBe(2);
    });
  }
});

describe("answers that are the client's to see", () => {
  test("U26 a redirect is a failed attempt for a POST, is never followed, and takes no key along", async () => {
    await using elsewhere = await startFakeUpstream([reply({ body: "caught" })]);
    const location = `${elsewhere.origin}/v1/responses`;
    for (const status of [301, 302, 303, 307, 308]) {
      const { first, primary } = await askTwice(marked({ status, headers: { location } }));
      expect(first).toEqual(["redirect", "ok"]);
      expect(primary.requests.length).toBe(2);
    }
    await using primary = await startFakeUpstream([reply({ status: 307, headers: { location } })]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl] });
    const shown = await sendRaw(proxy.port, { method: "GET", path: "/v1/files/1/content" });
    expect(shown).toMatchObject({ status: 307 });
    expect(shown.header("location")).toBe(location);
    expect(elsewhere.connections).toEqual([]);
  });

  test.each([
    ["the client's login", "x-api-key: sk-of-the-client", null],
    ["a key of a relay", "x-relay-key: of-another-relay", null],
    ["an unknown header", "x-new: 1", null],
    ["what anybody may see", "user-agent: curl/8", "elsewhere"],
    ["what the client leaves behind by itself", "authorization: Bearer sk-of-the-client", "elsewhere"],
  ])("a redirect takes %s to no other origin", async (_, field, expected) => {
    const places = [
      "http://other.example/v1/x",
      "//other.example/x",
      "/\\other.example/x",
      "\\\\other.example/x",
    ];
    for (const status of [301, 302, 303, 307, 308])
      for (const location of [...places, "/v1/x"]) {
        await using upstream = await startFakeUpstream([reply({ status, headers: { location } })]);
        await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
        for (const method of ["GET", "HEAD", "DELETE"]) {
          const shown = await sendRaw(proxy.port, { method, path: "/v1/models", fields: [field] });
          const isKept = location === "/v1/x" || expected !== null;
          expect(shown.header("location")).toBe(isKept ? location : null);
        }
      }
  });

  test("U31 an early 413 while a large body is on its way is passed on, and not repeated elsewhere", async () => {
    await using primary = await startFakeUpstream(
      [reply({ status: 413, body: { error: { message: "too large for this relay" } } })],
      { answerAtHead: true },
    );
    await using backup = await startFakeUpstream([BACKUP]);
    await using proxy = startTestProxy({ upstreams: [primary.baseUrl, backup.baseUrl] });
    const body = TURN.replace('"input":[]', `"input":["${"x".repeat(20 << 20)}"]`);
    const answer = await sendTurn(proxy, { body });
    expect(answer.status).toBe(413);
    expect(answer.text()).toContain("too large for this relay");
    expect(backup.requests).toEqual([]);
  });

  test("U36 204, 304 and HEAD have no body", async () => {
    await using upstream = await startFakeUpstream((request) =>
      request.method === "HEAD"
        ? [head(200, { "content-length": "1000" })]
        : [head(request.target.endsWith("204") ? 204 : 304, { etag: '"1"' })],
    );
    await using proxy = startTestProxy({ upstreams: [upstream.baseUrl] });
    const ask = async (method: string, path: string): Promise<[number, number]> => {
      const { body, status } = await sendRaw(proxy.port, { method, path });
      return [status, body.length];
    };
    expect(await ask("DELETE", "/v1/files/204")).toEqual([204, 0]);
    expect(await ask("GET", "/v1/files/304")).toEqual([304, 0]);
    expect(await ask("HEAD", "/v1/models")).toEqual([200, 0]);
  });
});
