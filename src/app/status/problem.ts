// What is wrong with a file, and a text beside its English, as facts that pages and screens share.
// Pure.
import type { UserError } from "../../base/errors.ts";
import { type Text, inEnglish, isText } from "../../base/text.ts";
import type { Problem } from "../ask-instance.ts";

export function makeProblem(error: UserError | null): Problem | null {
  if (error === null) return null;
  return { ...withText("message", error.text), ...withText("hint", error.hintText ?? null) };
}

/** A field in English, and beside it as data, `<name>_text`, for a screen in another language. */
export function withText<Name extends string, Words extends Text | string | null>(
  name: Name,
  text: Words,
): Record<Name, string | Extract<Words, null>> & Partial<Record<`${Name}_text`, Text>> {
  const english = text === null ? null : inEnglish(text);
  return Object.assign({ [name]: english }, isText(text) ? { [`${name}_text`]: text } : {}) as ReturnType<
    typeof withText<Name, Words>
  >;
}
