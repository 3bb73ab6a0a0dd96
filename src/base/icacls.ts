// The words and lines of icacls that let a person, SYSTEM and Administrators into a directory, and nobody else.
// Pure.
import { win32 } from "node:path";
import { inShell } from "./shell.ts";

/** https://learn.microsoft.com/windows-server/identity/ad-ds/manage/understand-security-identifiers */
const SYSTEM = "S-1-5-18";
const ADMINISTRATORS = "S-1-5-32-544";
/** Full access, to the directory and to all that is made in it. */
const FULL = "(OI)(CI)F";

/**
 * Arguments of icacls that let the person, SYSTEM and Administrators in, and nobody else. The person is named: what an elevated
 * process makes is owned by Administrators, so that "the owner" would lock the person out.
 * https://learn.microsoft.com/windows-server/administration/windows-commands/icacls
 */
export function writeProtection(directory: string, person: string, groups: readonly string[] = []): string[] {
  const grants = [SYSTEM, ADMINISTRATORS, person].map((sid) => `*${sid}:${FULL}`);
  const others = groups.length === 0 ? [] : ["/remove:g", ...groups.map((sid) => `*${sid}`)];
  return [directory, "/inheritance:r", "/grant:r", ...grants, ...others];
}

/** The lines that protect a directory as it is, with what is in it, for the person's shell. */
export function showProtection(directory: string, person: string, groups: readonly string[]): string {
  const { systemCommand } = inShell();
  const reset = [win32.join(directory, "*"), "/reset", "/t", "/c", "/q"];
  return [writeProtection(directory, person, groups), reset]
    .map((words) => systemCommand(["icacls", ...words]))
    .join("\n");
}
