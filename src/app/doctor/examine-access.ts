// Asks Windows for the access lists of our home and of all that is in it, for `doctor`. Changes nothing.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type RunTool, findTool, readPerson, runTool } from "../../base/access-list.ts";
import { ignoreSystemError } from "../../base/errors.ts";
import { lookAt } from "../../base/files.ts";
import { listOpenPaths } from "../../doctor/access.ts";
import type { FileFacts } from "../../doctor/facts.ts";

/** Null where there is no home yet. The lists are in a file, which is the same in every language; what icacls prints is not. */
export function examineAccess(home: string, run: RunTool = runTool): FileFacts["access"] {
  if (lookAt(home)?.isDirectory() !== true) return null;
  const directory = mkdtempSync(join(tmpdir(), "ch-access-"));
  try {
    const file = join(directory, "saved");
    run([findTool("icacls"), home, "/save", file, "/t", "/c", "/q"]);
    const open = listOpenPaths(ignoreSystemError(() => readFileSync(file), new Uint8Array()));
    const paths = open?.map(({ name, ...rest }) => ({ path: join(dirname(home), name), ...rest })) ?? [];
    return { isUnread: open === null, open: paths, person: paths.length === 0 ? null : readPerson(run) };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
