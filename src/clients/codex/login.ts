// The kinds of login that Codex can have, and which of them auth.json holds. Only reads: the file is Codex's own.
import { type Text, t } from "../../base/text.ts";
import { UserError } from "../../base/errors.ts";
import { readTextIn, sizeOf } from "../../base/files.ts";
import { isRecord, stringOr } from "../../base/json-value.ts";
import { CODEX_ENCODINGS } from "./places.ts";

export type CodexLogin =
  | { readonly kind: "none" }
  | { readonly kind: "api-key"; readonly key: string }
  /** Tokens of a ChatGPT account. Their age does not matter: Codex renews them. */
  | { readonly kind: "chatgpt" }
  /** Kept by the system's key store, where we do not look. */
  | { readonly kind: "keyring" }
  /** `problem` is for people and holds nothing of the file. Counts as no login. */
  | { readonly kind: "unreadable"; readonly problem: Text | string };

/** Would Codex start without its sign-in screen? */
export function isUsableLogin(login: CodexLogin): boolean {
  return login.kind === "api-key" || login.kind === "chatgpt" || login.kind === "keyring";
}

/** The login in the value of auth.json. `auth_mode` decides where it is known; older files have none. */
export function parseLogin(value: unknown): CodexLogin {
  const key = textAt(value, "OPENAI_API_KEY");
  const tokens = at(value, "tokens");
  const hasTokens = ["access_token", "refresh_token"].some((name) => textAt(tokens, name) !== "");
  if (hasTokens && (key === "" || at(value, "auth_mode") === "chatgpt")) return { kind: "chatgpt" };
  return key === "" ? { kind: "none" } : { kind: "api-key", key };
}

function at(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function textAt(value: unknown, key: string): string {
  return stringOr(at(value, key), "").trim();
}

const MAX_BYTES = 2 ** 20;
/** Codex may be writing the file this very moment. */
const PAUSE_MS = 100;

/** Reads auth.json, once more after `pause` when it is torn. Never throws for what the file holds. */
export async function readCodexLogin(
  path: string,
  pause: () => Promise<void> = () => Bun.sleep(PAUSE_MS),
): Promise<CodexLogin> {
  const first = await readOnce(path);
  if (first.kind !== "unreadable") return first;
  await pause();
  return await readOnce(path);
}

async function readOnce(path: string): Promise<CodexLogin> {
  const unreadable = (problem: Text | string): CodexLogin => ({ kind: "unreadable", problem });
  try {
    if (sizeOf(path) > MAX_BYTES) return unreadable(t`${path} is larger than 1 MB`);
    const text = await readTextIn(CODEX_ENCODINGS, path);
    return text === null ? { kind: "none" } : parseLogin(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return unreadable(t`${path} is not valid JSON`);
    if (error instanceof UserError) return unreadable(error.text);
    throw error;
  }
}
