// Leaves out of a request what an upstream refuses, where it may be left out: flags and headers by name, members and tools by
// cutting their bytes and no others.
// Pure.
import type { ValueRange } from "../base/json-members.ts";
import {
  bytesOf,
  cut,
  elementsOf,
  entriesOf,
  type JsonEdit,
  type JsonEntry,
  membersOf,
  rootOf,
  splice,
  stringIn,
} from "../base/json-splice.ts";
import { isRecord } from "../base/json-value.ts";
import { DROPPABLE, type Droppable, nameOfThing, pathsOf, rowOf, rowOfPath } from "../routing/droppable.ts";
import type { RefusedThing, RequestTraits } from "../routing/types.ts";

/**
 * What to leave out where this is refused: rows of the table, the members that a flag allows with it. Nothing where one of the
 * refused things may not be left out, since the rest would not help.
 */
export function findDrops(refused: readonly RefusedThing[], request: RequestTraits): readonly RefusedThing[] {
  const rows = refused.map((thing) => rowsFor(thing, request));
  if (rows.some((of) => of.length === 0)) return [];
  const things = rows
    .flat()
    .flatMap(({ fields = [], kind, name }): RefusedThing[] => [
      { kind, name },
      ...fields
        .map((field): RefusedThing => ({ kind: "field", name: field }))
        .filter((one) => request.has(one)),
    ]);
  return [...new Map(things.map((thing) => [`${thing.kind} ${thing.name}`, thing])).values()];
}

/** Besides what is left out already. What is refused again under the same name stands in another place, too. */
export function findMoreDrops(
  refused: readonly RefusedThing[],
  request: RequestTraits,
  gone: readonly RefusedThing[],
): readonly RefusedThing[] {
  const isNew = ({ kind, name }: RefusedThing): boolean =>
    !gone.some((one) => one.kind === kind && one.name === name);
  const more = findDrops(refused, request).filter(isNew);
  if (more.length > 0 || gone.length === 0) return more;
  const names = refused.flatMap(({ kind, name }) => (kind === "field" ? [name.split(".").at(-1)] : []));
  return DROPPABLE.filter(
    (row) =>
      row.kind === "field" &&
      isNew(row) &&
      row.name.split(".").some((part) => names.includes(part)) &&
      valuesAt(request.json, row.name.split(".")).length > 0 &&
      isFree(row, request),
  ).map(({ kind, name }) => ({ kind, name }));
}

function rowsFor(thing: RefusedThing, request: RequestTraits): readonly Droppable[] {
  if (thing.kind === "beta" && thing.name === "*")
    return DROPPABLE.filter((row) => row.kind === "beta" && request.has(row) && isFree(row, request));
  if (thing.kind === "field") return rowsOfField(thing.name, request);
  const row = rowOf(thing);
  if (row === undefined || !isFree(row, request)) return [];
  return row.kind !== "tool" || isOneOfSeveral(row.name, request.json) ? [row] : [];
}

/** An object goes where all that it holds may go, and a list with the only thing in it. */
function rowsOfField(path: string, request: RequestTraits): readonly Droppable[] {
  const row = rowOfPath(path);
  if (row !== undefined) return isFree(row, request) ? [row] : [];
  const list = path.endsWith(".*") ? path.slice(0, -2) : null;
  if (list !== null) {
    const isOnly = valuesAt(request.json, list.split(".")).every(
      (value) => isList(value) && value.length === 1,
    );
    return isOnly ? rowsOfField(list, request) : [];
  }
  const values = valuesAt(request.json, path.split("."));
  const names = values.flatMap((value) => (isRecord(value) ? Object.keys(value) : [""]));
  const rows = [...new Set(names)].map((name) => rowOfPath(`${path}.${name}`));
  const isWhole = rows.every((one) => one !== undefined && isFree(one, request));
  return isWhole ? rows.filter((one) => one !== undefined) : [];
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** The request needs nothing of it, and has it with values that may go. */
function isFree({ name, unless = [], values }: Droppable, { json }: RequestTraits): boolean {
  if (unless.some((path) => valuesAt(json, path.split(".")).length > 0)) return false;
  if (values === undefined) return true;
  return valuesAt(json, name.split(".")).every(
    (value) => typeof value === "string" && values.includes(value),
  );
}

function valuesAt(json: unknown, [key, ...rest]: readonly string[]): readonly unknown[] {
  if (key === undefined) return [json];
  if (key === "*") return isList(json) ? json.flatMap((one) => valuesAt(one, rest)) : [];
  return isRecord(json) && Object.hasOwn(json, key) ? valuesAt(json[key], rest) : [];
}

/** A request whose only tool it is, or that demands it, is about it. */
function isOneOfSeveral(type: string, json: unknown): boolean {
  if (!isRecord(json)) return false;
  const { input, tool_choice: choice, tools } = json;
  if (isRecord(choice) && choice["type"] === type) return false;
  const isOther = (tool: unknown): boolean => isRecord(tool) && tool["type"] !== type;
  const added = Array.isArray(input) ? input.flatMap((item) => (isRecord(item) ? item["tools"] : [])) : [];
  return [...(Array.isArray(tools) ? tools : []), ...added].some(isOther);
}

export interface Dropped {
  readonly body: Uint8Array;
  /** What there was of it. */
  readonly names: readonly string[];
}

/** The body without these things, and `headers` too, which are changed. */
export function drop(things: readonly RefusedThing[], body: Uint8Array, headers: Headers): Dropped {
  const names: string[] = [];
  let rest = body;
  for (const thing of things) {
    const { kind, name } = thing;
    const before = rest;
    let isChanged = false;
    if (kind === "beta") isChanged = dropBeta(name, headers);
    else if (kind === "header") {
      isChanged = headers.has(name);
      headers.delete(name);
    } else rest = cutThing(thing, before);
    if (isChanged || rest !== before) names.push(nameOfThing(thing));
  }
  return { body: rest, names };
}

function dropBeta(name: string, headers: Headers): boolean {
  const betas = (headers.get("anthropic-beta") ?? "").split(",").map((beta) => beta.trim());
  const kept = betas.filter((beta) => beta.toLowerCase() !== name);
  if (kept.length === betas.length) return false;
  if (kept.length === 0) headers.delete("anthropic-beta");
  else headers.set("anthropic-beta", kept.join(","));
  return true;
}

function cutThing(thing: RefusedThing, body: Uint8Array): Uint8Array {
  const bytes = bytesOf(body);
  const row = rowOf(thing);
  const edits =
    thing.kind === "tool"
      ? cutTools(bytes, thing.name)
      : (row === undefined ? [thing.name] : pathsOf(row)).flatMap((path) => {
          const key = path.split(".").findLast((part) => part !== "*") ?? path;
          if (!bytes.includes(JSON.stringify(key))) return [];
          return cutMember(bytes, rootOf(bytes), path.split("."), row?.values).edits;
        });
  return edits.length === 0 ? body : splice(bytes, edits);
}

interface Cut {
  readonly edits: readonly JsonEdit[];
  /** Nothing is left of the object. */
  readonly isEmptied: boolean;
}

/** An object that holds nothing any more goes with its last member. */
function cutMember(
  bytes: Buffer,
  range: ValueRange,
  [key, ...rest]: readonly string[],
  values: readonly string[] | undefined,
): Cut {
  const entries = entriesOf(bytes, range);
  if (key === "*") {
    const edits = entries.flatMap(({ value }) => cutMember(bytes, value, rest, values).edits);
    return { edits, isEmptied: false };
  }
  const inside = new Map<JsonEntry, Cut>();
  for (const entry of entries)
    if (entry.key === key && rest.length > 0) inside.set(entry, cutMember(bytes, entry.value, rest, values));
  const isCut = (entry: JsonEntry): boolean =>
    entry.key === key &&
    (rest.length > 0
      ? inside.get(entry)?.isEmptied === true
      : values === undefined || values.includes(stringIn(bytes, entry.value)));
  const kept = [...inside].filter(([entry]) => !isCut(entry)).flatMap(([, { edits }]) => edits);
  return {
    edits: [...cut(entries, isCut), ...kept],
    isEmptied: entries.length > 0 && entries.every(isCut),
  };
}

/** Of the request's own tools, and of those that Codex hands over in its input. */
function cutTools(bytes: Buffer, type: string): readonly JsonEdit[] {
  const ofType = ({ value }: JsonEntry): boolean => {
    const named = membersOf(bytes, value).get("type");
    return named !== undefined && stringIn(bytes, named.value) === type;
  };
  const visit = (tools: JsonEntry | undefined): readonly JsonEdit[] => {
    const elements = elementsOf(bytes, tools);
    const inside = elements.filter((tool) => !ofType(tool));
    return [
      ...cut(elements, ofType),
      ...inside.flatMap((tool) => visit(membersOf(bytes, tool.value).get("tools"))),
    ];
  };
  const root = membersOf(bytes, rootOf(bytes));
  const items = elementsOf(bytes, root.get("input"));
  return [
    ...visit(root.get("tools")),
    ...items.flatMap((item) => visit(membersOf(bytes, item.value).get("tools"))),
  ];
}
