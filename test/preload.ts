// Runs before every test file: no test may touch the real home, and none may inherit a key or an outbound proxy.
import { afterAll } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";

// A property that fails must fail again: only the full verification tries other values each time.
if (process.env["VERIFY"] !== "full") fc.configureGlobal({ seed: 20_261_122 });

const INHERITED_BY_NOBODY =
  /(?:_API_KEY|_TOKEN|_PROXY|_proxy)$|^(?:CODEX|CLAUDE|ANTHROPIC|OPENAI)_|^(?:CLAUDECODE|NO_COLOR|FORCE_COLOR)$/;
/** What nobody changes while the tests run, unless one of them does it. */
const WATCHED = [
  ".codex-helper",
  ".codex-helper/config.json",
  ".codex-helper/filter.json",
  ".codex/config.toml",
  ".codex/auth.json",
  ".claude/settings.json",
];

const realHome = homedir();
const before = lookAt(realHome);

for (const name of Object.keys(process.env)) if (INHERITED_BY_NOBODY.test(name)) delete process.env[name];
// One place for all that the tests make: whatever a test forgets goes with it.
const room = mkdtempSync(join(tmpdir(), "ch-test-"));
const home = join(room, "home");
mkdirSync(home);
process.env["TMPDIR"] = room;
process.env["HOME"] = home;
process.env["USERPROFILE"] = home;
process.env["LANG"] = "C.UTF-8";

afterAll(() => {
  rmSync(room, { recursive: true, force: true });
  const changed = WATCHED.filter((_, index) => lookAt(realHome)[index] !== before[index]);
  if (changed.length > 0) throw new Error(`a test wrote into the real home: ${changed.join(", ")}`);
});

function lookAt(directory: string): string[] {
  return WATCHED.map((name) => {
    const path = join(directory, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) return "missing";
    // A directory's own time changes with files that a running program may add, such as logs.
    return stats.isDirectory() ? "directory" : `${stats.ino} ${stats.size} ${stats.mtimeMs}`;
  });
}
