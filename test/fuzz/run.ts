// Looks for inputs that break a promise, minutes at a time: `bun run fuzz [TARGET...] [--minutes N] [--seed S] [--keep]`, each target
// for its share of the minutes. A failing input is made small, written to a file, and printed with the command that replays it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { corpusPath, makeCorpus, readCorpus } from "./corpus.ts";
import { fuzz } from "./fuzz.ts";
import type { FuzzTarget, Input } from "./target.ts";
import { TARGETS, type TargetName } from "./targets.ts";

const FAILURES = join(import.meta.dir, "failures");

interface Failure {
  readonly target: string;
  readonly seed: number;
  readonly error: string;
  /** One that fails; or, of a process that did not get to its end, those that were being tried. */
  readonly inputs: readonly Input[];
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "10" },
    seed: { type: "string" },
    keep: { type: "boolean", default: false },
    replay: { type: "string" },
  },
});

process.exitCode = await (values.replay === undefined ? search() : replay(values.replay));

async function search(): Promise<number> {
  const names = positionals.length > 0 ? positionals : Object.keys(TARGETS);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const minutes = Number(values.minutes);
  const unknown = names.find((name) => findTarget(name) === null);
  if (unknown !== undefined || !Number.isInteger(seed) || !(minutes > 0)) {
    console.error(
      `usage: bun run fuzz [TARGET...] [--minutes N] [--seed S] [--keep]\ntargets: ${Object.keys(TARGETS).join(", ")}`,
    );
    return 2;
  }
  let failures = 0;
  for (const name of names) {
    const target = findTarget(name);
    if (target === null) continue;
    const until = performance.now() + (minutes * 60_000) / names.length;
    const corpus = readCorpus(name);
    const running = join(FAILURES, `${name}-unfinished.json`);
    const onBatch = (inputs: readonly Input[]): void =>
      writeFailure(running, { target: name, seed, error: "the search did not get to its end", inputs });
    const { failure, kept, linesPercent, outcomes, runs } = await fuzz(target, {
      seed,
      runs: Infinity,
      until,
      corpus,
      onBatch,
    });
    rmSync(running, { force: true });
    const lines = linesPercent === null ? "" : `, ${linesPercent.toFixed(1)} % of the lines`;
    console.log(`${name}: ${runs} inputs, ${outcomes.size} outcomes, ${kept.length} kept${lines}`);
    if (failure !== null) {
      failures += 1;
      reportFailure({ target: name, seed, error: describe(failure.error), inputs: [failure.input] });
    }
    if (values.keep) writeFileSync(corpusPath(name), makeCorpus([...corpus, ...kept]));
  }
  return failures === 0 ? 0 : 1;
}

function reportFailure(failure: Failure): void {
  const path = join(
    FAILURES,
    `${failure.target}-${Bun.hash(JSON.stringify(failure.inputs)).toString(16)}.json`,
  );
  writeFailure(path, failure);
  console.error(`${failure.target}: "${TARGETS[failure.target as TargetName].promise}" does not hold`);
  console.error(
    `  ${failure.error.slice(0, 2000)}\n  bun run fuzz --replay ${relative(process.cwd(), path)}`,
  );
}

function writeFailure(path: string, failure: Failure): void {
  mkdirSync(FAILURES, { recursive: true });
  writeFileSync(path, `${JSON.stringify(failure, null, 1)}\n`);
}

async function replay(path: string): Promise<number> {
  const { inputs, target: name } = JSON.parse(readFileSync(path, "utf8")) as Failure;
  for (const input of inputs) {
    console.log(JSON.stringify(input));
    try {
      console.log(`${name}: ${await findTarget(name)?.check(input)}`);
    } catch (error) {
      console.error(`${name}: ${describe(error)}`);
      return 1;
    }
  }
  return 0;
}

function findTarget(name: string): FuzzTarget | null {
  return Object.hasOwn(TARGETS, name) ? TARGETS[name as TargetName] : null;
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
