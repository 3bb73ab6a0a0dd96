// `ch config export`: config.json for another machine, with its keys in a private file; or for other eyes, masked.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { UserError } from "../../../base/errors.ts";
import { PRIVATE_FILE, isOpenToOthers, readText, writeFileAtomic } from "../../../base/files.ts";
import { quoteWord } from "../../../base/shell.ts";
import { usageError } from "../../args.ts";
import { t } from "../../language.ts";
import { makeExport } from "../../../config/export.ts";
import { loadConfig } from "../../../config/file.ts";
import { type Cli, defineCommand } from "../../cli.ts";

const HELP = "ch config export --help";

export const exportCommand = defineCommand({
  description: "write all configs to a file, or show them masked",
  examples: [
    ["ch config export", "print everything, with masked keys"],
    ["ch config export backup.json", "with full keys, to a new file"],
    ["ch config export --line main", "one line without keys, short enough for a QR code"],
  ],
  args: {
    file: {
      type: "positional",
      required: false,
      description: "the file to create, with full keys; with --line: NAME",
    },
    line: { type: "boolean", description: "print configs as one line without keys, or the config NAME" },
    masked: { type: "boolean", description: "mask the keys in FILE as well" },
    "with-keys": { type: "boolean", description: "print full keys on standard output" },
    force: { type: "boolean", description: "replace FILE" },
  },
  async run(args, cli) {
    const withKeys = args["with-keys"] === true;
    if (args.masked === true && withKeys)
      throw usageError(t`--masked and --with-keys cannot be used together`, HELP);
    if ((args.file ?? "-") === "-" && args.force === true) throw usageError(t`--force needs a FILE`, HELP);
    if (args.line === true) {
      const other = ["masked", "with-keys", "force"].find((flag) => args[flag as "masked"] === true);
      if (other !== undefined) throw usageError(t`--line and --${other} cannot be used together`, HELP);
      return await printLine(cli, args.file ?? null);
    }
    const config = await loadConfig(cli.paths.config);
    const file = args.file === "-" ? undefined : args.file;
    const isMasked = args.masked === true || (file === undefined && !withKeys);
    const text = makeExport(config, isMasked);
    if (file === undefined) {
      cli.out.line(text.trimEnd());
      if (withKeys) cli.out.warn(t`these are your keys: do not share them`);
      else
        cli.out.note(t`the keys are masked; ch config export FILE writes them in full, for another machine`);
      return;
    }
    const path = resolve(file);
    if (existsSync(path) && args.force !== true)
      throw new UserError(t`the file ${path} already exists`, { hint: t`--force replaces it` });
    writeFileAtomic(path, text, { mode: PRIVATE_FILE });
    if (isMasked) return cli.out.note(t`written to ${file}, with masked keys`);
    // A mode says it, where there are modes.
    const isPrivate = process.platform !== "win32" && !isOpenToOthers(path);
    cli.out.note(
      isPrivate
        ? t`written to ${file}, with your keys: only you can read it`
        : t`written to ${file}, with your keys`,
    );
    cli.out.note(t`  on the other machine: ch config import ${quoteWord(file)}`);
    if (!isPrivate && process.platform !== "win32")
      cli.out.warn(t`other users can read ${file}: its file system has no permissions`);
  },
});

/** On standard output alone, for a program that draws it. */
async function printLine({ env, out, paths }: Cli, name: string | null): Promise<void> {
  const [{ writeLine }, { listSecrets, valuesOfVariables }, { makeIsSecret }] = await Promise.all([
    import("../../../config/line.ts"),
    import("../../../config/kept-secrets.ts"),
    import("../../../config/sync/travel.ts"),
  ]);
  const config = await loadConfig(paths.config);
  const text = (await readText(paths.config)) ?? "";
  const isSecret = makeIsSecret([...listSecrets(text), ...valuesOfVariables(config, env)]);
  const { leftOut, line } = writeLine(config, name, isSecret);
  out.line(line);
  for (const { keys, label } of leftOut)
    out.note(
      t`${label}: left out, because it is a key or may hold one: ${keys.map((key) => key.replaceAll("/", ".")).join(", ")}`,
    );
  out.note(t`${line.length} characters, for a QR code: qrencode -t ansiutf8`);
  out.note(t`  on the other machine: ch config import ${"'codex-helper:...'"}`);
}
