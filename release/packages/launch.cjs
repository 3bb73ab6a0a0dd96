// Starts the program that npm has installed for this machine, in a package of its own, and stands aside: its answers, exit code
// and signals are those of the program. Plain JavaScript for every Node since 18; nothing runs when a package is installed.
"use strict";
const { spawn } = require("node:child_process");
const { accessSync, constants, existsSync } = require("node:fs");
const { isatty } = require("node:tty");
const { name: product, optionalDependencies, version } = require("./package.json");

const { arch, platform } = process;
const MACHINE = `${platform === "win32" ? "windows" : platform}-${arch}`;
/** What a Linux program asks for before its first line runs; without it the system says only "no such file". */
const LOADERS = {
  "linux-x64": "/lib64/ld-linux-x86-64.so.2",
  "linux-arm64": "/lib/ld-linux-aarch64.so.1",
  "linux-x64-musl": "/lib/ld-musl-x86_64.so.1",
  "linux-arm64-musl": "/lib/ld-musl-aarch64.so.1",
};
/** A terminal sends these to every program in front of it, so this one does not pass them on there. */
const FROM_TERMINAL = ["SIGINT", "SIGQUIT", "SIGHUP"];
const SIGNALS = [...FROM_TERMINAL, "SIGTERM"];

/** `calledAs`: "ch" or "codex-helper", which the program repeats in what it tells to type. */
module.exports = function launch(calledAs) {
  const found = findProgram();
  if (found.problem !== undefined) {
    process.stderr.write(`${calledAs}: ${found.problem}\n  ${found.hint}\n`);
    process.exitCode = 1;
    return;
  }
  const args = process.argv.slice(2);
  // Since Node 22.15: then there is one process, and nothing to pass on.
  if (process.execve !== undefined && platform !== "win32")
    process.execve(found.program, [calledAs, ...args]);
  else runBeside(found.program, calledAs, args);
};

function findProgram() {
  const packages = [MACHINE, `${MACHINE}-musl`].filter((one) => `@${product}/${one}` in optionalDependencies);
  if (packages.length === 0) {
    return {
      problem: `there is no release for ${platform} on ${arch}`,
      hint: `there are: ${Object.keys(optionalDependencies).join(", ")}`,
    };
  }
  const installed = packages.flatMap((one) => locate(one) ?? []);
  const [usual] = packages;
  if (installed.length === 0) {
    return {
      problem: `the package @${product}/${usual}, which holds the program, is not installed`,
      hint: `npm leaves it out with --omit=optional: npm install -g --include=optional ${product}@${version}`,
    };
  }
  const fitting = installed.filter(({ name }) => LOADERS[name] === undefined || existsSync(LOADERS[name]));
  if (fitting.length === 0) {
    return {
      problem: `the package @${product}/${installed[0].name} is not for this system: ${LOADERS[installed[0].name]} is missing`,
      hint: `if it was copied from another system, install it here: npm install -g ${product}@${version}`,
    };
  }
  // Both, from an npm that does not look at "libc", on a system with both loaders: that of Node itself.
  if (fitting.length > 1 && process.report.getReport().header.glibcVersionRuntime === undefined)
    fitting.reverse();
  return { program: fitting[0].program };
}

function locate(name) {
  try {
    const program = require.resolve(
      `@${product}/${name}/bin/${product}${platform === "win32" ? ".exe" : ""}`,
    );
    accessSync(program, constants.X_OK);
    return { name, program };
  } catch {
    return undefined;
  }
}

function runBeside(program, calledAs, args) {
  const hasTerminal = [0, 1, 2].some((fd) => isatty(fd));
  // Listened for before there is a program to tell: a signal in between would end this one alone.
  // On Windows a console tells all of its programs, and to pass it on would end this one without its clean-up.
  for (const signal of platform === "win32" ? ["SIGINT", "SIGBREAK", "SIGHUP"] : SIGNALS) {
    process.on(signal, () => {
      if (platform !== "win32" && !(hasTerminal && FROM_TERMINAL.includes(signal))) child.kill(signal);
    });
  }
  const child = spawn(program, args, { stdio: "inherit", argv0: calledAs });
  child.on("error", (error) => {
    process.stderr.write(`${calledAs}: cannot start ${program}: ${error.message}\n`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
