// Chooses the language before a word is said. The Chinese texts are loaded only where they are shown.
import type { Env } from "../base/env.ts";
import { languageOf, useDictionary } from "../base/language.ts";

/** `argv` is without the program's own name. What a program reads (--json) is English everywhere. */
export async function chooseLanguage(argv: readonly string[], env: Env): Promise<void> {
  const end = argv.indexOf("--");
  // What follows `--` is another program's.
  const isForPrograms = argv.slice(0, end < 0 ? argv.length : end).includes("--json");
  if (languageOf(env) === "en" || isForPrograms) return useDictionary(null);
  useDictionary((await import("./zh.ts")).ZH);
}
