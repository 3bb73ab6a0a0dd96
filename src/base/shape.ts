// The shape that another program wants of its file: a table measured with the real one, and the first value that does not fit it.
// What no table names fits: such programs ignore keys that they do not know.
// Pure.
import { isRecord } from "./json-value.ts";
import { type Text, joinTexts, t } from "./text.ts";

/**
 * As a table says it in JSON. A text: kinds, divided by "|" ("int 0.." and "number 0..1" with a range), or a pattern in slashes. A list:
 * the values that there are. An object: its members, of which "NAME!" must be there, "*" is every other one, "[]" is each element
 * of an array, "|" is what may be there instead, and "?NAME" holds the members for each value of NAME.
 */
export type Shape = string | readonly string[] | { readonly [member: string]: Shape };

/** Why a client does not take a file, and where in it. */
export interface Refusal {
  /** ":2:3", or "" where it cannot be told. */
  readonly place: string;
  readonly words: Text | string;
}

export interface Misfit {
  readonly path: readonly (string | number)[];
  /** "a string", "one of: on, off" */
  readonly expected: Text;
}

/** `objectWord`: what the file's format calls an object. */
export function findMisfit(value: unknown, shape: Shape, objectWord: Text): Misfit | null {
  return find(value, shape, { objectWord, path: [] });
}

interface Place {
  readonly objectWord: Text;
  readonly path: Misfit["path"];
}

function find(value: unknown, shape: Shape, place: Place): Misfit | null {
  const misfit = (expected: Text): Misfit => ({ path: place.path, expected });
  if (typeof shape === "string") return fits(value, shape) ? null : misfit(describeKinds(shape, place));
  if (isList(shape))
    return shape.some((one) => one === value) ? null : misfit(t`one of: ${shape.join(", ")}`);
  const { "[]": element, "|": other, ...members } = shape;
  if (other !== undefined && find(value, other, place) === null) return null;
  if (element !== undefined && Array.isArray(value)) return findInElements(value, element, place);
  if (isTable(value) && (element === undefined || hasMembers(members)))
    return findInMembers(value, members, place);
  return misfit(describe(other ?? shape, place));
}

function findInElements(values: readonly unknown[], shape: Shape, place: Place): Misfit | null {
  for (const [at, value] of values.entries()) {
    const found = find(value, shape, { ...place, path: [...place.path, at] });
    if (found !== null) return found;
  }
  return null;
}

function findInMembers(
  value: Readonly<Record<string, unknown>>,
  members: Readonly<Record<string, Shape>>,
  place: Place,
): Misfit | null {
  for (const [name, shape] of Object.entries(members)) {
    const found = name.startsWith("?")
      ? find(value, chooseVariant(value, name.slice(1), shape), place)
      : null;
    if (found !== null) return found;
    if (name.endsWith("!") && value[name.slice(0, -1)] === undefined)
      return { path: [...place.path, name.slice(0, -1)], expected: describe(shape, place) };
  }
  for (const [name, one] of Object.entries(value)) {
    const shape = members[name] ?? members[`${name}!`] ?? members["*"];
    const found = shape === undefined ? null : find(one, shape, { ...place, path: [...place.path, name] });
    if (found !== null) return found;
  }
  return null;
}

/** Of the member that decides; where it is none of them, it is what does not fit. */
function chooseVariant(value: Readonly<Record<string, unknown>>, name: string, variants: Shape): Shape {
  if (typeof variants === "string" || isList(variants)) return variants;
  return variants[String(value[name])] ?? { [`${name}!`]: Object.keys(variants) };
}

/** A date of TOML is as good as a text. */
function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  return isRecord(value) && !(value instanceof Date);
}

function hasMembers(members: object): boolean {
  return Object.keys(members).length > 0;
}

function isList(shape: Shape): shape is readonly string[] {
  return Array.isArray(shape);
}

function describe(shape: Shape, place: Place): Text {
  if (typeof shape === "string") return describeKinds(shape, place);
  if (isList(shape)) return t`one of: ${shape.join(", ")}`;
  return shape["[]"] === undefined ? place.objectWord : t`an array`;
}

function fits(value: unknown, kinds: string): boolean {
  if (kinds.startsWith("/")) return typeof value === "string" && patternIn(kinds).test(value);
  return kinds.split("|").some((kind) => isOfKind(value, kind));
}

function patternIn(text: string): RegExp {
  return new RegExp(text.slice(1, -1), "u");
}

function isOfKind(value: unknown, kind: string): boolean {
  const [name = "", range] = kind.split(" ");
  switch (name) {
    case "any":
      return true;
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isTable(value);
    case "string":
      return typeof value === "string" || value instanceof Date;
    case "int":
      return (typeof value === "bigint" || Number.isInteger(value)) && isWithin(Number(value), range);
    case "number":
      return (typeof value === "bigint" || typeof value === "number") && isWithin(Number(value), range);
    default:
      return typeof value === name;
  }
}

function isWithin(value: number, range = ".."): boolean {
  const [least = "", most = ""] = range.split("..");
  return (least === "" || value >= Number(least)) && (most === "" || value <= Number(most));
}

function describeKinds(kinds: string, { objectWord }: Place): Text {
  if (kinds.startsWith("/")) return t`of the form ${kinds}`;
  const words = kinds.split("|").flatMap((kind): Text[] => {
    const [name = "", range] = kind.split(" ");
    const number = name === "int" ? t`a whole number` : t`a number`;
    switch (name) {
      case "string":
        return [t`a string`];
      case "boolean":
        return [t`true or false`];
      case "array":
        return [t`an array`];
      case "object":
        return [objectWord];
      case "int":
      case "number":
        return [range === undefined ? number : t`${number} (${range})`];
      default:
        return [];
    }
  });
  return joinTexts(words, " / ");
}
