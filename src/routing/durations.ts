// Reads the many spellings of "how long" and "when" that upstreams use, in values and in running text. Knows no header or field
// by name, and decides nothing. Every pattern is bounded.
// Pure.

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Epoch values from here on are milliseconds; below, seconds (the year 5138 in seconds, 1973 in ms). */
const EPOCH_MS_FROM = 1e11;
/** No wait is so long: a plain number from here on is an epoch. */
const EPOCH_FROM = 1e9;
const DAY_MS = 86_400_000;

/** A plain decimal number, as a number or as text ("1.5"). Null for signs, exponents and anything else. */
export function parseNumber(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || !/^\d{1,15}(\.\d{1,9})?$/.test(value.trim())) return null;
  return Number(value);
}

/** "6m0s", "1h2m", "12.3s", "250ms", "02:15:10", "PT1H30M" in ms; a bare number counts as seconds. Null when it is no such thing. */
export function parseDurationMs(value: unknown): number | null {
  const seconds = parseNumber(value);
  if (seconds !== null) return seconds * 1_000;
  if (typeof value !== "string") return null;
  const text = value.trim().toLowerCase();
  const clock = /^(?:(\d{1,3})\.)?(\d{1,3}):(\d\d):(\d\d)(?:\.\d{1,9})?$/.exec(text);
  if (clock !== null)
    return (
      (Number(clock[1] ?? 0) * 86_400 + Number(clock[2]) * 3_600 + Number(clock[3]) * 60 + Number(clock[4])) *
      1_000
    );
  const iso =
    /^p(?:(\d{1,4})d)?(?:t(?=\d)(?:(\d{1,4})h)?(?:(\d{1,5})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s)?)?$/.exec(text);
  if (iso !== null && text.length > 2 && !text.endsWith("t"))
    return ["d", "h", "m", "s"].reduce(
      (total, unit, index) => total + Number(iso[index + 1] ?? 0) * (UNIT_MS[unit] ?? 0),
      0,
    );
  if (!/^(?:\d{1,12}(?:\.\d{1,9})?(?:ms|[smhd])){1,5}$/.test(text)) return null;
  return sumUnits(text);
}

function sumUnits(text: string): number {
  let totalMs = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)(ms|[smhd])/g))
    totalMs += Number(amount) * (UNIT_MS[unit] ?? 0);
  return totalMs;
}

/** Epoch seconds, epoch milliseconds, RFC 3339 or an HTTP date, as wall-clock ms. Zero and other small numbers are no time. */
export function parseInstantMs(value: unknown): number | null {
  const epoch = parseNumber(value);
  if (epoch !== null) return epoch >= EPOCH_MS_FROM ? epoch : epoch >= EPOCH_FROM ? epoch * 1_000 : null;
  if (typeof value !== "string") return null;
  return parseRfc3339Ms(value) ?? parseHttpDateMs(value);
}

/** When it is, wall clock in ms: an instant, or a wait from `now` on; a plain number is a wait unless it has an epoch's size. */
export function parseWhenMs(value: unknown, now: number): number | null {
  const plain = typeof value === "string" ? value.trim().replace(/^"([^"]{0,64})"$/, "$1") : value;
  const number = parseNumber(plain);
  if (number !== null) return number >= EPOCH_FROM ? parseInstantMs(number) : now + number * 1_000;
  const waitMs = parseDurationMs(plain);
  if (waitMs !== null) return now + waitMs;
  if (typeof plain !== "string") return null;
  const words = WORDS.test(plain) ? sumWords(plain) : null;
  if (words !== null) return now + words;
  return parseInstantMs(plain) ?? findDateMs(plain.toLowerCase(), now);
}

/** "1 minute", "2 hours and 5 minutes". */
const WORDS = /^(?:\d{1,9}(?:\.\d{1,9})? {0,2}[a-z]{1,12}(?: and |, | )?){1,4}$/i;

/** RFC 9110 5.6.7, all three forms, and the first as RFC 5322 has it. `Date.parse` alone would take "1.5" for a day in 2001. */
export function parseHttpDateMs(value: string): number | null {
  const text = value.trim();
  if (WITH_ZONE.some((form) => form.test(text))) return finite(Date.parse(text));
  return WITHOUT_ZONE.test(text) ? finite(Date.parse(`${text} GMT`)) : null;
}

const WITH_ZONE = [
  /^[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d (?:GMT|UTC|[+-]\d{4})$/,
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

/** The wait in running text: "try again in 1.5s", "resets in 4 days 19 hours", "请在 30 秒后重试". In ms. */
export function findWaitMs(text: string): number | null {
  const lower = text.toLowerCase();
  const clock = /\b(?:in|after) (\d{1,3}:\d\d:\d\d)\b/.exec(lower)?.[1];
  if (clock !== undefined) return parseDurationMs(clock);
  const field = RETRY_AFTER.exec(lower)?.[1];
  if (field !== undefined) return parseDurationMs(field);
  const english = ENGLISH_WAIT.exec(lower)?.[1];
  if (english !== undefined) return sumWords(english);
  const [, before, after] = CHINESE_WAIT.exec(lower) ?? [];
  const chinese = before ?? after;
  if (chinese === undefined) return null;
  let totalMs = 0;
  for (const [, amount, unit = ""] of chinese.matchAll(/([\d.]+)\s{0,2}个?([秒分小天])/g))
    totalMs += Number(amount) * (UNIT_MS[UNIT_ZH[unit] ?? ""] ?? 0);
  return totalMs;
}

const SPAN_ZH = String.raw`((?:\d{1,9}(?:\.\d{1,9})?\s{0,2}(?:秒钟?|分钟?|个?小时|天)\s{0,2}){1,4})`;
/** "2 小时 30 分钟后", "等待 30 秒". */
const CHINESE_WAIT = new RegExp(
  String.raw`${SPAN_ZH}(?:之|以)?[后後]|(?:等待?|剩余时间)[:：]?\s{0,2}${SPAN_ZH}`,
);

/** "Retry-After: 30", "retry_after=30s": a field that was put into a sentence. */
const RETRY_AFTER = /\bretry[-_ ]?after["']? ?[:=] ?["']?(\d{1,9}(?:\.\d{1,9})?(?:ms|[smhd])?)(?![\w.])/;
const ENGLISH_WAIT =
  /\b(?:(?:try again|retry(?: again)?|resets?|replenished|available(?: again)?|renews?|refresh(?:es|ed)?|regain access) (?:in|after)|(?:please )?wait(?: for)?|(?:cooling down|cooldown|blocked|limited|paused|unavailable) for) (?:about |another )?((?:\d{1,9}(?:\.\d{1,9})?\s{0,2}[a-z]{1,7}(?:[\s,]|and ){0,5}){1,4})/;

const UNIT_ZH: Readonly<Record<string, string>> = { 秒: "s", 分: "m", 小: "h", 天: "d" };
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

/** The time at which a limit ends, in running text of lower case; only where it speaks of an end. Wall clock, ms. */
export function findResetMs(text: string, now: number): number | null {
  if (!/reset|regain|try again|available|renew|refresh|retry|limit reached\||重置|恢复|刷新|重试/.test(text))
    return null;
  const said = text.replace(/\bmidnight\b/, "12am");
  const epoch = /\breached\|(\d{10,13})\b/.exec(text)?.[1];
  return epoch === undefined ? findDateMs(said, now) : parseInstantMs(epoch);
}

const TIME = String.raw`(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d{1,9})?)?`;
const CLOCK = String.raw`(\d{1,2})(?::(\d\d))?(?::(\d\d))?(?: ?([ap]m)\b)?`;
const ZONE = String.raw`(?: ?\(?(z\b|(?:utc|gmt)?[+-]\d{1,2}(?::?\d\d)?|utc|gmt|[a-z]{2,20}\/[a-z_]{2,30}(?:\/[a-z_]{2,30})?)\)?)?`;
const NUMERIC = new RegExp(String.raw`\b(\d{4})[-/](\d\d)[-/](\d\d)(?:t|,? at |,? )${TIME}${ZONE}`);
const NAMED = new RegExp(
  String.raw`\b(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.? (\d{1,2})(?:st|nd|rd|th)?(?:,? (\d{4}))?(?: at|,)? ${CLOCK}${ZONE}`,
);
/** "2026年1月5日 08:00", "1月5日8:00", "次日 00:00": the hour is that of China. */
const CHINESE = new RegExp(
  String.raw`(?:(?:(\d{4})年)?(\d{1,2})月(\d{1,2})[日号]|(次日|明[日天]))\s?(?:凌晨|上午|早上)?\s?(\d{1,2})[:：点](\d\d)?(?::(\d\d))?`,
);
const CLOCK_ONLY = new RegExp(String.raw`\bresets?(?: at)? ${CLOCK}${ZONE}`);
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
/** Who names no zone is mostly in China; a time that has passed there is taken for UTC. Too early is only asked once more. */
const CHINA = "+08:00";
const CHINA_MS = 8 * 3_600_000;
const UNNAMED_ZONES = [CHINA, "+00:00"];

interface Local {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** A date and time, or a time of day with its zone, as wall-clock ms. */
function findDateMs(text: string, now: number): number | null {
  const numeric = NUMERIC.exec(text);
  if (numeric !== null) {
    const [, year, month, day, hour, minute, second, zone] = numeric;
    const local = { year, month, day, hour, minute, second };
    return inZones(toLocal(local), zone, now);
  }
  const named = NAMED.exec(text);
  if (named !== null) {
    const [, name = "", day, year, hour, minute, second, half, zone] = named;
    const month = String(MONTHS.indexOf(name) + 1);
    const years = year === undefined ? yearsAround(now) : [year];
    const times = years.map((one) =>
      inZones(toLocal({ year: one, month, day, hour: to24(hour, half), minute, second }), zone, now),
    );
    return times.find((time) => time !== null && time > now) ?? null;
  }
  const chinese = CHINESE.exec(text);
  if (chinese !== null) return chineseMs(chinese, now);
  const clock = CLOCK_ONLY.exec(text);
  if (clock === null || clock[5] === undefined) return null;
  const [, hour, minute, second, half, zone] = clock;
  return nextTimeOfDay({ hour: to24(hour, half), minute, second }, zone, now);
}

function chineseMs(found: RegExpExecArray, now: number): number | null {
  const [, year, month, day, tomorrow, hour, minute, second] = found;
  const time = { hour, minute, second };
  if (tomorrow !== undefined) {
    const at = new Date(now + DAY_MS + CHINA_MS);
    const [y, m, d] = [at.getUTCFullYear(), at.getUTCMonth() + 1, at.getUTCDate()].map(String);
    return toEpochMs(toLocal({ ...time, year: y, month: m, day: d }), CHINA);
  }
  const years = year === undefined ? yearsAround(now) : [year];
  const times = years.map((one) => inZones(toLocal({ ...time, year: one, month, day }), undefined, now));
  return times.find((at) => at !== null && at > now) ?? null;
}

type Parts = Readonly<Partial<Record<keyof Local, string | undefined>>>;

function toLocal(parts: Parts): Local {
  const { year, month, day, hour, minute = "0", second = "0" } = parts;
  return {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour),
    minute: Number(minute),
    second: Number(second),
  };
}

function to24(hour: string | undefined, half: string | undefined): string {
  const number = Number(hour);
  return String(half === undefined ? number : (number % 12) + (half === "pm" ? 12 : 0));
}

function yearsAround(now: number): string[] {
  const year = new Date(now).getUTCFullYear();
  return [String(year), String(year + 1)];
}

function nextTimeOfDay(time: Parts, zone: string | undefined, now: number): number | null {
  for (const days of [-1, 0, 1, 2]) {
    const date = new Date(now + days * DAY_MS);
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()].map(String);
    const at = inZones(toLocal({ ...time, year, month, day }), zone, now);
    if (at !== null && at > now) return at;
  }
  return null;
}

/** In the named zone; without one, the first reading that lies ahead. */
function inZones(local: Local, zone: string | undefined, now: number): number | null {
  const zones = zone === undefined ? UNNAMED_ZONES : [toTimeZone(zone)];
  const times = zones.map((one) => toEpochMs(local, one));
  return times.find((time) => time !== null && time > now) ?? times[0] ?? null;
}

/** "utc", "gmt+8", "+0800", "z" or "europe/berlin" as Temporal names it. */
function toTimeZone(zone: string): string {
  if (zone.includes("/")) return zone;
  const offset = /([+-])(\d{1,2}):?(\d\d)?$/.exec(zone);
  if (offset === null) return "UTC";
  return `${offset[1]}${(offset[2] ?? "").padStart(2, "0")}:${offset[3] ?? "00"}`;
}

function toEpochMs(local: Local, timeZone: string): number | null {
  try {
    return Temporal.PlainDateTime.from(local, { overflow: "reject" }).toZonedDateTime(timeZone)
      .epochMilliseconds;
  } catch {
    return null;
  }
}
