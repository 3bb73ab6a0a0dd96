// Schemas in words: the descriptions that editors show, and what was wrong with a value, without the value.
// A description is registered beside the schema, without a copy: the schemas are made at each start.
// Pure.
import * as z from "zod/mini";
import { type Text, t } from "../base/text.ts";

/** The same schema. */
export function described<T extends z.ZodMiniType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

/** The schema or null, which means the same as its absence. */
export function maybe<T extends z.ZodMiniType>(
  schema: T,
  description: string,
): z.ZodMiniOptional<z.ZodMiniNullable<T>> {
  return described(z.nullish(schema), description);
}

export const whole = (least: number, most: number) => z.int().check(z.minimum(least), z.maximum(most));

type Issue = z.core.$ZodIssue;

const EXPECTED: Readonly<Record<string, Text>> = {
  string: t`text in double quotes`,
  number: t`a number`,
  int: t`a whole number`,
  boolean: t`true or false`,
  array: t`a list`,
  object: t`an object`,
  record: t`an object`,
};

/** The message of an issue that is about an absent value. */
export const MISSING = "missing";
const TOO_LARGE = "too large";

/** Options for every parse whose issues are described here: the message tells what only the value does. */
export const DESCRIBABLE = {
  // A file is read once or twice in a process: a parser compiled for it would come too late.
  jitless: true,
  error: ({ input }: { readonly input?: unknown }) =>
    input === undefined ? MISSING : input === Number.POSITIVE_INFINITY ? TOO_LARGE : undefined,
};

/** Where the first mistake is, and a half sentence that follows the path: "must be a number". */
export function describeFirstIssue({ issues }: z.core.$ZodError): {
  readonly path: (string | number)[];
  readonly words: Text;
} {
  const [issue] = issues;
  return {
    path: (issue?.path ?? []).filter((part) => typeof part !== "symbol"),
    words: issue === undefined ? t`is not valid` : describeIssue(issue),
  };
}

const BUDGET_KEYS: ReadonlySet<PropertyKey> = new Set(["budget", "budgets_by_model"]);

function describeIssue(issue: Issue): Text {
  if (issue.path.at(-1) === "until" && issue.code !== "invalid_type")
    return t`must be a duration such as 2h30m, or a time of day such as "00:00 +08:00"`;
  if (issue.path.at(-1) === "wait" && issue.code !== "invalid_type")
    return t`must be a duration such as 6h or 90m, at most 8d`;
  if (issue.path.at(-1) === "quiet" && issue.code === "custom")
    return t`must be two times of day such as "22:00-08:00"`;
  if (issue.path.at(-2) === "via" && issue.code === "custom")
    return t`must be an http or https address without a user name`;
  if (issue.path.at(-2) === "share" && issue.path.at(-1) === "url" && issue.code === "custom")
    return t`must be an address such as rediss://user:password@host:6379`;
  if (issue.path.at(-1) === "share" && issue.code === "custom")
    return t`must have one of url, url_env and url_command`;
  switch (issue.code) {
    case "invalid_type":
      if (issue.expected === "array" && String(issue.path.at(-1)).endsWith("_command"))
        return t`must be a list of words, such as ["op", "read", "op://vault/item/key"]: no shell runs it`;
      if (issue.message === MISSING) return t`is missing`;
      if (issue.message === TOO_LARGE) return t`is too large`;
      return t`must be ${EXPECTED[issue.expected] ?? issue.expected}`;
    case "too_small":
      if (issue.origin === "array") return t`must contain at least ${String(issue.minimum)}`;
      if (issue.origin === "string") return t`must not be empty`;
      return issue.inclusive === false
        ? t`must be more than ${String(issue.minimum)}`
        : t`must be at least ${String(issue.minimum)}`;
    case "too_big":
      return issue.origin === "array"
        ? t`must contain at most ${String(issue.maximum)}`
        : t`must be at most ${String(issue.maximum)}`;
    case "invalid_value":
      return t`must be ${listAlternatives(issue.values.map((value) => JSON.stringify(value)))}`;
    case "invalid_union":
      if (issue.path.some((part) => BUDGET_KEYS.has(part)))
        return t`must be a budget such as { "usd": 5, "per": "day" }: one of usd, tokens and requests, per "5h", "day", "week" or "month", and nothing but on_spent and unpriced beside them; or a list of such`;
      if (issue.path.at(-1) === "via") return t`must be "desktop", "bell" or { "url": "https://..." }`;
      return t`must be text in double quotes, or false`;
    case "invalid_key":
      return t`is not an allowed name`;
    case "invalid_format":
      return issue.format === "datetime"
        ? t`must be a time such as 2026-12-01T09:00:00+01:00`
        : t`contains a character that is not allowed`;
    case "custom":
    case "invalid_element":
    case "not_multiple_of":
      return t`is not valid`;
    case "unrecognized_keys":
      return t`has the unknown key "${issue.keys[0] ?? ""}"`;
  }
}

/** "a or b or c". */
function listAlternatives([first = "", ...others]: readonly string[]): Text | string {
  const or = t` or `;
  return others.reduce<Text | string>((list, other) => t`${list}${or}${other}`, first);
}
