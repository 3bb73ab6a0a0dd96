// The language of the words for people, chosen once when the program starts. A text is written in English where
// it is said; a dictionary says it in another language. Never what a program reads: JSON, logs, answers, codes.
// Pure.
import { type Env, readVariable } from "./env.ts";

export type Language = "en" | "zh";

/** English text -> the same in the other language. "{0}", "{1}" stand for the values, in any order, or left out. */
export type Dictionary = Readonly<Record<string, string>>;

/** Like the C library's locale: one for the process, set before anything is said. */
let dictionary: Dictionary | null = null;

/** `CODEX_HELPER_LANG`, else LC_ALL, LC_MESSAGES, LANG as POSIX orders them: the first that is set decides. */
export function languageOf(env: Env): Language {
  const names = ["CODEX_HELPER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
  const value = names.map((name) => readVariable(env, name)).find((found) => found !== undefined);
  return /^zh(?![a-z])/i.test(value?.trim() ?? "") ? "zh" : "en";
}

/** Null is English. */
export function useDictionary(next: Dictionary | null): void {
  dictionary = next;
}

/** t`no config named ${name}`: the text in the language of this process. Values are names, numbers or texts. */
export function t(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  const english = parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`);
  return translate(english).replace(/\{(\d+)\}/g, (mark, index: string) =>
    String(values[Number(index)] ?? mark),
  );
}

/** The same for a text that a table holds, such as a command's summary. One without a translation stays English. */
export function translate(english: string): string {
  return dictionary !== null && Object.hasOwn(dictionary, english)
    ? (dictionary[english] ?? english)
    : english;
}
