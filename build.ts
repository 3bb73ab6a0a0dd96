// Builds the program as one file: `bun build.ts [TARGET ...]`, by default for this machine. Targets are Bun's names
// ("bun-linux-x64-musl"). The result is dist/codex-helper and dist/ch, a link to it.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
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

/** Made in a directory of its own and moved into place: whoever starts the program meanwhile gets the old one, whole. */
function build(target: string | null): void {
  const out = target === null ? OUT : join(OUT, target);
  mkdirSync(out, { recursive: true });
  const workshop = mkdtempSync(join(out, ".build-"));
  try {
    compile(target, join(workshop, "codex-helper"));
    const name = target?.includes("windows") === true ? "codex-helper.exe" : "codex-helper";
    renameSync(join(workshop, name), join(out, name));
    if (name === "codex-helper") {
      symlinkSync(name, join(workshop, "ch"));
      renameSync(join(workshop, "ch"), join(out, "ch"));
    }
  } finally {
    // Among the rest are the source maps: the binary has its own copy of them.
    rmSync(workshop, { recursive: true });
  }
}

function compile(target: string | null, file: string): void {
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
}

const targets = process.argv.slice(2);
for (const target of targets.length === 0 ? [null] : targets) build(target);
