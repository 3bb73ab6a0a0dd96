// The file that a machine keeps of one config in the shared folder: its values, each with what was known of the others, and its own
// changes. What others wrote there is read strictly, and what cannot be meant is left out.
// Pure.
import * as z from "zod/mini";
import { isRecord, parseJson } from "../../base/json-value.ts";
import { isService } from "../../base/service.ts";
import { isConfigName } from "../name.ts";
import { EXISTS, NAME, ORDER, SETTINGS, splitPath } from "./local.ts";
import type { Path } from "./travel.ts";
import { type Register, type Registers, canonical } from "./versions.ts";

export const FORMAT = 1;
export const MACHINE_ID = /^[0-9a-f]{8}$/;
const UID = /^[0-9a-f]{8}-\d{1,4}$/;

/** A change that its machine made, newest last. */
export interface PastChange {
  readonly at: string;
  readonly what: string;
  readonly before?: unknown;
  readonly after?: unknown;
}

export interface ConfigFile {
  readonly machine: { readonly id: string; readonly name: string };
  /** When it was written, by that machine's clock: for people. */
  readonly written: string;
  /** How many syncs of that machine had changed something. */
  readonly counter: number;
  readonly id: string;
  readonly registers: Registers;
  /** Paths of what stays on that machine because it is a key or may be one. */
  readonly leftOut: readonly Path[];
  readonly history: readonly PastChange[];
}

export type Read =
  | { readonly kind: "file"; readonly file: ConfigFile }
  | { readonly kind: "newer" }
  | { readonly kind: "broken" };

const seenSchema = z.record(z.string().check(z.regex(MACHINE_ID)), z.int().check(z.minimum(0)));

const fieldSchema = z.looseObject({ value: z.optional(z.unknown()), seen: seenSchema });

const fileSchema = z.looseObject({
  format: z.int().check(z.minimum(1)),
  machine: z.looseObject({
    id: z.string().check(z.regex(MACHINE_ID)),
    name: z.string().check(z.regex(/^[\p{L}\p{N} ._@-]{1,64}$/u)),
  }),
  written: z.string().check(z.maxLength(40)),
  counter: z.int().check(z.minimum(0)),
  id: z.string().check(z.maxLength(100)),
  fields: z.record(z.string(), fieldSchema),
  left_out: z.optional(z.array(z.string())),
  history: z.optional(
    z.array(
      z.looseObject({
        at: z.string(),
        what: z.string(),
        before: z.optional(z.unknown()),
        after: z.optional(z.unknown()),
      }),
    ),
  ),
});

export function readConfigFile(text: string): Read {
  const value = parseJson(text);
  if (isRecord(value) && Number(value["format"]) > FORMAT) return { kind: "newer" };
  const parsed = fileSchema.safeParse(value);
  if (!parsed.success) return { kind: "broken" };
  const { counter, fields, history = [], id, left_out = [], machine, written } = parsed.data;
  if (!isId(id)) return { kind: "broken" };
  const registers = new Map(Object.entries(fields).filter(([path, register]) => canMean(path, register)));
  return { kind: "file", file: { machine, written, counter, id, registers, leftOut: left_out, history } };
}

function isId(id: string): boolean {
  const [service = "", ...rest] = id.split("/");
  return id === SETTINGS || (isService(service) && rest.length === 1 && /^[^/]{1,80}$/.test(rest[0] ?? ""));
}

/** Of what the others are built on. Single values are checked by the schema of config.json, where they are to be written. */
function canMean(path: Path, { value }: Register): boolean {
  if (path === EXISTS) return typeof value === "boolean";
  if (path === NAME) return typeof value === "string" && isConfigName(value);
  if (path === ORDER) return Array.isArray(value) && value.every((uid) => UID.test(String(uid)));
  const part = splitPath(path);
  if (part === null) return !path.startsWith(`${ORDER}/`);
  return UID.test(part.uid) && (part.rest !== "" || typeof value === "boolean");
}

/** A line for each value, in an order that does not change by itself: the folder may be a git repository. */
export function writeConfigFile(file: ConfigFile): string {
  const { history, leftOut, registers, ...rest } = file;
  const fields = [...registers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, register]) => `${JSON.stringify(path)}: ${JSON.stringify(register)}`);
  const past = history.map((one) => JSON.stringify(one));
  const head = Object.entries({ format: FORMAT, ...rest, left_out: leftOut });
  return [
    "{",
    ...head.map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)},`),
    `  "fields": {${fields.map((line) => `\n    ${line}`).join(",")}\n  },`,
    `  "history": [${past.map((line) => `\n    ${line}`).join(",")}\n  ]`,
    "}\n",
  ].join("\n");
}

/** What a file says, whoever formatted it and whenever it was written. */
export function contentOf({ history, id, leftOut, registers }: ConfigFile): string {
  return canonical([id, Object.fromEntries(registers), leftOut, history]);
}

/** A name that every file system takes. The id is what counts; this is for people. */
export function fileNameOf(id: string, name: string, digest: string): string {
  if (id === SETTINGS) return "settings.json";
  const [service = ""] = id.split("/");
  const plain = name.replace(/[^A-Za-z0-9_-]+/g, "-").slice(0, 40);
  return `${service}.${plain}.${digest.slice(0, 8)}.json`;
}
