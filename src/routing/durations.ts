// Reads the many spellings of "how long" and "when" that upstreams use. Knows no header or field by name.
// Pure.

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Epoch values from here on are milliseconds; below, seconds (the year 5138 in seconds, 1973 in ms). */
const EPOCH_MS_FROM = 1e11;

/** A plain decimal number, as a number or as text ("1.5"). Null for signs, exponents and anything else. */
export function parseNumber(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || !/^\d{1,15}(\.\d{1,9})?$/.test(value.trim())) return null;
  return Number(value);
}

/** "6m0s", "1h2m", "12.3s", "250ms" in ms; a bare number counts as seconds. Null when it is no such thing. */
export function parseDurationMs(value: unknown): number | null {
  const seconds = parseNumber(value);
  if (seconds !== null) return seconds * 1_000;
  if (typeof value !== "string") return null;
  const text = value.trim().toLowerCase();
  if (!/^(?:\d{1,12}(?:\.\d{1,9})?(?:ms|[smhd])){1,5}$/.test(text)) return null;
  let totalMs = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)(ms|[smhd])/g))
    totalMs += Number(amount) * (UNIT_MS[unit] ?? 0);
  return totalMs;
}

/** Epoch seconds, epoch milliseconds, RFC 3339 or an HTTP date, as wall-clock ms. */
export function parseInstantMs(value: unknown): number | null {
  const epoch = parseNumber(value);
  if (epoch !== null) return epoch >= EPOCH_MS_FROM ? epoch : epoch * 1_000;
  if (typeof value !== "string") return null;
  return parseRfc3339Ms(value) ?? parseHttpDateMs(value);
}

/** RFC 9110 5.6.7, all three forms. `Date.parse` alone would take "1.5" for a day in 2001. */
export function parseHttpDateMs(value: string): number | null {
  const text = value.trim();
  if (WITH_ZONE.some((form) => form.test(text))) return finite(Date.parse(text));
  return WITHOUT_ZONE.test(text) ? finite(Date.parse(`${text} GMT`)) : null;
}

const WITH_ZONE = [
  /^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/,
  /^[A-Z][a-z]{5,8}, \d\d-[A-Z][a-z]{2}-\d\d \d\d:\d\d:\d\d GMT$/,
];
const WITHOUT_ZONE = /^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;

function parseRfc3339Ms(value: string): number | null {
  const text = value.trim();
  if (!/^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/i.test(text)) return null;
  return finite(Date.parse(text.replace(" ", "T")));
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}

/** The wait in running text: "try again in 1.5s", "in 2 minutes", "请在 30 秒后重试". In ms. */
export function findWaitMs(text: string): number | null {
  const english =
    /(?:try again|retry(?: again)?) (?:in|after) (?:about )?((?:\d{1,9}(?:\.\d{1,9})?\s*[a-z]{1,7}[\s,]*){1,4})/i.exec(
      text,
    )?.[1];
  if (english !== undefined) return sumWords(english);
  const chinese = /(\d{1,9}(?:\.\d{1,9})?)\s*(秒|分钟|小时)(?:钟)?[后後]/.exec(text);
  if (chinese === null) return null;
  const unit = chinese[2] === "秒" ? "s" : chinese[2] === "分钟" ? "m" : "h";
  return Number(chinese[1]) * (UNIT_MS[unit] ?? 0);
}

const UNIT_WORDS: readonly [RegExp, string][] = [
  [/^(?:ms|msecs?|milliseconds?)$/, "ms"],
  [/^(?:s|secs?|seconds?)$/, "s"],
  [/^(?:m|mins?|minutes?)$/, "m"],
  [/^(?:h|hrs?|hours?)$/, "h"],
  [/^(?:d|days?)$/, "d"],
];

function sumWords(text: string): number | null {
  let totalMs: number | null = null;
  for (const [, amount, word = ""] of text.toLowerCase().matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)) {
    const unit = UNIT_WORDS.find(([pattern]) => pattern.test(word))?.[1];
    if (unit === undefined) break;
    totalMs = (totalMs ?? 0) + Number(amount) * (UNIT_MS[unit] ?? 0);
  }
  return totalMs;
}
