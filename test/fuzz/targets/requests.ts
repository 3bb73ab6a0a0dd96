// Targets for what leaves for an upstream: which headers and parameters of a client it sees, and at which address.
import fc from "fast-check";
import { CREDENTIAL_WORDS, IDENTITY_HEADERS, isCredentialParameter } from "../../../src/base/header-names.ts";
import type { Claim, OwnedNames } from "../../../src/base/owned-names.ts";
import { SERVICES } from "../../../src/base/service.ts";
import type { Upstream } from "../../../src/base/upstream.ts";
import { readBaseUrl } from "../../../src/config/base-url.ts";
import { sendHeaders } from "../../helpers/send-headers.ts";
import { joinTargetUrl } from "../../../src/proxy/target-url.ts";
import { defineTarget, pick } from "../target.ts";

const A = "https://relay-a.example";
const B = "https://relay-b.example";
const VENDOR = "https://api.openai.com";
const ORIGINS = [A, B, VENDOR, null] as const;
const CREDENTIALS: readonly Upstream["credential"][] = [
  { kind: "none" },
  { kind: "client" },
  { kind: "bearer", secret: "ours" },
  { kind: "api-key", secret: "ours" },
];
const NAMES = [
  "x-key",
  "authorization",
  "user-agent",
  "x-codex-a",
  "anthropic-version",
  "cookie",
  "x-team",
  "x-codex-auth-token",
  "connection",
  "session-id",
  "x-api-key",
  "x-stainless-arch",
  "api_key",
  "token",
];
const isName = (name: string): boolean => /^[\w!#$%&'*+.^`|~-]+$/.test(name);
const name = fc.oneof(fc.constantFrom(...NAMES), fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/));

export const HEADERS = defineTarget({
  promise:
    "what a client's files add reaches only the origin it was written for, and no credential reaches a relay",
  covers: ["proxy/held-back.ts", "proxy/headers.ts", "base/owned-names.ts", "base/header-names.ts"],
  words: [...NAMES, ...CREDENTIAL_WORDS, "x-", "-", "_", "%2d", "anthropic-", "keep-alive, "],
  arbitrary: fc.record({
    claims: fc.array(
      fc.record({
        name,
        origin: fc.nat({ max: 3 }),
        value: fc.nat({ max: 2 }),
        isKnown: fc.boolean(),
        isInUse: fc.boolean(),
      }),
      { maxLength: 6 },
    ),
    headers: fc.array(fc.record({ name, value: fc.nat({ max: 2 }) }), { maxLength: 6 }),
    parameters: fc.array(fc.record({ name, value: fc.nat({ max: 2 }) }), { maxLength: 3 }),
    allowed: fc.array(name, { maxLength: 2 }),
    to: fc.nat({ max: 2 }),
    credential: fc.nat({ max: 3 }),
  }),
  check({ allowed, claims, credential, headers, parameters, to }) {
    const lower = claims
      .map((claim) => ({ ...claim, name: claim.name.toLowerCase() }))
      .filter((claim) => isName(claim.name));
    const valueOf = (number: number): string => `value-${number % 3}`;
    const group = (): Map<string, Claim[]> =>
      Map.groupBy(
        lower.map((claim): Claim & { name: string } => ({
          name: claim.name,
          origin: pick(ORIGINS, claim.origin),
          value: claim.isKnown ? valueOf(claim.value) : null,
          isInUse: claim.isInUse,
          shown: claim.name,
        })),
        (claim) => claim.name,
      );
    const owned: OwnedNames = { headers: group(), parameters: group() };
    const client = headers
      .filter((header) => isName(header.name))
      .map((header): [string, string] => [header.name.toLowerCase(), valueOf(header.value)]);
    const origin = pick([A, B, VENDOR], to);
    const isOfficial = origin === VENDOR;
    const own = pick(CREDENTIALS, credential);
    const headersAllowed = new Set(
      allowed
        .filter((one) => isName(one) && !IDENTITY_HEADERS.has(one.toLowerCase()))
        .map((one) => one.toLowerCase()),
    );
    const pairs = parameters.map(
      (one) => `${encodeURIComponent(one.name.toWellFormed())}=${valueOf(one.value)}`,
    );
    const sent = sendHeaders(Object.fromEntries(client), {
      owned,
      baseUrl: `${origin}/v1`,
      credential: own,
      headersAllowed,
      search: pairs.length === 0 ? "" : `?${pairs.join("&")}`,
    });
    let passed = 0;
    for (const [header, value] of new Map(client)) {
      if (sent.headers[header] !== value) continue;
      passed += 1;
      if (headersAllowed.has(header)) continue;
      const problem = mayNotSee({
        claims: owned.headers.get(header),
        name: header,
        value,
        origin,
        isOfficial,
      });
      if (problem !== null) throw new Error(`${header} at ${origin}: ${problem}`);
      const isTheirs = owned.headers.get(header)?.some((claim) => claim.origin === origin) === true;
      if (IDENTITY_HEADERS.has(header) && own.kind !== "client" && !(own.kind === "none" && isTheirs))
        throw new Error(`${header}: the client's own login at ${origin}`);
      if (header === "connection") throw new Error("a header of the connection");
    }
    for (const [parameter, value] of new URLSearchParams(sent.search)) {
      const all = owned.parameters.get(parameter.toLowerCase());
      const isHidden = !isOfficial && isCredentialParameter(parameter.toLowerCase()) && all === undefined;
      if (isHidden || (all !== undefined && !belongs(all, value, origin)))
        throw new Error(`?${parameter} at ${origin}`);
    }
    return `${isOfficial} ${own.kind} ${Math.min(3, passed)} ${Math.min(3, sent.names.length)}`;
  },
});

/** By the table's literal where one has this value, else by the origins of those whose value only the client knows. */
function belongs(claims: readonly Claim[], value: string, origin: string): boolean {
  const literal = claims.filter((claim) => claim.value === value);
  return (literal.length > 0 ? literal : claims).some((claim) => claim.origin === origin);
}

interface Seen {
  readonly claims: readonly Claim[] | undefined;
  readonly name: string;
  readonly value: string;
  readonly origin: string;
  readonly isOfficial: boolean;
}

function mayNotSee({ claims, isOfficial, name: header, origin, value }: Seen): string | null {
  const isOwn = claims !== undefined && belongs(claims, value, origin);
  if (claims?.some((claim) => claim.value === value) === true && !isOwn) return "written for another origin";
  const last = header.split(/[-_.]/).at(-1) ?? "";
  if (
    !isOfficial &&
    !isOwn &&
    !IDENTITY_HEADERS.has(header) &&
    header !== "idempotency-key" &&
    CREDENTIAL_WORDS.includes(last)
  )
    return "a credential by its name";
  return null;
}

const URL_WORDS = [
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
  "?",
  "#",
  " ",
  "v1",
  "/v1",
  "\t",
  ";",
  "http://",
  "[::1]",
  "xn--",
];

export const TARGET_URL = defineTarget({
  promise: "no path, query or base leads a request off the base's origin and prefix",
  covers: ["proxy/target-url.ts", "config/base-url.ts"],
  words: URL_WORDS,
  arbitrary: fc.record({
    service: fc.nat({ max: 1 }),
    base: fc
      .tuple(
        fc.constantFrom(
          "https://relay.example",
          "http://v1",
          "https://xn--mgba3gch31f.example:8443",
          "http://[::1]:80",
        ),
        fc.array(fc.constantFrom("/v1", "/team", "/a//b", "/%2e", "/;x", "/", "/é", "/~u"), { maxLength: 3 }),
      )
      .map(([origin, parts]) => origin + parts.join("")),
    path: fc
      .array(fc.constantFrom(...URL_WORDS, "a", "é", "responses"), { maxLength: 8 })
      .map((parts) => `/${parts.join("")}`),
    search: fc.oneof(fc.constant(""), fc.string({ maxLength: 12 }), fc.webQueryParameters()),
    query: fc.array(fc.record({ name: fc.string({ maxLength: 6 }), value: fc.string({ maxLength: 6 }) }), {
      maxLength: 2,
    }),
  }),
  check({ base, path: drawn, query, search: text, service }) {
    const read = readBaseUrl(base);
    if (read.kind !== "ok") return "no base";
    // As they come out of a request's target: text up to the "?", and from there on what a parser gives.
    const path = `/${drawn.replace(/^\//, "").replace(/[?#].*/s, "")}`;
    const { search } = new URL(`http://relay.example/${text === "" ? "" : "?"}${text.replaceAll("#", "")}`);
    const own = Object.fromEntries(
      query
        .filter((one) => one.name.isWellFormed() && one.value.isWellFormed())
        .map((one) => [one.name, one.value]),
    );
    const url = joinTargetUrl({
      service: pick(SERVICES, service),
      baseUrl: read.url,
      path,
      search,
      query: own,
    });
    if (url === null) return "refused";
    const [to, from] = [new URL(url), new URL(read.url)];
    const prefix = from.pathname.replace(/\/+$/, "").replace(/\/v1$/, "");
    for (const part of ["protocol", "username", "password", "host", "hash"] as const)
      if (to[part] !== from[part]) throw new Error(`${part}: ${url}`);
    if (to.pathname !== prefix && !to.pathname.startsWith(`${prefix}/`)) throw new Error(`path: ${url}`);
    if (/(?:^|\/)\.\.?(?:\/|$)/.test(decodeAll(to.pathname.slice(prefix.length))))
      throw new Error(`dot segment: ${url}`);
    for (const [key, value] of Object.entries(own)) {
      const values = to.searchParams.getAll(key);
      if (values.length !== 1 || values[0] !== value)
        throw new Error(`?${key} is ${JSON.stringify(values)} and not ${JSON.stringify(value)}: ${url}`);
    }
    return `joined ${Object.keys(own).length} ${search === ""} ${/%/.test(path)}`;
  },
});

function decodeAll(path: string): string {
  return path
    .replace(/%2e/gi, ".")
    .replace(/%2f/gi, "/")
    .replace(/%5c|\\/gi, "/");
}
