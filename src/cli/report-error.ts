// Turns whatever was thrown into one message and an exit code. No secret is shown.
import type { Env } from "../base/env.ts";
import { EXIT, UserError } from "../base/errors.ts";
import { t, tell } from "./language.ts";
import { maskText } from "../base/secrets.ts";
import type { Text } from "../base/text.ts";
import { describeVersion } from "../base/version.ts";
import type { Words } from "./words.ts";

/** Variables whose values are never shown. */
const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD)$/i;
const MOST_CAUSES = 5;

/** A UserError has its own exit code, citty's CLIError is wrong usage, all else is a bug of ours. */
export function reportError(error: unknown, words: Words, env: Env): number {
  const secrets = Object.entries(env).flatMap(([name, value]) =>
    value !== undefined && SECRET_NAME.test(name) ? [value] : [],
  );
  const mask = (text: string): string => maskText(text, secrets);
  if (error instanceof UserError) {
    const show = (text: Text | string): string => mask(tell(text));
    words.error(show(error.text), error.hintText === undefined ? undefined : show(error.hintText));
    return error.exitCode;
  }
  if (error instanceof Error && error.name === "CLIError") {
    words.error(mask(error.message), "ch --help");
    return EXIT.usage;
  }
  words.error(t`this is a bug in codex-helper ${describeVersion()}; please report it with the lines below`);
  words.note(mask(describeThrown(error)));
  return EXIT.bug;
}

/** The stack, and those of the causes. */
function describeThrown(error: unknown): string {
  const parts: string[] = [];
  let next = error;
  while (next !== undefined && parts.length < MOST_CAUSES) {
    parts.push(next instanceof Error ? (next.stack ?? `${next.name}: ${next.message}`) : Bun.inspect(next));
    next = next instanceof Error ? next.cause : undefined;
  }
  return parts.join("\ncaused by: ");
}
