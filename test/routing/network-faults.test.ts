import { expect, test } from "bun:test";
import { fixOf } from "../../src/routing/fixes.ts";
import { NETWORK_FAULTS } from "../../src/routing/network-faults.ts";
import { describeConnection, reasonInEnglish } from "../../src/routing/reasons.ts";
import { expectInEnglish } from "../helpers/expect-in-english.ts";

const SAID: readonly (readonly [code: string, words: string])[] = [
  ["ENOTFOUND", "DNS lookup failed"],
  ["EAI_AGAIN", "DNS lookup failed"],
  ["ECONNREFUSED", "refused the connection"],
  ["ConnectionRefused", "refused the connection"],
  ["EHOSTUNREACH", "no route to it"],
  ["ENETUNREACH", "no route to it"],
  ["ENETDOWN", "no route to it"],
  ["ETIMEDOUT", "connection timed out"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "no TLS on this port: https to an http port"],
  ["ERR_SSL_PACKET_LENGTH_TOO_LONG", "no TLS on this port: https to an http port"],
  ["HTTP_PORT", "no TLS on this port: https to an http port"],
  ["HTTPS_PORT", "TLS on this port: http to an https port"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["CERT_NOT_YET_VALID", "its certificate is not valid yet by this machine's clock"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "its certificate is for another name"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "its certificate is from an unknown authority"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate is from an unknown authority"],
  ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "its certificate is from an unknown authority"],
  ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "its certificate is from an unknown authority"],
  ["CERT_REVOKED", "its certificate was revoked"],
  ["CERT_REJECTED", "certificate refused"],
  ["EPROTO", "the TLS handshake failed"],
  ["ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION", "the TLS handshake failed"],
  // The other side wants a certificate of ours: that says nothing of its own.
  ["ERR_SSL_TLSV1_ALERT_CERTIFICATE_REQUIRED", "the TLS handshake failed"],
  ["Malformed_HTTP_Response", "its answer is not HTTP"],
  ["ResponseHeadersTooLarge", "its headers are too large"],
  ["ECONNRESET", "connection lost"],
];

for (const [code, words] of SAID)
  test(`${code} is told as what it is: ${words}`, () => {
    expectInEnglish(describeConnection(code)).toBe(`${words} (${code})`);
  });

test("each fault of the table has an example", () => {
  const said = new Set(SAID.map(([, words]) => words));
  expect(NETWORK_FAULTS.map(({ words }) => words).filter((words) => !said.has(words))).toEqual([]);
});

test("a code that is not known keeps the rule's words", () => {
  expect(reasonInEnglish({ rule: "never-sent", code: "EWHAT" })).toBe("cannot be reached (EWHAT)");
});

test("what a person has to change has the command for it", () => {
  const of = (rule: string, baseUrl: string, code?: string) =>
    fixOf({ rule, code }, { label: "main#2", service: "codex", baseUrl });
  expect(of("never-sent", "https://127.0.0.1:8080/v1", "ERR_SSL_WRONG_VERSION_NUMBER")).toBe(
    "ch config set main#2 --base-url http://127.0.0.1:8080/v1",
  );
  expect(of("broken-connection", "http://relay.example:443/v1", "HTTPS_PORT")).toBe(
    "ch config set main#2 --base-url https://relay.example/v1",
  );
  // The key would go out in plain text: the port of https is the better guess.
  expect(of("never-sent", "https://relay.example:80/v1", "ERR_SSL_WRONG_VERSION_NUMBER")).toBe(
    "ch config set main#2 --base-url https://relay.example/v1",
  );
  expect(of("page", "https://relay.example")).toBe("ch config set main#2 --base-url URL");
  expect(of("credential", "https://relay.example")).toBe("ch config set main#2 --auth-token-stdin");
  expect(of("never-sent", "https://relay.example", "ECONNREFUSED")).toBe("ch doctor --probe main#2");
  expect(of("rate-limit", "https://relay.example")).toBeNull();
  const claude = { label: "a#1", service: "claude", baseUrl: "https://a.example" } as const;
  expect(fixOf({ rule: "credential" }, { ...claude, credential: "api-key" })).toBe(
    "ch config set a#1 --api-key-stdin --claude",
  );
  expect(fixOf({ rule: "retry-next", cause: { rule: "drift" } }, claude)).toBe(
    "ch doctor --probe a#1 --claude --features",
  );
});
