// From the text of config.json to what it means, or to one clear error with its place. Shows no values.
// Pure.
import {
  type Node,
  type ParseError,
  findNodeAtLocation,
  parseTree,
  printParseErrorCode,
  getNodeValue,
} from "jsonc-parser";
import type { z } from "zod";
import { UserError } from "../base/errors.ts";
import { SERVICES, type Service } from "../base/service.ts";
import { readBaseUrl } from "./base-url.ts";
import { checkAuth } from "./check-auth.ts";
import {
  type ConfigShell,
  configShellSchema,
  NAME_PATTERN,
  type NamedConfigEntry,
  namedConfigSchema,
} from "./schema.ts";

/** The newest format that this program may write. */
export const CONFIG_VERSION = 1;

export interface NamedConfig {
  readonly name: string;
  readonly alias: string | null;
  readonly entry: NamedConfigEntry;
}

export interface ServiceConfigs {
  readonly active: string | null;
  readonly configs: ReadonlyMap<string, NamedConfig>;
  /** Configs that cannot be used, with the reason; the others are not touched by it. */
  readonly broken: ReadonlyMap<string, string>;
}

export interface ParsedConfig {
  readonly services: Readonly<Record<Service, ServiceConfigs>>;
  readonly defaultService: Service | null;
  readonly shell: ConfigShell;
  /** Written by a newer program: it is read, and never changed. */
  readonly isReadOnly: boolean;
  readonly warnings: readonly string[];
}

const OPTIONS = { allowTrailingComma: true, disallowComments: false, allowEmptyContent: false };
const MAX_DEPTH = 64;

/** What a missing file means. */
export function makeEmptyConfig(warnings: readonly string[] = []): ParsedConfig {
  const none: ServiceConfigs = { active: null, configs: new Map(), broken: new Map() };
  return {
    services: { codex: none, claude: none },
    defaultService: null,
    shell: {},
    isReadOnly: false,
    warnings,
  };
}

/** `file` is for messages only. Throws UserError with file, line and column. */
export function parseConfig(source: string, file: string): ParsedConfig {
  const text = source.replace(/^\ufeff/, "");
  if (text.trim() === "") return makeEmptyConfig([`${file} is empty`]);
  const root = parseJsonc(text, file);
  const value: unknown = getNodeValue(root);
  const shell = configShellSchema.safeParse(value);
  if (!shell.success) throw schemaError(shell.error, { root, text, file, at: [] });
  const warnings: string[] = [];
  const services = Object.fromEntries(
    SERVICES.map((service) => [service, readService(service, shell.data, { root, text, file }, warnings)]),
  ) as Record<Service, ServiceConfigs>;
  const isReadOnly = (shell.data.version ?? CONFIG_VERSION) > CONFIG_VERSION;
  if (isReadOnly)
    warnings.push(
      `${file} is of version ${shell.data.version}, newer than this program: it is read but not changed`,
    );
  return {
    services,
    defaultService: shell.data.default_service ?? null,
    shell: shell.data,
    isReadOnly,
    warnings,
  };
}

interface Source {
  readonly root: Node;
  readonly text: string;
  readonly file: string;
}

/** Strict where JSON.parse is (one document, no duplicate keys), lenient about comments and trailing commas. */
export function parseJsonc(text: string, file: string): Node {
  checkDepth(text, file);
  const errors: ParseError[] = [];
  const root = parseTree(text, errors, OPTIONS);
  const [first] = errors;
  if (first !== undefined || root === undefined) {
    const words =
      first === undefined
        ? "nothing to read"
        : printParseErrorCode(first.error)
            .replace(/(?<=[a-z])(?=[A-Z])/g, " ")
            .toLowerCase();
    throw syntaxError(`${words}`, { text, file, offset: first?.offset ?? 0 });
  }
  refuseDuplicates(root, text, file);
  return root;
}

function checkDepth(text: string, file: string): void {
  let depth = 0;
  for (const [match] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/gs)) {
    if (match === "{" || match === "[") depth += 1;
    else if (match === "}" || match === "]") depth -= 1;
    if (depth > MAX_DEPTH) throw new UserError(`${file} is nested deeper than ${MAX_DEPTH} levels`);
  }
}

function refuseDuplicates(node: Node, text: string, file: string): void {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    if (node.type === "object") {
      const [key, value] = child.children ?? [];
      const name = String(key?.value);
      if (seen.has(name))
        throw syntaxError(`the key "${name}" stands here twice`, { text, file, offset: key?.offset ?? 0 });
      seen.add(name);
      if (value !== undefined) refuseDuplicates(value, text, file);
    } else refuseDuplicates(child, text, file);
  }
}

function readService(
  service: Service,
  shell: ConfigShell,
  source: Source,
  warnings: string[],
): ServiceConfigs {
  const section = shell[service] ?? {};
  const configs = new Map<string, NamedConfig>();
  const broken = new Map<string, string>();
  const lowered = new Map<string, string>();
  for (const [name, raw] of Object.entries(section.configs ?? {})) {
    const at = [service, "configs", name];
    const problem = NAME_PATTERN.test(name)
      ? null
      : "the name may hold letters, digits, dot, underscore and hyphen, at most 64";
    const parsed = namedConfigSchema.safeParse(raw);
    if (problem !== null) broken.set(name, problem);
    else if (!parsed.success) broken.set(name, schemaError(parsed.error, { ...source, at }).message);
    else {
      const wrong = checkUpstreams(parsed.data, `${service}.configs.${name}`, warnings);
      if (wrong !== null) broken.set(name, wrong);
      else configs.set(name, { name, alias: parsed.data.alias ?? null, entry: parsed.data });
      if (parsed.data.name != null && parsed.data.name !== name) {
        warnings.push(`${at.join(".")}.name is "${parsed.data.name}" and is ignored: the key is the name`);
      }
    }
    const twin = lowered.get(name.toLowerCase());
    if (twin !== undefined)
      warnings.push(`${service}: the names "${twin}" and "${name}" differ only in case`);
    lowered.set(name.toLowerCase(), name);
  }
  for (const [name, problem] of broken)
    warnings.push(`${service}.configs.${name} cannot be used: ${problem}`);
  const active = section.active ?? null;
  if (active !== null && !configs.has(active) && !broken.has(active)) {
    warnings.push(`${service}.active names "${active}", which is not among the configs`);
  }
  return { active, configs, broken };
}

/** Null when all is well; warnings are added on the way. */
function checkUpstreams(entry: NamedConfigEntry, at: string, warnings: string[]): string | null {
  const seen = new Map<string, number>();
  for (const [index, upstream] of entry.upstreams.entries()) {
    const place = `${at}.upstreams[${index}]`;
    const base = readBaseUrl(upstream.base_url);
    if (base.kind === "bad") return `${place}.base_url: ${base.problem}`;
    if (base.warning !== undefined) warnings.push(`${place}.base_url: ${base.warning}`);
    const auth = checkAuth(
      upstream.auth ?? {},
      base.url,
      upstream.tags ?? {},
      at.startsWith("codex") ? "codex" : "claude",
    );
    if (auth.problem !== null) return `${place}.auth: ${auth.problem}`;
    warnings.push(...auth.warnings.map((warning) => `${place}.auth: ${warning}`));
    const identity = JSON.stringify([base.url, upstream.auth ?? null]);
    const twin = seen.get(identity);
    if (twin !== undefined) warnings.push(`${place} is the same as upstreams[${twin}]`);
    seen.set(identity, index);
  }
  return null;
}

function schemaError(error: z.ZodError, source: Source & { readonly at: readonly PropertyKey[] }): UserError {
  const [issue] = error.issues;
  const path = [...source.at, ...(issue?.path ?? [])].filter((part) => typeof part !== "symbol");
  const node = findNodeAtLocation(source.root, path);
  const shown = path
    .map((part) => (typeof part === "number" ? `[${part}]` : `.${part}`))
    .join("")
    .replace(/^\./, "");
  const place = node === undefined ? source.file : `${source.file}:${position(source.text, node.offset)}`;
  return new UserError(`${place}: ${shown === "" ? "the file" : shown}: ${issue?.message ?? "wrong shape"}`, {
    hint: "ch config edit",
  });
}

function syntaxError(words: string, where: { text: string; file: string; offset: number }): UserError {
  return new UserError(`${where.file}:${position(where.text, where.offset)}: ${words}`, {
    hint: "ch config edit",
  });
}

/** "line:column", both from 1. */
function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}
