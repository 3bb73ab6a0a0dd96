// Asks an upstream for the model it calls something else: replaces the one value, leaves every other byte alone.
// Pure.
import { findTopLevelString } from "./json-bytes.ts";

/** The body with its top-level `model` replaced; null when it has none. */
export function replaceModel(body: Uint8Array, wanted: string): Uint8Array | null {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const range = findTopLevelString(bytes, "model");
  if (range === null) return null;
  return Buffer.concat([
    bytes.subarray(0, range.start),
    Buffer.from(JSON.stringify(wanted)),
    bytes.subarray(range.end),
  ]);
}
