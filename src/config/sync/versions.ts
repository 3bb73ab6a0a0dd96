// Values with what their writer had seen of the others, and what several machines' values come to: the newer one where one knew
// the other, and a conflict where neither did. No clock decides anything.
// Pure.
import type { Path } from "./travel.ts";

/** How many writes of each machine were known: of two values the one that knew more is newer. */
export type Seen = Readonly<Record<string, number>>;

export interface Register {
  /** Undefined: it was there and was removed. */
  readonly value?: unknown;
  readonly seen: Seen;
}

/** Of one config, or of the settings. */
export type Registers = ReadonlyMap<Path, Register>;

export interface Source {
  /** How the machine is called. */
  readonly by: string;
  readonly registers: Registers;
}

export function includes(one: Seen, other: Seen): boolean {
  return Object.entries(other).every(([machine, count]) => count <= (one[machine] ?? 0));
}

export function join(all: readonly Seen[]): Seen {
  const joined: Record<string, number> = {};
  for (const seen of all)
    for (const [machine, count] of Object.entries(seen))
      joined[machine] = Math.max(count, joined[machine] ?? 0);
  return joined;
}

/** The same text for the same value, in whatever order its keys are. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_key, one: unknown) =>
      typeof one === "object" && one !== null && !Array.isArray(one)
        ? Object.fromEntries(Object.entries(one).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        : one,
    ) ?? ""
  );
}

export interface Opinion {
  /** Null: this machine. */
  readonly by: string | null;
  readonly register: Register;
}

/** What no other is newer than, one for each value that differs. */
export interface Weighed {
  readonly newest: readonly { readonly value: unknown; readonly by: readonly (string | null)[] }[];
  /** What is known with all of them. */
  readonly seen: Seen;
}

export function weigh(opinions: readonly Opinion[]): Weighed {
  const newest = opinions.filter(
    ({ register }) =>
      !opinions.some(
        (other) =>
          includes(other.register.seen, register.seen) && !includes(register.seen, other.register.seen),
      ),
  );
  const groups = Map.groupBy(newest, ({ register }) => canonical(register.value));
  return {
    newest: [...groups.values()].map((all) => ({
      value: all[0]?.register.value,
      by: [...new Set(all.map(({ by }) => by))],
    })),
    seen: join(newest.map(({ register }) => register.seen)),
  };
}

export function opinionsOn(path: Path, mine: Registers, others: readonly Source[]): Opinion[] {
  const own = mine.get(path);
  return [
    ...(own === undefined ? [] : [{ by: null, register: own }]),
    ...others.flatMap(({ by, registers }) => {
      const register = registers.get(path);
      return register === undefined ? [] : [{ by, register }];
    }),
  ];
}

/** Of something that may be removed as a whole: its own register at `path`, those of its parts below it. */
export interface Existence {
  readonly kind: "there" | "gone" | "conflict";
  /** Who says that it is there, and who removed it; null is this machine. */
  readonly keptBy: readonly (string | null)[];
  readonly removedBy: readonly (string | null)[];
  readonly seen: Seen;
}

/** A removal counts against what it knew: whatever was changed beside it is not lost with it. */
export function existenceOf(path: Path, mine: Registers, others: readonly Source[]): Existence | null {
  const opinions = opinionsOn(path, mine, others);
  if (opinions.length === 0) return null;
  const { newest, seen } = weigh(opinions);
  const gone = opinions.filter(({ register }) => register.value === false);
  const removals = join(gone.map(({ register }) => register.seen));
  const there = newest.find(({ value }) => value !== false);
  const lost = newest.find(({ value }) => value === false);
  const parts = [{ by: null, registers: mine }, ...others].flatMap(({ by, registers }) =>
    [...registers]
      .filter(([one, { seen: known }]) => isBelow(one, path) && !includes(removals, known))
      .map(() => by),
  );
  const keptBy = [...new Set([...(there?.by ?? []), ...parts])];
  const all = join([
    seen,
    ...[mine, ...others.map(({ registers }) => registers)].map((one) => knownOf(one, path)),
  ]);
  const removedBy = lost?.by ?? [];
  if (lost === undefined) return { kind: "there", keptBy, removedBy, seen };
  return { kind: keptBy.length === 0 ? "gone" : "conflict", keptBy, removedBy, seen: all };
}

/** All that a removal of `path` would know. */
export function knownOf(registers: Registers, path: Path): Seen {
  return join(
    [...registers].filter(([one]) => one === path || isBelow(one, path)).map(([, { seen }]) => seen),
  );
}

export function isBelow(path: Path, above: Path): boolean {
  return path !== above && (above === "" || path.startsWith(`${above}/`));
}
