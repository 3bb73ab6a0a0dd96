// From what a relay's page offers to be copied to an address and a key: a base URL, lines that set variables for any shell,
// a piece of a settings file, a curl line, prose with both in it. Nothing of it is ever run.
// Pure.
import { type Service, isOfficial } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import { guessBaseUrl, readBaseUrl } from "../../config/base-url.ts";
import type { AuthEntry } from "../../config/schema.ts";

export interface PastedUpstream {
  readonly kind: "upstream";
  /** In the form that config.json has. */
  readonly baseUrl: string;
  /** Null where no key was in it; never a placeholder such as "sk-xxxx". */
  readonly auth: AuthEntry | null;
  /** The client that it names, where it names only one. */
  readonly service: Service | null;
  /** Why the address is not the one that was pasted, or null. */
  readonly note: Text | null;
}

export type Pasted =
  | PastedUpstream
  | { readonly kind: "link"; readonly link: string }
  /** Repeats nothing of what was pasted: it may be a key. */
  | { readonly kind: "refused"; readonly why: Text };

interface Assignment {
  readonly name: string;
  readonly value: string;
}

/** What `service` would make of it. */
export function readPaste(text: string, service: Service): Pasted {
  const link = /\bccswitch:\/\/[^\s"'`]+/i.exec(text)?.[0];
  if (link !== undefined) return { kind: "link", link };
  const plain = withoutComments(text);
  const all = listAssignments(plain);
  const services = new Set(
    all.map(({ name }) => serviceOfName(name)).filter((one): one is Service => one !== null),
  );
  // A block for both clients: what is for the other one is not for this one.
  const pairs = all.toSorted((one, other) => rankFor(one.name, service) - rankFor(other.name, service));
  const address = findAddress(pairs, plain);
  if (address === null) {
    const hasKey = findAuth(pairs, plain, service) !== null;
    return {
      kind: "refused",
      why: hasKey ? t`there is a key in it, but no address` : t`there is no address in it`,
    };
  }
  const [only, other] = services;
  const named = only !== undefined && other === undefined ? only : serviceOfPath(address);
  const auth = findAuth(pairs, plain, named ?? service);
  const read = readBaseUrl(address);
  const isMissed = read.kind === "bad" || read.miss !== undefined;
  const guess = isMissed ? guessBaseUrl(address) : null;
  const words = read.kind === "bad" ? read.problem : read.miss;
  if (words !== undefined && guess === null) return { kind: "refused", why: t`the address ${words}` };
  const baseUrl = guess ?? (read.kind === "ok" ? read.url : address);
  return {
    kind: "upstream",
    baseUrl,
    auth,
    service: services.size > 1 ? null : named,
    note: words === undefined ? null : t`the address ${words}: ${baseUrl} is used`,
  };
}

/** Without what a shell would skip, and PowerShell's mark of a variable that is set. */
function withoutComments(text: string): string {
  return text
    .replace(/\$env:(?=\w+\s*=)/gi, "")
    .split(/\r\n?|\n/)
    .map((line) => line.replace(/(?:^|\s)(?:#|\/\/ |REM ).*$/i, "").replace(/\\$/, " "))
    .join("\n");
}

const VALUE = String.raw`("(?:[^"\\]|\\.)*"|'[^']*'|[^\s;,"'}]+)`;
/** NAME=value, "NAME": "value", $env:NAME = "value", name = "value"; in any shell, .env, JSON or TOML. */
const SET = new RegExp(
  String.raw`(?<![\w/?&-])["']?([A-Za-z][A-Za-z0-9_]*)["']?[ \t]*[=:：][ \t]*${VALUE}`,
  "g",
);
/** fish and Windows: set -gx NAME value, setx NAME value. */
const SET_WITH_BLANK = new RegExp(
  String.raw`\bset(?:x|env)?\s+(?:-\w+\s+|\/\w\s+)*([A-Za-z]\w*)\s+${VALUE}`,
  "gi",
);
const ADDRESS_NAME = /base_?url$|api_?base$|endpoint$|^(?:url|host)$/i;
const KEY_NAME = /(?:api_?|secret_?)key$|token$|^key$/i;
/** In Codex's config.toml: the name of the variable that has the key. */
const KEY_REFERENCE_NAME = /^env_?key$/i;

function listAssignments(text: string): Assignment[] {
  return [...text.matchAll(SET), ...text.matchAll(SET_WITH_BLANK)].flatMap(([, name = "", quoted = ""]) => {
    const value = quoted.replace(/^(["'])(.*)\1$/s, "$2").trim();
    const isKnown = [ADDRESS_NAME, KEY_NAME, KEY_REFERENCE_NAME].some((one) => one.test(name));
    return isKnown && value !== "" ? [{ name, value }] : [];
  });
}

function serviceOfName(name: string): Service | null {
  if (/^(?:ANTHROPIC|CLAUDE)_/i.test(name)) return "claude";
  return /^(?:OPENAI|CODEX)_|^env_key$/i.test(name) ? "codex" : null;
}

function rankFor(name: string, service: Service): number {
  const own = serviceOfName(name);
  return own === service ? 0 : own === null ? 1 : 2;
}

function serviceOfPath(address: string): Service | null {
  if (/\/messages(?:\/count_tokens)?\/?(?:\?.*)?$/.test(address)) return "claude";
  return /\/(?:responses|chat\/completions)\/?(?:\?.*)?$/.test(address) ? "codex" : null;
}

/** Up to what cannot be in an address, or ends a sentence around it. */
const URL_IN_TEXT = /https?:\/\/[\u0021-\u007e]+/gi;
const BARE_HOST = /^(?:[a-z0-9-]+\.)+[a-z]{2,}(?::\d+)?(?:\/[\u0021-\u007e]*)?$/i;

function findAddress(pairs: readonly Assignment[], text: string): string | null {
  const named = pairs.find(({ name, value }) => ADDRESS_NAME.test(name) && /^https?:\/\//i.test(value));
  if (named !== undefined) return named.value;
  const [found] = text.match(URL_IN_TEXT) ?? [];
  if (found !== undefined) return found.replace(/["'`<>)\]},;|\\].*$/, "").replace(/[.:!]+$/, "");
  const word = text.trim();
  return BARE_HOST.test(word) ? `https://${word}` : null;
}

function findAuth(pairs: readonly Assignment[], text: string, service: Service): AuthEntry | null {
  const header = (name: string): string | undefined =>
    new RegExp(String.raw`\b${name}\s*:\s*(?:bearer\s+)?([^\s"'\\]+)`, "i").exec(text)?.[1];
  const apiKey = header("x-api-key");
  if (apiKey !== undefined) return makeAuth("api_key", apiKey);
  const bearer = header("authorization");
  if (bearer !== undefined) return makeAuth("auth_token", bearer);
  const reference = pairs.find(({ name }) => KEY_REFERENCE_NAME.test(name));
  const named = pairs.find(({ name }) => KEY_NAME.test(name));
  if (named !== undefined) {
    const isApiKey = service === "claude" && /^ANTHROPIC_API_KEY$/i.test(named.name);
    const auth = makeAuth(isApiKey ? "api_key" : "auth_token", named.value);
    if (auth !== null) return auth;
  }
  if (reference !== undefined) return { auth_token_env: reference.value };
  const [shaped] = /(?<![\w-])(?:sk|cr|key|pat|gsk|xai)[-_][A-Za-z0-9_-]{12,}/.exec(text) ?? [];
  return shaped === undefined ? null : makeAuth("auth_token", shaped);
}

/** A variable of a shell: "$NAME", "${NAME}", "%NAME%", "$env:NAME". */
const REFERENCE = /^(?:\$\{?(?:env:)?([A-Za-z_]\w*)\}?|%([A-Za-z_]\w*)%|\{env:([A-Za-z_]\w*)\})$/i;
/** What stands where the reader's own key belongs. */
const PLACEHOLDER =
  /[^\u0021-\u007e]|[<>*]|x{4,}|\.{3}|(?:^|[-_])your[-_]|[-_]here$|^(?:sk-?)?$|^(?:api_?)?(?:key|token)$/i;

function makeAuth(kind: "auth_token" | "api_key", value: string): AuthEntry | null {
  const variable = REFERENCE.exec(value)
    ?.slice(1)
    .find((name) => name !== undefined);
  if (variable !== undefined)
    return kind === "api_key" ? { api_key_env: variable } : { auth_token_env: variable };
  if (PLACEHOLDER.test(value)) return null;
  return kind === "api_key" ? { api_key: value } : { auth_token: value };
}

/** The key in what was pasted where a key was asked for: a line that sets it, a header, or in quotes. */
export function readKey(text: string): string {
  const [assigned] = listAssignments(text);
  const value = assigned?.value ?? text.trim().replace(/^(?:authorization|x-api-key)\s*:\s*/i, "");
  return value.replace(/^(["'])(.*)\1$/s, "$2").replace(/^bearer\s+/i, "");
}

/** The credential for a key that came alone, itself or in a variable: a vendor's own API may take it in a header of its own. */
export function authForKey(
  service: Service,
  baseUrl: string,
  key: { readonly secret: string } | { readonly variable: string } | { readonly command: readonly string[] },
): AuthEntry {
  const kind = service === "claude" && isOfficial(service, baseUrl) ? "api_key" : "auth_token";
  if ("command" in key) return { [`${kind}_command`]: [...key.command] };
  return "secret" in key ? { [kind]: key.secret } : { [`${kind}_env`]: key.variable };
}
