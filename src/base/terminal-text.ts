// Makes text of unknown origin harmless for a terminal (upstream errors, session titles, model names).
// Pure.

/* oxlint-disable no-control-regex -- matching control characters is the point of this file */

/** DEL, C1, bidirectional marks, zero-width marks and line separators. */
const BEYOND_C0 = /[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;
/** The same and C0. Tab and newline are handled apart. */
const HARMFUL = new RegExp(`[\\u0000-\\u0008\\u000b-\\u001f]|${BEYOND_C0.source}`, "g");
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
  return json.replace(BEYOND_C0, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
