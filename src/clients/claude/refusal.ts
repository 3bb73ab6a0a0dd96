// Why Claude Code would drop a whole settings file, and where: it is no JSON, or a value is of a kind that its schema refuses. What it
// skips alone (a rule, most hooks) and what it does not know is no reason. The table: test/real-clients/files.test.ts.
// Pure.
import { type ParseError, findNodeAtLocation, parseTree } from "jsonc-parser";
import { describeJsonError, isRecord } from "../../base/json-value.ts";
import { type Text, t } from "../../base/text.ts";
import { findLine } from "../../config/jsonc.ts";
import { showKey } from "../client.ts";
import { type Refusal, findMisfit } from "../../base/shape.ts";
import shape from "./settings-shape.json" with { type: "json" };

/** Null for a file that it reads. */
export function findSettingsRefusal(source: string): Refusal | null {
  const text = source.replace(/^\ufeff/, "");
  if (text.trim() === "") return null;
  const at = (offset: number, words: Text): Refusal => {
    const { column, line } = findLine({ text, offset });
    return { place: `:${line}:${column}`, words };
  };
  const errors: ParseError[] = [];
  const options = { disallowComments: true, allowTrailingComma: false };
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    parseTree(text, errors, options);
    const [first] = errors;
    if (first === undefined) return { place: "", words: t`this is not JSON` };
    const { offset, words } = describeJsonError(text, first);
    return at(offset, words);
  }
  if (!isRecord(value)) return at(text.search(/\S/), t`this is not a JSON object`);
  const misfit = findMisfit(value, shape, t`an object`);
  if (misfit === null) return null;
  const root = parseTree(text, errors, options);
  const node = root === undefined ? undefined : findNearest(root, misfit.path);
  return at(node?.offset ?? 0, t`${showKey(misfit.path.map(String))} must be ${misfit.expected}`);
}

/** A member that is missing is missed in what should hold it. */
function findNearest(root: Parameters<typeof findNodeAtLocation>[0], path: readonly (string | number)[]) {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(root, path.slice(0, length));
    if (node !== undefined) return node;
  }
  return root;
}
