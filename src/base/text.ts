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

/** Several texts as one. The separator is the same in every language. */
export function joinTexts(texts: readonly (Text | string)[], separator: string): Text {
  return { text: texts.map((_, index) => `{${index}}`).join(separator), values: texts };
}

export function inEnglish(text: Text | string): string {
  return renderText(text, (english) => english);
}

/** `translate` says an English template in another language, its values in any order. */
export function renderText(text: Text | string, translate: (english: string) => string): string {
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
