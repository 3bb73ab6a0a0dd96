// Where the engine is, from config.json, a variable or a command; its password is in no error, log or answer.
import type { Env } from "../../base/env.ts";
import { readVariable } from "../../base/env.ts";
import { UserError } from "../../base/errors.ts";
import { findExisting } from "../../base/home.ts";
import { findUserHome } from "../../base/paths.ts";
import { runProgram } from "../../base/run-program.ts";
import { t } from "../../base/text.ts";
import { inShell } from "../../base/shell.ts";
import { createTrust } from "../../base/trust.ts";
import type { ShareEntry } from "../../config/share.ts";

export interface Address {
  /** Holds the password. */
  readonly url: string;
  /** PEM; null for the usual authorities. */
  readonly ca: string | null;
  /** "host:port", or the path of a socket. */
  readonly shown: string;
}

const COMMAND_MS = 10_000;

/** Throws UserError. */
export async function readAddress(share: ShareEntry, env: Env): Promise<Address> {
  const url = (await readUrl(share, env)).trim();
  const parsed = URL.parse(url);
  if (parsed === null || !/^(?:redis|valkey)s?(?:\+\w+)*:$/.test(parsed.protocol))
    throw new UserError(
      t`the address of the engine is none: it must be like rediss://user:password@host:6379`,
      {
        hint: "ch config edit",
      },
    );
  const isSocket = parsed.protocol.endsWith("unix:");
  const trust = share.tls_ca == null ? null : createTrust(Date.now)(share.tls_ca);
  if (trust?.kind === "unusable") throw new UserError(trust.why, { hint: "ch config edit" });
  return {
    url,
    ca: trust === null ? null : trust.ca,
    shown: isSocket ? parsed.pathname : `${parsed.hostname}:${parsed.port === "" ? "6379" : parsed.port}`,
  };
}

async function readUrl({ url, url_command: command, url_env: name }: ShareEntry, env: Env): Promise<string> {
  if (url != null) return url;
  if (name != null) {
    const value = readVariable(env, name);
    if (value !== undefined) return value;
    throw new UserError(t`share.url_env: the variable ${name} is not set`, {
      hint: inShell().set(name, "..."),
    });
  }
  const words = command ?? [];
  // Not in the directory of whatever project ch was started in: what it holds could be run in the program's place.
  const cwd = findExisting(findUserHome(env));
  const run = await runProgram(words, "", { env, cwd, timeoutMs: COMMAND_MS, isRead: true });
  if (run.problem === null) return run.stdout;
  throw new UserError(t`share.url_command: ${words[0] ?? ""} ${run.problem}`, { hint: "ch pool test" });
}
