// Starts the program. The only file that reads the process environment and sets an exit code.
import { runCli } from "./cli/run.ts";

process.exitCode = await runCli(process.argv.slice(2), process.env);
