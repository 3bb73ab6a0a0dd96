import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { HOPS_HEADER, makeAllowedHosts, refuse, splitUrl } from "../../src/proxy/guard.ts";
import { GOOD } from "../helpers/answers.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { startTestProxy, type TestProxy } from "../helpers/in-process-proxy.ts";
import { connectRaw } from "../helpers/raw-client.ts";
import { TURN } from "../wire/turn.ts";
import { GUARD_DOC_PATH, GUARD_GROUPS, type GuardRow, showRow, withGuardTable } from "./guard-table.ts";

const HOSTS = makeAllowedHosts(3211);
const ask = (headers: Record<string, string>, method = "POST"): number | null =>
  refuse(
    {
      method,
      url: "http://127.0.0.1:3211/v1/responses",
      headers: new Headers({ host: "127.0.0.1:3211", ...headers }),
    },
    HOSTS,
    "me",
  )?.status ?? null;

test.each(["127.0.0.1:3211", "localhost:3211", "[::1]:3211", "LOCALHOST:3211"])("Host %s may ask", (host) => {
  expect(ask({ host })).toBeNull();
});

test.each([
  "evil.test",
  "evil.test:3211",
  "127.0.0.1",
  "127.0.0.1:80",
  "0.0.0.0:3211",
  "127.0.0.1:3211, 127.0.0.1:3211",
  "a b/../c",
  "",
])("Host %p is misdirected", (host) => {
  expect(ask({ host })).toBe(421);
});

test("a web page is refused whatever it claims", () => {
  for (const origin of ["https://evil.test", "null", "http://127.0.0.1:3211", ""])
    expect(ask({ origin })).toBe(403);
  for (const site of ["cross-site", "same-origin", "same-site"])
    expect(ask({ "sec-fetch-site": site })).toBe(403);
  expect(ask({ "sec-fetch-site": "none" })).toBeNull();
});

test("methods and upgrades that cannot be carried are refused in a way that clients understand", () => {
  expect(ask({}, "CONNECT")).toBe(405);
  expect(ask({}, "TRACE")).toBe(405);
  expect(ask({ upgrade: "websocket", connection: "Upgrade" }, "GET")).toBe(426);
});

test("a request that has been here already is a loop", () => {
  expect(ask({ [HOPS_HEADER]: "other, me" })).toBe(508);
  expect(ask({ [HOPS_HEADER]: "a, b, c, d, e" })).toBe(508);
  expect(ask({ [HOPS_HEADER]: "other" })).toBeNull();
});

test("path and query are taken from the URL as text", () => {
  expect(splitUrl("http://127.0.0.1:3211/v1/a?b=c?d")).toEqual({
    path: "/v1/a",
    search: "?b=c?d",
    clientToken: null,
  });
  expect(splitUrl("http://127.0.0.1:3211//evil.test/x")).toEqual({
    path: "//evil.test/x",
    search: "",
    clientToken: null,
  });
  expect(splitUrl("/x")).toBeNull();
  expect(splitUrl("foo:443")).toBeNull();
});

describe("a request over a socket", () => {
  const clientToken = "0123456789abcdef0123456789abcdef";
  let upstream: FakeUpstream;
  let open: TestProxy;
  let locked: TestProxy;
  beforeAll(async () => {
    upstream = await startFakeUpstream(() => GOOD.responses());
    const upstreams = [upstream.baseUrl];
    open = startTestProxy({ upstreams });
    locked = startTestProxy({ upstreams, clientToken });
  });
  afterAll(async () => {
    for (const proxy of [open, locked]) await proxy[Symbol.asyncDispose]();
    await upstream.close();
  });

  async function send(row: GuardRow) {
    const { fields = [], hasClientToken, host = "127.0.0.1:PORT", line = "POST /v1/responses" } = row;
    const proxy = hasClientToken === true ? locked : open;
    const isFramed = fields.some((field) => field.startsWith("Content-Length"));
    const head = [
      `${line} ${row.version ?? "HTTP/1.1"}`,
      ...(host === null ? [] : [`Host: ${host}`]),
      ...fields,
      ...(isFramed || !line.startsWith("POST") ? [] : [`Content-Length: ${TURN.length}`]),
    ];
    await (await proxy.ask(`${hasClientToken === true ? `/ch_${clientToken}` : ""}/v1/responses`, {})).text();
    const instance = upstream.requests.at(-1)?.header(HOPS_HEADER) ?? "";
    const asked = upstream.requests.length;
    await using client = await connectRaw(proxy.port);
    const text = `${head.join("\r\n")}\r\n\r\n${line.startsWith("POST") ? TURN : ""}`;
    client.send(
      text
        .replaceAll("PORT", `${proxy.port}`)
        .replaceAll("INSTANCE", instance)
        .replaceAll("TOKEN", clientToken),
    );
    const answer = await client.response();
    const names = answer.head.fields.map(([name]) => name.toLowerCase());
    expect(names.filter((name) => name.startsWith("access-control-"))).toEqual([]);
    return { status: answer.status, isAsked: upstream.requests.length > asked };
  }

  for (const { rows, title } of GUARD_GROUPS)
    for (const row of rows)
      test(`${title}: ${showRow(row)}: ${row.answer}`, async () => {
        const passes = row.answer === "passes";
        expect(await send(row)).toEqual({ status: passes ? 200 : Number(row.answer), isAsked: passes });
      });
});

// Written anew by: bun test/proxy/guard-table.ts
test("docs/request-guard.md says which", async () => {
  const text = await Bun.file(GUARD_DOC_PATH).text();
  expect(text).toBe(withGuardTable(text));
});
