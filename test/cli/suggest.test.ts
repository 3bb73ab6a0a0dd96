import fc from "fast-check";
import { expect, test } from "bun:test";
import type { ArgsDef } from "citty";
import { similarNames } from "../../src/base/similar-names.ts";
import { suggestArgument, suggestCommand, suggestFlags } from "../../src/cli/suggest.ts";
import { normaliseArgs } from "../../src/cli/strict-args.ts";
import { loadCommandPlaces } from "../helpers/command-table.ts";

const places = await loadCommandPlaces();
const groups = [
  {
    line: "ch",
    names: places.filter(({ line }) => line.split(" ").length === 2).map(({ topName }) => topName),
  },
  ...places
    .filter(({ command }) => command.subCommands !== undefined)
    .map(({ command, line }) => ({ line, names: Object.keys(command.subCommands ?? {}) })),
];
/** Words that other programs use. */
const WORDS =
  "start up on off add ls rm use select delete list logs log today cost stats check fix probe show toggle login init new create version resume history validate find update";

test("every line that is offered for another program's word can be typed", () => {
  let offered = 0;
  for (const { line } of groups) {
    for (const word of WORDS.split(" ")) {
      const meant = suggestCommand(line, word);
      if (meant === undefined || meant === "ch --version") continue;
      offered += 1;
      const place = places
        .filter((one) => `${meant} `.startsWith(`${one.line} `))
        .toSorted((a, b) => b.line.length - a.line.length)[0];
      expect({ line, word, meant, place: place?.line }).toMatchObject({ place: expect.any(String) });
      if (place === undefined) continue;
      const { command } = place;
      const rest = meant
        .slice(place.line.length)
        .trim()
        .split(" ")
        .filter((part) => part !== "");
      const args = {
        command: place.line,
        args: command.args ?? {},
        passesThrough: command.passesThrough === true,
      };
      expect(() => normaliseArgs(rest, args)).not.toThrow();
    }
  }
  expect(offered).toBeGreaterThan(40);
});

test("a word that is a command of ours is never taken for something else", () => {
  for (const { line, names } of groups)
    for (const name of names)
      expect({ line, name, meant: suggestCommand(line, name) }).toEqual({ line, name, meant: undefined });
});

test("a flag of another program is answered with ours where the command has it, and not elsewhere", () => {
  expect(suggestFlags("url", ["base-url", "json"])).toEqual(["base-url"]);
  expect(suggestFlags("key", ["auth-token-env", "api-key-env"])).toEqual(["auth-token-env", "api-key-env"]);
  expect(suggestFlags("url", ["json"])).toEqual([]);
  expect(suggestFlags("constructor", ["json"])).toEqual([]);
});

test("a value without its flag is known by its look", () => {
  const args: ArgsDef = {
    name: { type: "positional" },
    port: { type: "string" },
    "base-url": { type: "string" },
    since: { type: "string" },
    kind: { type: "enum", options: ["fast", "slow"] },
    json: { type: "boolean" },
  };
  const meant = (value: string) => suggestArgument(value, args);
  expect(["4000", "https://a.example/v1", "today", "3d", "slow", "json"].map(meant)).toEqual([
    "--port 4000",
    "--base-url https://a.example/v1",
    "--since today",
    "--since 3d",
    "--kind slow",
    "--json",
  ]);
  expect(["name", "hello", "gpt-5"].map(meant)).toEqual([undefined, undefined, undefined]);
});

const NAMES = ["serve", "run", "demo", "usage", "filter", "config", "switch", "status", "session"];

test.each([
  ["serv", ["serve"]],
  ["srve", ["serve"]],
  ["sevre", ["serve"]],
  ["swtich", ["switch"]],
  ["FILTER", ["filter"]],
  ["conf", ["config"]],
  ["stats", ["status"]],
  ["rnu", ["run"]],
  ["x", []],
  ["", []],
  ["kubernetes", []],
])("%s is near %j", (word, near) => {
  expect(similarNames(word, NAMES)).toEqual(near);
});

test("a name is nearest to itself, and to itself with one character lost, doubled or swapped", () => {
  fc.assert(
    fc.property(fc.constantFrom(...NAMES), fc.nat(), (name, place) => {
      const at = place % name.length;
      const lost = name.slice(0, at) + name.slice(at + 1);
      const doubled = name.slice(0, at) + name.charAt(at) + name.slice(at);
      for (const typed of [name, doubled, ...(name.length > 3 ? [lost] : [])]) {
        expect(similarNames(typed, NAMES)).toContain(name);
      }
      expect(similarNames(name, NAMES)[0]).toBe(name);
    }),
  );
});

test("never more than three, and only names that there are", () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string(), { maxLength: 20 }), (typed, names) => {
      const near = similarNames(typed, names);
      expect(near.length).toBeLessThanOrEqual(3);
      expect(near.every((name) => names.includes(name))).toBe(true);
    }),
  );
});
