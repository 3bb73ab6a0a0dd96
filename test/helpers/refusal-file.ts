// One refusal as test/refusals holds it, and what a classifier sees of it. test/refusals/README.md says what each member means.
import { join } from "node:path";
import * as z from "zod/mini";
import type { AttemptOutcome } from "../../src/routing/types.ts";
import { checkSources, publicUrl, readCorpus } from "./corpus.ts";
import { contentOutcome, statusOutcome } from "./routing.ts";

const REFUSALS = join(import.meta.dir, "../refusals");

const schema = z.strictObject({
  vendor: z.string(),
  source: publicUrl,
  status: z.number(),
  headers: z.optional(z.record(z.string(), z.string())),
  body: z.unknown(),
  /** What was asked, where the verdict depends on it. */
  request: z.optional(z.record(z.string(), z.unknown())),
  expect: z.strictObject({
    verdict: z.enum(["exhausted", "cooldown", "auth-dead", "model", "failure", "repair", "other"]),
    until: z.nullable(z.iso.datetime()),
  }),
});

export interface RefusalFile extends z.infer<typeof schema> {
  readonly file: string;
}

/** Every file of the corpus. Throws what is wrong with one, or with their sources. */
export async function readRefusalFiles(): Promise<RefusalFile[]> {
  const files = await readCorpus(REFUSALS, readRefusalFile);
  checkSources(files, ({ source }) => source);
  return files;
}

export function readRefusalFile(file: string, text: string): RefusalFile {
  const read = schema.safeParse(JSON.parse(text));
  if (!read.success) throw new Error(`${file}: ${z.prettifyError(read.error)}`);
  return { file, ...read.data };
}

export function outcomeOf({ status, body, headers }: RefusalFile): AttemptOutcome {
  return status < 400 ? contentOutcome("json-error", body, headers) : statusOutcome(status, body, headers);
}
