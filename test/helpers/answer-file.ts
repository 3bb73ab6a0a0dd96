// One recorded-like answer as test/answers holds it, and the bytes that its upstream sends.
// test/answers/README.md says what each member means.
import { join } from "node:path";
import { constants, createBrotliCompress, createDeflateRaw, createGzip, createZstdCompress } from "node:zlib";
import * as z from "zod/mini";
import { LAST_CHUNK, chunk, head } from "./answers.ts";
import { checkSources, publicUrl, readCorpus } from "./corpus.ts";
import { FIN, RESET, SILENCE, type Step } from "./fake-upstream.ts";
import { elapse } from "./wait.ts";

const ANSWERS = join(import.meta.dir, "../answers");

const CODINGS = ["gzip", "br", "zstd", "deflate-raw"] as const;
export type Coding = (typeof CODINGS)[number];
export type Chunking = "whole" | "by event" | "byte by byte";

const record = z.record(z.string(), z.unknown());
const piece = z.union([
  z.string(),
  z.strictObject({ wait_ms: z.number() }),
  z.strictObject({ hex: z.string() }),
  z.strictObject({ json: z.unknown() }),
  z.strictObject({ event: record }),
  z.strictObject({ data: record }),
  z.strictObject({ again: z.string(), times: z.number() }),
]);
const answer = z.strictObject({
  status: z.optional(z.number()),
  headers: z.optional(z.record(z.string(), z.string())),
  body: z.array(piece),
  newline: z.optional(z.enum(["\n", "\r\n", "\r"])),
  framing: z.optional(z.enum(["chunked", "length", "close"])),
  coded: z.optional(z.array(z.enum(CODINGS))),
  end: z.optional(z.enum(["whole", "reset", "fin", "silence"])),
});
const schema = z.strictObject({
  name: z.string().check(z.regex(/^[A-Z].*[^.]$/)),
  source: z.union([
    publicUrl,
    z.strictObject({
      client: z.string().check(z.regex(/^(?:codex|claude) \d+\.\d+\.\d+$/)),
      seen: z.string(),
    }),
  ]),
  api: z.enum(["responses", "messages", "chat"]),
  request: z.optional(
    z.strictObject({
      method: z.optional(z.string()),
      path: z.optional(z.string()),
      stream: z.optional(z.boolean()),
      body: z.optional(record),
      fields: z.optional(z.array(z.string())),
    }),
  ),
  limits: z.optional(
    z.strictObject({ first_byte_ms: z.optional(z.number()), idle_ms: z.optional(z.number()) }),
  ),
  answer,
  second: z.optional(z.union([z.literal(true), answer])),
  expect: z.strictObject({
    verdict: z.string(),
    client: z.enum(["first", "second", "cut", "assembled", "ch"]),
    status: z.optional(z.number()),
    until: z.optional(z.number()),
    failures: z.optional(z.number()),
    outcome: z.optional(z.enum(["ok", "error", "cut"])),
    says: z.optional(z.string()),
    headers: z.optional(z.record(z.string(), z.nullable(z.string()))),
    usage: z.optional(z.nullable(z.record(z.string(), z.number()))),
  }),
});

export type ScriptedAnswer = z.infer<typeof answer>;
export interface AnswerFile extends z.infer<typeof schema> {
  readonly file: string;
}

/** Every file of the corpus. Throws what is wrong with one, or with their sources. */
export async function readAnswerFiles(directory = ANSWERS): Promise<AnswerFile[]> {
  const files = await readCorpus(directory, readAnswerFile);
  checkTogether(files);
  return files;
}

export function readAnswerFile(file: string, text: string): AnswerFile {
  const read = schema.safeParse(JSON.parse(text));
  if (!read.success) throw new Error(`${file}: ${z.prettifyError(read.error)}`);
  return { file, ...read.data };
}

/** What one file cannot be blamed for alone. */
export function checkTogether(files: readonly AnswerFile[]): void {
  checkSources(files, ({ source }) => (typeof source === "string" ? source : source.client + source.seen));
  const byName = Map.groupBy(files, ({ name }) => name);
  for (const [name, of] of byName)
    if (of.length > 1) throw new Error(`${of.length} answers are named "${name}"`);
}

type Mark = { readonly waitMs: number } | Uint8Array;

/** The body's pieces as bytes, before any coding, with the waits between them. */
function piecesOf({ body, newline = "\n" }: ScriptedAnswer): Mark[] {
  const text = (value: string): Uint8Array => Buffer.from(value.replaceAll("\n", newline));
  return body.map((one): Mark => {
    if (typeof one === "string") return text(one);
    if ("wait_ms" in one) return { waitMs: one.wait_ms };
    if ("hex" in one) return Buffer.from(one.hex, "hex");
    if ("json" in one) return Buffer.from(toJson(one.json));
    if ("event" in one) return text(`event: ${String(one.event["type"])}\ndata: ${toJson(one.event)}\n\n`);
    if ("data" in one) return text(`data: ${toJson(one.data)}\n\n`);
    return text(one.again.repeat(one.times));
  });
}

/** A string of `<40960 bytes>` stands for so many. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    const size = typeof member === "string" ? /^<(\d+) bytes>$/.exec(member)?.[1] : undefined;
    return size === undefined ? member : "x".repeat(Number(size));
  });
}

const isBytes = (mark: Mark): mark is Uint8Array => mark instanceof Uint8Array;

/** What the answer says, up to and without the piece of that number. */
export function textOf(scripted: ScriptedAnswer, until = scripted.body.length): string {
  return Buffer.concat(piecesOf(scripted).slice(0, until).filter(isBytes)).toString();
}

export interface Sending {
  readonly chunking: Chunking;
  readonly coding: Coding | null;
  /** The answer's end is held back until then. */
  readonly maySendEnd?: Promise<void>;
}

/** What one request is answered with. Nothing is made of it before it is asked for. */
export async function* makeAnswer(scripted: ScriptedAnswer, sending: Sending): AsyncGenerator<Step> {
  const { chunking, coding, maySendEnd } = sending;
  const { end = "whole", framing = "chunked", status = 200 } = scripted;
  const isJson = scripted.body.some((one) => typeof one === "object" && "json" in one);
  const marks = await encodedOf(scripted, coding);
  const frame = framing === "chunked" ? chunk : (bytes: Uint8Array) => bytes;
  const length = marks.filter(isBytes).reduce((sum, { byteLength }) => sum + byteLength, 0);
  const fields = {
    "content-type": isJson ? "application/json" : "text/event-stream",
    ...(coding === null ? {} : { "content-encoding": coding }),
    ...(framing === "chunked" ? { "transfer-encoding": "chunked" } : {}),
    ...(framing === "length" ? { "content-length": `${length}` } : {}),
    connection: "close",
    ...scripted.headers,
  };
  yield head(status, Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== "-")));
  for (const mark of cut(marks, chunking)) {
    if (isBytes(mark)) yield frame(mark);
    else await elapse(mark.waitMs);
  }
  await maySendEnd;
  if (end === "reset") yield RESET;
  else if (end === "silence") yield SILENCE;
  else {
    if (end === "whole" && framing === "chunked") yield LAST_CHUNK;
    yield FIN;
  }
}

/** Kept for the other chunkings. */
const encoded = new WeakMap<ScriptedAnswer, Map<Coding | null, Promise<readonly Mark[]>>>();

function encodedOf(scripted: ScriptedAnswer, coding: Coding | null): Promise<readonly Mark[]> {
  const known = encoded.get(scripted) ?? new Map<Coding | null, Promise<readonly Mark[]>>();
  encoded.set(scripted, known);
  const marks = known.get(coding) ?? encodeAll(scripted, scripted.coded ?? (coding === null ? [] : [coding]));
  known.set(coding, marks);
  return marks;
}

async function encodeAll(scripted: ScriptedAnswer, codings: readonly Coding[]): Promise<readonly Mark[]> {
  let marks = piecesOf(scripted);
  for (const name of codings) marks = await encode(marks, name, (scripted.end ?? "whole") === "whole");
  return marks;
}

/** Compressed so that each piece can be read as soon as it is there, as relays do it. */
async function encode(marks: readonly Mark[], name: Coding, isWhole: boolean): Promise<Mark[]> {
  const encoder = ENCODERS[name]();
  const out: Mark[] = [];
  let made: Uint8Array[] = [];
  encoder.on("data", (bytes: Uint8Array) => void made.push(bytes));
  const take = (): void => {
    out.push(Buffer.concat(made));
    made = [];
  };
  for (const mark of marks) {
    if (isBytes(mark)) {
      encoder.write(mark);
      await new Promise<void>((resolve) => encoder.flush(() => resolve()));
      take();
    } else out.push(mark);
  }
  if (isWhole) {
    const ended = Promise.withResolvers<void>();
    encoder.once("end", ended.resolve);
    encoder.end();
    await ended.promise;
    take();
  }
  encoder.close();
  return out.filter((mark) => !isBytes(mark) || mark.length > 0);
}

const ENCODERS = {
  gzip: () => createGzip(),
  br: () => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
  zstd: () => createZstdCompress(),
  "deflate-raw": () => createDeflateRaw(),
} as const;

/** Of a long answer the beginning and the end go out byte by byte: nothing is decided between them. */
const SINGLE_BYTES = 1_024;
const MIDDLE_BYTES = 4_099;

function* cut(marks: readonly Mark[], chunking: Chunking): Generator<Mark> {
  if (chunking === "by event") return yield* marks;
  let run: Uint8Array[] = [];
  for (const mark of [...marks, null]) {
    if (mark !== null && isBytes(mark)) run.push(mark);
    else {
      const bytes = Buffer.concat(run);
      run = [];
      if (chunking === "whole") {
        if (bytes.length > 0) yield bytes;
      } else yield* singly(bytes);
      if (mark !== null) yield mark;
    }
  }
}

function* singly(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const isEdge = at < SINGLE_BYTES || at >= bytes.length - SINGLE_BYTES;
    const size = isEdge ? 1 : Math.min(MIDDLE_BYTES, bytes.length - SINGLE_BYTES - at);
    yield bytes.subarray(at, at + size);
    at += size;
  }
}
