// Makes texts comparable without regard to case, character by character, so that offsets stay what they were.
// Pure.

/** A letter beyond ASCII that has another case. */
const CASED = /(?![A-Za-z])\p{Changes_When_Casemapped}/gu;

/**
 * Lower case of the same length as the text. A letter whose lower case is longer ("İ") or falls into ASCII (the Kelvin
 * sign) stays as it is, and a letter never depends on its neighbours (final sigma), unlike in toLowerCase() of the whole.
 */
export function fold(text: string): string {
  // oxlint-disable-next-line no-control-regex -- the ASCII range is the point
  if (/^[\u0000-\u007f]*$/.test(text)) return text.toLowerCase();
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()).replace(CASED, foldLetter);
}

function foldLetter(letter: string): string {
  const lower = letter.toUpperCase().toLowerCase();
  return lower.length === letter.length && lower > "\u007f" ? lower : letter;
}
