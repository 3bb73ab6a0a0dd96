// Makes text of unknown origin harmless for a terminal (upstream errors, session titles, model names).
// Pure.

/* oxlint-disable no-control-regex, no-misleading-character-class -- matching control and combining characters is the point of this file */

/**
 * DEL, C1, line separators, and what has no form of its own (Unicode's Cf and Default_Ignorable_Code_Point): it turns the direction of a line,
 * or holds a text that only a program sees, as tags and variation selectors do. Arabic signs are visible; the two last
 * selectors of the first block choose how an emoji looks.
 */
const BEYOND_C0 =
  /[[\p{Cf}--[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2]]\u007f-\u009f\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u2065\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8\u{e0000}-\u{e0fff}]/gv;
/** The same and C0. Tab and newline are handled apart. */
const HARMFUL = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f]|${BEYOND_C0.source}`, "gv");
const ESCAPE_SEQUENCE =
  /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[PX^_][^\u001b]*(?:\u001b\\)?|[ -/]*[0-~])/g;

/** Most names are words of ASCII: to see that is cheaper than to look for each of what they lack. */
const PLAIN = /^(?:[!-~]+ )*[!-~]+$/;

/** One printable line: escape sequences and control characters gone, any run of white space is one blank. */
export function oneLine(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(ESCAPE_SEQUENCE, "").replace(/\s+/g, " ").replace(HARMFUL, "").trim();
}

/** Printable text that keeps its lines and tabs. */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(ESCAPE_SEQUENCE, "").replace(/\r\n?/g, "\n").replace(HARMFUL, "");
}

/** What stands for our own signs where there is no Unicode; each takes as many columns as the sign. */
const PLAIN_SIGNS: Readonly<Record<string, string>> = {
  "●": "+",
  "◐": "~",
  "◔": "~",
  "▲": "!",
  "✕": "x",
  "○": "-",
  "×": "x",
  "·": ".",
  "…": "~",
  "█": "#",
  "▒": "=",
  "░": ".",
  "▏": ".",
  "▎": ".",
  "▍": "-",
  "▌": "-",
  "▋": "=",
  "▊": "=",
  "▉": "#",
  "▁": "_",
  "▂": "_",
  "▃": "-",
  "▄": "-",
  "▅": "=",
  "▆": "=",
  "▇": "#",
  "¦": "|",
  "│": "|",
  "└": "'",
  "◆": "*",
  "◇": "o",
  "■": "x",
  "▪": "*",
  "◼": "x",
  "◻": "-",
};
const SIGNS = new RegExp(`[${Object.keys(PLAIN_SIGNS).join("")}]`, "g");

/** Our own signs in ASCII. Names and other people's words stay. */
export function withoutSigns(text: string): string {
  return text.replace(SIGNS, (sign) => PLAIN_SIGNS[sign] ?? sign);
}

/** JSON whose values stay what they are: what could steer a terminal is escaped. JSON itself escapes C0. */
export function escapeHarmful(json: string): string {
  // Nearly always: to count the bytes costs a tenth of looking at each character.
  if (Buffer.byteLength(json) === json.length && !json.includes("\u007f")) return json;
  return json.replace(BEYOND_C0, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}
