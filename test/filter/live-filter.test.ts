import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLiveFilter } from "../../src/filter/live-filter.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const GOOD = '[{"op":"remove","source":"secret"}]';
let directory = "";
let path = "";
let now = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "filter-"));
  path = join(directory, "filter.json");
  now = Date.now();
});
afterEach(() => rmSync(directory, { recursive: true }));

test("no file means no rules", () => {
  const state = createLiveFilter(path, () => now).current();
  expect(state).toMatchObject({ kind: "none", rules: { rules: [] } });
});

test("rules are in force from the next look after the file was written", () => {
  const store = createLiveFilter(path, () => now);
  store.current();
  writeFileSync(path, GOOD);
  expect(store.current()).toMatchObject({ kind: "ok", rules: { rules: [{ source: "secret" }] } });
});

test("unchanged rules are the same object, so that nothing is worked out anew", () => {
  writeFileSync(path, GOOD);
  const store = createLiveFilter(path, () => now);
  const [first, second] = [store.current(), store.current()];
  expect("rules" in first && "rules" in second && first.rules === second.rules).toBe(true);
});

test("a broken edit leaves the last good rules in force and says where it is broken", () => {
  writeFileSync(path, GOOD);
  const store = createLiveFilter(path, () => now);
  store.current();
  writeFileSync(path, '[\n{"op":"remov","source":"secret"}]');
  expect(store.current()).toMatchObject({
    kind: "broken-with-last-good",
    rules: { rules: [{ source: "secret" }] },
    problem: { message: `${path}:2:7: rule 1, op: must be "replace" or "remove"` },
  });
});

test("a file that was never good is not a file without rules", () => {
  writeFileSync(path, "{");
  const state = createLiveFilter(path, () => now).current();
  expect(state.kind).toBe("broken-never-loaded");
  expect("rules" in state).toBe(false);
});

test("an empty file is broken: it may be half written", () => {
  writeFileSync(path, "");
  expect(createLiveFilter(path, () => now).current().kind).toBe("broken-never-loaded");
});

test("rules outlive the moment in which an editor moves the file away, and no longer", () => {
  writeFileSync(path, GOOD);
  const store = createLiveFilter(path, () => now);
  store.current();
  rmSync(path);
  expect(store.current().kind).toBe("ok");
  writeFileSync(path, "{");
  expect(store.current().kind).toBe("broken-with-last-good");
  rmSync(path);
  store.current();
  now += 2001;
  expect(store.current().kind).toBe("none");
});

test("matches that were left alone are counted apart from those that were redacted", () => {
  using home = makeTempHome();
  home.write(".codex-helper/filter.json", [{ op: "remove", source: "secret" }]);
  const filter = createLiveFilter(home.paths.filter, Date.now).forService("codex");
  const body = {
    input: [
      { type: "reasoning", encrypted_content: "a secret" },
      { type: "message", content: "secret" },
    ],
  };
  const filtered = filter(
    Buffer.from(JSON.stringify(body)),
    new Headers({ "content-type": "application/json" }),
  );
  expect(filtered).toMatchObject({ kind: "filtered", redactions: 1, exempt: 1 });
});
