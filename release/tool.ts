// What the command lines of release/ have in common: --help, -V, and one line for what is wrong.
import { type ParseArgsConfig, parseArgs } from "node:util";
import manifest from "../package.json";

type Options = NonNullable<ParseArgsConfig["options"]>;
type Parsed<Own extends Options> = ReturnType<
  typeof parseArgs<{ readonly options: Own; readonly allowPositionals: true }>
>;

/** Runs it, unless help or the version was asked for. A wrong option ends with 2, what else goes wrong with 1. */
export async function runTool<Own extends Options>(
  help: string,
  options: Own,
  run: (parsed: Parsed<Own>) => void | Promise<void>,
): Promise<void> {
  const args = process.argv.slice(2);
  const asks = (...names: readonly string[]): boolean => args.some((arg) => names.includes(arg));
  if (asks("--help", "-h")) {
    process.stdout.write(help);
    return;
  }
  if (asks("--version", "-V")) {
    process.stdout.write(`codex-helper ${manifest.version}\n`);
    return;
  }
  try {
    await run(parseArgs({ args, options, allowPositionals: true }));
  } catch (error) {
    const isUsage = error instanceof TypeError && "code" in error;
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    if (isUsage) process.stderr.write(`\n${help}`);
    process.exitCode = isUsage ? 2 : 1;
  }
}
