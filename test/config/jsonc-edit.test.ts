import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { findNodeAtLocation, parseTree } from "jsonc-parser";
import { UserError } from "../../src/base/errors.ts";
import { type Change, applyChanges } from "../../src/config/jsonc-edit.ts";
import { jsonValue, listComments, writeJsonc } from "./jsonc-text.ts";

const edit = (text: string, ...changes: Change[]): string => applyChanges(text, "config.json", changes);

describe("layout", () => {
  test("a new key takes the margin of its neighbours and leaves their comments where they are", () => {
    const text = '{\n    "a": 1, // about a\n    // about b\n    "b": [] // after b\n    // the end\n}\n';
    expect(edit(text, { kind: "set", path: ["c"], value: { d: [1] } })).toBe(
      '{\n    "a": 1, // about a\n    // about b\n    "b": [], // after b\n    "c": {\n        "d": [\n            1\n        ]\n    }\n    // the end\n}\n',
    );
  });

  test("a trailing comma stays one", () => {
    expect(edit('{\n\t"a": [\n\t\t1,\n\t],\n}', { kind: "append", path: ["a"], value: 2 })).toBe(
      '{\n\t"a": [\n\t\t1,\n\t\t2,\n\t],\n}',
    );
  });

  test("a text without line breaks stays one", () => {
    expect(edit('{"a":[1]}', { kind: "append", path: ["a"], value: { b: 2 } })).toBe('{"a":[1,{"b":2}]}');
  });

  test("a list on one line stays on it", () => {
    expect(edit('{\n  "a": [{ "b": 1 }]\n}', { kind: "append", path: ["a"], value: { b: 2 } })).toBe(
      '{\n  "a": [{ "b": 1 }, { "b": 2 }]\n}',
    );
  });

  test("an empty object opens up", () => {
    expect(edit('{\r\n  "a": {}\r\n}\r\n', { kind: "set", path: ["a", "b"], value: 1 })).toBe(
      '{\r\n  "a": {\r\n    "b": 1\r\n  }\r\n}\r\n',
    );
    expect(edit("{ // none yet\n}", { kind: "set", path: ["a"], value: 1 })).toBe(
      '{ // none yet\n  "a": 1\n}',
    );
  });

  test("a text without indentation stays so", () => {
    expect(edit('{\n"a": {\n"b": 1\n}\n}', { kind: "set", path: ["a", "c"], value: { d: 1 } })).toBe(
      '{\n"a": {\n"b": 1,\n"c": {\n"d": 1\n}\n}\n}',
    );
  });

  test.each([
    ["", '{\n  "a": 1\n}\n'],
    ["// mine\n", '// mine\n{\n  "a": 1\n}\n'],
  ])("%j without a value gets one", (text, expected) => {
    expect(edit(text, { kind: "set", path: ["a"], value: 1 })).toBe(expected);
  });

  test("null on the way to a key becomes an object", () => {
    expect(edit('{"a":null}', { kind: "set", path: ["a", "b", "c"], value: 1 })).toBe('{"a":{"b":{"c":1}}}');
  });

  test("taking a member out takes its line and its comma, and leaves every comment", () => {
    const text = '{\n  // about a\n  "a": 1, // after a\n  // about b\n  "b": 2 // after b\n}';
    expect(edit(text, { kind: "remove", path: ["a"] })).toBe(
      '{\n  // about a\n  // after a\n  // about b\n  "b": 2 // after b\n}',
    );
    expect(edit(text, { kind: "remove", path: ["b"] })).toBe(
      '{\n  // about a\n  "a": 1 // after a\n  // about b\n  // after b\n}',
    );
    expect(edit('{\n  "a": 1,\n  "b": 2\n}', { kind: "remove", path: ["b"] })).toBe('{\n  "a": 1\n}');
  });

  test("a moved entry takes its comments along", () => {
    const text = '[\n  // primary\n  "a", // fast\n  // backup\n  "b"\n]';
    expect(edit(text, { kind: "move", path: [], from: 1, to: 0 })).toBe(
      '[\n  // backup\n  "b",\n  // primary\n  "a" // fast\n]',
    );
    expect(edit('["a", "b", "c"]', { kind: "move", path: [], from: 0, to: 2 })).toBe('["b", "c", "a"]');
  });

  test("a renamed key keeps its place, its value and its comments", () => {
    expect(edit('{ "a" /* x */: 1, "b": 2 }', { kind: "rename", path: ["a"], to: 'c"' })).toBe(
      '{ "c\\"" /* x */: 1, "b": 2 }',
    );
  });
});

/** Paths of all values in a value. */
function listPaths(value: unknown, path: (string | number)[] = []): (string | number)[][] {
  if (typeof value !== "object" || value === null) return [path];
  const inner = Array.isArray(value)
    ? value.map((entry: unknown, index): [number, unknown] => [index, entry])
    : Object.entries(value);
  return [path, ...inner.flatMap(([key, entry]) => listPaths(entry, [...path, key]))];
}

function at(value: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((inner, key) => Object(inner)[key], value);
}

/** The keys a path begins with. */
function keysOnly(path: readonly (string | number)[]): (string | number)[] {
  const place = path.findIndex((key) => typeof key === "number");
  return path.slice(0, place < 0 ? path.length : place);
}

interface Case {
  readonly text: string;
  readonly value: unknown;
  readonly change: Change;
}

/** A change that the value allows. */
const editCase: fc.Arbitrary<Case> = fc
  .tuple(
    jsonValue.object,
    fc.array(fc.nat(1000), { minLength: 1, maxLength: 40 }),
    fc.nat(),
    fc.nat(),
    jsonValue.value,
  )
  .map(([value, seed, which, how, added]) => {
    const text = writeJsonc(value, seed);
    const paths = listPaths(value).slice(1);
    const path = paths[which % Math.max(paths.length, 1)] ?? [];
    const list = at(value, path);
    const fresh: Change = { kind: "set", path: [...keysOnly(path), "new"], value: added };
    const options: Change[] = [fresh];
    if (path.length > 0) options.push({ kind: "remove", path }, { kind: "set", path, value: added });
    if (typeof path.at(-1) === "string") options.push({ kind: "rename", path, to: "renamed" });
    if (Array.isArray(list)) {
      options.push({ kind: "append", path, value: added });
      if (list.length > 0)
        options.push({ kind: "move", path, from: how % list.length, to: which % list.length });
    }
    return { text, value, change: options[how % options.length] ?? fresh };
  });

/** The same change on the value, by mutation of a copy: not the way the editor does it. */
function mutate(value: unknown, change: Change): unknown {
  const root: Record<string | number, unknown> = { root: structuredClone(value) };
  let holder = root;
  let key: string | number = "root";
  for (const next of change.path) {
    const isThere = isHolder(holder[key]) && (typeof next === "number" || !Array.isArray(holder[key]));
    const inner: unknown = isThere ? holder[key] : {};
    holder[key] = inner;
    if (!isHolder(inner)) break;
    holder = inner;
    key = next;
  }
  const list = holder[key];
  if (change.kind === "set") holder[key] = change.value;
  else if (change.kind === "rename") {
    holder[change.to] = holder[key];
    delete holder[key];
  } else if (change.kind === "remove") {
    if (Array.isArray(holder)) holder.splice(Number(key), 1);
    else delete holder[key];
  } else if (Array.isArray(list)) {
    if (change.kind === "append") list.push(change.value);
    else list.splice(change.to, 0, ...list.splice(change.from, 1));
  }
  return root["root"];
}

function isHolder(value: unknown): value is Record<string | number, unknown> {
  return typeof value === "object" && value !== null;
}

/** The part of the text whose comments an edit may take away. */
function lostRange(text: string, change: Change): [start: number, end: number] {
  const root = parseTree(text, [], { allowTrailingComma: true });
  if (root === undefined || (change.kind !== "set" && change.kind !== "remove")) return [0, 0];
  let node = findNodeAtLocation(root, [...change.path]);
  for (let length = change.path.length - 1; node === undefined && length > 0; length -= 1) {
    const holder = findNodeAtLocation(root, change.path.slice(0, length));
    if (holder?.type === "object") return [0, 0];
    node = holder;
  }
  const lost = change.kind === "remove" && node?.parent?.type === "property" ? node.parent : node;
  return lost === undefined ? [0, 0] : [lost.offset, lost.offset + lost.length];
}

describe("any text with comments, any change", () => {
  test("changes the one value, keeps every other and every comment, and is valid to another parser", () => {
    fc.assert(
      fc.property(editCase, ({ text, value, change }) => {
        const result = edit(text, change);
        expect(Bun.JSONC.parse(result)).toEqual(mutate(value, change));
        const [start, end] = lostRange(text, change);
        const kept = [...listComments(text.slice(0, start)), ...listComments(text.slice(end))];
        expect(listComments(result).toSorted()).toEqual(kept.toSorted());
      }),
      { numRuns: 2000 },
    );
  });

  test("a key that was added and taken out again leaves all but white space as it was", () => {
    fc.assert(
      fc.property(jsonValue.object, fc.array(fc.nat(1000), { minLength: 1 }), (value, seed) => {
        const text = writeJsonc(value, seed);
        const path = ["added by the test"];
        const added = edit(text, { kind: "set", path, value: { a: [1] } });
        const back = edit(added, { kind: "remove", path });
        expect(back.replace(/\s/g, "")).toBe(text.replace(/\s/g, ""));
      }),
      { numRuns: 300 },
    );
  });

  test("moving there and back leaves the bytes of a plain text, and all comments of any other", () => {
    const list = fc.array(fc.constantFrom(1, "a", null, true), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(list, fc.array(fc.nat(1000), { minLength: 1 }), fc.nat(), fc.nat(), (value, seed, a, b) => {
        const [from, to] = [a % value.length, b % value.length];
        const thereAndBack = (text: string): string => {
          const moved = edit(text, { kind: "move", path: [], from, to });
          return edit(moved, { kind: "move", path: [], from: to, to: from });
        };
        const plain = JSON.stringify(value, null, 2);
        expect(thereAndBack(plain)).toBe(plain);
        const text = writeJsonc(value, seed);
        expect(listComments(thereAndBack(text)).toSorted()).toEqual(listComments(text).toSorted());
      }),
      { numRuns: 300 },
    );
  });

  test("garbage is refused with a UserError and changed by nothing else", () => {
    const change = fc.constantFrom<Change>(
      { kind: "set", path: ["a", "b"], value: 1 },
      { kind: "remove", path: ["a", 0] },
      { kind: "append", path: ["a"], value: 1 },
      { kind: "move", path: ["a"], from: 0, to: 3 },
      { kind: "rename", path: ["a"], to: "b" },
    );
    const part = fc.constantFrom(
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      '"a"',
      "1",
      "//",
      "/*",
      "*/",
      "\n",
      " ",
      "\u0000",
      '"',
    );
    const text = fc.oneof(
      fc.array(part, { maxLength: 20 }).map((parts) => parts.join("")),
      fc.json(),
    );
    fc.assert(
      fc.property(text, change, (garbage, one) => {
        try {
          edit(garbage, one);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
