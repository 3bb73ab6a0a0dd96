import { expect, test } from "bun:test";
import fc from "fast-check";
import { joinTargetUrl } from "../../src/proxy/target-url.ts";

const join = (
  service: "codex" | "claude",
  baseUrl: string,
  path: string,
  search = "",
  query = {},
): string | null => joinTargetUrl({ service, baseUrl, path, search, query });

test.each([
  ["codex", "https://relay.example/v1", "/v1/responses", "https://relay.example/v1/responses"],
  ["codex", "https://relay.example/v1", "/responses", "https://relay.example/v1/responses"],
  ["codex", "https://relay.example", "/v1/responses", "https://relay.example/v1/responses"],
  ["codex", "https://relay.example/openai", "/v1/models", "https://relay.example/openai/models"],
  [
    "codex",
    "https://chatgpt.com/backend-api/codex",
    "/v1/responses",
    "https://chatgpt.com/backend-api/codex/responses",
  ],
  ["codex", "https://relay.example/v1", "/v1beta/x", "https://relay.example/v1/v1beta/x"],
  ["codex", "https://relay.example/v1", "/v1", "https://relay.example/v1"],
  ["claude", "https://relay.example", "/v1/messages", "https://relay.example/v1/messages"],
  ["claude", "https://relay.example/v1", "/v1/messages", "https://relay.example/v1/messages"],
  ["claude", "https://relay.example/api", "/v1/messages", "https://relay.example/api/v1/messages"],
  ["claude", "http://v1", "/v1/messages", "http://v1/v1/messages"],
  ["claude", "http://v1", "/127.0.0.1:80/x", "http://v1/127.0.0.1:80/x"],
  ["claude", "http://v1/v1", "/v1/messages", "http://v1/v1/messages"],
  ["codex", "http://v1", "/v1/responses", "http://v1/v1/responses"],
] as const)("%s: %s with %s asks %s", (service, base, path, expected) => {
  expect(join(service, base, path)).toBe(expected);
});

test("the client's query is kept and the upstream's parameters win over its own", () => {
  expect(join("claude", "https://r.example", "/v1/messages", "?beta=true")).toBe(
    "https://r.example/v1/messages?beta=true",
  );
  expect(
    join("codex", "https://r.example/v1", "/v1/responses", "?a=1&api-version=x", { "api-version": "2 b" }),
  ).toBe("https://r.example/v1/responses?a=1&api-version=2%20b");
});

test.each([
  "//evil.example/x",
  "/../admin",
  "/%2e%2e/admin",
  "/a/%2E%2e/admin",
  "/a\\..\\admin",
  "/a%5c..",
  "/..%2fadmin",
  "/./x",
  "/x%2f..%2f..%2fadmin",
])("the path %s is refused", (path) => {
  expect(join("claude", "https://relay.example/api", path)).toBeNull();
});

test("no path ever leads off the base's origin or prefix", () => {
  const piece = fc.constantFrom(
    "/",
    "//",
    "..",
    ".",
    "%2e",
    "%2E%2e",
    "\\",
    "@evil.example",
    ":80",
    "%2f",
    "%5c",
    "a",
    "?",
    "#",
    " ",
    "v1",
    "é",
    "\t",
    "",
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), fc.constantFrom("codex", "claude"), (pieces, service) => {
      const url = join(service, "https://relay.example/team/v1", `/${pieces.join("").replace(/[?#].*/, "")}`);
      if (url === null) return;
      const parsed = new URL(url);
      expect(parsed.origin).toBe("https://relay.example");
      expect(`${parsed.pathname}/`).toStartWith("/team/");
    }),
    { numRuns: 2000 },
  );
});
