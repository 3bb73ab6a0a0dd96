// What was left of each account over time, a line a reading (logs/readings.jsonl): state.json has a few hours of it, an audit needs
// weeks. Holds no secret. A line that cannot be written or read is dropped: losing it costs a stretch of an audit.
import { appendFileSync, renameSync } from "node:fs";
import * as z from "zod/mini";
import { later } from "../../base/later.ts";
import { PRIVATE_FILE, ensurePrivateDirectory, readText, statOrNull } from "../../base/files.ts";
import { dirname } from "node:path";
import { parseJson } from "../../base/json-value.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { Reading } from "../../quota/reading.ts";

const lineSchema = later(() =>
  z.object({
    timestamp_ms: z.number(),
    source: z.string(),
    upstreams: z.array(z.object({ label: z.string(), base_url: z.string() })),
    meters: z.array(
      z.object({
        name: z.string(),
        unit: z.string(),
        left: z.nullable(z.number()),
        used: z.nullable(z.number()),
      }),
    ),
  }),
);
export type ReadingLine = z.infer<typeof lineSchema>;

/** A line has some 300 bytes: a month of ten accounts that are read every ten minutes by day. The file before it is kept, too. */
const MAX_BYTES = 8 * 2 ** 20;

export function appendReading(path: string, { at, balance, source }: Reading, of: readonly Upstream[]): void {
  const meters =
    balance?.meters.filter(({ isAside, left, used }) => isAside !== true && (left ?? used) !== null) ?? [];
  if (meters.length === 0 || of.length === 0) return;
  const line: ReadingLine = {
    timestamp_ms: at,
    source,
    upstreams: of.map(({ baseUrl, label }) => ({ label, base_url: baseUrl })),
    meters: meters.map(({ left, name, unit, used }) => ({ name, unit, left, used })),
  };
  try {
    ensurePrivateDirectory(dirname(path));
    if ((statOrNull(path)?.size ?? 0) > MAX_BYTES) renameSync(path, `${path}.1`);
    appendFileSync(path, `${JSON.stringify(line)}\n`, { mode: PRIVATE_FILE });
  } catch {
    // The log of requests says what is wrong with the disk.
  }
}

/** All readings since then (ms since 1970; null: all), in the order of their times. */
export async function readReadings(path: string, since: number | null): Promise<ReadingLine[]> {
  const texts = await Promise.all([`${path}.1`, path].map((one) => readText(one).catch(() => null)));
  return texts
    .flatMap((text) => (text ?? "").split("\n"))
    .flatMap((line) => lineSchema.safeParse(parseJson(line)).data ?? [])
    .filter(({ timestamp_ms: at }) => since === null || at >= since)
    .toSorted((a, b) => a.timestamp_ms - b.timestamp_ms);
}
