// A short, seeded round of a target, for the tests of its room: the kept inputs and some new ones.
import { expect } from "bun:test";
import { readCorpus } from "./corpus.ts";
import { fuzz } from "./fuzz.ts";
import { TARGETS, type TargetName } from "./targets.ts";

const SEED = 22;

export async function shortRound(name: TargetName, newInputs: number): Promise<void> {
  const corpus = readCorpus(name);
  const { failure, outcomes, runs } = await fuzz(TARGETS[name], {
    seed: SEED,
    runs: corpus.length + newInputs,
    corpus,
  });
  if (failure !== null) throw new Error(`with ${JSON.stringify(failure.input)}`, { cause: failure.error });
  expect(runs).toBeGreaterThanOrEqual(newInputs);
  expect(outcomes.size).toBeGreaterThan(1);
}
