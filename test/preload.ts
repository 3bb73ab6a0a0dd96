// Runs before every test file: no test may touch the real home, and none may inherit a key or an outbound proxy.
import { mkdtempSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";

const SECRET_OR_PROXY = /(?:_API_KEY|_TOKEN|_PROXY|_proxy)$/;
const OWN = new Set([
  "CODEX_HOME",
  "CLAUDE_CONFIG_DIR",
  "CODEX_HELPER_HOME",
  "CODEX_HELPER_LANG",
  "NO_COLOR",
  "FORCE_COLOR",
]);

/** The home that must stay as it is. Kept in a variable of its own for the guard's test. */
process.env["TEST_REAL_HOME"] = homedir();
for (const name of Object.keys(process.env)) {
  if (SECRET_OR_PROXY.test(name) || OWN.has(name)) delete process.env[name];
}
process.env["HOME"] = mkdtempSync(join(tmpdir(), "codex-helper-test-home-"));
process.env["LANG"] = "C.UTF-8";
