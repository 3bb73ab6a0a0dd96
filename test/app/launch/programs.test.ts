import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { PROGRAMS, findProgram, makeVariables } from "../../../src/app/launch/programs.ts";
import { SERVICES } from "../../../src/base/service.ts";

const recipes = await Bun.file(join(import.meta.dir, "../../../docs/recipes.md")).text();

describe("other programs", () => {
  test.each([
    "opencode",
    "/usr/local/bin/opencode",
    "C:\\tools\\opencode.exe",
    "opencode.cmd",
    "bin/opencode.ps1",
  ])("are known by their name: %s", (command) => {
    expect(findProgram(command)?.packageName).toBe("opencode-ai");
  });

  test.each(["codex", "claude", "opencode-next", "/opencode/vim", ""])("are not %p", (command) => {
    expect(findProgram(command)).toBeUndefined();
  });

  test.each(
    PROGRAMS.flatMap((program) => SERVICES.map((service) => [program.command, service, program] as const)),
  )(
    "%s on %s's port: one address, a key that is none, and the model that is chosen already",
    (_command, service, program) => {
      const base = "http://127.0.0.1:4000/ch_token";
      const variables = makeVariables(program, service, { base, env: {}, model: "m-1" });
      const values = Object.values(variables);
      expect(values.filter((value) => value.startsWith(base))).toHaveLength(1);
      expect(values.join(" ")).not.toMatch(/[{}]/);
      const model = Object.keys(variables).find((name) => name.endsWith("_MODEL"));
      if (model === undefined) return expect(program.command).toBe("opencode");
      expect(variables[model]).toBe("m-1");
      const chosen = makeVariables(program, service, { base, env: { [model]: "mine" }, model: "m-1" });
      expect(chosen[model]).toBe("mine");
      return undefined;
    },
  );

  test("are all in the recipes, with the version that was tried, their variables and what the upstream has to speak", () => {
    for (const { command, tried, ways } of PROGRAMS) {
      for (const service of SERVICES) {
        const way = ways[service];
        if (way === undefined) continue;
        const row = recipes
          .replaceAll(/ +/g, " ")
          .split("\n")
          .find((line) => line.includes(`\`${command}\` ${tried} |`) && line.includes(way.api));
        for (const name of Object.keys(way.variables)) expect(row).toContain(`\`${name}\``);
      }
    }
  });
});
