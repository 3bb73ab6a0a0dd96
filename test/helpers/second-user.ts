// A user of the machine beside the one that runs the tests, where those run as root, as in CI: it gets the program in one file,
// because it may not read the checkout. Elsewhere there is none, and everything is that one user's.
import { chmodSync, chownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const IS_ROOT = process.getuid?.() === 0;

/** The user "nobody", and a group that it may be in. */
export const SECOND_USER = {
  uid: IS_ROOT ? 65_534 : (process.getuid?.() ?? 0),
  gid: IS_ROOT ? 65_534 : (process.getgid?.() ?? 0),
  sharedGid: IS_ROOT ? 4242 : (process.getgid?.() ?? 0),
} as const;

export interface ProgramOf extends Disposable {
  /** What to start. */
  readonly program: readonly string[];
  /** What its environment needs beside the home's. */
  readonly env: Readonly<Record<string, string>>;
}

/** Bundles an entry point for the second user: the program, unless another is named. */
export async function makeProgramForSecondUser(
  entry = Bun.fileURLToPath(import.meta.resolve("./cli-as.ts")),
): Promise<ProgramOf> {
  // The second user has to come through here.
  if (IS_ROOT) chmodSync(tmpdir(), 0o711);
  const directory = mkdtempSync(join(tmpdir(), "second-user-"));
  chmodSync(directory, 0o755);
  const { outputs } = await Bun.build({ entrypoints: [entry], target: "bun" });
  const [output] = outputs;
  if (output === undefined) throw new Error("nothing was built");
  const file = join(directory, "program.js");
  await Bun.write(file, output);
  const { gid, sharedGid, uid } = SECOND_USER;
  const as = `${uid}:${gid}:${gid},${sharedGid}`;
  return {
    program: [process.execPath, "--max-http-header-size=65536", file],
    env: IS_ROOT ? { CLI_AS: as, SWITCH_AS: as } : {},
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}

/** Gives everything below a directory to the second user. */
export function giveToSecondUser(directory: string): void {
  if (!IS_ROOT) return;
  const all = readdirSync(directory, { recursive: true, encoding: "utf8" }).map((name) =>
    join(directory, name),
  );
  for (const path of [directory, ...all]) chownSync(path, SECOND_USER.uid, SECOND_USER.gid);
}
