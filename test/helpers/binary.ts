import { join, resolve } from "node:path";

const ROOT = join(import.meta.dir, "../..");
let compiling: Promise<string> | null = null;

/** Path of the compiled program: of the one that is tried, else made once a test file from the code as it is now. */
export function compile(): Promise<string> {
  const { TEST_PROGRAM } = process.env;
  if (TEST_PROGRAM !== undefined) return Promise.resolve(resolve(ROOT, TEST_PROGRAM, "../codex-helper"));
  compiling ??= build();
  return compiling;
}

async function build(): Promise<string> {
  const child = Bun.spawn([process.execPath, "build.ts"], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [output, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`the build failed:\n${output}`);
  return join(ROOT, "dist/codex-helper");
}
