// A text for people as data: its English words and the values in them. Whoever shows it puts it into the person's
// language; a log, an answer or --json takes it in English. Names, codes and what others wrote stay plain strings.
// Pure.

export interface Text {
  /** English, and the key of its translation. "{0}", "{1}" are the values. */
  readonly text: string;
  readonly values: readonly TextValue[];
}

export type TextValue = string | number | Text;

/** t`no config named ${name}`. Values are names, numbers or texts. */
export function t(parts: TemplateStringsArray, ...values: readonly TextValue[]): Text {
  return { text: parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`), values };
}

/** An English text as a string, for where only strings pass, such as a schema. `fromEnglish` makes it a text again. */
export function english(parts: TemplateStringsArray, ...values: readonly TextValue[]): string {
  return inEnglish(t(parts, ...values));
}

export function fromEnglish(text: string): Text {
  return { text, values: [] };
}

/** Several texts as one. The separator is the same in every language. */
export function joinTexts(texts: readonly (Text | string)[], separator: string): Text {
  return { text: texts.map((_, index) => `{${index}}`).join(separator), values: texts };
}

export function inEnglish(text: Text | string): string {
  return renderText(text, (same) => same);
}

export function isText(value: unknown): value is Text {
  if (typeof value !== "object" || value === null || !("text" in value) || !("values" in value)) return false;
  return typeof value.text === "string" && Array.isArray(value.values) && value.values.every(isTextValue);
}

function isTextValue(value: unknown): value is TextValue {
  return typeof value === "string" || typeof value === "number" || isText(value);
}

/** `translate` says an English template in another language, its values in any order. */
export function renderText(text: Text | string, translate: (text: string) => string): string {
  if (typeof text === "string") return text;
  const { values } = text;
  return translate(text.text).replace(/\{(\d+)\}/g, (place, index: string) => {
    const value = values[Number(index)];
    return value === undefined
      ? place
      : typeof value === "number"
        ? String(value)
        : renderText(value, translate);
  });
}
