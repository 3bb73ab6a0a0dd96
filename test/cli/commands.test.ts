import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { normaliseArgs } from "../../src/cli/strict-args.ts";
import { loadCommandPlaces } from "../helpers/command-table.ts";
import { runInProcess } from "../helpers/in-process-cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const places = await loadCommandPlaces();

describe.each(places)("$line", ({ line, command, topName }) => {
  test("has a test file, in which it is run", async () => {
    const directory = join(import.meta.dir, "commands");
    const files = [...new Bun.Glob(`${topName}/*.test.ts`).scanSync(directory), `${topName}.test.ts`];
    const texts = await Promise.all(files.map((file) => Bun.file(join(directory, file)).text()));
    const name = line.split(" ").at(-1) ?? "";
    expect([line, texts.some((text) => text.includes(name))]).toEqual([line, true]);
  });

  test("says in a few lower-case words what it does", () => {
    expect(command.description).toMatch(/^[a-z][^\n]{10,70}[^.]$/);
  });

  test("has at least two examples, and each can be typed as it stands", () => {
    const examples = command.examples ?? [];
    expect(examples.length).toBeGreaterThanOrEqual(2);
    for (const [example] of examples)
      expect({ example, refused: refusalOf(example) }).toEqual({ example, refused: null });
  });

  test("describes every flag and argument", () => {
    for (const [name, definition] of Object.entries(command.args ?? {})) {
      const isNegative = definition.type === "boolean" && definition.default === true;
      const text = isNegative ? definition.negativeDescription : definition.description;
      expect({ name, text: text ?? "" }).toMatchObject({ text: expect.stringMatching(/^.{3,}[^.]$/) });
    }
  });

  if (command.subCommands !== undefined) {
    // citty would run it after the chosen command's own.
    test("is a group, and so runs nothing itself", () => {
      expect(command.run).toBeUndefined();
    });
  }
});

describe("a group without a command", () => {
  const groups = places.filter(({ command }) => command.subCommands !== undefined);

  // What `ch completion` alone should print nobody can know.
  test("means one of its commands, everywhere but where a shell has to be named", () => {
    const meant = groups.map(({ command, line }) => [line, command.default]);
    expect(Object.fromEntries(meant)).toEqual({
      "ch usage": "overview",
      "ch session": "list",
      "ch config": "list",
      "ch quota": "list",
      "ch switch": "status",
      "ch routing": "explain",
      "ch project": "show",
      "ch budget": "list",
      "ch statusline": "show",
      "ch filter": "check",
      "ch hooks": "list",
      "ch pool": "status",
      "ch audit": "list",
      "ch completion": undefined,
    });
  });

  test.each(
    groups.flatMap(({ command, line }) => (command.default === undefined ? [] : [[line, command.default]])),
  )("%s does what %s does, with its flags, and its help is still that of the group", async (line, meant) => {
    using home = makeTempHome();
    home.write(".codex-helper/config.json", {
      codex: { configs: { main: { upstreams: [{ base_url: "https://relay.example/v1" }] } } },
    });
    const words = line.split(" ").slice(1);
    const run = (...more: string[]) => runInProcess([...words, ...more], home.env);
    for (const flags of [[], ["--codex"], ["--json"]])
      expect(await run(...flags)).toEqual(await run(meant, ...flags));
    const { stdout } = await run("--help");
    expect(stdout).toStartWith(`${line}: `);
    expect(stdout).toContain("[COMMAND]");
    expect(stdout).toContain(`Commands (default: ${meant})`);
  });
});

/** Why the first command of a shell line is not one of ours, or null. */
function refusalOf(example: string): string | null {
  const [ours = ""] = (/[$<]\((.*?)\)/.exec(example)?.[1] ?? example).split(/ [|<>] /);
  const words = [...ours.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
  const start = words.indexOf("ch");
  const line = words.slice(start + 1);
  const isNamed = line[0] !== undefined && !line[0].startsWith("-");
  let command = places.find((place) => place.line === `ch ${isNamed ? line[0] : "serve"}`)?.command;
  let rest = line.slice(isNamed ? 1 : 0);
  while (command?.subCommands !== undefined) {
    command = command.subCommands[rest[0] ?? ""] ?? command.subCommands[command.default ?? ""];
    rest = rest.slice(1);
  }
  if (start < 0 || command === undefined) return "no such command";
  try {
    normaliseArgs(rest, {
      command: "ch",
      args: command.args ?? {},
      passesThrough: command.passesThrough === true,
    });
    return null;
  } catch (error) {
    return String(error);
  }
}
