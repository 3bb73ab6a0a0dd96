import { expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { serve } from "../../src/app/serve/serve.ts";
import { chunk, EVENT_STREAM, GOOD, head, LAST_CHUNK, reply, sse, stream } from "../helpers/answers.ts";
import { type RunningProxy, startConfiguredProxy } from "../helpers/configured-proxy.ts";
import {
  type Answer,
  FIN,
  RESET,
  type ReceivedRequest,
  startFakeUpstream,
} from "../helpers/fake-upstream.ts";
import { connectRaw, makeRequestBytes } from "../helpers/raw-client.ts";
import { runCli } from "../helpers/cli.ts";

const HOST = "db.your-company.com";
const FILTER = [{ op: "replace", source: HOST, restore: true }];

/** The placeholder of the only host that a request holds. */
const hostIn = (request: ReceivedRequest): string =>
  /chx-[0-9a-f]{8}\.example/.exec(request.text())?.[0] ?? "none";

const delta = (text: string): string =>
  sse("response.output_text.delta", {
    type: "response.output_text.delta",
    item_id: "m",
    output_index: 0,
    content_index: 0,
    delta: text,
  });

/** An answer that says a text in pieces of three characters. */
function say(text: string): string[] {
  const item = { type: "message", content: [{ type: "output_text", text }] };
  return [
    sse("response.created", { type: "response.created", response: { id: "r" } }),
    ...(text.match(/[^]{1,3}/g) ?? []).map(delta),
    sse("response.output_item.done", { type: "response.output_item.done", output_index: 0, item }),
    sse("response.completed", { type: "response.completed", response: { id: "r", output: [item] } }),
  ];
}

function ask(
  { codexUrl }: Pick<RunningProxy, "codexUrl">,
  { headers = {}, input = `look at ${HOST}`, isStream = true }: Asked = {},
): Promise<Response> {
  return fetch(`${codexUrl}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", "session-id": "s-1", ...headers },
    body: JSON.stringify({ model: "gpt-5", stream: isStream, input }),
  });
}

interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  readonly input?: unknown;
  readonly isStream?: boolean;
}

const textOf = (events: string): string =>
  [...events.matchAll(/"delta":("(?:[^"\\]|\\.)*")/g)]
    .map(([, text]) => String(JSON.parse(text ?? '""')))
    .join("");

test("a client gets the text itself, an upstream the placeholder, and the log neither", async () => {
  await using upstream = await startFakeUpstream((request, n) =>
    n < 3 ? stream(say(`https://${hostIn(request)}/a`)) : stream(say("nothing of that")),
  );
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  const first = await (await ask(proxy)).text();
  expect(textOf(first)).toBe(`https://${HOST}/a`);
  expect(first.match(/db\.your-company\.com/g)).toHaveLength(3);
  expect(first).not.toContain("chx-");
  const again = await (await ask(proxy, { input: `once more ${HOST} and https://${HOST}/a` })).text();
  expect(textOf(again)).toBe(`https://${HOST}/a`);
  // Without one, the very bytes.
  expect(await (await ask(proxy)).text()).toBe(say("nothing of that").join(""));
  const seen = upstream.requests.map((request) => request.text());
  expect(seen.join("")).not.toContain("your-company");
  expect(new Set(upstream.requests.map(hostIn)).size).toBe(1);
  const log = await proxy.logged(3);
  expect(log.map((line) => line["redactions_by_rule"])).toEqual([
    { "rule-1": 1 },
    { "rule-1": 2 },
    { "rule-1": 1 },
  ]);
  expect(log.map(({ redactions, restored }) => [redactions, restored])).toEqual([
    [1, 1],
    [2, 1],
    [1, undefined],
  ]);
  const key = join(proxy.home.path, ".codex-helper", "placeholder-key");
  expect(statSync(key).mode & 0o777).toBe(0o600);
  const show = await runCli(["usage", "show", log[0]?.id ?? ""], { home: proxy.home });
  expect(show.stdout).toMatch(/restored +1\n/);
});

test("a placeholder of an earlier request of the session is known in a later one that lacks the text", async () => {
  let placeholder = "";
  await using upstream = await startFakeUpstream((request, n) => {
    if (n === 1) placeholder = hostIn(request);
    return stream(say(placeholder));
  });
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  await (await ask(proxy)).text();
  expect(textOf(await (await ask(proxy, { input: "and now?" })).text())).toBe(HOST);
  const other = await ask(proxy, { input: "and now?", headers: { "session-id": "s-2" } });
  expect(textOf(await other.text())).toBe(placeholder);
  // Sent back as it is, it stays, and the text is redacted to the same.
  await (await ask(proxy, { input: `${placeholder} is ${HOST}` })).text();
  expect(upstream.requests.at(-1)?.text()).toContain(`${placeholder} is ${placeholder}`);
});

test("a placeholder that a request contains by itself is not given to any text", async () => {
  await using upstream = await startFakeUpstream((request) =>
    stream(say((JSON.parse(request.text()) as { input: string }).input)),
  );
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  await (await ask(proxy)).text();
  const natural = hostIn(upstream.requests[0] as ReceivedRequest);
  const input = `${natural.toUpperCase()} is not ${HOST}`;
  const echo = await ask(proxy, { input, headers: { "session-id": "s-2" } });
  expect(textOf(await echo.text())).toBe(input);
});

test("documents and errors come back with the text, their length right", async () => {
  const document = (text: string): object => ({
    id: "r",
    object: "response",
    status: "completed",
    output: [{ type: "message", content: [{ type: "output_text", text }] }],
    n: 1.0,
  });
  await using upstream = await startFakeUpstream((request, n) =>
    n === 1
      ? reply({ body: document(`see ${hostIn(request)}`) })
      : reply({
          status: 400,
          body: { error: { type: "invalid_request_error", message: `no such file on ${hostIn(request)}` } },
        }),
  );
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  const whole = await ask(proxy, { isStream: false });
  const body = await whole.text();
  expect(JSON.parse(body)).toEqual(document(`see ${HOST}`));
  expect(whole.headers.get("content-length")).toBe(String(Buffer.byteLength(body)));
  const refused = await ask(proxy);
  expect(refused.status).toBe(400);
  expect(await refused.text()).toContain(`no such file on ${HOST}`);
  const log = await proxy.logged(2);
  expect(JSON.stringify(log)).not.toContain("your-company");
});

test("a compressed answer is restored where the session has placeholders, and passes as it is elsewhere", async () => {
  const compressed = (text: string): Answer => {
    const bytes = gzipSync(say(text).join(""));
    return [
      head(200, { ...EVENT_STREAM, "content-encoding": "gzip" }),
      chunk(bytes.subarray(0, 40)),
      chunk(bytes.subarray(40)),
      LAST_CHUNK,
    ];
  };
  await using upstream = await startFakeUpstream((request) => compressed(`at ${hostIn(request)}`));
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  const gzip = { "accept-encoding": "gzip" };
  const restored = await fetch(`${proxy.codexUrl}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...gzip },
    body: JSON.stringify({ model: "gpt-5", stream: true, input: HOST }),
    decompress: false,
  });
  expect(restored.headers.get("content-encoding")).toBeNull();
  expect(textOf(await restored.text())).toBe(`at ${HOST}`);
  const raw = await fetch(`${proxy.codexUrl}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json", ...gzip },
    body: JSON.stringify({ model: "gpt-5", stream: true, input: "nothing" }),
    decompress: false,
  });
  expect(raw.headers.get("content-encoding")).toBe("gzip");
  expect(Buffer.from(await raw.arrayBuffer())).toEqual(gzipSync(say("at none").join("")));
});

test("after a failover the answer that is shown is restored", async () => {
  await using bad = await startFakeUpstream((request) =>
    reply({ status: 500, body: { error: { message: hostIn(request) } } }),
  );
  await using good = await startFakeUpstream((request) => stream(say(hostIn(request))));
  await using proxy = await startConfiguredProxy({ codex: [bad, good], filter: FILTER });
  expect(textOf(await (await ask(proxy)).text())).toBe(HOST);
});

test.each([
  ["is closed", FIN],
  ["is reset", RESET],
] as const)(
  "of an answer that breaks off within a placeholder the client gets all, when it %s",
  async (_how, end) => {
    const seen = Promise.withResolvers<void>();
    let beginning = "";
    await using upstream = await startFakeUpstream((request) =>
      (async function* () {
        const host = hostIn(request);
        beginning = host.slice(0, 9);
        yield head(200, EVENT_STREAM);
        yield* [...say(`${host} and `).slice(0, -2), delta(beginning)].map(chunk);
        await seen.promise;
        yield end;
      })(),
    );
    await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
    const body = JSON.stringify({ model: "gpt-5", stream: true, input: HOST });
    const fields = ["Content-Type: application/json"];
    await using client = await connectRaw(proxy.ports.codex);
    client.send(makeRequestBytes(proxy.ports.codex, { method: "POST", path: "/v1/responses", fields, body }));
    // The event that creates the response, and one that holds the text.
    await client.begun(300);
    seen.resolve();
    const answer = await client.response("POST");
    expect(answer.end).not.toBe("complete");
    expect(textOf(Buffer.from(answer.body).toString())).toBe(`${HOST} and ${beginning}`);
  },
);

test("a summary of a compaction holds the text, and is redacted when it is unfolded, also by a proxy that knows nothing", async () => {
  const sent: string[] = [];
  const script = (request: ReceivedRequest): Answer => {
    sent.push(request.text());
    if (request.text().includes("compaction_trigger"))
      return reply({ status: 400, body: { error: { message: "Invalid value: 'compaction_trigger'" } } });
    return GOOD.responses({ text: `we work on ${hostIn(request)}` });
  };
  await using upstream = await startFakeUpstream(script);
  const user = { type: "message", role: "user", content: [{ type: "input_text", text: HOST }] };
  let item: unknown;
  {
    await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
    const events = await (await ask(proxy, { input: [user, { type: "compaction_trigger" }] })).text();
    item = JSON.parse(/\{"type":"compaction".*?\}/.exec(events)?.[0] ?? "null");
  }
  const { encrypted_content: content } = item as { encrypted_content: string };
  expect(Buffer.from(content.split(":").at(-1) ?? "", "base64").toString()).toContain(HOST);
  await using other = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  const next = await (
    await ask(other, { input: [item, { ...user, content: [{ type: "input_text", text: "go on" }] }] })
  ).text();
  expect(textOf(next)).toContain(`we work on ${HOST}`);
  expect(sent.join("")).not.toContain("your-company");
});

test("the key is made with the first placeholder, and `ch filter test` shows the same", async () => {
  await using upstream = await startFakeUpstream((request) => stream(say(hostIn(request))));
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  const path = join(proxy.home.path, ".codex-helper", "placeholder-key");
  expect(existsSync(path)).toBe(false);
  await (await ask(proxy)).text();
  const key = readFileSync(path, "utf8");
  expect(key).toMatch(/^[0-9a-f]{64}\n$/);
  const tried = await runCli(["filter", "test", "-"], {
    home: proxy.home,
    stdin: JSON.stringify({ input: HOST }),
  });
  expect(tried.stdout).toContain(hostIn(upstream.requests[0] as ReceivedRequest));
});

test("a proxy that was started anew gives the same placeholder, and knows it as soon as a request says the text", async () => {
  await using upstream = await startFakeUpstream((request) => stream(say(`at ${hostIn(request)}`)));
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  await (await ask(proxy)).text();
  await proxy.stop();
  const next = await serve({
    paths: proxy.home.paths,
    env: proxy.home.env,
    services: ["codex"],
    port: 0,
    onRequest: () => {},
    onTrouble: () => {},
  });
  await using _ended = { [Symbol.asyncDispose]: () => next.stop(0) };
  const port = next.served[0]?.port ?? 0;
  const before = hostIn(upstream.requests[0] as ReceivedRequest);
  const input = [
    { type: "message", role: "user", content: [{ type: "input_text", text: HOST }] },
    { type: "message", role: "assistant", content: [{ type: "output_text", text: `at ${HOST}` }] },
    { type: "message", role: "user", content: [{ type: "input_text", text: "and now?" }] },
  ];
  const url = `http://127.0.0.1:${port}/v1`;
  expect(textOf(await (await ask({ codexUrl: url }, { input })).text())).toBe(`at ${HOST}`);
  expect(upstream.requests.map(hostIn)).toEqual([before, before]);
});

test("rules of a project restore like all others, and values of both files share the session", async () => {
  const PATH = "/srv/secret-project";
  await using upstream = await startFakeUpstream((request) => {
    const path = /\/chx\/[0-9a-f]{8}/.exec(request.text())?.[0] ?? "none";
    return stream(say(`cd ${path} # ${hostIn(request)}`));
  });
  await using proxy = await startConfiguredProxy({
    codex: [upstream],
    filter: FILTER,
    settings: { projects: { "/srv/acme": { filter: "acme.json" } } },
  });
  proxy.home.write(".codex-helper/acme.json", [{ op: "replace", source: PATH, restore: true }]);
  const said = (cwd: string): object[] =>
    [`<environment_context>\n  <cwd>${cwd}</cwd>\n</environment_context>`, `${PATH} on ${HOST}`].map(
      (text) => ({ type: "message", role: "user", content: [{ type: "input_text", text }] }),
    );
  const session = { "session-id": "s-acme" };
  const inside = await ask(proxy, { input: said("/srv/acme"), headers: session });
  expect(textOf(await inside.text())).toBe(`cd ${PATH} # ${HOST}`);
  expect(upstream.requests.at(-1)?.text()).not.toMatch(/secret-project|your-company/);
  const outside = await ask(proxy, { input: said("/srv/other"), headers: { "session-id": "s-other" } });
  expect(textOf(await outside.text())).toBe(`cd none # ${HOST}`);
  expect(upstream.requests.at(-1)?.text()).toContain(PATH);
});

test.each([
  ["gzip", gzipSync],
  ["deflate", deflateSync],
  ["br", brotliCompressSync],
  ["zstd", zstdCompressSync],
] as const)("an answer that an upstream compresses unasked is restored: %s", async (encoding, compress) => {
  await using upstream = await startFakeUpstream((request) => {
    const bytes = compress(say(`at ${hostIn(request)}`).join(""));
    return [
      head(200, { ...EVENT_STREAM, "content-encoding": encoding }),
      chunk(bytes.subarray(0, 30)),
      chunk(bytes.subarray(30)),
      LAST_CHUNK,
    ];
  });
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  const answer = await ask(proxy, { headers: { "accept-encoding": encoding } });
  expect(answer.headers.get("content-encoding")).toBeNull();
  expect(textOf(await answer.text())).toBe(`at ${HOST}`);
});

test("Messages and Chat come back with the text, as the next upstream's answer and as an error in the stream, too", async () => {
  const messages = (host: string): string[] => [
    sse("message_start", { type: "message_start", message: { id: "m", content: [], usage: {} } }),
    sse("content_block_start", {
      type: "content_block_start",
      index: 0,
      content_block: { type: "tool_use", id: "t", name: "Write", input: {} },
    }),
    ...['{"url":"https://', host.slice(0, 7), `${host.slice(7)}/"}`].map((partial_json) =>
      sse("content_block_delta", {
        type: "content_block_delta",
        index: 0,
        delta: { type: "input_json_delta", partial_json },
      }),
    ),
    sse("content_block_stop", { type: "content_block_stop", index: 0 }),
    sse("error", { type: "error", error: { type: "api_error", message: `lost ${host}` } }),
  ];
  const chat = (host: string): string[] => [
    ...[host.slice(0, 3), host.slice(3), ""].map(
      (content, n) =>
        `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: n === 2 ? "stop" : null }] })}\n\n`,
    ),
    "data: [DONE]\n\n",
  ];
  const broken = (request: ReceivedRequest): Answer =>
    reply({ status: 503, body: { error: { message: `no ${hostIn(request)} today` } } });
  await using first = await startFakeUpstream(broken);
  await using second = await startFakeUpstream((request) =>
    stream((request.text().includes("max_tokens") ? messages : chat)(hostIn(request))),
  );
  await using proxy = await startConfiguredProxy({
    codex: [first, second],
    claude: [first, second],
    filter: FILTER,
  });
  const post = async (url: string, body: object): Promise<string> => {
    const headers = { "content-type": "application/json" };
    return await (await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).text();
  };
  const turn = { messages: [{ role: "user", content: HOST }], stream: true };
  const called = await post(`${proxy.claudeUrl}/v1/messages`, { model: "claude", max_tokens: 9, ...turn });
  const args = [...called.matchAll(/"partial_json":("(?:[^"\\]|\\.)*")/g)].map(([, text]) =>
    String(JSON.parse(text ?? '""')),
  );
  expect(JSON.parse(args.join(""))).toEqual({ url: `https://${HOST}/` });
  expect(called).toContain(`lost ${HOST}`);
  const said = await post(`${proxy.codexUrl}/chat/completions`, { model: "gpt-5", ...turn });
  expect([...said.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text).join("")).toBe(HOST);
  expect(first.requests).toHaveLength(2);
  expect([...first.requests, ...second.requests].map((request) => request.text()).join("")).not.toContain(
    HOST,
  );
});

test("an answer in the wrong form is restored in the form that was asked for", async () => {
  await using upstream = await startFakeUpstream((request) =>
    GOOD.responses({ text: `see ${hostIn(request)}` }),
  );
  await using proxy = await startConfiguredProxy({ codex: [upstream], filter: FILTER });
  const answer = await ask(proxy, { isStream: false });
  expect(JSON.stringify(await answer.json())).toContain(`see ${HOST}`);
});
