// A text for people as data: its English words and the values in them. Whoever shows it puts it into the person's
// language; a log, an answer or --json takes it in English. Names, codes and what others wrote stay plain strings.
// At the end, moments and spans as such texts: "14:30", "Nov 24 09:05", "2 h 10 min".
// Pure.

export interface Text {
  /** English, and the key of its translation. "{0}", "{1}" are the values. */
  readonly text: string;
  readonly values: readonly TextValue[];
  /** Where its translation has another key than the English: that key, and the names of the values in it. */
  readonly named?: { readonly id: string; readonly names: readonly string[] };
}

export type TextValue = string | number | Text;

/** t`no config named ${name}`. Values are names, numbers or texts. */
export function t(parts: TemplateStringsArray, ...values: readonly TextValue[]): Text {
  return { text: templates.getOrInsertComputed(parts, joinParts), values };
}

/** A line of code says the same each time. */
const templates = new WeakMap<TemplateStringsArray, string>();

function joinParts(parts: TemplateStringsArray): string {
  return parts.reduce((text, part, index) => `${text}{${index - 1}}${part}`);
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
  const text = texts.map((_, index) => `{${index}}`).join(separator);
  // No words of its own: it must not be taken for a text that a dictionary has.
  return { text, values: texts, named: { id: "", names: [] } };
}

export function inEnglish(text: Text | string): string {
  return renderText(text, (same) => same.text);
}

export function isText(value: unknown): value is Text {
  if (typeof value !== "object" || value === null || !("text" in value) || !("values" in value)) return false;
  return typeof value.text === "string" && Array.isArray(value.values) && value.values.every(isTextValue);
}

function isTextValue(value: unknown): value is TextValue {
  return typeof value === "string" || typeof value === "number" || isText(value);
}

/** Like the language, one for the process: what was typed to start it. */
let program = "ch";

export type ProgramName = "ch" | "codex-helper";

export function useProgramName(name: ProgramName): void {
  program = name;
}

/** Either of our two names as a word of its own: not in a path, an address or another name. */
const OWN_NAME = /(?<![\w./~@#-])(?:codex-helper|ch)(?![\w-]|[./]\w)/g;
/** The same before one of our commands or flags: in a line to type, where a config may be called "ch". */
const OWN_COMMAND =
  /(?<![\w./~@#-])(?:codex-helper|ch)(?= (?:--?[a-z]|\[|COMMAND|(?:serve|status|quota|usage|session|config|run|doctor|switch|demo|init|routing|budget|project|default|filter|completion|top|audit|hooks|statusline|mcp|help)\b))/g;

/** A text of ours before its values are in it. */
export function nameProgram(template: string): string {
  return mayHaveName(template) ? template.replace(OWN_NAME, program) : template;
}

/** Cheaper to ask than the patterns. */
function mayHaveName(text: string): boolean {
  return text.includes("ch") || text.includes("codex-helper");
}

/** A line to type, or a message with one, that names the program as it was called. */
export function asCalled(line: string): string {
  return mayHaveName(line) ? line.replace(OWN_COMMAND, program) : line;
}

/** `translate` gives the template in another language, its values in any order. */
export function renderText(text: Text | string, translate: (text: Text) => string): string {
  if (typeof text === "string") return text;
  const { values } = text;
  const template = nameProgram(translate(text));
  if (values.length === 0) return template;
  return template.replace(/\{(\d+)\}/g, (place, index: string) => {
    const value = values[Number(index)];
    return value === undefined
      ? place
      : typeof value === "number"
        ? String(value)
        : renderText(value, translate);
  });
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const DAYS_OF_MONTHS: readonly ((day: number) => Text)[] = [
  (day) => t`${day} Jan`,
  (day) => t`${day} Feb`,
  (day) => t`${day} Mar`,
  (day) => t`${day} Apr`,
  (day) => t`${day} May`,
  (day) => t`${day} Jun`,
  (day) => t`${day} Jul`,
  (day) => t`${day} Aug`,
  (day) => t`${day} Sep`,
  (day) => t`${day} Oct`,
  (day) => t`${day} Nov`,
  (day) => t`${day} Dec`,
];

const WEEKDAYS = [t`Sun`, t`Mon`, t`Tue`, t`Wed`, t`Thu`, t`Fri`, t`Sat`];

/** "10:44", "tomorrow 09:00", "Mon 09:00", "12 Dec", "2027-12-12"; of a day that was, "24 Nov 09:00". Both in ms of the wall clock. */
export function showMoment(at: number, now: number): Text | string {
  const [date, today] = [new Date(at), new Date(now)];
  const two = (part: number): string => String(part).padStart(2, "0");
  const time = `${two(date.getHours())}:${two(date.getMinutes())}`;
  const dayOf = (one: Date): number => Date.UTC(one.getFullYear(), one.getMonth(), one.getDate()) / DAY;
  const days = dayOf(date) - dayOf(today);
  if (days === 0) return time;
  if (days === 1) return t`tomorrow ${time}`;
  if (days > 1 && days < 7) return t`${WEEKDAYS[date.getDay()] ?? ""} ${time}`;
  const day = date.getFullYear() === today.getFullYear() ? showDay(at) : localDay(at);
  return days < 0 ? t`${day} ${time}` : day;
}

/** "30 Nov": the local day of a time in ms since 1970. */
export function showDay(at: number): Text | string {
  const date = new Date(at);
  return DAYS_OF_MONTHS[date.getMonth()]?.(date.getDate()) ?? "";
}

/** "2026-11-22": the local day of a time in ms since 1970, or one so many days from it. */
export function localDay(timestampMs: number, days = 0): string {
  const date = new Date(timestampMs);
  date.setDate(date.getDate() + days);
  const two = (part: number): string => String(part).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** A span in ms, in its two greatest units; nothing less than a second. */
export function showSpan(ms: number): Text {
  if (ms < 100 * SECOND) return t`${Math.max(1, Math.round(ms / SECOND))} s`;
  if (ms < HOUR) return t`${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) {
    const [hours, minutes] = [Math.floor(ms / HOUR), Math.floor((ms % HOUR) / MINUTE)];
    return minutes === 0 ? t`${hours} h` : t`${hours} h ${minutes} min`;
  }
  const [days, hours] = [Math.floor(ms / DAY), Math.floor((ms % DAY) / HOUR)];
  return hours === 0 ? t`${days} d` : t`${days} d ${hours} h`;
}
