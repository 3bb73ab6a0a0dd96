// The directory that a command is typed in, which another terminal may have removed.
import { type Env, readVariable } from "../../../base/env.ts";
import { UserError, errorCode } from "../../../base/errors.ts";
import { t } from "../../../base/language.ts";

/** Its path; of a directory that is gone, the one that the shell still shows. Throws UserError where it shows none. */
export function readHere(env: Env): string {
  try {
    return process.cwd();
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    const shown = readVariable(env, "PWD");
    if (shown !== undefined) return shown;
    throw new UserError(t`this directory does not exist any more`, { hint: "cd", cause: error });
  }
}
