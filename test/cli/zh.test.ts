import { Glob } from "bun";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/root.ts";
import ALL from "../../src/cli/zh.json";
import { REASONS } from "../../src/routing/reasons.ts";
import { listHelpTexts, loadCommandPlaces } from "../helpers/command-table.ts";
import { hasWords, listTexts } from "../helpers/texts.ts";
import { FILE as LINE_FILE, makeLineDictionary } from "./line-dictionary.ts";

const { reasons: ZH_REASONS, ...ZH } = ALL;
const SRC = join(import.meta.dir, "../../src");
const sources = await Promise.all(
  [...new Glob("**/*.ts").scanSync(SRC)].map((name) => Bun.file(join(SRC, name)).text()),
);
const said = sources.flatMap(listTexts);
const fromTables = [
  ...Object.values(COMMANDS).map(({ summary }) => summary),
  ...(await loadCommandPlaces()).flatMap(({ command }) => listHelpTexts(command)),
];
const COMMAND = new RegExp(`\\bch (?:${Object.keys(COMMANDS).join("|")})(?![\\w-])`, "g");
const known = new Set([...said, ...fromTables]);

describe("the Chinese reasons", () => {
  /** Every quoted id that is not the key of a row of words. */
  const used = new Set(
    sources.flatMap((source) => [...source.matchAll(/"([a-z\d-]+)"(?!:)/g)].map(([, id = ""]) => id)),
  );

  test("are one for each id", () => {
    expect(Object.keys(ZH_REASONS).toSorted()).toEqual(Object.keys(REASONS).toSorted());
  });

  test("have the values that the English has", () => {
    const names = (text: string): string =>
      [...text.matchAll(/\{\w+\}/g)]
        .map(([place]) => place)
        .toSorted()
        .join();
    const wrong = Object.entries(ZH_REASONS).filter(([id, text]) => names(text) !== names(REASONS[id] ?? ""));
    expect(wrong).toEqual([]);
  });

  test("are of ids that the program uses", () => {
    /** Put together from a prefix and a word. */
    const made = /^(?:cut|on-status)-/;
    expect(Object.keys(REASONS).filter((id) => !made.test(id) && !used.has(id))).toEqual([]);
  });

  test("are those of every id that the program names", () => {
    const named = sources.flatMap((source) =>
      [...source.matchAll(/\brule: "([a-z-]+)"/g)].map(([, id = ""]) => id),
    );
    expect(named.filter((id) => !Object.hasOwn(REASONS, id))).toEqual([]);
  });
});

test("the Chinese texts of the status line are those of all that are said there: bun run generate", async () => {
  const made = await makeLineDictionary();
  expect(await Bun.file(LINE_FILE).text()).toBe(made);
  expect(JSON.parse(made)).toMatchObject({
    "ch is not running": ZH["ch is not running"],
    Mon: ZH.Mon,
    spent: ZH.spent,
  });
});

describe("the Chinese texts", () => {
  test("say everything that the program says in English", () => {
    expect([...known].filter((text) => hasWords(text) && !Object.hasOwn(ZH, text))).toEqual([]);
  });

  test("say nothing that the program does not say", () => {
    expect(Object.keys(ZH).filter((text) => !known.has(text))).toEqual([]);
  });

  test("have one place each", async () => {
    const file = await Bun.file(join(SRC, "cli/zh.json")).text();
    const texts = [...file.matchAll(/^ {2}("(?:[^"\\]|\\.)*"):/gm)].map(([, key = ""]) =>
      String(JSON.parse(key)),
    );
    expect(texts.filter((text, index) => texts.indexOf(text) !== index)).toEqual([]);
    expect(texts.toSorted()).toEqual(Object.keys(ALL).toSorted());
  });

  test("fill in only values that the English text has", () => {
    const places = (text: string): string[] => [...text.matchAll(/\{\d+\}/g)].map(([place]) => place);
    const wrong = Object.entries(ZH).filter(([english, chinese]) =>
      places(chinese).some((place) => !places(english).includes(place)),
    );
    expect(wrong).toEqual([]);
  });

  test("keep the commands to type as they are", () => {
    const commands = (text: string): string[] => [...text.matchAll(COMMAND)].map(([line]) => line);
    const wrong = Object.entries(ZH).filter(
      ([english, chinese]) => commands(english).toSorted().join() !== commands(chinese).toSorted().join(),
    );
    expect(wrong.map(([english]) => english)).toEqual([]);
  });
});
