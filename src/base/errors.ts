// The one kind of failure that the user can fix: it says what is wrong and what to type next.
// Anything else that is thrown is a bug of ours.
// Pure.
import { inEnglish, type Text } from "./text.ts";

/** Process exit codes. A signal ends the process with 128 + its number. */
export const EXIT = { ok: 0, failed: 1, usage: 2, bug: 70 } as const;

export interface UserErrorOptions {
  /** A command to type, or one short instruction. Shown indented under the message. */
  readonly hint?: Text | string | undefined;
  /** Defaults to 1. 2 for a wrong command line. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** An expected failure. `message` names the file, flag or upstream; it must hold no secret. English, as is `hint`. */
export class UserError extends Error {
  override readonly name = "UserError";
  /** The message for a person, in whatever language. */
  readonly text: Text | string;
  readonly hint: string | undefined;
  readonly hintText: Text | string | undefined;
  readonly exitCode: number;

  constructor(message: Text | string, options: UserErrorOptions = {}) {
    super(inEnglish(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.text = message;
    this.hint = options.hint === undefined ? undefined : inEnglish(options.hint);
    this.hintText = options.hint;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** The `code` of a system or socket error ("ENOENT", "ECONNREFUSED"), or undefined. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** What this process or machine has run out of. It says nothing of the file or the other side. */
export const SHORTAGES: ReadonlySet<string> = new Set([
  "EMFILE",
  "ENFILE",
  "ENOMEM",
  "ENOBUFS",
  "EADDRNOTAVAIL",
]);

/** The result of `work`, or the fallback where the system refuses it: no such file, no permission. */
export function ignoreSystemError<T, Fallback>(work: () => T, fallback: Fallback): T | Fallback {
  try {
    return work();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return fallback;
  }
}

/** For the `catch` of a promise: what a UserError comes to. Any other error is thrown again. */
export function onUserError<T>(handle: (error: UserError) => T): (error: unknown) => T {
  return (error) => {
    if (error instanceof UserError) return handle(error);
    throw error;
  };
}

/** The message of anything thrown. May hold a URL or a path: mask it before it is shown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The same for a person: the text of a UserError, else what the system or a library says. */
export function errorText(error: unknown): Text | string {
  return error instanceof UserError ? error.text : errorMessage(error);
}
