import { inEnglish } from "../../../src/base/text.ts";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readCcSwitch } from "../../../src/clients/import/cc-switch-files.ts";
import {
  CC_SWITCH_VERSIONS,
  type CcSwitchRow,
  claudeSettings,
  codexSettings,
  makeCcSwitchDatabase,
} from "../../helpers/cc-switch-home.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

let home: TempHome;
let directory: string;

beforeEach(() => {
  home = makeTempHome();
  directory = join(home.path, ".cc-switch");
});
afterEach(() => home[Symbol.dispose]());

const ROWS: readonly CcSwitchRow[] = [
  { id: "late", settings: codexSettings("https://late.example/v1", "sk-late") },
  { id: "second", place: 2, isQueued: true, settings: codexSettings("https://second.example/v1", "sk-2") },
  {
    id: "first",
    place: 1,
    isQueued: true,
    isCurrent: true,
    settings: codexSettings("https://first.example/v1", "sk-1"),
    endpoints: ["https://first-b.example/v1"],
    columns: { cost_multiplier: "0.5", limit_daily_usd: "10" },
  },
  {
    id: "claude",
    app: "claude",
    settings: claudeSettings({ ANTHROPIC_BASE_URL: "https://c.example", ANTHROPIC_AUTH_TOKEN: "t" }),
  },
  { id: "g", app: "gemini", settings: {} },
];
/** Names and bytes of all that lies there. */
const snapshot = (): Record<string, string> =>
  Object.fromEntries(
    readdirSync(directory).map((name) => [name, readFileSync(join(directory, name)).toString("base64")]),
  );

describe.each(CC_SWITCH_VERSIONS)("a database of version %i", (version) => {
  test("gives its providers in cc-switch's order, with the columns that it has", async () => {
    makeCcSwitchDatabase(directory, ROWS, { version }).close();
    const before = snapshot();
    const { providers, notes } = await readCcSwitch(directory);
    expect(providers.map(({ id, service }) => [id, service])).toEqual([
      ["first", "codex"],
      ["second", "codex"],
      ["late", "codex"],
      ["claude", "claude"],
    ]);
    expect(providers.map(({ isQueued }) => isQueued)).toEqual([version >= 2, version >= 2, false, false]);
    expect(providers[0]).toMatchObject({ isCurrent: true, endpoints: ["https://first-b.example/v1"] });
    expect(notes.map(inEnglish)).toEqual(["1 for other programs (gemini)"]);
    expect(snapshot()).toEqual(before);
  });
});

test("columns that older databases brought along are read too", async () => {
  makeCcSwitchDatabase(directory, ROWS, { version: 10, isMigrated: true }).close();
  const { providers } = await readCcSwitch(directory);
  expect(providers[0]?.meta).toMatchObject({ costMultiplier: "0.5", limitDailyUsd: "10" });
});

test("settings.json says which provider is in use, before the database does", async () => {
  makeCcSwitchDatabase(directory, ROWS).close();
  home.write(".cc-switch/settings.json", { currentProviderCodex: "second", currentProviderClaude: "claude" });
  const { providers } = await readCcSwitch(directory);
  expect(providers.filter(({ isCurrent }) => isCurrent).map(({ id }) => id)).toEqual(["second", "claude"]);
});

test("a database in WAL mode is read while cc-switch has it open, with what is not yet in the main file", async () => {
  using database = makeCcSwitchDatabase(directory, ROWS, { isWal: true });
  const before = readFileSync(join(directory, "cc-switch.db"));
  const { providers } = await readCcSwitch(directory);
  expect(providers).toHaveLength(4);
  expect(readFileSync(join(directory, "cc-switch.db"))).toEqual(before);
  database.run("UPDATE providers SET name = 'still writable'");
});

test("a database in WAL mode that nobody has open gets no files beside it", async () => {
  makeCcSwitchDatabase(directory, ROWS, { isWal: true }).close();
  const before = snapshot();
  expect(Object.keys(before)).toEqual(["cc-switch.db"]);
  expect((await readCcSwitch(directory)).providers).toHaveLength(4);
  expect(snapshot()).toEqual(before);
});

test("a copy that lacks WAL's index is read with all that is in it, and gets no index", async () => {
  using _open = makeCcSwitchDatabase(directory, ROWS, { isWal: true });
  const live = directory;
  directory = join(home.path, "copy");
  mkdirSync(directory);
  for (const name of ["cc-switch.db", "cc-switch.db-wal"])
    copyFileSync(join(live, name), join(directory, name));
  const before = snapshot();
  expect((await readCcSwitch(directory)).providers).toHaveLength(4);
  expect(snapshot()).toEqual(before);
});

test("a directory whose name holds characters that mean something in an address is read like any other", async () => {
  directory = join(home.path, process.platform === "win32" ? "a b#d%41中" : "a b?c#d%41中");
  makeCcSwitchDatabase(directory, ROWS, { isWal: true }).close();
  expect((await readCcSwitch(directory)).providers).toHaveLength(4);
});

test("a newer layout is read as far as it is known, and that is said", async () => {
  makeCcSwitchDatabase(directory, ROWS, { version: 99 }).close();
  const { providers, notes } = await readCcSwitch(directory);
  expect(providers).toHaveLength(4);
  expect(inEnglish(notes[0] ?? "")).toContain("version 99, newer than 17");
});

test("the config.json of the versions before 3.8 is read where there is no database", async () => {
  home.write(".cc-switch/config.json", {
    version: 2,
    codex: {
      current: "b",
      providers: {
        a: {
          id: "a",
          name: "A",
          settingsConfig: codexSettings("https://a.example/v1", "sk-a"),
          sortIndex: 2,
        },
        b: {
          id: "b",
          name: "B",
          settingsConfig: codexSettings("https://b.example/v1", "sk-b"),
          sortIndex: 1,
          meta: { custom_endpoints: { "https://b2.example/v1": { url: "https://b2.example/v1" } } },
        },
      },
    },
    claude: { current: "", providers: {} },
  });
  const { providers } = await readCcSwitch(directory);
  expect(providers.map(({ id, name, isCurrent, endpoints }) => [id, name, isCurrent, endpoints])).toEqual([
    ["b", "B", true, ["https://b2.example/v1"]],
    ["a", "A", false, []],
  ]);
});

test.each([
  ["no directory", () => {}, "no cc-switch data in"],
  [
    "a file that is no database",
    () => writeFileSync(join(directory, "cc-switch.db"), "x".repeat(5000)),
    "cannot read",
  ],
  [
    "a database without providers",
    () => writeFileSync(join(directory, "cc-switch.db"), ""),
    "has no readable table of providers",
  ],
  ["a broken config.json", () => writeFileSync(join(directory, "config.json"), "{"), "is not valid JSON"],
])("%s is said in words", async (_, prepare, words) => {
  mkdirSync(directory);
  prepare();
  expect(readCcSwitch(directory)).rejects.toThrow(words);
});
