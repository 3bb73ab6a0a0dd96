// What we have promised ourselves, next to what one run measured. A miss fails nothing: docs/performance.md explains it.
import { cpuRatio, type Report } from "./report.ts";
import { ECHO } from "./wire.ts";

export interface Budget {
  readonly what: string;
  /** Null where the run did not measure it. */
  readonly measured: number | null;
  readonly allowed: number;
  readonly digits: number;
}

export function listBudgets({ commands, crowd, memory, difficult, rows, starts }: Report): readonly Budget[] {
  const ratio = (workload: string, other: string): number | null => cpuRatio(rows, workload, ["ch", other]);
  const row = (workload: string, contender = "ch") =>
    rows.find((one) => one.workload === workload && one.contender === contender);
  const own = memory.find(({ name }) => name === "ch");
  const ours = difficult.find(({ name }) => name === "ch");
  const timeOf = (list: Report["starts"], name: string): number | null =>
    list.find((one) => one.name === name)?.ms ?? null;
  const version = timeOf(commands, "ch --version");
  const overVersion = (name: string, of: (ms: number, version: number) => number): number | null => {
    const ms = timeOf(commands, name);
    return ms === null || version === null ? null : of(ms, version);
  };
  const timeMore = (name: string) => overVersion(name, (ms, least) => ms - least);
  const small = row("JSON 2 KB c=1");
  const paced = row("SSE 200 every 10 ms c=64");
  const plain = row("JSON 2 KB c=16");
  const failing = row("JSON 2 KB c=16", "ch, failing over");
  const budget = (
    what: string,
    measured: number | null,
    [allowed, digits = 2]: [number, number?],
  ): Budget => ({
    what,
    measured,
    allowed,
    digits,
  });
  return [
    budget("CPU, small JSON, c=1, of minimal Bun", ratio("JSON 2 KB c=1", "minimal Bun"), [1.35]),
    budget("CPU, small JSON, c=16, of minimal Bun", ratio("JSON 2 KB c=16", "minimal Bun"), [1.35]),
    budget(
      "CPU, small JSON, c=16, budgets and a project, of ch",
      cpuRatio(rows, "JSON 2 KB c=16", ["ch, budgets and a project", "ch"]),
      [1.05],
    ),
    budget("CPU, small JSON, c=1, of Portkey", ratio("JSON 2 KB c=1", "Portkey"), [0.05]),
    budget(
      "CPU, small JSON, c=1, of claude-code-router",
      ratio("JSON 2 KB c=1", "claude-code-router"),
      [0.05],
    ),
    budget("added time to first byte, 2 KB, p50, us", small?.addedTtfbP50 ?? null, [60, 0]),
    budget("added time to first byte, 2 KB, p99, us", small?.addedTtfbP99 ?? null, [250, 0]),
    budget("CPU, 560 KB body, of minimal Bun", ratio("JSON 560 KB c=1", "minimal Bun"), [1.3]),
    budget("CPU, 3.5 MB body, of minimal Bun", ratio("JSON 3.5 MB c=1", "minimal Bun"), [1.3]),
    budget("CPU, 200 events, c=16, of nginx", ratio("SSE 200 c=16", "nginx"), [1]),
    budget("CPU, 2,000 events, c=16, of nginx", ratio("SSE 2,000 c=16", "nginx"), [1]),
    budget(
      "CPU, 560 KB and 2,000 events, 5 of 20 rules restore, of none",
      cpuRatio(rows, ECHO, ["ch, 5 of 20 rules restore", "ch, 20 rules"]),
      [1.15],
    ),
    budget(
      "CPU, paced events, c=64, of minimal Bun",
      ratio("SSE 200 every 10 ms c=64", "minimal Bun"),
      [1.5],
    ),
    budget("added event time, paced, p50, us", paced?.addedEventP50 ?? null, [300, 0]),
    budget("added event time, paced, p99, us", paced?.addedEventP99 ?? null, [2_000, 0]),
    // Every second request takes one.
    budget(
      "CPU, one step to the next upstream, us",
      plain && failing ? 2 * (failing.cpuUs - plain.cpuUs) : null,
      [100, 0],
    ),
    budget("a client leaves, until the upstream sees it, ms", ours?.leaveMs ?? null, [5, 1]),
    budget("of 1,000 streams at once neither served nor refused", crowd?.lost ?? null, [0, 0]),
    budget("memory, idle, MB", own?.idle ?? null, [40, 0]),
    budget("memory, 240 streams, MB", own?.streaming ?? null, [80, 0]),
    budget("memory, at rest again, MB", own?.after ?? null, [100, 0]),
    budget("memory, 400 MB to a client that does not read, MB more", ours?.stalledMb ?? null, [16, 0]),
    budget("exec to listening, ms", timeOf(starts, "ch"), [20, 1]),
    budget("ch --version, ms", version, [6, 1]),
    budget("ch status, ms", timeOf(commands, "ch status"), [30, 1]),
    budget("ch statusline, ms more than --version", timeMore("ch statusline"), [15, 1]),
    budget("ch statusline, Chinese, ms more than --version", timeMore("ch statusline, Chinese"), [15, 1]),
    budget(
      "ch statusline, times --version",
      overVersion("ch statusline", (ms, least) => ms / least),
      [2.5, 1],
    ),
  ];
}
