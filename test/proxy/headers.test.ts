import { expect, test } from "bun:test";
import type { Credential, Upstream } from "../../src/base/upstream.ts";
import { HOPS_HEADER } from "../../src/proxy/guard.ts";
import { makeRequestHeaders, makeResponseHeaders, type RequestHeaderParts } from "../../src/proxy/headers.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const CLIENT = {
  host: "127.0.0.1:3211",
  connection: "keep-alive, x-private",
  "x-private": "1",
  "keep-alive": "timeout=5",
  "proxy-authorization": "Basic c2VjcmV0",
  te: "trailers",
  trailer: "x-t",
  "transfer-encoding": "chunked",
  expect: "100-continue",
  "content-length": "12",
  "content-type": "application/json",
  "content-encoding": "zstd",
  authorization: "Bearer client-token",
  "x-api-key": "client-key",
  cookie: "a=b",
  "chatgpt-account-id": "account",
  "openai-organization": "org",
  "openai-project": "project",
  "x-codex-turn-state": "sticky",
  "x-team": "the client's own",
  originator: "codex_exec",
};

function send(upstream: Partial<Upstream>, more: Partial<RequestHeaderParts> = {}): Record<string, string> {
  return Object.fromEntries(
    makeRequestHeaders({
      client: new Headers(CLIENT),
      upstream: makeUpstream(upstream),
      ownedNames: new Set(["x-team"]),
      decoded: true,
      keepTurnState: false,
      instance: "i-1",
      replaced: {},
      ...more,
    }),
  );
}

test("an upstream gets its own credential and nothing of the client's connection or account", () => {
  const bearer: Credential = { kind: "bearer", secret: "sk-upstream" };
  expect(send({ credential: bearer, headers: { "x-team": "ours" } })).toEqual({
    "content-type": "application/json",
    originator: "codex_exec",
    trailer: "x-t",
    "accept-encoding": "identity",
    authorization: "Bearer sk-upstream",
    "x-team": "ours",
    [HOPS_HEADER]: "i-1",
  });
  const sent = send({ credential: { kind: "api-key", secret: "key-upstream" } });
  expect(sent["x-api-key"]).toBe("key-upstream");
  expect(sent).not.toHaveProperty("authorization");
});

test("a header that only another upstream sets is not taken from the client", () => {
  expect(send({})).not.toHaveProperty("x-team");
  expect(send({ headersAllowed: new Set(["x-team"]) })).toHaveProperty("x-team", "the client's own");
});

test("an upstream that takes the client's own credentials gets them with the account headers", () => {
  const sent = send({ credential: { kind: "client" }, baseUrl: "https://chatgpt.com/backend-api/codex" });
  expect(sent).toMatchObject({
    authorization: "Bearer client-token",
    "chatgpt-account-id": "account",
    "openai-organization": "org",
    cookie: "a=b",
  });
  expect(sent).not.toHaveProperty(HOPS_HEADER);
  expect(sent).not.toHaveProperty("proxy-authorization");
});

test("an untouched body keeps its content encoding and the client's own accept-encoding is passed on", () => {
  const client = new Headers({ "content-encoding": "br", "accept-encoding": "gzip, br" });
  expect(send({}, { client, decoded: false })).toMatchObject({
    "content-encoding": "br",
    "accept-encoding": "gzip, br",
  });
});

test("the turn state goes only to the upstream that issued it", () => {
  expect(send({})).not.toHaveProperty("x-codex-turn-state");
  expect(send({}, { keepTurnState: true })).toHaveProperty("x-codex-turn-state", "sticky");
});

test("redacted header values replace the client's", () => {
  expect(send({}, { replaced: { originator: "[X]" } })).toHaveProperty("originator", "[X]");
});

test("hops are added up, so that a loop is seen", () => {
  const client = new Headers({ [HOPS_HEADER]: "i-0" });
  expect(send({}, { client })).toHaveProperty(HOPS_HEADER, "i-0, i-1");
});

test("an answer keeps its figures and loses what speaks of its connection or would act on a browser", () => {
  const upstream = new Headers({
    connection: "close, x-hop",
    "x-hop": "1",
    "keep-alive": "timeout=5",
    "transfer-encoding": "chunked",
    "content-length": "99",
    "content-type": "text/event-stream",
    "content-encoding": "gzip",
    "alt-svc": "h3=1",
    "strict-transport-security": "max-age=1",
    "clear-site-data": "*",
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "x",
    "x-request-id": "r-1",
    "x-codex-primary-used-percent": "12",
    "x-ratelimit-remaining-requests": "9",
  });
  upstream.append("set-cookie", "a=1");
  expect(Object.fromEntries(makeResponseHeaders({ upstream, decoded: false }))).toEqual({
    "content-type": "text/event-stream",
    "content-encoding": "gzip",
    "x-request-id": "r-1",
    "x-codex-primary-used-percent": "12",
    "x-ratelimit-remaining-requests": "9",
  });
  expect(makeResponseHeaders({ upstream, decoded: true }).has("content-encoding")).toBe(false);
});
