import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
let compiling: Promise<string> | null = null;

/** Path of the compiled program, made once a test run from the code as it is now. */
export function compile(): Promise<string> {
  compiling ??= build();
  return compiling;
}

async function build(): Promise<string> {
  const child = Bun.spawn([process.execPath, "build.ts"], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [output, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  if (code !== 0) throw new Error(`the build failed:\n${output}`);
  return join(ROOT, "dist/codex-helper");
}
