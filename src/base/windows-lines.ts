// Lines for Windows' command processor, which reads `&`, `%` and quotation marks before the program does, and what a person wrote as
// the command of an editor. Whoever starts one passes the line on as it is (`windowsVerbatimArguments`).
// Pure.

/** Starts a command as a person wrote it: cmd takes the outer quotation marks off, and leaves those within alone. */
export function writeCommandLine(command: string): readonly string[] {
  return ["/d", "/s", "/c", `"${command}"`];
}

/**
 * The arguments of cmd that start a script (.cmd, .bat) with these words, each of which arrives as it is; null where one has a
 * line break, which no such script can be given. As the standard library of Rust does it since CVE-2024-24576: within quotation
 * marks a mark is written twice, and `%cd:~,%`, which is empty, comes after each percent sign, so that no name is between two.
 */
export function writeScriptLine(script: string, args: readonly string[]): readonly string[] | null {
  const words = [script, ...args];
  if (words.some((word) => /[\0\r\n]/.test(word))) return null;
  return ["/e:ON", "/v:OFF", "/d", "/s", "/c", `"${words.map(quoteForScript).join(" ")}"`];
}

function quoteForScript(word: string): string {
  const whole = word
    .replaceAll(/\\+(?="|$)/g, "$&$&")
    .replaceAll('"', '""')
    .replaceAll("%", "%%cd:~,%");
  return `"${whole}"`;
}

/**
 * The words of VISUAL or EDITOR: a path with blanks is often written without quotation marks, and those of a POSIX shell are
 * common too, since git reads them. A backslash is one.
 */
export function splitEditor(value: string, isFile: (path: string) => boolean): readonly string[] {
  const pieces = value.trim().split(/(\s+)/);
  for (let count = pieces.length; count > 1; count -= 2) {
    const path = pieces.slice(0, count).join("");
    if (isFile(path)) return [path, ...splitWords(pieces.slice(count).join(""))];
  }
  return splitWords(value);
}

function splitWords(text: string): string[] {
  const words = text.match(/(?:"[^"]*"?|'[^']*'?|[^\s"'])+/g) ?? [];
  return words.map((word) => word.replaceAll(/"([^"]*)"?|'([^']*)'?/g, "$1$2"));
}
