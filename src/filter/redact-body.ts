// Applies the rules to a request body: bytes in, bytes out, the very same ones where nothing matched.
// Decompressing is the caller's part.
// Pure.
import { t } from "../base/language.ts";
import { isUtf8 } from "node:buffer";
import { findInBytes } from "./candidates.ts";
import { type Edit, editStrings } from "./redact-json.ts";
import { countExempt, redactText } from "./redact-text.ts";
import type { Redactor } from "./redactor.ts";
import { RedactionRefused, type Work } from "./work.ts";

/** Character sets whose bytes are UTF-8, or that UTF-8 text is often labelled with. */
const READABLE_CHARSETS = new Set(["utf-8", "utf8", "us-ascii", "ascii"]);

/** The body after the rules. Throws RedactionRefused for what cannot be read: it could hide anything. */
export function redactBody(
  body: Uint8Array,
  contentType: string | null,
  { redactor, work }: Tools,
): Uint8Array {
  if (body.length === 0) return body;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  refuseUnreadable(bytes, contentType);
  const text = bytes.toString("latin1");
  const mayMatch = findInBytes(redactor, bytes, text);
  if (mayMatch === null) return body;
  const json = {
    text,
    slice: (start: number, end: number) => bytes.toString("utf8", start, end),
    mayMatch,
  };
  const edits = editStrings(json, "root", {
    change: (value) => redactText(value, redactor, work),
    keep: (value) => countExempt(value, redactor, work),
  });
  if (edits === null) return redactRaw(bytes, body, { redactor, work });
  return edits.length === 0 ? body : applyEdits(bytes, edits);
}

export interface Tools {
  readonly redactor: Redactor;
  readonly work: Work;
}

/** What is not JSON is redacted as the text it is, names and all. */
function redactRaw(bytes: Buffer, body: Uint8Array, { redactor, work }: Tools): Uint8Array {
  const text = bytes.toString();
  const redacted = redactText(text, redactor, work);
  return redacted === text ? body : Buffer.from(redacted);
}

function refuseUnreadable(bytes: Buffer, contentType: string | null): void {
  const charset = /;\s*charset\s*=\s*"?([^\s";]*)/i.exec(contentType ?? "")?.[1]?.toLowerCase();
  if (charset !== undefined && !READABLE_CHARSETS.has(charset)) {
    throw new RedactionRefused(t`a body in the character set "${charset.slice(0, 40)}" cannot be checked`);
  }
  if (!isUtf8(bytes) || bytes.includes(0)) {
    throw new RedactionRefused(t`a body that is not UTF-8 text cannot be checked`);
  }
}

function applyEdits(bytes: Buffer, edits: readonly Edit[]): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const { start, end, value } of edits) {
    parts.push(bytes.subarray(from, start), Buffer.from(JSON.stringify(value)));
    from = end;
  }
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}
