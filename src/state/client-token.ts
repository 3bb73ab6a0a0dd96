// The client token: what a client has to know beside the port, where `limits.client_token` is on. One for this user, in a file
// of its own; removed by hand it is made anew at the next start.
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { PRIVATE_FILE, ensurePrivateDirectory, readText, writeFileAtomic } from "../base/files.ts";
import { withLock } from "../base/lock.ts";
import { type Paths } from "../base/paths.ts";
import { inShell } from "../base/shell.ts";
import { t } from "../base/text.ts";

type TokenPaths = Pick<Paths, "clientToken" | "home" | "run">;

/** 122 random bits. */
export function makeClientToken(): string {
  return crypto.randomUUID().replaceAll("-", "");
}

/** Null where there is none yet. Throws UserError for a file that holds something else. */
export async function readClientToken({ clientToken }: Pick<Paths, "clientToken">): Promise<string | null> {
  const text = await readText(clientToken);
  if (text === null) return null;
  const token = text.trim();
  if (/^[0-9a-f]{32}$/.test(token)) return token;
  throw new UserError(t`${clientToken} does not contain a client token`, {
    hint: inShell().remove([clientToken]),
  });
}

/** Makes it where there is none. Throws UserError. */
export async function ensureClientToken(paths: TokenPaths): Promise<string> {
  const known = await readClientToken(paths);
  if (known !== null) return known;
  ensurePrivateDirectory(paths.home);
  ensurePrivateDirectory(paths.run);
  return await withLock(join(paths.run, "client-token.lock"), async () => {
    // Another process may have been faster.
    const token = (await readClientToken(paths)) ?? makeClientToken();
    writeFileAtomic(paths.clientToken, `${token}\n`, { mode: PRIVATE_FILE, isLocked: true });
    return token;
  });
}
