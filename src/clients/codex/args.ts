// Reads the parts of a Codex command line that decide where its requests go.
// Pure.
import { type TomlTable, type TomlValue, TomlError, parse } from "smol-toml";
import { isTable } from "./layers.ts";

/** One `-c key=value`. */
export interface CodexSetting {
  /** The dotted key's parts. Codex splits at every dot: quotes mean nothing to it. */
  readonly path: readonly string[];
  readonly value: TomlValue;
}

export type CodexArgs = Readonly<ReturnType<typeof readCodexArgs>>;

/** Looks at everything before `--`. */
export function readCodexArgs(args: readonly string[]) {
  const end = args.indexOf("--");
  const words = end < 0 ? args : args.slice(0, end);
  const has = (...names: readonly string[]): boolean =>
    words.some((word) => names.some((name) => word === name || word.startsWith(`${name}=`)));
  return {
    /** In the order in which they apply. */
    settings: valuesOf(words, "-c", "--config").flatMap((text) => readSetting(text) ?? []),
    profile: valuesOf(words, "-p", "--profile").at(-1),
    ignoresUserConfig: has("--ignore-user-config"),
    /** A model on this machine. */
    usesLocalModel: has("--oss", "--local-provider"),
    /** The requests are another machine's. */
    usesRemote: has("--remote"),
    hasNoDaemon: has("--no-daemon"),
    /** The session decides which provider it uses. */
    mayResume: words.includes("resume") || words.includes("fork"),
  };
}

/** One table of all settings: a later one replaces the whole value at its path. */
export function applySettings(settings: readonly CodexSetting[]): TomlTable {
  const root: TomlTable = {};
  for (const { path, value } of settings) {
    let table = root;
    for (const key of path.slice(0, -1)) {
      const next = table[key];
      table = isTable(next) ? next : (table[key] = {});
    }
    table[path.at(-1) ?? ""] = structuredClone(value);
  }
  return root;
}

/** "-c X", "-cX", "-c=X", "--config X", "--config=X" */
function valuesOf(words: readonly string[], short: string, long: string): string[] {
  return words.flatMap((word, index) => {
    if (word === short || word === long) return words[index + 1] ?? [];
    if (word.startsWith(`${long}=`)) return word.slice(long.length + 1);
    const isShort = word.startsWith(short) && !word.startsWith("--");
    return isShort ? word.slice(short.length).replace(/^=/, "") : [];
  });
}

/** A value that is not TOML is a plain text, as for Codex. Undefined for what Codex refuses. */
function readSetting(text: string): CodexSetting | undefined {
  const [, key = "", value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  return value === undefined || key.trim() === ""
    ? undefined
    : { path: key.trim().split("."), value: readValue(value.trim()) };
}

function readValue(text: string): TomlValue {
  try {
    return parse(`value = ${text}`)["value"] ?? text;
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return text.replace(/^(["'])(.*)\1$/s, "$2");
  }
}
