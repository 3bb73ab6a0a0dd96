// What a command script of npm, pnpm or Yarn starts on Windows. Such a `.cmd` cannot be started with every argument: it
// passes them through cmd, where quotes, `&` and `%` mean something else.
// Pure.
import { win32 } from "node:path";

/** The words to start instead of the script at `path`; null where its text is not of the kind that is known. */
export function readShim(path: string, text: string): readonly string[] | null {
  const target = /"%(?:~dp0|dp0%)\\?([^"%]+\.(?:exe|[cm]?js))"[ \t]+%\*/i.exec(text)?.[1];
  if (target === undefined) return null;
  const file = win32.join(win32.dirname(path), target);
  return file.toLowerCase().endsWith(".exe") ? [file] : ["node", file];
}
