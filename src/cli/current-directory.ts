// The directory that a command is typed in.
import { type Env, readVariable } from "../base/env.ts";
import { UserError, errorCode } from "../base/errors.ts";
import { t } from "./language.ts";

/** Where it was removed meanwhile, the one that the shell still shows. Throws UserError where that is unknown. */
export function readCurrentDirectory(env: Env): string {
  try {
    return process.cwd();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    const shown = readVariable(env, "PWD");
    if (shown !== undefined) return shown;
    throw new UserError(t`this directory no longer exists`, { hint: "cd", cause: error });
  }
}
