import { expect, test } from "bun:test";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { editRules, updatePack } from "../../src/app/filter/filter-edit.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const add = (text: string | null, restore?: boolean): string =>
  editRules(text, "filter.json", { pack: "secrets", restore });
const remove = (text: string): string => editRules(text, "filter.json", { pack: "secrets", restore: null });

test("a pack is added to whatever the file is, and everything else keeps its bytes", () => {
  expect(add(null)).toBe('[\n  { "pack": "secrets" }\n]\n');
  expect(JSON.parse(add("[]"))).toEqual([{ pack: "secrets" }]);
  const rules =
    '// ours\n[\n  { "op": "remove", "source": "a" }, // why\n  { "op": "remove", "source": "b" }\n]\n';
  expect(add(rules)).toStartWith('// ours\n[\n  { "op": "remove", "source": "a" }, // why\n');
  expect(JSON.parse(add('{"op":"remove","source":"a"}'))).toEqual([
    { op: "remove", source: "a" },
    { pack: "secrets" },
  ]);
});

test("a pack that is there is added no second time; removed, it leaves the other rules or an empty list", () => {
  const present = add(null);
  expect(add(present)).toBe(present);
  expect(JSON.parse(add(present, true))).toEqual([{ pack: "secrets", restore: true }]);
  expect(JSON.parse(remove(present))).toEqual([]);
  expect(remove('{ "pack": "secrets" }')).toBe("[]");
  expect(JSON.parse(remove('[{"pack":"secrets"},{"pack":"emails"}]'))).toEqual([{ pack: "emails" }]);
});

test("the last versions are kept, and what is broken or gone is not written", async () => {
  using home = makeTempHome();
  const { paths } = home;
  const update = (restore?: boolean | null) =>
    updatePack({ path: paths.filter, paths, now: () => 1_700_000_000_000 }, { pack: "secrets", restore });
  expect(await update()).toBe(true);
  expect(await update()).toBe(false);
  expect(await update(true)).toBe(true);
  expect(readdirSync(paths.backups).filter((name) => name.startsWith("filter.json."))).toHaveLength(1);
  writeFileSync(paths.filter, "[{");
  expect(await failureOf(update(null))).toContain("filter.json:1:");
  expect(readFileSync(paths.filter, "utf8")).toBe("[{");

  using other = makeTempHome();
  other.write(".codex-helper/filter-seen.json", { removal_accepted: false });
  const again = updatePack(
    { path: other.paths.filter, paths: other.paths, now: Date.now },
    { pack: "emails", restore: undefined },
  );
  expect(await failureOf(again)).toContain("was there and is missing");
  expect(existsSync(other.paths.filter)).toBe(false);
});

async function failureOf(run: Promise<unknown>): Promise<string> {
  try {
    await run;
    return "none";
  } catch (error) {
    return String(error);
  }
}
