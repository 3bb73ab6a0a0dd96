// A value with every text and reason in it in English, to compare it as a program would print it.
import { type Text, inEnglish, isText } from "../../src/base/text.ts";
import { isReason, reasonInEnglish } from "../../src/routing/reasons.ts";
import type { Reason } from "../../src/routing/types.ts";

type InEnglish<T> = T extends Text | Reason
  ? string
  : T extends string | number | boolean | null | undefined | Uint8Array
    ? T
    : T extends readonly (infer One)[]
      ? InEnglish<One>[]
      : { [Key in keyof T]: InEnglish<T[Key]> };

/** Of plain objects and lists. */
export function textsInEnglish<T>(value: T): InEnglish<T> {
  return convert(value) as InEnglish<T>;
}

function convert(value: unknown): unknown {
  if (isText(value)) return inEnglish(value);
  // A verdict has an id of the same name.
  if (isReason(value) && !("retryClass" in value)) return reasonInEnglish(value);
  if (Array.isArray(value)) return value.map(convert);
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype)
    return value;
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, convert(part)]));
}
