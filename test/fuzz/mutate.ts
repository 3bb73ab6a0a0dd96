// Changes an input a little: in one place of the tree, by a word, by a piece of another input, or by leaving something out.
// And makes a failing input small.
import type { Input } from "./target.ts";

/** 0 <= number < below. */
export type Random = (below: number) => number;

/** The same numbers for the same seed (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Path = readonly (string | number)[];

/** One change, or a few. `donor`: another input of the same target, whose pieces may come into the same place. */
export function mutate(input: Input, donor: Input, words: readonly string[], random: Random): Input {
  let changed = input;
  for (let times = 1 + random(3); times > 0; times -= 1) {
    const paths = [...pathsOf(changed)];
    const path = paths[random(paths.length)] ?? [];
    const before = at(changed, path);
    if (before === undefined) continue;
    const others = [...pathsOf(donor)].filter((one) => namesOf(one) === namesOf(path));
    const other = at(donor, others[random(others.length)] ?? []) ?? before;
    changed = withValue(changed, path, change(before, other, words, random));
  }
  return changed;
}

function change(value: Input, other: Input, words: readonly string[], random: Random): Input {
  if (typeof value === "boolean") return !value;
  if (typeof value === "number")
    return [0, 1, value + 1, Math.max(0, value - 1), value * 2, random(2 ** 31), random(64)][random(7)] ?? 0;
  if (typeof value === "string")
    return changeText(value, typeof other === "string" ? other : "", words, random);
  if (!Array.isArray(value)) return value;
  const list: Input[] = [...(value as readonly Input[])];
  const place = random(list.length + 1);
  const donors = Array.isArray(other) ? (other as readonly Input[]) : list;
  const given = donors[random(donors.length)];
  switch (random(4)) {
    case 0:
      list.splice(place, 1 + random(3));
      return list;
    case 1:
      return list.toReversed();
    default:
      if (given !== undefined) list.splice(place, random(2), given);
      return list;
  }
}

/** The same place in two inputs, whatever the place in a list. */
function namesOf(path: Path): string {
  return path.map((key) => (typeof key === "string" && !/^\d+$/.test(key) ? key : "*")).join();
}

const ODD = [
  "\0",
  "\n",
  "\r",
  "\r\n",
  '"',
  "\\",
  "\ufeff",
  "\ud800",
  "é",
  "\xff",
  " ",
  "\t",
  ":",
  ",",
  "{",
  "}",
  "[",
  "]",
  "#",
  "%",
  "/",
];

function changeText(text: string, other: string, words: readonly string[], random: Random): string {
  const start = random(text.length + 1);
  const end = Math.min(text.length, start + random(1 + Math.min(text.length, 40)));
  const [before, part, after] = [text.slice(0, start), text.slice(start, end), text.slice(end)];
  switch (random(7)) {
    case 0:
      return before + after;
    case 1:
      return before + part + part + after;
    case 2:
      return before + (words[random(words.length)] ?? "") + text.slice(start);
    case 3:
      return before + (words[random(words.length)] ?? "") + after;
    case 4:
      return before + (ODD[random(ODD.length)] ?? "") + text.slice(random(2) === 0 ? start : end);
    case 5: {
      const from = random(other.length + 1);
      return before + other.slice(from, from + random(60)) + after;
    }
    default:
      return before + String.fromCharCode(random(256)) + text.slice(Math.min(text.length, start + 1));
  }
}

/** The places that can be changed: all but the objects, whose form is the target's. */
function* pathsOf(input: Input, path: Path = []): Generator<Path> {
  if (input === null) return;
  if (typeof input !== "object" || Array.isArray(input)) yield path;
  if (typeof input === "object")
    for (const [key, value] of Object.entries(input)) yield* pathsOf(value as Input, [...path, key]);
}

function at(input: Input, path: Path): Input | undefined {
  let value: Input | undefined = input;
  for (const key of path)
    value = typeof value === "object" && value !== null ? (value as Record<string, Input>)[key] : undefined;
  return value;
}

function withValue(input: Input, [key, ...rest]: Path, value: Input): Input {
  if (key === undefined) return value;
  if (typeof input !== "object" || input === null) return input;
  if (Array.isArray(input)) {
    const list = input as readonly Input[];
    return list.with(Number(key), withValue(list[Number(key)] ?? null, rest, value));
  }
  const fields = input as Readonly<Record<string, Input>>;
  return { ...fields, [key]: withValue(fields[key] ?? null, rest, value) };
}

/** Leaves out of a failing input what it does not need to fail. `fails` is asked at most `tries` times. */
export async function shrink(
  input: Input,
  fails: (input: Input) => Promise<boolean>,
  tries = 600,
): Promise<Input> {
  let smallest = input;
  let left = tries;
  for (let isSmaller = true; isSmaller && left > 0;) {
    isSmaller = false;
    for (const path of pathsOf(smallest)) {
      for (const simpler of simplerThan(at(smallest, path))) {
        if (left <= 0) return smallest;
        left -= 1;
        const candidate = withValue(smallest, path, simpler);
        if (!(await fails(candidate))) continue;
        smallest = candidate;
        isSmaller = true;
        break;
      }
    }
  }
  return smallest;
}

function* simplerThan(value: Input | undefined): Generator<Input> {
  if (typeof value === "number" && value !== 0)
    yield* [0, Math.trunc(value / 2)].filter((one) => one !== value);
  if (value === true) yield false;
  const length = typeof value === "string" || Array.isArray(value) ? value.length : 0;
  for (let size = length; size >= 1; size = Math.trunc(size / 2))
    for (let from = 0; from < length; from += size) {
      if (typeof value === "string") yield value.slice(0, from) + value.slice(from + size);
      else if (Array.isArray(value)) yield (value as readonly Input[]).toSpliced(from, size);
    }
}
