import { expect, test } from "bun:test";
import { HOPS_HEADER, makeAllowedHosts, refuse, splitUrl } from "../../src/proxy/guard.ts";

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
