// An audit of the request log: its lines, the balances that were read, and how each upstream was over time, put together.
import type { LogRecord } from "../../log/record.ts";
import type { Paths } from "../../base/paths.ts";
import { stateOfRule } from "../../routing/logged-attempts.ts";
import { type Audited, createAudit } from "../../usage/audit/audit.ts";
import type { Balances, Finding } from "../../usage/audit/checks.ts";
import { createObserver } from "../../usage/audit/observe.ts";
import { type Strip, createAvailability } from "../../usage/availability.ts";
import type { Pricer } from "../../usage/prices.ts";
import type { NameTime } from "../../usage/timeline.ts";
import { type ReadingLine, readReadings } from "../quota/readings-log.ts";

export interface AuditedUpstream extends Audited {
  /** What it refuses of a client's release, as it said it. */
  readonly drift: readonly string[];
  readonly strip: Strip | null;
}

export interface LogAudit {
  readonly upstreams: readonly AuditedUpstream[];
  /** Of the strips' cells, oldest first. */
  readonly periods: readonly string[];
}

export interface LogAuditOptions {
  readonly paths: Pick<Paths, "readingsLog">;
  readonly costOf: Pricer["costOf"];
  readonly hourOf: NameTime;
  /** Wall clock, ms; null: all. */
  readonly since: number | null;
}

const MOST_NAMES = 50;

export function createLogAudit({ costOf, hourOf, paths, since }: LogAuditOptions) {
  const observe = createObserver(costOf);
  const audit = createAudit();
  const availability = createAvailability({ hourOf, stateOf: stateOfRule });
  const drift = new Map<string, Set<string>>();
  return {
    add(record: LogRecord): void {
      for (const one of observe(record)) audit.add(one);
      availability.add(record);
      for (const attempt of record.attempts ?? []) {
        const { error, upstream_base_url: baseUrl, upstream_label: label = null, verdict = "ok" } = attempt;
        if (baseUrl === undefined || verdict === "ok" || verdict === "client-gone") continue;
        audit.refuse({ baseUrl, label, rule: verdict });
        const names = verdict === "drift" ? drift.getOrInsertComputed(baseUrl, () => new Set()) : null;
        if (error !== undefined && names !== null && names.size < MOST_NAMES) names.add(error);
      }
    },
    async finish(): Promise<LogAudit> {
      const balancesOf = joinBalances(await readReadings(paths.readingsLog, since));
      const { periods, strips } = availability.finish();
      const upstreams = audit.finish(balancesOf).map((one): AuditedUpstream => {
        const strip = strips.find(({ baseUrl, label }) => baseUrl === one.baseUrl && label === one.label);
        return { ...one, drift: [...(drift.get(one.baseUrl) ?? [])], strip: strip ?? null };
      });
      return { periods, upstreams: upstreams.toSorted((a, b) => b.answers - a.answers) };
    },
  };
}

/** `main#1:model`: the id of a finding. */
export function findingId(
  { baseUrl, label }: Pick<Audited, "baseUrl" | "label">,
  { check }: Pick<Finding, "check">,
): string {
  return `${label ?? baseUrl}:${check}`;
}

/** Of a balance that is read for each key, but is the account's, all keys have the same. */
const SAME_SHARE = 0.02;

/** The balance of the account behind an upstream; the very same list for upstreams that share one. */
function joinBalances(
  lines: readonly ReadingLine[],
): (label: string | null, baseUrl: string) => Balances | null {
  const accounts = new Map<string, [at: number, left: number][]>();
  const accountOf = new Map<string, [at: number, left: number][]>();
  for (const { meters, source, timestamp_ms: at, upstreams } of lines) {
    const meter =
      meters.find(({ name, unit }) => unit === "USD" && name === "balance") ??
      meters.find(({ unit }) => unit === "USD");
    const left = meter?.left ?? (meter?.used == null ? null : -meter.used);
    if (meter === undefined || left === null) continue;
    const hosts = new Set(upstreams.map(({ base_url }) => URL.parse(base_url)?.host));
    const keys = upstreams.map(({ base_url, label }) => `${label}\n${base_url}`);
    const own = accounts.getOrInsertComputed([source, meter.name, ...hosts, ...keys].join("\n"), () => []);
    own.push([at, left]);
    for (const key of keys) if ((accountOf.get(key)?.length ?? 0) <= own.length) accountOf.set(key, own);
  }
  const hostOf = (key: string): string => URL.parse(key.split("\n")[1] ?? "")?.host ?? key;
  const isSame = (one: Balances, other: Balances): boolean => {
    const [a, b] = [one.at(-1)?.[1] ?? Number.NaN, other.at(-1)?.[1] ?? Number.NaN];
    return Math.abs(a - b) <= SAME_SHARE * Math.abs(a);
  };
  return (label, baseUrl) => {
    const key = `${label ?? ""}\n${baseUrl}`;
    const own = accountOf.get(key);
    if (own === undefined) return null;
    return (
      [...accountOf].find(([other, one]) => hostOf(other) === hostOf(key) && isSame(one, own))?.[1] ?? own
    );
  };
}
