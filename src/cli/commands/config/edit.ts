// `ch config edit` and `ch config path`: the file itself, in the person's own editor.
// A file that does not parse can be edited too: this is the way to fix it.
import { type Env, readVariable } from "../../../base/env.ts";
import { UserError, errorCode } from "../../../base/errors.ts";
import {
  MAX_OWN_FILE_BYTES,
  PRIVATE_FILE,
  ensurePrivateDirectory,
  lookAt,
  readBytes,
  writeFileAtomic,
} from "../../../base/files.ts";
import { t, tell } from "../../language.ts";
import { showPath } from "../../../base/paths.ts";
import { SERVICES } from "../../../base/service.ts";
import { inShell } from "../../../base/shell.ts";
import { startOf } from "../../../base/start.ts";
import { splitEditor } from "../../../base/windows-lines.ts";
import { keepVersion, loadConfig } from "../../../config/file.ts";
import { type Cli, defineCommand } from "../../cli.ts";

/** What a shell says where there is no such command. */
const NOT_FOUND = 127;
const NEW_FILE = `{
  "version": 1,
${SERVICES.map((service) => `  "${service}": { "active": null, "configs": {} }`).join(",\n")}
}
`;

export const editCommand = defineCommand({
  description: "edit config.json in your editor, then validate it",
  examples: [
    ["ch config edit", "with $VISUAL or $EDITOR"],
    [inShell().once("VISUAL", "code --wait", "ch config edit"), "with a graphical editor"],
  ],
  async run(_args, cli) {
    const { config, home, backups } = cli.paths;
    ensurePrivateDirectory(home);
    const present = await readBytes(config, MAX_OWN_FILE_BYTES);
    if (present !== null) keepVersion(backups, present, cli.now());
    else writeFileAtomic(config, NEW_FILE, { mode: PRIVATE_FILE });
    await openEditor(cli, config);
    const { warnings } = await loadConfig(config);
    for (const warning of warnings) cli.out.warn(tell(warning));
    cli.out.note(t`${showPath(config, cli.env)} is valid`);
  },
});

export const pathCommand = defineCommand({
  description: "print where config.json is",
  examples: [
    ["ch config path", "print the path"],
    ['cat "$(ch config path)"', "use it in another command"],
  ],
  run(_args, cli) {
    cli.out.line(cli.paths.config);
  },
});

async function openEditor(cli: Cli, path: string): Promise<void> {
  const { env } = cli;
  const isWindows = process.platform === "win32";
  const editor = readVariable(env, "VISUAL") ?? readVariable(env, "EDITOR") ?? (isWindows ? "notepad" : "vi");
  // As git does it: the variable may hold a command with arguments.
  const command = isWindows
    ? [...splitEditor(editor, isFile), path]
    : ["sh", "-c", `${editor} "$@"`, editor, path];
  const hint = t`set VISUAL or EDITOR: ${inShell().set("EDITOR", isWindows ? "notepad" : "nano")}`;
  const code = await runEditor(command, env);
  if (code === null || (code === NOT_FOUND && !isWindows))
    throw new UserError(t`the editor "${editor}" was not found`, { hint });
  if (code !== 0) throw new UserError(t`the editor "${editor}" exited with code ${code}`, { hint });
}

/** Null where there is no such program. */
async function runEditor(command: readonly string[], env: Env): Promise<number | null> {
  try {
    const child = Bun.spawn({
      ...startOf(command, env),
      stdio: ["inherit", "inherit", "inherit"],
      env: { ...env },
    });
    return await child.exited;
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    return null;
  }
}

function isFile(path: string): boolean {
  return lookAt(path)?.isFile() === true;
}
