import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "./cli.ts";

const ROOT = join(import.meta.dir, "../..");
let building: Promise<Program> | null = null;

/** The compiled program, built once a test run from the code as it is now. */
export function binary(): Promise<Program> {
  building ??= build();
  return building;
}

async function build(): Promise<Program> {
  const child = Bun.spawn([process.execPath, "build.ts"], { cwd: ROOT, stdout: "pipe", stderr: "pipe" });
  const [output, code] = await Promise.all([new Response(child.stderr).text(), child.exited]);
  const file = join(ROOT, "dist/codex-helper");
  if (code !== 0 || !existsSync(file)) throw new Error(`the build failed:\n${output}`);
  return [file];
}
