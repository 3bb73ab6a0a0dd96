import { expect, test } from "bun:test";
import { CREDENTIAL_WORDS, HEADER_ROWS, IDENTITY_HEADERS, isForRelays } from "../../src/base/header-names.ts";
import { makeNamedConfig } from "../../src/config/schema.ts";
import { PRIVACY_DOC_PATH, withHeaderTable } from "./header-table.ts";

// Written anew by: bun test/proxy/header-table.ts
test("the table of headers in docs/privacy.md is what the code does", async () => {
  const text = await Bun.file(PRIVACY_DOC_PATH).text();
  expect(text).toBe(withHeaderTable(text));
  for (const { names, toRelay } of HEADER_ROWS)
    for (const name of names)
      expect([name, isForRelays(name.replace("*", "anything"))]).toEqual([name, toRelay !== "held back"]);
  for (const word of CREDENTIAL_WORDS) expect(isForRelays(`x-codex-${word}`)).toBe(false);
});

test("each name is in one row, in lower case", () => {
  const names = HEADER_ROWS.flatMap((row) => row.names);
  expect(names).toEqual(names.map((name) => name.toLowerCase()));
  expect(new Set(names).size).toBe(names.length);
});

test("headers_allowed takes names of headers, and neither the client's login nor the connection's", () => {
  const takes = (name: string): boolean =>
    makeNamedConfig(() => true).safeParse({
      upstreams: [{ base_url: "https://a.example", headers_allowed: [name] }],
    }).success &&
    makeNamedConfig(() => true).safeParse({
      upstreams: [{ base_url: "https://a.example" }],
      headers_allowed: [name],
    }).success;
  expect(["X-Team", "x-relay-key", "traceparent"].every(takes)).toBe(true);
  for (const name of [...IDENTITY_HEADERS, "Authorization", "Host", "Proxy-Authorization", "a b", "x-*:", ""])
    expect([name, takes(name)]).toEqual([name, false]);
});
