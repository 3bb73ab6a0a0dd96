// Builds the program as one file: `bun build.ts [TARGET ...]`, by default for this machine. Targets are Bun's names
// ("bun-linux-x64-musl"). The result is dist/codex-helper and dist/ch, a link to it.
import { chmodSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const ROOT = import.meta.dir;
const OUT = join(ROOT, "dist");

/**
 * A binary must not take anything from the directory it is started in: by default Bun would load .env and run bunfig's
 * preload from there. Request headers up to 64 KB are let in, as from source.
 */
const FLAGS = [
  "--compile",
  "--minify",
  "--bytecode",
  "--splitting",
  "--format=esm",
  "--sourcemap",
  "--no-compile-autoload-dotenv",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-tsconfig",
  "--no-compile-autoload-package-json",
  "--compile-exec-argv=--max-http-header-size=65536",
];

function git(...args: string[]): string {
  const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : "";
}

/** Of the commit, not of the clock: the same commit builds the same bytes. */
const defines = {
  BUILD_COMMIT: git("rev-parse", "--short", "HEAD"),
  BUILD_DATE: git("log", "-1", "--format=%cs"),
};

function build(target: string | null): void {
  const directory = target === null ? OUT : join(OUT, target);
  mkdirSync(directory, { recursive: true });
  const file = join(directory, "codex-helper");
  const args = [
    ...FLAGS,
    ...(target === null ? [] : [`--target=${target}`]),
    ...Object.entries(defines).flatMap(([name, value]) => ["--define", `${name}=${JSON.stringify(value)}`]),
    `--outfile=${file}`,
    join(ROOT, "src/main.ts"),
  ];
  const { exitCode } = Bun.spawnSync([process.execPath, "build", ...args], {
    cwd: ROOT,
    stdout: "inherit",
    stderr: "inherit",
  });
  if (exitCode !== 0) throw new Error(`building ${target ?? "for this machine"} failed`);
  if (target?.includes("windows") === true) return;
  chmodSync(file, 0o755);
  const link = join(directory, "ch");
  rmSync(link, { force: true });
  symlinkSync("codex-helper", link);
}

const targets = process.argv.slice(2);
for (const target of targets.length === 0 ? [null] : targets) build(target);
