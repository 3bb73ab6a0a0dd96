import { describe, expect, test } from "bun:test";
import { type Claim, type OwnedNames } from "../../src/base/owned-names.ts";
import { shortRound } from "../fuzz/short-round.ts";
import { sendHeaders as send } from "../helpers/send-headers.ts";

const A = "https://relay-a.example";
const B = "https://relay-b.example";
const VENDOR = "https://api.openai.com/v1";

type Claims = Readonly<
  Record<string, readonly (readonly [origin: string | null, value?: string, inUse?: boolean])[]>
>;

function own(headers: Claims, parameters: Claims = {}): OwnedNames {
  const compile = (all: Claims): Map<string, Claim[]> =>
    new Map(
      Object.entries(all).map(([name, claims]) => [
        name,
        claims.map(([origin, value = null, isInUse = false]) => ({ origin, value, isInUse, shown: name })),
      ]),
    );
  return { headers: compile(headers), parameters: compile(parameters) };
}

describe("what the client's own file adds for one relay", () => {
  const owned = own({ "x-relay-key": [[A]], "x-codex-extra": [[A, "a"]] }, { key: [[A]] });
  const client = { "X-Relay-Key": "a-secret", "x-codex-extra": "a", originator: "codex_exec" };
  const search = "?client_version=1&KEY=a%20secret";

  test("arrives there whole", () => {
    expect(send(client, { owned, search, baseUrl: `${A}/v1` })).toEqual({
      headers: { "x-relay-key": "a-secret", "x-codex-extra": "a", originator: "codex_exec" },
      search,
      names: [],
    });
  });

  for (const [who, baseUrl] of [
    ["another relay", B],
    ["the vendor's own API", VENDOR],
    ["the same host on another port", `${A}:8443/v1`],
    ["the same host without TLS", "http://relay-a.example/v1"],
    ["a host that begins with its name", "https://relay-a.example.evil/v1"],
  ] as const) {
    test(`does not arrive at ${who}`, () => {
      expect(send(client, { owned, search, baseUrl })).toEqual({
        headers: { originator: "codex_exec" },
        search: "?client_version=1",
        names: ["x-relay-key", "x-codex-extra", "?key"],
      });
    });
  }

  test("passes where headers_allowed names it", () => {
    const { headers } = send(client, { owned, headersAllowed: new Set(["x-relay-key"]) });
    expect(headers).toEqual({ "x-relay-key": "a-secret", originator: "codex_exec" });
  });

  test("goes nowhere while it is not known for whom it is", () => {
    const nobody = own({ "x-relay-key": [[null]] });
    for (const baseUrl of [A, B, VENDOR])
      expect(send(client, { owned: nobody, baseUrl }).headers).not.toHaveProperty("x-relay-key");
  });
});

describe("two tables with the same name", () => {
  const seenAt = (owned: OwnedNames, value: string): string[] =>
    [A, B].filter((baseUrl) => "x-key" in send({ "x-key": value }, { owned, baseUrl }).headers);

  test.each([
    [
      "the value tells whose it is",
      [
        [A, "a"],
        [B, "b"],
      ],
      "a",
      [A],
    ],
    [
      "the same value is both's",
      [
        [A, "a"],
        [B, "a"],
      ],
      "a",
      [A, B],
    ],
    ["a value that only the client knows is that of the table in use", [[A, undefined, true], [B]], "x", [A]],
    [
      "a value that changed since is that of the table in use",
      [
        [A, "old"],
        [B, "b", true],
      ],
      "new",
      [B],
    ],
    [
      "two tables that were in use and no value: nobody's",
      [
        [A, undefined, true],
        [B, undefined, true],
      ],
      "x",
      [],
    ],
    ["no table in use and no value: nobody's", [[A], [B]], "x", []],
    [
      "one relay with two tables",
      [
        [A, "1"],
        [A, "2"],
      ],
      "3",
      [A],
    ],
    [
      "a table whose relay is not known, by its value",
      [
        [A, "a", true],
        [null, "n"],
      ],
      "n",
      [],
    ],
  ] as const)("%s", (_, claims, value, expected) => {
    expect(seenAt(own({ "x-key": claims as Claims[string] }), value)).toEqual([...expected]);
  });
});

describe("a standard name that the client's file sets", () => {
  test("is left out for others, and what an API cannot do without is put in its place", () => {
    const owned = own({
      "user-agent": [[A, "relay-a-agent"]],
      "anthropic-version": [[A, "2099-01-01"]],
      "anthropic-beta": [[A, "a-beta"]],
    });
    const client = {
      "user-agent": "relay-a-agent",
      "anthropic-version": "2099-01-01",
      "anthropic-beta": "a-beta",
    };
    expect(send(client, { owned, baseUrl: A }).headers).toEqual(client);
    expect(send(client, { owned }).headers).toEqual({
      "user-agent": "codex-helper",
      "anthropic-version": "2023-06-01",
    });
  });

  test("is the client's own where it has another value there", () => {
    const owned = own({ "anthropic-beta": [[A, "a-beta"]], "session-id": [[A, "fixed"]] });
    const client = { "anthropic-beta": "context-management-2025-06-27", "session-id": "s-1" };
    expect(send(client, { owned }).headers).toEqual(client);
  });

  test("is a credential only for its relay, where that has no key of ours", () => {
    const owned = own({ authorization: [[A, "Bearer a"]], cookie: [[A, "id=a"]] });
    const client = { authorization: "Bearer a", cookie: "id=a" };
    expect(send(client, { owned, baseUrl: A }).headers).toEqual(client);
    expect(send(client, { owned }).headers).toEqual({});
    const bearer = { kind: "bearer", secret: "ours" } as const;
    expect(send(client, { owned, baseUrl: A, credential: bearer }).headers).toEqual({
      authorization: "Bearer ours",
    });
    const login = { kind: "client" } as const;
    expect(send(client, { owned, baseUrl: VENDOR, credential: login }).headers).toEqual({});
    expect(
      send({ authorization: "Bearer login" }, { owned, baseUrl: VENDOR, credential: login }).headers,
    ).toEqual({
      authorization: "Bearer login",
    });
  });
});

describe("a header that nobody claims", () => {
  const CREDENTIALS =
    "X-Goog-Api-Key X-Auth-Token CF-Access-Client-Secret Helicone-Auth Private-Token Apikey X-Anything-Token " +
    "x_team_secret Some-Password-2 X-My-Credentials X-Sig X-Codex-Auth-Token Anthropic-Admin-Key " +
    "X-Stainless-Api-Key X-OAI-Attestation";
  const UNKNOWN = "X-Team X-Forwarded-For Referer HTTP-Referer X-Title traceparent openai-x";

  test.each(`${CREDENTIALS} ${UNKNOWN}`.split(" "))(
    "%s is held back from a relay, and not from the vendor",
    (name) => {
      expect(send({ [name]: "v" }, {})).toEqual({ headers: {}, search: "", names: [name.toLowerCase()] });
      expect(send({ [name]: "v" }, { baseUrl: VENDOR }).headers).toEqual({ [name.toLowerCase()]: "v" });
      const headersAllowed = new Set([name.toLowerCase()]);
      expect(send({ [name]: "v" }, { headersAllowed }).headers).toEqual({ [name.toLowerCase()]: "v" });
    },
  );

  // What a new version of a client may bring must not cost a turn.
  const KNOWN =
    "anthropic-new-feature x-claude-code-new-id x-codex-new x-stainless-poll-helper openai-beta " +
    "x-openai-internal-new x-codex-token-budget anthropic-max-tokens x-anthropic-new session-id " +
    "idempotency-key accept-language sec-fetch-mode user-agent content-type x-app";

  test.each(KNOWN.split(" "))("%s passes everywhere", (name) => {
    const sent = { headers: { [name]: "v" }, search: "", names: [] };
    expect(send({ [name]: "v" }, {})).toEqual(sent);
    expect(send({ [name]: "v" }, { baseUrl: VENDOR })).toEqual(sent);
  });
});

test.each([
  "relay_key",
  "x-goog-api-key",
  "my.token",
  "token[0]",
  "jwt",
  "aws_secret_access_key",
  "X-Amz-Signature",
])("the parameter %s is not sent to a relay", (name) => {
  expect(send({}, { search: `?${name}=v&keyboard=1&tokens=2` }).search).toBe("?keyboard=1&tokens=2");
  expect(send({}, { search: `?${name}=v`, baseUrl: VENDOR, isOfficial: true }).search).toBe(`?${name}=v`);
});

test("a parameter that looks like a credential is held back from a relay, and the rest keeps its bytes", () => {
  const search = "?a=%2F+x&api_key=1&%6bey=2&b&page_token=3&Token=4";
  expect(send({}, { search })).toMatchObject({
    search: "?a=%2F+x&b&page_token=3",
    names: ["?api_key", "?key", "?token"],
  });
  expect(send({}, { search, baseUrl: VENDOR })).toMatchObject({ search, names: [] });
  expect(send({}, { search: "?key=1" }).search).toBe("");
  expect(send({}, { search: "?beta=true" }).search).toBe("?beta=true");
});

test("whatever several tables add, a value reaches only the origins that have it", () =>
  shortRound("headers", 3000));

describe("the names of one request are not taken for those of the next", () => {
  const plain = [
    ["accept", "*/*"],
    ["originator", "codex_exec"],
    ["version", "1"],
  ] as const;
  for (const [what, before] of [
    ["as many others", plain.map(([name, value]) => [name, value] as const)],
    [
      "one that is there twice",
      [
        ["accept", "*/*"],
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ] as const,
    ],
  ] as const)
    test(`after ${what}`, () => {
      send(
        before.map(([name, value]) => [name, value]),
        {},
      );
      const others = [before[0], before[1], ["x-relay-key", "secret"]] as const;
      const { headers, names } = send(
        others.map(([name, value]) => [name, value]),
        {},
      );
      expect(headers).not.toHaveProperty("x-relay-key");
      expect(names).toContain("x-relay-key");
    });
});
