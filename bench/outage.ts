// Which outages a turn of the real clients survives: `bun bench/outage.ts [--only TEXT] [--at-once N] [--claude FILE] [--codex FILE]`.
// Prints for each case how often the client asked, after how many seconds it had its answer, and its exit code. Takes about
// half an hour; the processes wait most of the time.
import { parseArgs } from "node:util";
import { claudeBinary } from "../test/helpers/real-claude.ts";
import { codexBinary } from "../test/helpers/real-codex.ts";
import { MANNERS, type Outage, surviveOutage } from "../test/helpers/outage.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    "at-once": { type: "string", default: "8" },
    claude: { type: "string", default: claudeBinary() },
    codex: { type: "string", default: codexBinary() },
  },
});

const SECS = [5, 15, 60, 150];
const cases: { name: string; outage: Outage }[] = [];
// The longest first, so that the last ones end together.
for (const secs of SECS.toReversed())
  for (const service of ["codex", "claude"] as const)
    for (const mode of ["interactive", "print"] as const)
      for (const through of ["serve", "run"] as const)
        for (const count of [1, 2]) {
          const first = cases.length % MANNERS.length;
          const manners = [...MANNERS.slice(first), ...MANNERS.slice(0, first)].slice(0, count);
          const name = `${service} ${mode} ${through} ${secs} s ${manners.join(" + ")}`;
          const binary = values[service];
          cases.push({ name, outage: { service, binary, mode, through, manners, outageMs: secs * 1_000 } });
        }

const chosen = cases.filter(({ name }) => name.includes(values.only));
let next = 0;
let lost = 0;
async function work(): Promise<void> {
  for (;;) {
    const one = chosen[next++];
    if (one === undefined) return;
    try {
      const { code, isTold, secs, survived, tries } = await surviveOutage(one.outage);
      if (!survived) lost += 1;
      const end = code === null ? "-" : `${code}`;
      console.log(
        `${survived ? "ok  " : "LOST"} ${one.name.padEnd(52)} tries ${`${tries}`.padStart(3)}  ${secs.toFixed(0).padStart(4)} s  rc ${end}${isTold ? "  told" : ""}`,
      );
    } catch (error) {
      lost += 1;
      console.log(`LOST ${one.name}: ${String(error)}`);
    }
  }
}
await Promise.all(Array.from({ length: Number(values["at-once"]) }, work));
console.log(`${chosen.length - lost} of ${chosen.length} survived`);
process.exitCode = lost === 0 ? 0 : 1;
