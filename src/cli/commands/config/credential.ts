// The flags that give an upstream its key, and the key behind them.
import { UserError } from "../../../base/errors.ts";
import type { AuthEntry } from "../../../config/schema.ts";
import { type Typed, usageError } from "../../args.ts";
import type { Cli } from "../../cli.ts";
import { problemOfSecret } from "../../../config/check-upstreams.ts";
import { problemOfCommand, shellWordOf } from "../../../config/key-command.ts";
import { splitRepeated } from "../../flags.ts";
import { t, tell } from "../../language.ts";

export const CREDENTIAL_ARGS = {
  "auth-token-env": {
    type: "string",
    valueHint: "NAME",
    description: "environment variable with the bearer token",
  },
  "auth-token-command": {
    type: "string",
    takesRest: true,
    valueHint: "-- ...",
    description: "a command that prints the bearer token",
  },
  "auth-token-stdin": { type: "boolean", description: "read the bearer token from standard input" },
  "auth-token": { type: "string", valueHint: "TOKEN", description: "the bearer token itself" },
  "api-key-env": {
    type: "string",
    valueHint: "NAME",
    description: "environment variable with the x-api-key",
  },
  "api-key-command": {
    type: "string",
    takesRest: true,
    valueHint: "-- ...",
    description: "a command that prints the x-api-key",
  },
  "api-key-stdin": { type: "boolean", description: "read the x-api-key from standard input" },
  "api-key": { type: "string", valueHint: "KEY", description: "the x-api-key itself" },
} as const;

type CredentialArgs = Typed<typeof CREDENTIAL_ARGS>;
type CredentialFlag = keyof typeof CREDENTIAL_ARGS;

const FLAGS = Object.keys(CREDENTIAL_ARGS) as readonly CredentialFlag[];

/** Those that were typed. */
export function credentialFlags(args: CredentialArgs): CredentialFlag[] {
  return FLAGS.filter((flag) => args[flag] !== undefined && args[flag] !== false);
}

/**
 * One key of `auth`; null where no flag gives one. `line` is what was typed before the flag. Throws UserError for two, and
 * for an empty standard input.
 */
export async function readCredential(
  cli: Cli,
  args: CredentialArgs,
  { help, line }: { readonly help: string; readonly line: string },
): Promise<AuthEntry | null> {
  const [flag, second] = credentialFlags(args);
  if (flag === undefined) return null;
  if (second !== undefined) throw usageError(t`--${flag} and --${second} cannot be used together`, help);
  const key = flag.startsWith("auth-token") ? "auth_token" : "api_key";
  if (flag === "auth-token-stdin" || flag === "api-key-stdin") {
    const secret = cli.isInteractive ? await askKey(cli, flag) : (await cli.readInput()).trim();
    if (secret === "") {
      throw new UserError(t`--${flag}: standard input is empty`, {
        hint: t`pass the key on standard input: ${line} --${flag} < FILE`,
      });
    }
    return { [key]: secret };
  }
  const value = args[flag] ?? "";
  if (flag === "auth-token-command" || flag === "api-key-command") {
    const words = splitRepeated(value);
    const problem = problemOfCommand(words);
    if (problem !== null) throw usageError(t`the command of --${flag} ${problem}`, help);
    const shells = shellWordOf(words);
    if (shells !== null)
      cli.out.warn(t`"${shells}" is a word of the command as any other: no shell reads it`);
    return { [`${key}_command`]: words };
  }
  if (flag.endsWith("-env")) return { [`${key}_env`]: value };
  const safer =
    key === "auth_token"
      ? t`--auth-token-env NAME or --auth-token-stdin`
      : t`--api-key-env NAME or --api-key-stdin`;
  cli.out.warn(t`the key is now in your shell's history; ${safer} avoids that`);
  return { [key]: value };
}

/** Not shown while it is typed or pasted. Throws UserError where the person leaves. */
async function askKey(cli: Cli, flag: CredentialFlag): Promise<string> {
  const { askAtTerminal } = await import("../../prompts.ts");
  const question = flag.startsWith("auth-token") ? t`The bearer token` : t`The x-api-key`;
  return await askAtTerminal(cli.out, async (prompts) => {
    const problemOf = (text: string): string | null => {
      const problem = text === "" ? t`empty` : problemOfSecret(text);
      return problem === null ? null : tell(problem);
    };
    return await prompts.askSecret(question, { problemOf });
  });
}
