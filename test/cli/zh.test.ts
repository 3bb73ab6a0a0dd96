import { Glob } from "bun";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { COMMANDS } from "../../src/cli/root.ts";
import ZH from "../../src/cli/zh.json";
import { listHelpTexts, loadCommandPlaces } from "../helpers/command-table.ts";
import { hasWords, listTexts } from "../helpers/texts.ts";

const SRC = join(import.meta.dir, "../../src");
const said = (
  await Promise.all(
    [...new Glob("**/*.ts").scanSync(SRC)].map(async (name) =>
      listTexts(await Bun.file(join(SRC, name)).text()),
    ),
  )
).flat();
const fromTables = [
  ...Object.values(COMMANDS).map(({ summary }) => summary),
  ...(await loadCommandPlaces()).flatMap(({ command }) => listHelpTexts(command)),
];
const COMMAND = new RegExp(`\\bch (?:${Object.keys(COMMANDS).join("|")})(?![\\w-])`, "g");
const known = new Set([...said, ...fromTables]);

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
    expect(texts.toSorted()).toEqual(Object.keys(ZH).toSorted());
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
