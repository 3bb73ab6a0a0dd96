// The kinds of login that Codex can have, and how auth.json tells them apart.
// Pure.
import type { Text } from "../../base/text.ts";

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
  const hasTokens = [textAt(tokens, "access_token"), textAt(tokens, "refresh_token")].some(
    (token) => token !== "",
  );
  if (hasTokens && (key === "" || at(value, "auth_mode") === "chatgpt")) return { kind: "chatgpt" };
  return key === "" ? { kind: "none" } : { kind: "api-key", key };
}

function at(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Object.getOwnPropertyDescriptor(value, key)?.value;
}

function textAt(value: unknown, key: string): string {
  const text = at(value, key);
  return typeof text === "string" ? text.trim() : "";
}
