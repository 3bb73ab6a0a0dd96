// What `ch audit` finds: ten honest relays that look odd in one way each and thirty that cheat in one way each, 2,000 requests at
// each, for 40 seeds. Its thresholds were set on the seeds 1 to 20; 21 to 40 say how good they are.
// bun bench/audit.ts [--seeds 21-40] [--of 2000] [--beside 3]
// (--beside: each of them with so many honest ones alone, instead of all together. Prints the table of docs/audit.md)
import { parseArgs } from "node:util";
import { resolvePaths } from "../src/base/paths.ts";
import { loadPricer } from "../src/app/prices.ts";
import { createAudit } from "../src/usage/audit/audit.ts";
import { createObserver } from "../src/usage/audit/observe.ts";
import { DISHONEST, HONEST, makeRelays } from "../test/usage/audit/relays.ts";

const { values } = parseArgs({
  options: { seeds: { type: "string" }, of: { type: "string" }, beside: { type: "string" } },
});
const beside = Number(values.beside ?? 0);
const [from = 1, to = from] = (values.seeds ?? "21-40").split("-").map(Number);
const home = "/nonexistent";
const { costOf } = await loadPricer(resolvePaths({ HOME: home, CODEX_HELPER_HOME: home }));

/** By habit: relays, those that something was found at, and what. */
const results = new Map<string, { relays: number; found: number; checks: Map<string, number> }>();
const startedAt = performance.now();
for (let seed = from; seed <= to; seed += 1) {
  const relays = makeRelays(seed, { costOf, of: Number(values.of ?? 2000) });
  const observe = createObserver(costOf);
  const observed = new Map(relays.map((relay) => [relay, relay.records.flatMap(observe)]));
  const balances = new Map(relays.map((relay) => [relay.label, relay.balances]));
  const honest = relays.filter(({ isHonest }) => isHonest);
  const pools =
    beside === 0
      ? [{ pool: relays, of: relays }]
      : relays.map((relay, at) => {
          const others = honest.filter((one) => one !== relay);
          const start = (at + seed) % (others.length - beside + 1);
          return { pool: [relay, ...others.slice(start, start + beside)], of: [relay] };
        });
  const audited = pools.flatMap(({ of, pool }) => {
    const audit = createAudit();
    for (const relay of pool) for (const one of observed.get(relay) ?? []) audit.add(one);
    const labels = new Set(of.map(({ label }) => label));
    return audit
      .finish((name) => balances.get(name?.replace("#2", "#1") ?? "") ?? null)
      .filter(({ label }) => labels.has(label?.replace("#2", "#1") ?? ""));
  });
  for (const { findings, label } of audited) {
    const habit = relays.find((relay) => relay.label === label?.replace("#2", "#1"))?.habit ?? "";
    const result = results.getOrInsertComputed(habit, () => ({ relays: 0, found: 0, checks: new Map() }));
    const odd = findings.filter(({ state }) => state === "differs");
    result.relays += 1;
    if (odd.length > 0) result.found += 1;
    for (const { check } of odd) result.checks.set(check, (result.checks.get(check) ?? 0) + 1);
  }
}

const print = (habits: readonly string[], heading: string): void => {
  console.log(`| ${heading} | relays | with a finding | by |\n| --- | --- | --- | --- |`);
  for (const habit of habits) {
    const { checks, found, relays } = results.get(habit) ?? {
      checks: new Map<string, number>(),
      found: 0,
      relays: 0,
    };
    console.log(
      `| ${habit} | ${relays} | ${found} | ${[...checks].map(([check, count]) => `${check} ${count}`).join(", ")} |`,
    );
  }
};
print(HONEST, "honest");
console.log("");
print(DISHONEST, "dishonest");
console.log(`\nseeds ${from} to ${to}, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
