import { expect, test } from "bun:test";
import { join } from "node:path";

const SOAK = join(import.meta.dir, "../../bench/soak.ts");
const SECONDS = process.env["VERIFY"] === "full" ? 120 : 6;

// Read from /proc: on other systems the same code runs, and nobody can look.
if (process.platform === "linux")
  test(`a proxy lives through ${SECONDS} s of a bad day without a leak, one line a request`, async () => {
    const soak = Bun.spawn([process.execPath, SOAK, "--seconds", `${SECONDS}`], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const said = await soak.stdout.text();
    console.log(said.trimEnd());
    expect(said).toMatch(/^ok {3}lines in the log: \d{2,}/m);
    expect(said).not.toContain("FAIL");
    expect(await soak.exited).toBe(0);
  }, 240_000);
