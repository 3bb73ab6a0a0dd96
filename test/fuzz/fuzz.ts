// Searches for an input that breaks a target's promise: the kept inputs first, then new ones and changed ones in turn. Guided by the
// lines that were run, where the runtime counts them (BUN_JSC_useControlFlowProfiler), and by outcomes that were not seen before.
import * as jsc from "bun:jsc";
import fc from "fast-check";
import { join } from "node:path";
import { createRandom, mutate, shrink } from "./mutate.ts";
import type { FuzzTarget, Input } from "./target.ts";

export interface FuzzOptions {
  readonly seed: number;
  /** Ends after so many inputs, or when `until` (performance.now()) has come. */
  readonly runs: number;
  readonly until?: number;
  readonly corpus: readonly Input[];
  /** Told what is tried next: of an input that ends the process, or never ends, nothing else is left. */
  readonly onBatch?: (inputs: readonly Input[]) => void;
}

export interface FuzzResult {
  readonly runs: number;
  /** Lines of `covers` that were run, in per cent; null where they are not counted. */
  readonly linesPercent: number | null;
  /** For each outcome, and each line first reached, the input for it. */
  readonly kept: readonly Input[];
  readonly outcomes: ReadonlyMap<string, number>;
  readonly failure: { readonly input: Input; readonly error: unknown } | null;
}

const BATCH = 20;
const MAX_KEPT = 2000;
/** One small input that costs more processor time costs too much. */
const MAX_CPU_MS = 3000;

export async function fuzz(target: FuzzTarget, options: FuzzOptions): Promise<FuzzResult> {
  const { corpus, runs: maxRuns, seed, until = Number.POSITIVE_INFINITY } = options;
  const random = createRandom(seed);
  const kept: Input[] = [];
  const outcomes = new Map<string, number>();
  let lines = measureLines(target);
  let runs = 0;
  const result = (failure: FuzzResult["failure"]): FuzzResult => ({
    runs,
    linesPercent: measureLines(target)?.percent ?? null,
    kept,
    outcomes,
    failure,
  });
  const makeBatch = (round: number): Input[] => {
    if (round === 0) return [...corpus];
    if (kept.length === 0 || round % 3 === 1)
      return fc.sample(target.arbitrary, { numRuns: BATCH, seed: random(2 ** 31) });
    const any = (): Input => kept[random(kept.length)] ?? null;
    return Array.from({ length: BATCH }, () => mutate(any(), any(), target.words, random));
  };
  for (let round = 0; runs < maxRuns && performance.now() < until; round += 1) {
    const batch = makeBatch(round);
    options.onBatch?.(batch);
    for (const input of batch) {
      runs += 1;
      const outcome = await attempt(target, input);
      if (typeof outcome !== "string") {
        const isFailing = async (one: Input): Promise<boolean> =>
          typeof (await attempt(target, one)) !== "string";
        const input_ = await shrink(input, isFailing);
        const again = await attempt(target, input_);
        return result({ input: input_, error: typeof again === "string" ? outcome.error : again.error });
      }
      const times = outcomes.get(outcome) ?? 0;
      outcomes.set(outcome, times + 1);
      if (times === 0 && kept.length < MAX_KEPT) kept.push(input);
    }
    const now = measureLines(target);
    if (now?.text !== lines?.text && kept.length < MAX_KEPT)
      kept.push(...batch.filter((one) => !kept.includes(one)));
    lines = now;
  }
  return result(null);
}

/** The outcome, or what broke the promise. */
async function attempt(target: FuzzTarget, input: Input): Promise<string | { readonly error: unknown }> {
  const before = process.cpuUsage();
  try {
    const outcome = await target.check(input);
    const { system, user } = process.cpuUsage(before);
    const cpuMs = (system + user) / 1000;
    if (cpuMs > MAX_CPU_MS) throw new Error(`took ${Math.round(cpuMs)} ms of processor time`);
    return outcome;
  } catch (error) {
    return { error };
  }
}

/** What types of Bun do not have: a row of the table of `bun test --coverage`. Throws for a file that was not counted. */
interface Counter {
  readonly codeCoverageForFile: (path: string, ignoreSourceMap: boolean) => string;
}

/** Null where the runtime does not count. */
function measureLines({ covers }: FuzzTarget): { readonly text: string; readonly percent: number } | null {
  const { codeCoverageForFile: read } = jsc as unknown as Counter;
  try {
    const rows = covers.map((file) => read(join(import.meta.dir, "../../src", file), false));
    const percents = rows.map((row) => Number(row.split("|")[2]));
    return { text: rows.join("\n"), percent: percents.reduce((sum, one) => sum + one, 0) / percents.length };
  } catch {
    return null;
  }
}
