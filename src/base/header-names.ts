// The request headers that are known, and who may see them: as data, for the proxy, for config.json and for docs/privacy.md.
// A header that is in no row is not sent to a relay.
// Pure.

/** `relay`: any upstream that is not the vendor's own API. */
export interface HeaderRow {
  /** Lower case. One that ends in "*" stands for all that begin so. */
  readonly names: readonly string[];
  /** What of its families today's clients send. */
  readonly seen?: readonly string[];
  readonly toVendor: HeaderTreatment;
  readonly toRelay: HeaderTreatment;
  /** For docs/privacy.md, as the reason. */
  readonly what: string;
  readonly why: string;
}

export type HeaderTreatment =
  | "sent"
  /** Only to an upstream that uses the client's own credentials. */
  | "login"
  | "held back"
  /** Made anew for each connection. */
  | "replaced";

/** In the order in which they are asked. What looks like a credential is none where its name is in a row that is sent. */
export const HEADER_ROWS: readonly HeaderRow[] = [
  {
    // RFC 9110 7.6.1 and what fetch sets by itself; the framing of our message may differ (RFC 9112 6).
    names: [
      "connection",
      "content-length",
      "expect",
      "host",
      "http2-settings",
      "keep-alive",
      "proxy-authenticate",
      "proxy-authorization",
      "proxy-connection",
      "te",
      "transfer-encoding",
      "upgrade",
    ],
    toVendor: "replaced",
    toRelay: "replaced",
    what: "of the connection",
    why: "made anew for the connection to the upstream",
  },
  {
    names: [
      "api-key",
      "authorization",
      "chatgpt-account-id",
      "cookie",
      "openai-organization",
      "openai-project",
      "x-api-key",
    ],
    toVendor: "login",
    toRelay: "login",
    what: "the login",
    why: "your account: every other upstream gets its own key instead",
  },
  {
    names: [
      "accept",
      "accept-charset",
      "accept-encoding",
      "accept-language",
      "cache-control",
      "content-encoding",
      "content-language",
      "content-type",
      "date",
      "idempotency-key",
      "if-match",
      "if-modified-since",
      "if-none-match",
      "if-range",
      "if-unmodified-since",
      "pragma",
      "prefer",
      "priority",
      "range",
      "request-id",
      "sec-fetch-dest",
      "sec-fetch-mode",
      "sec-fetch-site",
      "trailer",
      "user-agent",
      "x-request-id",
    ],
    toVendor: "sent",
    toRelay: "sent",
    what: "standard",
    why: "what the body is, what answer is wanted, which program asks",
  },
  {
    names: [
      "conversation_id",
      "openai-beta",
      "openai-intent",
      "originator",
      "session-id",
      "session_id",
      "thread-id",
      "version",
      "x-client-request-id",
      "x-codex-*",
      "x-oai-*",
      "x-openai-*",
      "x-responsesapi-*",
    ],
    seen: [
      "x-codex-beta-features",
      "x-codex-turn-metadata",
      "x-codex-window-id",
      "x-openai-internal-codex-responses-lite",
    ],
    toVendor: "sent",
    toRelay: "sent",
    what: "of Codex and OpenAI's libraries",
    why: "session, turn and features",
  },
  {
    names: ["anthropic-*", "x-anthropic-*", "x-app", "x-claude-*", "x-client-app"],
    seen: [
      "anthropic-beta",
      "anthropic-dangerous-direct-browser-access",
      "anthropic-version",
      "x-claude-code-session-id",
    ],
    toVendor: "sent",
    toRelay: "sent",
    what: "of Claude Code",
    why: "version of the API, features, session",
  },
  {
    names: ["x-stainless-*"],
    seen: [
      "x-stainless-arch",
      "x-stainless-lang",
      "x-stainless-os",
      "x-stainless-package-version",
      "x-stainless-retry-count",
      "x-stainless-runtime",
      "x-stainless-runtime-version",
      "x-stainless-timeout",
    ],
    toVendor: "sent",
    toRelay: "sent",
    what: "of both vendors' libraries",
    why: "their version, operating system and runtime",
  },
  {
    // Seen in public: gateways, clouds, relays and what stands before them.
    names: [
      "apikey",
      "auth",
      "cf-access-client-id",
      "cf-access-client-secret",
      "cf-access-jwt-assertion",
      "cf-access-token",
      "cf-aig-authorization",
      "dpop",
      "helicone-auth",
      "ocp-apim-subscription-key",
      "portkey-api-key",
      "private-token",
      "token",
      "x-access-token",
      "x-amz-security-token",
      "x-amzn-oidc-data",
      "x-api-token",
      "x-auth-key",
      "x-auth-token",
      "x-authorization",
      "x-aws-ec2-metadata-token",
      "x-csrf-token",
      "x-functions-key",
      "x-github-token",
      "x-goog-api-key",
      "x-goog-iap-jwt-assertion",
      "x-goog-user-project",
      "x-jwt-assertion",
      "x-litellm-api-key",
      "x-ms-token-aad-access-token",
      "x-openai-actor-authorization",
      "x-openai-agent-assertion",
      "x-oai-attestation",
      "x-portkey-api-key",
      "x-portkey-config",
      "x-portkey-virtual-key",
      "x-session-token",
      "x-subscription-token",
      "x-trusted-device-token",
      "x-user-token",
      "x-vault-token",
      "x-xsrf-token",
    ],
    toVendor: "sent",
    toRelay: "held back",
    what: "credentials by name",
    why: "a key of somebody else",
  },
];

/** A name that ends in such a word holds a credential, whatever stands before it. */
export const CREDENTIAL_WORDS: readonly string[] = [
  "apikey",
  "assertion",
  "attestation",
  "auth",
  "authorization",
  "bearer",
  "cookie",
  "credential",
  "credentials",
  "jwt",
  "key",
  "passphrase",
  "passwd",
  "password",
  "pwd",
  "secret",
  "sig",
  "signature",
  "token",
];

/** And so does one that has such a part anywhere. */
export const CREDENTIAL_PARTS: readonly string[] = ["api-key", "apikey", "password", "secret"];

const namesWith = (...treatments: readonly HeaderTreatment[]): readonly string[] =>
  HEADER_ROWS.filter(({ toRelay }) => treatments.includes(toRelay)).flatMap(({ names }) => names);

/** Who the client is. */
export const IDENTITY_HEADERS: ReadonlySet<string> = new Set(namesWith("login"));
/** What belongs to the client's connection. */
export const CONNECTION_HEADERS: readonly string[] = namesWith("replaced");
/** What no upstream gets just because the client sends it. */
export const CLIENT_HEADERS: ReadonlySet<string> = new Set([...CONNECTION_HEADERS, ...IDENTITY_HEADERS]);

/** The names themselves, so that a turn of today's clients asks no pattern. */
const KNOWN: ReadonlySet<string> = new Set([
  ...namesWith("sent", "login", "replaced").filter((name) => !name.endsWith("*")),
  ...HEADER_ROWS.flatMap(({ seen = [] }) => seen),
]);
const HELD: ReadonlySet<string> = new Set(namesWith("held back"));
const FAMILIES = namesWith("sent").flatMap((name) => (name.endsWith("*") ? [name.slice(0, -1)] : []));
const CREDENTIAL = new RegExp(`(?:^|[-_.])(?:${CREDENTIAL_WORDS.join("|")})$|${CREDENTIAL_PARTS.join("|")}`);

/** What a request could not be read without, and what holds no secret: whoever sets it, every upstream needs it. */
export function isAboutMessage(name: string): boolean {
  return (
    CONNECTION_HEADERS.includes(name) || /^(?:accept(?:-encoding)?|content-(?:encoding|type))$/.test(name)
  );
}

/** Tells where in a list to go on. */
const PLACE_IN_LIST = /(?:page|next|previous|continuation)[-_.]?token$/;

const MAYBE_CREDENTIAL = new RegExp(`[%+]|${[...CREDENTIAL_WORDS, ...CREDENTIAL_PARTS].join("|")}`, "i");

/** Could any parameter of a query hold a credential? A cheap look, which may say so of one that does not. */
export function mayHoldCredential(search: string): boolean {
  return MAYBE_CREDENTIAL.test(search);
}

/** Does a parameter of an address (lower case) hold a credential, by its name? "key", "api_key", "token[0]". */
export function isCredentialParameter(name: string): boolean {
  const plain = name.replace(/\[[^\]]*\]$/, "");
  return CREDENTIAL.test(plain) && !PLACE_IN_LIST.test(plain);
}

/** May a relay see a header of this name, as far as the name tells? Lower case. */
export function isForRelays(name: string): boolean {
  return KNOWN.has(name) || (!HELD.has(name) && isOfFamily(name) && !CREDENTIAL.test(name));
}

/** Is a header in no row? One that a relay's own settings may add, or a new version of a client. Lower case. */
export function isUnknownHeader(name: string): boolean {
  return (
    /^[a-z]/.test(name) && !KNOWN.has(name) && !HELD.has(name) && !isOfFamily(name) && !CREDENTIAL.test(name)
  );
}

function isOfFamily(name: string): boolean {
  return FAMILIES.some((family) => name.startsWith(family));
}
