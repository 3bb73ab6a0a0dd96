// Finds out what of a request an upstream refuses: a beta flag, a header, a field, a type of tool. Words are held against the
// request: only what is in it can be refused. A new wording is a new file in test/drift.
// Pure.
import { isRecord } from "../base/json-value.ts";
import { DROPPABLE, pathsOf } from "./droppable.ts";
import type { RefusedThing, RequestTraits } from "./types.ts";

export interface RefusedIn {
  /** Lower case. */
  readonly words: string;
  readonly codes: readonly string[];
  /** The parsed body of the refusal, or undefined. */
  readonly json: unknown;
}

const MAX_THINGS = 8;
const MAX_WORDS = 2_000;

/** Nothing where the refusal names nothing of the request. Without a request everything that looks like a name counts. */
export function findRefused(
  { codes, json, words: said }: RefusedIn,
  request: RequestTraits | undefined,
): readonly RefusedThing[] {
  const words = said.slice(0, MAX_WORDS).replace(WANTED, " ");
  if (!REFUSING.test(words) && !codes.some((code) => REFUSING_CODE.test(code))) return [];
  const betas = findBetas(words, request);
  if (betas.length > 0) return betas;
  const headers = findHeaders(words, request);
  if (headers.length > 0) return headers;
  const paths = [...findParams(json), ...findPaths(words)];
  const tools = findTools(words, paths, request);
  const found = tools.length > 0 ? tools : findFields(paths, request);
  return uniqueThings(found).slice(0, MAX_THINGS);
}

/** A list of what would be taken instead, to the end of the sentence. */
const WANTED =
  /(?:supported (?:values|types|tools|parameters)|allowed (?:values|types|parameters)|valid (?:values|types|options|parameters)|\bexpected\b|must be one of|should be one of|does not match any of|permitted values?|choose (?:from|one)|(?<!不)支持的(?:类型|参数|值))[^;\n]*/g;
const REFUSING =
  /not permitted|\bunknown\b|unrecogni[sz]ed|unsupported|\bunexpected\b|not (?:a )?(?:supported|allowed|recogni[sz]ed|valid|available|enabled|implemented|accepted)|(?:do(?:es)?|did)(?: not|n.t) (?:support|accept|recogni[sz]e|allow|exist)|\binvalid\b|additional propert|cannot find field|no such (?:field|parameter)|\bonly\b.{0,80}\b(?:supported|supports|accepts?|allowed)|only supports|input tag|try again without|remove (?:the|this)|must be (?:removed|omitted)|extra (?:inputs|fields)|\bno \w{1,20}(?: \w{1,20})? that supports?|must be .?function|不支持|未知|无效|不允许|不能识别|无法识别|不合法|非法/;
const REFUSING_CODE =
  /(?:unknown|unsupported|unrecognized|unexpected|invalid)_?(?:parameter|field|value|argument|property|key|tool|enum|beta)|extra_forbidden|not_supported/;

const DATED = /[a-z][a-z0-9]*(?:-[a-z0-9]+)*-20\d\d-?\d\d-?\d\d(?!\d)/g;
const OF_BETAS = /anthropic-beta|\bbeta\b|\bbetas\b/;

function findBetas(words: string, request: RequestTraits | undefined): readonly RefusedThing[] {
  const dated = [...new Set(words.match(DATED))];
  const isOfBetas = OF_BETAS.test(words);
  if (request === undefined) {
    if (!isOfBetas) return [];
    return (dated.length > 0 ? dated : ["*"]).map((name) => ({ kind: "beta", name }));
  }
  const named = dated.filter((name) => request.betas.includes(name));
  if (named.length > 0) return named.map((name) => ({ kind: "beta", name }));
  return isOfBetas && dated.length === 0 && request.betas.length > 0 && !/openai-beta/.test(words)
    ? [{ kind: "beta", name: "*" }]
    : [];
}

/** They are never what is wrong with a request, or cannot be told from what is. */
const PLAIN_HEADERS = new Set(["anthropic-beta", "anthropic-version", "content-type", "content-length"]);

/** Where no header is spoken of, one that nothing else is called like. */
function findHeaders(words: string, request: RequestTraits | undefined): readonly RefusedThing[] {
  const isOfHeaders = /\bheaders?\b|请求头/.test(words);
  const names = [...new Set(words.match(/\b[a-z][a-z0-9]*(?:-[a-z0-9]+)+\b/g))];
  return names
    .filter((name) => isOfHeaders || name.startsWith("x-"))
    .filter((name) => !PLAIN_HEADERS.has(name) && (request?.hasHeader(name) ?? /^x-|beta$/.test(name)))
    .map((name) => ({ kind: "header", name }));
}

type Path = readonly string[];

/** `param` of OpenAI, `loc` of FastAPI, `field` of others. */
function findParams(json: unknown, depth = 0): Path[] {
  if (depth > 5) return [];
  if (Array.isArray(json)) return json.slice(0, MAX_THINGS).flatMap((one) => findParams(one, depth + 1));
  if (!isRecord(json)) return [];
  const found: Path[] = [];
  for (const name of ["param", "field", "parameter"]) {
    const value = json[name];
    if (typeof value === "string" && value !== "") found.push(segmentsOf(value.toLowerCase()));
  }
  const { loc } = json;
  if (Array.isArray(loc)) found.push(loc.map((part) => String(part).toLowerCase()));
  for (const name of ["error", "detail", "details", "errors", "response", "metadata"])
    found.push(...findParams(json[name], depth + 1));
  return found;
}

const NAME = "[a-z_][\\w-]*(?:(?:\\.|\\[)[\\w-]+\\]?)*";
const PATHS: readonly RegExp[] = [
  new RegExp(`[\`'"“‘「《](${NAME})[\`'"”’」》]`, "g"),
  new RegExp(`(?<![\\w.-])(${NAME})\\s*: `, "g"),
  // A name with an underscore or a dot in it is none of a sentence.
  /(?<![\w.-])([a-z][a-z0-9]*(?:_[a-z0-9]+)+(?:[.[][\w]+\]?)*|[a-z]\w*(?:(?:\.|\[)\w+\]?)+)/g,
  new RegExp(
    `(?:parameters?|fields?|arguments?|propert(?:y|ies)|keys?|names?|supplied|inputs?|参数|字段)(?: supplied)?\\s*[:：]?\\s*(${NAME})`,
    "g",
  ),
];

function findPaths(words: string): Path[] {
  return PATHS.flatMap((pattern) => [...words.matchAll(pattern)].map(([, name = ""]) => segmentsOf(name)));
}

/** "tools[3].type", "tools.3.custom.defer_loading" */
function segmentsOf(path: string): Path {
  return path.split(/[.[\]]+/).filter((part) => part !== "");
}

/** A request is nothing without these: an upstream that refuses them refuses all of it. */
const WHOLE = new Set([
  "model",
  "messages",
  "input",
  "system",
  "stream",
  "tools",
  "instructions",
  "prompt",
  "type",
]);

function findFields(paths: readonly Path[], request: RequestTraits | undefined): readonly RefusedThing[] {
  return paths.flatMap((path): RefusedThing[] => {
    const found = request === undefined ? guessName(path) : resolve(request.json, path)?.path;
    const name = found?.join(".") ?? (request === undefined ? undefined : knownName(path, request));
    return name === undefined || WHOLE.has(name) ? [] : [{ kind: "field", name }];
  });
}

/** By its look, or a known one that it is, branches of a union aside. */
function guessName(path: Path): Path | undefined {
  const name = path.map((part) => (/^\d+$/.test(part) ? "*" : part));
  const known = DROPPABLE.filter(({ kind }) => kind === "field")
    .flatMap(pathsOf)
    .map((one) => one.split("."))
    .find((row) => row.at(-1) === name.at(-1) && isWithin(row, name));
  if (known !== undefined) return known;
  return path.length > 1 || path[0]?.includes("_") === true ? name : undefined;
}

function isWithin(parts: Path, whole: Path): boolean {
  let from = 0;
  for (const part of parts) {
    from = whole.indexOf(part, from) + 1;
    if (from === 0) return false;
  }
  return true;
}

/** A member further inside, without the way to it: "unknown field defer_loading". */
function knownName(path: Path, request: RequestTraits): string | undefined {
  const [only] = path;
  if (only === undefined || path.length !== 1) return undefined;
  return DROPPABLE.find(
    (row) =>
      row.kind === "field" && row.name.includes(".") && row.name.endsWith(`.${only}`) && request.has(row),
  )?.name;
}

interface Found {
  /** With `*` for the place of an element. */
  readonly path: Path;
  readonly value: unknown;
}

/** The names of a union's branches stand in a path but not in the request: "tools.3.custom.defer_loading". */
function resolve(json: unknown, path: Path): Found | null {
  let value = json;
  const found: string[] = [];
  let last = -1;
  for (const [place, part] of path.entries()) {
    if (Array.isArray(value) && /^\d+$/.test(part)) {
      if (Number(part) >= value.length) return null;
      value = value[Number(part)];
      found.push("*");
      last = place;
    } else if (isRecord(value)) {
      const key = Object.keys(value).find((name) => name.toLowerCase() === part);
      const isBranch = value["type"] === part && place < path.length - 1;
      if (key === undefined || isBranch) continue;
      value = value[key];
      found.push(key);
      last = place;
    }
  }
  return found.length > 0 && last === path.length - 1 ? { path: found, value } : null;
}

function findTools(
  words: string,
  paths: readonly Path[],
  request: RequestTraits | undefined,
): readonly RefusedThing[] {
  const isOfTools = /\btools?\b|\bvariant\b|input tag|工具/.test(words);
  const found = paths.flatMap((path): string[] => {
    if (path[0] === "body") return [];
    const at = request === undefined ? null : resolve(request.json, path);
    if (at === null) return [];
    const isType = at.path.at(-1) === "type" && at.path.at(-2) === "*" && at.path.at(-3) === "tools";
    if (isType && typeof at.value === "string") return [at.value];
    const isTool = at.path.at(-1) === "*" && at.path.at(-2) === "tools" && isRecord(at.value);
    return isTool && isRecord(at.value) && typeof at.value["type"] === "string" ? [at.value["type"]] : [];
  });
  if (found.length === 0 && isOfTools) {
    const types = request === undefined ? KNOWN_TOOLS : typesOfTools(request.json);
    const isOnly =
      /must be .?function|\bonly\b.{0,40}\bfunction\b|\bfunction tools? (?:is|are) (?:the )?only|仅支持.{0,10}function/.test(
        words,
      );
    found.push(...types.filter((type) => (isOnly ? type !== "function" : isNamed(type, words))));
  }
  return found.map((name) => ({ kind: "tool", name }));
}

const KNOWN_TOOLS = ["namespace", "custom", "web_search", "tool_search", "image_generation", "local_shell"];

function isNamed(type: string, words: string): boolean {
  if (type === "function") return /unknown variant .function|tool type:? .?function/.test(words);
  return new RegExp(`(?<![\\w.-])${type.replace(/\W/g, "\\$&")}(?![\\w-])`).test(words);
}

const MAX_TOOLS = 2_000;

/** Of the request's own tools, and of those that Codex hands over in its input. */
function typesOfTools(json: unknown): readonly string[] {
  const types = new Set<string>();
  let seen = 0;
  const visit = (tools: unknown): void => {
    if (!Array.isArray(tools)) return;
    for (const tool of tools) {
      if (!isRecord(tool) || (seen += 1) > MAX_TOOLS) continue;
      if (typeof tool["type"] === "string") types.add(tool["type"]);
      visit(tool["tools"]);
    }
  };
  if (!isRecord(json)) return [];
  visit(json["tools"]);
  const { input } = json;
  if (Array.isArray(input)) for (const item of input) if (isRecord(item)) visit(item["tools"]);
  return [...types];
}

function uniqueThings(things: readonly RefusedThing[]): readonly RefusedThing[] {
  return things.filter(
    ({ kind, name }, place) => things.findIndex((one) => one.kind === kind && one.name === name) === place,
  );
}
