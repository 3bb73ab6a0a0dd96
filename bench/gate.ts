// Holds one run against the ratios that are kept in bench/ratios.json: CPU of ch as a multiple of the minimal Bun proxy's, by workload.
// Pure.
import { cpuRatio, type Row } from "./report.ts";

/** As ratios.json has them. */
export interface Kept {
  /** The day they were taken, UTC, and on what. */
  readonly date: string;
  readonly machine: string;
  readonly ratios: Readonly<Record<string, number>>;
}

/** Wide, since machines differ and other load costs the one that does more work more. */
export const MOST = 1.3;

export interface Verdict {
  readonly workload: string;
  readonly ratio: number | null;
  /** Null for a workload that is new. */
  readonly kept: number | null;
  readonly holds: boolean;
}

export function readRatios(rows: readonly Row[]): Readonly<Record<string, number>> {
  const names = [...new Set(rows.map(({ workload }) => workload))];
  return Object.fromEntries(
    names.flatMap((name) => {
      const ratio = cpuRatio(rows, name, ["ch", "minimal Bun"]);
      return ratio === null ? [] : [[name, Math.round(ratio * 100) / 100]];
    }),
  );
}

/** A workload that is kept and was not measured fails, and so does one that is measured and not kept: neither can go unnoticed. */
export function judge(ratios: Readonly<Record<string, number>>, { ratios: kept }: Kept): readonly Verdict[] {
  return [...new Set([...Object.keys(kept), ...Object.keys(ratios)])].map((workload) => {
    const [now, before] = [ratios[workload] ?? null, kept[workload] ?? null];
    return {
      workload,
      ratio: now,
      kept: before,
      holds: now !== null && before !== null && now <= before * MOST,
    };
  });
}

export function describeVerdicts(verdicts: readonly Verdict[]): string {
  const width = Math.max(...verdicts.map(({ workload }) => workload.length));
  const figure = (value: number | null): string => (value === null ? "-" : value.toFixed(2)).padStart(6);
  return verdicts
    .map(({ holds, kept, ratio, workload }) =>
      [
        holds ? "ok  " : "FAIL",
        workload.padEnd(width),
        `${figure(ratio)} x minimal Bun, kept ${figure(kept)}, at most ${figure(kept === null ? null : kept * MOST)}`,
      ].join("  "),
    )
    .join("\n");
}
