// Makes rows of medians out of samples, and the text that the bench prints.
import type { Budget } from "./budgets.ts";
import type { Contender } from "./contenders.ts";
import type { Crowd, DifficultClients } from "./difficult-clients.ts";
import type { Machine } from "./machine.ts";
import type { Measured, Workload } from "./wire.ts";

export interface Sample extends Measured {
  /** Of the proxy's process, all threads, user and system. */
  readonly cpuSeconds: number;
}

/** Medians over the rounds. */
export interface Row {
  readonly workload: string;
  readonly contender: string;
  readonly requestsPerSecond: number;
  readonly eventsPerSecond: number | null;
  /** Of the proxy, per request: a hundredth of the seconds for 10,000. */
  readonly cpuUs: number;
  /** The same per event, which is seconds per million; null for JSON. */
  readonly cpuUsPerEvent: number | null;
  /** Over the direct connection's, us. */
  readonly addedTtfbP50: number;
  readonly addedTtfbP99: number;
  /** Over the direct connection's, us, for paced streams; null for others. */
  readonly addedEventP50: number | null;
  readonly addedEventP99: number | null;
  readonly errors: number;
}

/** Resident memory, MB. */
export interface Memory {
  readonly name: string;
  readonly idle: number;
  /** At its highest under 240 streams; 0 for a proxy that cannot stream them. */
  readonly streaming: number;
  /** At rest, when all was over. */
  readonly after: number;
}

export interface CommandTime {
  readonly name: string;
  readonly ms: number;
}

export interface Report {
  /** The day, UTC. */
  readonly date: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** What could not be compared, and why. */
  readonly missing: readonly string[];
  readonly rows: readonly Row[];
  readonly memory: readonly Memory[];
  readonly difficult: readonly DifficultClients[];
  /** Of `ch`. */
  readonly crowd: Crowd | null;
  /** From exec to listening. */
  readonly starts: readonly CommandTime[];
  readonly commands: readonly CommandTime[];
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

/** `samples` by "workload|contender". */
export function makeRows(
  chosen: readonly Workload[],
  contenders: readonly Contender[],
  samples: ReadonlyMap<string, readonly Sample[]>,
): readonly Row[] {
  return chosen.flatMap(({ events, kind, name: workload }) =>
    contenders.flatMap(({ name: contender }) => {
      const own = samples.get(`${workload}|${contender}`) ?? [];
      if (own.length === 0) return [];
      const of = (read: (sample: Sample) => number, from = own): number => medianOf(from.map(read));
      const direct = samples.get(`${workload}|direct`);
      const added = (read: (sample: Sample) => number): number => of(read) - of(read, [...(direct ?? [])]);
      const cpuUs = of((sample) => (sample.cpuSeconds * 1e6) / Math.max(1, sample.requests));
      const requestsPerSecond = of((sample) => sample.requests / sample.seconds);
      return [
        {
          workload,
          contender,
          requestsPerSecond,
          eventsPerSecond: events === 0 ? null : requestsPerSecond * events,
          cpuUs,
          cpuUsPerEvent: events === 0 ? null : cpuUs / events,
          addedTtfbP50: added((sample) => sample.ttfbP50),
          addedTtfbP99: added((sample) => sample.ttfbP99),
          addedEventP50: kind === "paced" ? added((sample) => sample.eventP50) : null,
          addedEventP99: kind === "paced" ? added((sample) => sample.eventP99) : null,
          errors: of((sample) => sample.errors),
        },
      ];
    }),
  );
}

/** CPU of one contender as a multiple of another's; null where either is missing. */
export function cpuRatio(
  rows: readonly Row[],
  workload: string,
  [contender, other]: readonly [string, string],
): number | null {
  const of = (name: string): number =>
    rows.find((row) => row.workload === workload && row.contender === name)?.cpuUs ?? 0;
  return of(contender) > 0 && of(other) > 0 ? of(contender) / of(other) : null;
}

export function describe(report: Report, budgets: readonly Budget[]): string {
  const { commands, crowd, machine, memory, missing, difficult, rounds, rows, starts } = report;
  const names = [...new Set(rows.map(({ workload }) => workload))];
  return [
    ...names.map((name) => describeWorkload(name, rows)),
    table([
      ["memory, MB", "idle", "240 streams", "at rest again"],
      ...memory.map(({ after, idle, name, streaming }) => [
        name,
        cell(idle),
        cell(streaming === 0 ? null : streaming),
        cell(after),
      ]),
    ]),
    table([
      ["difficult clients", "leaves, ms", "stalls, MB more", "first answer, ms"],
      ...difficult.map(({ firstMs, leaveMs, name, stalledMb }) => [
        name,
        cell(leaveMs, 1),
        cell(stalledMb),
        cell(firstMs, 1),
      ]),
    ]),
    ...(crowd === null
      ? []
      : [
          `1,000 streams at once through ch: ${crowd.served} served, ${crowd.refused} refused with 503, ${crowd.lost} lost`,
        ]),
    table([
      ["start, ms", "median"],
      ...starts.map(({ ms, name }) => [`${name} listens`, cell(ms, 1)]),
      ...commands.map(({ ms, name }) => [name, cell(ms, 1)]),
    ]),
    table([
      ["budget", "measured", "allowed", ""],
      ...budgets.map(({ allowed, digits, measured, what }) => [
        what,
        cell(measured, digits),
        cell(allowed, digits),
        measured === null ? "not measured" : measured <= allowed ? "holds" : "missed",
      ]),
    ]),
    ...(missing.length === 0 ? [] : [missing.join("\n")]),
    [
      `${machine.cores} x ${machine.cpu}, ${machine.memoryMib} MiB, Linux ${machine.kernel}`,
      ...Object.entries(machine.versions).map(([name, version]) => `${name}: ${version}`),
    ].join("\n"),
    `Medians of ${rounds} rounds. CPU us: of the proxy's process per request. us/event: the same per event, which is CPU
seconds per million events. ttfb, event: time to the first byte, and of each paced event, over the direct connection's, us.`,
  ].join("\n\n");
}

function describeWorkload(name: string, rows: readonly Row[]): string {
  const ratio = (contender: string, other: string): string =>
    cell(contender === "direct" ? null : cpuRatio(rows, name, [contender, other]), 2);
  const heads = "req/s|events/s|CPU us|us/event|x minimal|x nginx|+ttfb p50|p99|+event p50|p99|errors".split(
    "|",
  );
  return table([
    [name, ...heads],
    ...rows
      .filter(({ workload }) => workload === name)
      .map((row) => [
        row.contender,
        cell(row.requestsPerSecond),
        cell(row.eventsPerSecond),
        cell(row.contender === "direct" ? null : row.cpuUs, 1),
        cell(row.contender === "direct" ? null : row.cpuUsPerEvent, 2),
        ratio(row.contender, "minimal Bun"),
        ratio(row.contender, "nginx"),
        cell(row.addedTtfbP50),
        cell(row.addedTtfbP99),
        cell(row.addedEventP50),
        cell(row.addedEventP99),
        cell(row.errors),
      ]),
  ]);
}

function cell(value: number | null, digits = 0): string {
  return value === null ? "-" : value.toFixed(digits);
}

/** The first column to the left, the others to the right. */
function table(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  return lines
    .map((line) =>
      line
        .map((text, column) =>
          column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
