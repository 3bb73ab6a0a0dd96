// Applies the rules to a header whose value is JSON: as to the copy of it that stands in the body, so that both agree.
// Pure.
import { decodeUtf8 } from "../base/bytes.ts";
import type { Tools } from "./redact-body.ts";
import { redactText } from "./redact-text.ts";

/** The value after the rules, in ASCII; the same string where nothing matched. Throws RedactionRefused. */
export function redactHeader(value: string, { redactor, work }: Tools): string {
  const text = decodeValue(value);
  const redacted = redactText(text, redactor, work);
  return redacted === text ? value : toAscii(redacted);
}

/** Header values arrive as Latin-1; what a client put in as UTF-8 is read as that. */
function decodeValue(value: string): string {
  return decodeUtf8(Buffer.from(value, "latin1")) ?? value;
}

/** Beyond ASCII as JSON escapes: a header value can hold nothing else, and in JSON they mean the same. */
function toAscii(text: string): string {
  return text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
