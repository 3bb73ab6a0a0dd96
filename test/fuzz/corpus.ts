// The kept inputs of a target, a line each: what a search begins with, and what every run of the tests goes through.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Input } from "./target.ts";

const LONGEST_LINE = 1500;
const MOST_LINES = 60;

export function corpusPath(name: string): string {
  return join(import.meta.dir, "corpus", `${name}.jsonl`);
}

export function readCorpus(name: string): Input[] {
  if (!existsSync(corpusPath(name))) return [];
  const lines = readFileSync(corpusPath(name), "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Input);
}

/** The shortest first, as many as are worth a few milliseconds of every run. */
export function makeCorpus(inputs: readonly Input[]): string {
  const lines = [...new Set(inputs.map((input) => JSON.stringify(input)))].filter(
    ({ length }) => length <= LONGEST_LINE,
  );
  const chosen = lines.toSorted((one, other) => one.length - other.length).slice(0, MOST_LINES);
  return chosen.map((line) => `${line}\n`).join("");
}
