// Empties the `workspaces` part of Codex's turn metadata (absolute paths, git remotes, commits), in the header and in
// its copy in the body. By a splice of that one value: every other byte, ids and envelope, stays.
// What is absent or not of the known shape is left as it is.
// Pure.
import { endOfString } from "../base/json-members.ts";
import { parseJson, stringOr } from "../base/json-value.ts";
import { mapToEscaped } from "./escapes.ts";

const METADATA_KEY = Buffer.from('"x-codex-turn-metadata"');
/** The header it is a copy of can be no longer than 64 KB. */
const MAX_COPY_BYTES = 2 ** 20;
/** A bracket, or a string; the key with everything up to its object, if that holds anything. */
const TOKEN = /"workspaces"\s*:\s*(?=\{\s*")|"(?:[^"\\]|\\[^])*"|[[\]{}]/g;

/** The metadata with its workspaces emptied; the same string when there is nothing to empty. */
export function stripWorkspaces(metadata: string): string {
  const range = metadata.includes('"workspaces"') ? findWorkspaces(metadata) : null;
  return range === null ? metadata : `${metadata.slice(0, range.start)}{}${metadata.slice(range.end)}`;
}

/**
 * A request body with the workspaces of its metadata copy emptied; the same bytes when there is nothing to empty.
 * The copy is JSON in a JSON string. A quote inside a string is always escaped, so that the key in quotes followed by a
 * colon is found without parsing what is before it.
 */
export function stripWorkspacesInBody(body: Uint8Array): Uint8Array {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const parts: Uint8Array[] = [];
  let from = 0;
  for (let at = bytes.indexOf(METADATA_KEY); at >= 0; at = bytes.indexOf(METADATA_KEY, at + 1)) {
    const range = findInCopy(bytes, at + METADATA_KEY.length);
    if (range === null || range.start < from) continue;
    parts.push(bytes.subarray(from, range.start), Buffer.from("{}"));
    from = range.end;
  }
  if (parts.length === 0) return body;
  parts.push(bytes.subarray(from));
  return Buffer.concat(parts);
}

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The range of the workspaces, in bytes, in the string that follows the key. */
function findInCopy(bytes: Buffer, afterKey: number): Range | null {
  const colon = /^[ \t\r\n]*:[ \t\r\n]*"/.exec(bytes.toString("latin1", afterKey, afterKey + 64));
  if (colon === null) return null;
  const start = afterKey + colon[0].length;
  const tail = bytes.toString("utf8", start, start + MAX_COPY_BYTES);
  const escaped = tail.slice(0, Math.max(0, endOfString(tail, -1) - 1));
  const range = findWorkspaces(stringOr(parseJson(`"${escaped}"`), ""));
  if (range === null) return null;
  const [first = 0, end = 0] = mapToEscaped(escaped, [range.start, range.end]);
  const offsetOf = (index: number): number => start + Buffer.byteLength(escaped.slice(0, index));
  return { start: offsetOf(first), end: offsetOf(end) };
}

/** The range of the top-level `workspaces` of a JSON object, if it is an object with something in it. */
function findWorkspaces(text: string): Range | null {
  let depth = 0;
  let start = -1;
  for (const token of text.matchAll(TOKEN)) {
    const [word] = token;
    if (word === "{" || word === "[") depth += 1;
    else if (word === "}" || word === "]") depth -= 1;
    // A string ends with its quote; the key comes with its colon.
    else if (depth === 1 && !word.endsWith('"')) start = token.index + word.length;
    if (start >= 0 && depth === 1 && word === "}") return { start, end: token.index + 1 };
  }
  return null;
}
