// Where Codex's settings may be: beside config.toml of CODEX_HOME the profiles there, and the machine's own files. And in which
// encodings it reads them.
// Only looks for names.
import { basename, join } from "node:path";
import { listNames } from "../../base/files.ts";
import type { Encoding } from "../../base/bytes.ts";
import type { Paths } from "../../base/paths.ts";
import type { ClientFiles } from "../client.ts";

/** Tried: test/real-clients/files.test.ts. */
export const CODEX_ENCODINGS: readonly Encoding[] = ["UTF-8"];

/** https://github.com/openai/codex/blob/main/codex-rs/config/src/loader: on Windows what is managed is in Codex's own home. */
const SYSTEM_DIRECTORY = process.platform === "win32" ? "C:\\ProgramData\\OpenAI\\Codex" : "/etc/codex";
const PROFILE_SUFFIX = ".config.toml";

/** `-p NAME` */
export function profilePath({ codexHome }: Paths, name: string): string {
  return join(codexHome, `${name}${PROFILE_SUFFIX}`);
}

export function profileName(path: string): string {
  return basename(path, PROFILE_SUFFIX);
}

/** In the order of their names. */
export function listProfilePaths({ codexHome }: Paths): string[] {
  const names = listNames(codexHome).filter((name) => name.endsWith(PROFILE_SUFFIX));
  return names.toSorted().map((name) => join(codexHome, name));
}

/** Below everything else, and above. */
export function systemPaths(
  { codexHome }: Paths,
  directory?: string,
): { readonly config: string; readonly managed: string } {
  const managed = directory ?? (process.platform === "win32" ? codexHome : SYSTEM_DIRECTORY);
  return {
    config: join(directory ?? SYSTEM_DIRECTORY, "config.toml"),
    managed: join(managed, "managed_config.toml"),
  };
}

/** All of them. */
export function listSettingsPaths({ paths, systemDirectory }: ClientFiles): string[] {
  const { config, managed } = systemPaths(paths, systemDirectory);
  return [paths.codexConfig, ...listProfilePaths(paths), config, managed];
}
