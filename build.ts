// Builds the program as one file: `bun build.ts [TARGET ...]`, by default for this machine. Targets are Bun's names
// ("bun-linux-x64-musl"). The result is dist/codex-helper and dist/ch, a link to it; for Windows the link is a script.
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { signAdHoc } from "./release/macho.ts";

const ROOT = import.meta.dir;
const OUT = join(ROOT, "dist");
/** The short name where links need rights that a user does not have. */
export const WINDOWS_LAUNCHER =
  '@setlocal & set "CODEX_HELPER_CALLED_AS=ch" & "%~dp0codex-helper.exe" %*\r\n';

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

/** What git says of this source; "" outside of a repository. */
export function git(...args: readonly string[]): string {
  const { exitCode, stdout } = Bun.spawnSync(["git", ...args], { cwd: ROOT, stderr: "ignore" });
  return exitCode === 0 ? stdout.toString().trim() : "";
}

/** Of the commit, not of the clock, and of a length that no other clone disagrees about: the same commit, the same bytes. */
const defines = {
  BUILD_COMMIT: git("rev-parse", "HEAD").slice(0, 10),
  BUILD_DATE: git("log", "-1", "--format=%cs"),
};

interface BuildOptions {
  /** Where it will look for newer releases. */
  readonly releases?: string;
  /** A Bun to make it of, instead of what Bun itself finds for the target. */
  readonly runtime?: string;
}

/**
 * Makes the program and its short name in `out`. In a directory of its own first and then moved into place: whoever
 * starts the program meanwhile gets the old one, whole.
 */
export function build(target: string | null, out: string, options: BuildOptions = {}): void {
  mkdirSync(out, { recursive: true });
  const buildDirectory = mkdtempSync(join(out, ".build-"));
  const put = (name: string): void => renameSync(join(buildDirectory, name), join(out, name));
  try {
    const program = join(buildDirectory, "codex-helper");
    compile(target, program, options);
    if ((target ?? `bun-${process.platform}`).startsWith("bun-darwin")) {
      writeFileSync(program, signAdHoc(readFileSync(program), "codex-helper"));
    }
    if (target === null ? process.platform === "win32" : target.startsWith("bun-windows")) {
      writeFileSync(join(buildDirectory, "ch.cmd"), WINDOWS_LAUNCHER);
      put("codex-helper.exe");
      put("ch.cmd");
    } else {
      symlinkSync("codex-helper", join(buildDirectory, "ch"));
      put("codex-helper");
      put("ch");
    }
  } finally {
    // Among the rest are the source maps: the binary has its own copy of them.
    rmSync(buildDirectory, { recursive: true });
  }
}

function compile(target: string | null, file: string, { releases = "", runtime }: BuildOptions): void {
  const args = [
    ...FLAGS,
    ...(target === null ? [] : [`--target=${target}`]),
    ...(runtime === undefined ? [] : [`--compile-executable-path=${runtime}`]),
    ...Object.entries({ ...defines, BUILD_RELEASES: releases }).flatMap(([name, value]) => [
      "--define",
      `${name}=${JSON.stringify(value)}`,
    ]),
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

if (import.meta.main) {
  const targets = process.argv.slice(2);
  if (targets.length === 0) build(null, OUT);
  for (const target of targets) build(target, join(OUT, target));
}
