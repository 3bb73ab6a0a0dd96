// Starts the program. The only file that reads the process environment and sets an exit code.
import { runCli } from "./cli/run.ts";

/** For what is written at the end, ms. */
const LINGER_MS = 100;

process.exitCode = await runCli(process.argv.slice(2), process.env, process.argv0);
// A command that has ended waits for nothing more: neither for a timer, nor for an answer that never comes.
setTimeout(() => process.exit(), LINGER_MS).unref();
