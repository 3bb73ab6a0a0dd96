// What kind of login Codex has, out of auth.json. Only reads: the file is Codex's own.
import { statSync } from "node:fs";
import { UserError, errorCode } from "../../base/errors.ts";
import { describe, readText } from "../../base/files.ts";
import { type Text, t } from "../../base/text.ts";
import { type CodexLogin, parseLogin } from "./login.ts";

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
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > MAX_BYTES) {
      return unreadable(t`${path} is larger than 1 MB`);
    }
    const text = await readText(path);
    return text === null ? { kind: "none" } : parseLogin(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return unreadable(t`${path} is not valid JSON`);
    if (error instanceof UserError) return unreadable(error.text);
    if (errorCode(error) !== undefined) return unreadable(t`cannot read ${path}: ${describe(error)}`);
    throw error;
  }
}
