// The language of the words for people, chosen once when the program starts. A text is written in English where
// it is said; a dictionary says it in another language. Never what a program reads: JSON, logs, answers, codes.
// Pure.
import { type Env, readVariable } from "./env.ts";
import { retellIn } from "./retell.ts";
import { renderText, type Text } from "./text.ts";

export type Language = "en" | "zh";

/** English text -> the same in the other language. "{0}", "{1}" stand for the values, in any order, or left out. */
export type Dictionary = Readonly<Record<string, string>>;

/** Like the C library's locale: one for the process, set before anything is said. */
let dictionary: Dictionary | null = null;
/** Whether `t` is read by programs too: it is English then, and `toPerson` says where a person reads. */
let servesPrograms = false;

/** `CODEX_HELPER_LANG`, else LC_ALL, LC_MESSAGES, LANG as POSIX orders them: the first that is set decides. */
export function languageOf(env: Env): Language {
  const names = ["CODEX_HELPER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
  const value = names.map((name) => readVariable(env, name)).find((found) => found !== undefined);
  return /^zh(?![a-z])/i.test(value?.trim() ?? "") ? "zh" : "en";
}

/** Null is English. */
export function useDictionary(next: Dictionary | null): void {
  dictionary = next;
  servesPrograms = false;
}

/** t`no config named ${name}`: the text in the language of this process. Values are names, numbers or texts. */
export function t(parts: TemplateStringsArray, ...values: readonly (string | number | Text)[]): string {
  return tell({ text: parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`), values });
}

/** A text in the language of this process. A plain string is a name, a code or another program's words. */
export function tell(text: Text | string): string {
  return renderText(text, translate);
}

/** The same for a text that a table holds, such as a command's summary. One without a translation stays English. */
export function translate(english: string): string {
  return dictionary !== null && !servesPrograms && Object.hasOwn(dictionary, english)
    ? (dictionary[english] ?? english)
    : english;
}

/** A text that is stored or sent, and therefore English in every process: `retell` says it where it is shown. */
export function kept(parts: TemplateStringsArray, ...values: readonly (string | number)[]): string {
  return parts.reduce((text, part, index) => `${text}${values[index - 1] ?? ""}${part}`);
}

/** An English text from a file, from another process or from `kept`, for a person. An unknown one stays as it is. */
export function retell(english: string): string {
  return dictionary === null ? english : retellIn(dictionary, english);
}

/** From now on this process answers programs as well: `t` speaks English but within `toPerson`. */
export function servePrograms(): void {
  servesPrograms = true;
}

/** What `say` makes, in the person's language. It must be done when it returns. */
export function toPerson<T>(say: () => T): T {
  const before = servesPrograms;
  servesPrograms = false;
  try {
    return say();
  } finally {
    servesPrograms = before;
  }
}
