import { expect, test } from "bun:test";
import { readBaseUrl } from "../../src/config/base-url.ts";
import { joinTargetUrl } from "../../src/proxy/target-url.ts";
import { shortRound } from "../fuzz/short-round.ts";

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
  for (const name of ["a+b", "a%20b", "%61+b"])
    expect(join("codex", "https://r.example/v1", "/x", `?${name}=1&%zz=2`, { "a b": "3" })).toBe(
      "https://r.example/v1/x?%zz=2&a%20b=3",
    );
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
  "/..;/admin",
  "/.;x/admin",
  "/..;a=b/admin",
  "/%2e%2e;/admin",
  "/..%3b/admin",
  "/..%3f/admin",
  "/..%00/admin",
  "/..%20/admin",
  "/..%09/admin",
  "/%252e%252e/admin",
  "/..%252fadmin",
  "/%25252e./admin",
  "/%2525252e./admin",
  "/..%ef%bc%8fadmin",
  "/%e2%80%a5/admin",
  "/%ef%bc%8e./admin",
  "/\u2025/admin",
  "/%uff0e./admin",
  "/%u002e./admin",
  "/%c0%ae%c0%ae/admin",
  "/..%c0%afadmin",
  "/a%0d%0aX:%20y",
  "/a%00b",
])("the path %s is refused", (path) => {
  expect(join("claude", "https://relay.example/api", path)).toBeNull();
});

test.each([
  "/files/a%20b.txt",
  "/models/org%2Fname",
  "/files/%E4%BD%A0.txt",
  "/files/100%25.txt",
  "/files/a;v=1",
  "/..a/x",
  "/.../x",
  "/.well-known/x",
  "/a%3Fb",
])("the path %s is asked as it is", (path) => {
  expect(join("claude", "https://relay.example/api", path)).toBe(`https://relay.example/api${path}`);
});

test.each(["/\t%2e%2e%2fadmin", "/%2e\t%2e%2fadmin", "/x%2f\n..%2fadmin", "/x%2f.. ", "/.\t./%2e%2e"])(
  "a path that a parser of URLs makes into a dotted segment is refused: %j",
  (path) => {
    expect(join("claude", "https://relay.example/api", path)).toBeNull();
  },
);

// The kinds of https://url.spec.whatwg.org's own test data: each part of an address in its odd forms.
const HOSTS = [
  "a b",
  "",
  ..."relay.example v1 responses xn--mgba3gch31f.example EXAMPLE.com. a_b 127.0.0.1 0x7f.1".split(" "),
  ..."[::1] [::ffff:7f00:1] %76%31 ｖ１ a%2fb .. 0300.168.1".split(" "),
];
const PORTS = ["", ":443", ":8080", ":65536"];
const USERS = ["", "u:p@", "@", "u@v1@"];
const PREFIXES = ["", ..."/ /v1 /v1/ /team/v1 /v1/v1 /a//b /%2e%2e/v1 /é /a;b /.. /v1?x /#v1".split(" ")];
const PATHS = [
  "",
  "/ x",
  "/ \u3000",
  ..."/v1/responses /v1 / /v1/ //v1 /// /v1//x /@h /:80 /v1@h:80/x /h:80/x /\\h /.. /../x /./x /%2e%2e/x".split(
    " ",
  ),
  ...'/.%2E/x /x/%2e /..;/x /%00 /%zz /x\t /x\ny /\ud800 /é /%C3%A9 /ﬀ /a|b /C|/x /C:/x /^`{} /"<>'.split(
    " ",
  ),
  ..."/[::1] /%5b /http://h/x /javascript:x /%2f%2fh /%5ch /v1%2f..%2f.. /\u00ad /\ufeff /a% /. /... /.a".split(
    " ",
  ),
  ..."/~x /* /x;/../y".split(" "),
];

test("scheme, user, host and port of the base never change, and its path stays in front", () => {
  let joined = 0;
  for (const scheme of ["http", "https", "ws"]) {
    for (const host of HOSTS.flatMap((one) => PORTS.map((port) => one + port))) {
      for (const prefix of PREFIXES) {
        for (const user of USERS) {
          const base = `${scheme}://${user}${host}${prefix}`;
          if (!URL.canParse(base)) continue;
          const read = readBaseUrl(base);
          for (const path of PATHS) {
            for (const service of ["codex", "claude"] as const) {
              const url = join(service, read.kind === "ok" ? read.url : base, path);
              if (url === null) continue;
              joined += 1;
              if (!keepsBase(url, base)) throw new Error(`${service}: ${base} with ${path} asks ${url}`);
            }
          }
        }
      }
    }
  }
  expect(joined).toBeGreaterThan(50_000);
});

function keepsBase(url: string, base: string): boolean {
  const [to, from] = [new URL(url), new URL(base)];
  const prefix = from.pathname.replace(/\/+$/, "").replace(/\/v1$/, "");
  const parts = ["protocol", "username", "password", "host", "hash", "search"] as const;
  return (
    parts.every((part) => to[part] === from[part]) &&
    (to.pathname === prefix || to.pathname.startsWith(`${prefix}/`))
  );
}

test("no path ever leads off the base's origin or prefix", () => shortRound("target-url", 2000));
