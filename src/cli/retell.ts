// Says a finished English text in another language: finds the text of the dictionary that it was made from, and the
// values in it. For texts that were stored or sent by a process of any version; one that is not known stays English.
// Pure.

/** English text -> the same in the other language. "{0}", "{1}" stand for the values, in any order, or left out. */
export type Dictionary = Readonly<Record<string, string>>;

interface Pattern {
  readonly english: string;
  readonly regex: RegExp;
  /** Which value each group of the regex is. */
  readonly places: readonly string[];
}

/** With fewer letters of its own a text says too little to be recognised, but around numbers: "{0} h {1} min". */
const LEAST_LETTERS = 4;
const patternsOf = new WeakMap<Dictionary, readonly Pattern[]>();

export function retellIn(dictionary: Dictionary, english: string): string {
  if (Object.hasOwn(dictionary, english)) return dictionary[english] ?? english;
  return (
    retellSentences(dictionary, english) ??
    retellFramed(dictionary, english) ??
    retellPattern(dictionary, english, () => true) ??
    english
  );
}

/** Several sentences, each by itself, where no text of the dictionary is made of as many. */
function retellSentences(dictionary: Dictionary, english: string): string | null {
  const sentences = english.split(/(?<=\.) /);
  if (sentences.length === 1) return null;
  const whole = retellPattern(dictionary, english, (text) => text.includes(". "));
  return whole ?? sentences.map((sentence) => retellIn(dictionary, sentence)).join(" ");
}

function retellFramed(dictionary: Dictionary, english: string): string | null {
  for (const frame of FRAMES) {
    const [, before = "", inner, after = ""] = frame.exec(english) ?? [];
    const told = inner === undefined ? undefined : retellIn(dictionary, inner);
    if (told !== inner) return before + told + after;
  }
  return null;
}

function retellPattern(
  dictionary: Dictionary,
  english: string,
  suits: (text: string) => boolean,
): string | null {
  let patterns = patternsOf.get(dictionary);
  if (patterns === undefined) patternsOf.set(dictionary, (patterns = makePatterns(dictionary)));
  for (const pattern of patterns) {
    const found = suits(pattern.english) ? pattern.regex.exec(english) : null;
    if (found === null) continue;
    const values = new Map(pattern.places.map((place, index) => [place, found[index + 1] ?? ""]));
    // A single word is a name or a number: it is never a text, though a text may be spelled alike.
    const say = (value: string): string => (value.includes(" ") ? retellIn(dictionary, value) : value);
    return (dictionary[pattern.english] ?? "").replace(/\{\d+\}/g, (place) =>
      say(values.get(place) ?? place),
    );
  }
  return null;
}

/** What stands around a text without words of its own: "TEXT.", "429 TEXT", "TEXT (code)", "main#2: TEXT", "file:3:7: TEXT". */
const FRAMES = [/^()(.+)(\.)$/s, /^(\d{3} )(.+)$/s, /^()(.+)( \([\w.-]+\))$/s, /^([^\s:]+(?::\d+)*: )(.+)$/s];

/** Those that say most by themselves come first: "no config named {0}" before "no {0}". */
function makePatterns(dictionary: Dictionary): readonly Pattern[] {
  return Object.keys(dictionary)
    .filter((english) => /\{\d+\}/.test(english) && countLetters(english) > 0)
    .toSorted(
      (one, other) =>
        countLetters(other) - countLetters(one) || other.split("{").length - one.split("{").length,
    )
    .map((english) => {
      const parts = english.split(/\{\d+\}/).map((part) => RegExp.escape(part));
      const places = [...english.matchAll(/\{\d+\}/g)].map(([place]) => place);
      const value = countLetters(english) < LEAST_LETTERS ? "(\\d+)" : "(.*?)";
      return { english, regex: new RegExp(`^${parts.join(value)}$`, "s"), places };
    });
}

function countLetters(english: string): number {
  return english.replace(/\{\d+\}/g, "").replace(/\P{L}/gu, "").length;
}
