import { expect, test } from "bun:test";
import { existsSync, mkdirSync, rmSync, rmdirSync, statSync } from "node:fs";
import fc from "fast-check";
import { createSavedSections, mergeSection, readState, updateState } from "../../src/state/state-file.ts";
import { modeHere } from "../helpers/modes.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

test("a missing, torn or odd file counts as empty", () => {
  using home = makeTempHome();
  expect(readState(home.paths.state)).toEqual({});
  for (const text of ["", '{"health": {"a"', "[1]", "null", '"text"', "\u0000\u0001"]) {
    home.write(".codex-helper/state.json", text);
    expect(readState(home.paths.state)).toEqual({});
  }
  home.write(".codex-helper/state.json", { version: 3, health: { a: 1 }, sessions: [1] });
  expect(readState(home.paths.state)).toEqual({ health: { a: 1 } });
});

test("what is written is read again, and is the owner's alone", async () => {
  using home = makeTempHome();
  await updateState(home.paths, () => ({ health: { a: { until: 5 } } }));
  expect(readState(home.paths.state)).toEqual({ health: { a: { until: 5 } } });
  expect(statSync(home.paths.state).mode & 0o777).toBe(modeHere(0o600));
});

test("writers at the same time lose nothing of each other, and garbage is replaced", async () => {
  using home = makeTempHome();
  home.write(".codex-helper/state.json", "garbage");
  const names = Array.from({ length: 8 }, (_, index) => `key-${index}`);
  await Promise.all(
    names.map((name) =>
      updateState(home.paths, (state) => ({ ...state, health: { ...state["health"], [name]: name } })),
    ),
  );
  expect(Object.keys(readState(home.paths.state)["health"] ?? {}).toSorted()).toEqual(names);
});

test("nothing is written where nothing changes", async () => {
  using home = makeTempHome();
  await updateState(home.paths, (state) => state);
  expect(existsSync(home.paths.state)).toBe(false);
});

test("a place that cannot be written is a problem in words", async () => {
  using home = makeTempHome();
  mkdirSync(home.paths.state, { recursive: true });
  const failed = await updateState(home.paths, () => ({ health: { a: 1 } })).catch(String);
  expect(failed).toContain("state.json is not a file");
});

test("an entry that another process changed survives our forgetting it", () => {
  const base = { a: 1, b: 1, c: 1 };
  expect(mergeSection({ base, mine: { b: 2 }, theirs: { a: 9, b: 9, c: 1, d: 1 } })).toEqual({
    a: 9,
    b: 2,
    d: 1,
  });
});

test("merging takes our changes, and leaves everything else as the others have it", () => {
  const section = fc.dictionary(
    fc.constantFrom("a", "b", "c", "__proto__", "1"),
    fc.integer({ max: 2, min: 0 }),
  );
  fc.assert(
    fc.property(section, section, section, (base, mine, theirs) => {
      expect(mergeSection({ base, mine: base, theirs })).toEqual(theirs);
      const merged = mergeSection({ base, mine, theirs });
      expect(mergeSection({ base, mine, theirs: base })).toEqual(mine);
      for (const [name, value] of Object.entries(mine))
        if (base[name] !== value) expect(merged[name]).toBe(value);
      for (const [name, value] of Object.entries(theirs))
        if (base[name] !== value && !Object.hasOwn(mine, name)) expect(merged[name]).toBe(value);
    }),
  );
});

test("sections are saved together by whoever notes a change, each owner its own entries", async () => {
  using home = makeTempHome();
  const { paths } = home;
  home.write(".codex-helper/state.json", { health: { "a|1": 1, "b|1": 1 }, other: { x: 1 } });
  const health: Record<string, number> = {};
  const saved = createSavedSections({
    paths,
    sections: ["health", "order"],
    isOwn: (entry) => entry.startsWith("a|"),
    make: () => ({ health, order: { "a|order": 1 } }),
    saveAfterMs: 60_000,
    onTrouble: String,
  });
  expect(saved.load()).toEqual({ health: { "a|1": 1 }, order: {} });
  health["a|2"] = 2;
  await saved.flush();
  expect(readState(paths.state)["order"]).toBeUndefined();
  saved.noteChange();
  await saved.flush();
  expect(readState(paths.state)).toEqual({
    health: { "a|2": 2, "b|1": 1 },
    order: { "a|order": 1 },
    other: { x: 1 },
  });
});

test("sections that cannot be saved are told once, and again after they could", async () => {
  using home = makeTempHome();
  const troubles: unknown[] = [];
  let count = 0;
  const saved = createSavedSections({
    paths: home.paths,
    sections: ["health"],
    make: () => ({ health: { a: (count += 1) } }),
    saveAfterMs: 60_000,
    onTrouble: (error) => troubles.push(error),
  });
  const save = (): Promise<void> => {
    saved.noteChange();
    return saved.flush();
  };
  mkdirSync(home.paths.state, { recursive: true });
  await save();
  await save();
  expect(troubles).toHaveLength(1);
  rmdirSync(home.paths.state);
  await save();
  expect(readState(home.paths.state)).toEqual({ health: { a: 3 } });
  rmSync(home.paths.state);
  mkdirSync(home.paths.state);
  await save();
  expect(troubles).toHaveLength(2);
});
