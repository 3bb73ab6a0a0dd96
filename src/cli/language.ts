// The person's language, chosen once before a word is said: texts are data below cli/, and become words here. Never
// for what a program reads (JSON, logs, answers, codes).
// Pure.
import { type Env, readVariable } from "../base/env.ts";
import {
  type Text,
  type TextValue,
  asCalled,
  fromEnglish,
  t as makeText,
  nameProgram,
  renderText,
} from "../base/text.ts";

export type Language = "en" | "zh";

/** English text -> the same in the other language. "{0}", "{1}" stand for the values, in any order, or left out. */
export interface Dictionary {
  readonly [english: string]: string | Readonly<Record<string, string>>;
  /** By id; the values have names. */
  readonly reasons: Readonly<Record<string, string>>;
}

/** Like the C library's locale: one for the process. Null is English. */
let dictionary: Dictionary | null = null;

export function useDictionary(next: Dictionary | null): void {
  dictionary = next;
}

/** `CODEX_HELPER_LANG`, else LC_ALL, LC_MESSAGES, LANG as POSIX orders them: the first that is set decides. */
export function languageOf(env: Env): Language {
  const names = ["CODEX_HELPER_LANG", "LC_ALL", "LC_MESSAGES", "LANG"];
  const value = names.map((name) => readVariable(env, name)).find((found) => found !== undefined);
  return /^zh(?![a-z])/i.test(value?.trim() ?? "") ? "zh" : "en";
}

/** t`no config named ${name}`: the text in the person's language. Values are names, numbers or texts. */
export function t(parts: TemplateStringsArray, ...values: readonly TextValue[]): string {
  return tell(makeText(parts, ...values));
}

/** A text in the person's language. A plain string is a name, a code, a line to type or another program's words, and stays. */
export function tell(text: Text | string): string {
  return typeof text === "string" ? asCalled(text) : renderText(text, templateOf);
}

/** Names in a row, with the comma that the language has between them. */
export function tellList(names: readonly string[]): string {
  return names.length === 0 ? "" : names.reduce((all, name) => t`${all}, ${name}`);
}

/** What another process or a file says, from its data; without them, as from an older version, its English. */
export function tellEither(text: Text | undefined, english: string): string {
  return tell(text ?? fromEnglish(english));
}

/** For the texts of tables that citty reads, such as a command's summary. */
export function translate(english: string): string {
  return nameProgram(lookUp(english));
}

function lookUp(english: string): string {
  const found = dictionary !== null && Object.hasOwn(dictionary, english) ? dictionary[english] : english;
  return typeof found === "string" ? found : english;
}

function templateOf({ named, text }: Text): string {
  if (named === undefined) return lookUp(text);
  const own = dictionary?.reasons[named.id] ?? text;
  return own.replace(/\{(\w+)\}/g, (place, name: string) => {
    const index = named.names.indexOf(name);
    return index < 0 ? place : `{${index}}`;
  });
}
