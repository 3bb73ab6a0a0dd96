import { describe, expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json";
import { COMMANDS } from "../src/cli/root.ts";
import { parseConfig } from "../src/config/parse.ts";
import { runCli, startCli } from "./helpers/cli.ts";
import { makeTempHome } from "./helpers/temp-home.ts";

const ROOT = join(import.meta.dir, "..");
const blocks = (text: string, language: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\``, "gm"))].map(
    ([, body = ""]) => body,
  );
/** `$ ch config list   # words` -> ["config", "list"] */
const commands = (text: string): string[][] =>
  blocks(text, "console")
    .flatMap((block) => block.split("\n"))
    .filter((line) => line.startsWith("$ ch "))
    .map((line) =>
      line
        .slice(5)
        .replace(/\s+#.*$/, "")
        .split(/\s+/),
    );

describe.each(["README.md", "README.zh-CN.md"])("%s", (name) => {
  const readme = Bun.file(join(ROOT, name)).text();

  test("every command works as it stands, one after the other in an empty home", async () => {
    using home = makeTempHome({ RELAY_KEY: "sk-relay", OTHER_KEY: "sk-other" });
    for (const client of ["codex", "claude"]) {
      chmodSync(home.write(`bin/${client}`, "#!/bin/sh\nexit 0\n"), 0o755);
    }
    const env = { PATH: `${join(home.path, "bin")}:${home.env["PATH"]}` };
    home.write(".claude/settings.json", {
      env: { ANTHROPIC_BASE_URL: "https://relay.example", ANTHROPIC_AUTH_TOKEN: "sk-x" },
    });
    const lines = commands(await readme);
    expect(lines.length).toBeGreaterThan(5);
    for (const args of lines) {
      if (args[0] === "serve") {
        await using serving = startCli(args, { home, env });
        await serving.waitFor(/on http:\/\/127\.0\.0\.1:32\d\d/);
        expect({ args, code: await serving.stop() }).toEqual({ args, code: 130 });
        continue;
      }
      const { code, stderr } = await runCli(args, { home, env });
      // No such relay exists, and the doctor says so.
      const expected = args[0] === "doctor" ? 1 : 0;
      expect({ args, code, stderr: code === expected ? "" : stderr }).toEqual({
        args,
        code: expected,
        stderr: "",
      });
    }
  }, 30_000);

  test("every JSON block is a config.json without a mistake", async () => {
    const found = blocks(await readme, "jsonc");
    expect(found.length).toBeGreaterThan(0);
    for (const block of found) expect(parseConfig(block, name).warnings).toEqual([]);
  });

  test("the two commands for a fresh machine name the pinned Bun and existing scripts", async () => {
    const lines = [...(await readme).matchAll(/npx -y bun@(\S+) run (\w+)/g)];
    expect(lines.map(([, , script]) => script)).toEqual(expect.arrayContaining(["demo", "test"]));
    for (const [, version, script = ""] of lines) {
      expect(version).toBe(manifest.engines.bun);
      expect(Object.keys(manifest.scripts)).toContain(script);
    }
  });

  test("every link leads to a file", async () => {
    for (const [, path = ""] of (await readme).matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect({ path, exists: existsSync(join(ROOT, path)) }).toEqual({ path, exists: true });
    }
  });

  test("every command that there is has its line", async () => {
    const text = await readme;
    for (const command of Object.keys(COMMANDS)) expect(text).toContain(`\`ch ${command}`);
  });
});

test("the changelog has a section for what is not released yet", async () => {
  expect(await Bun.file(join(ROOT, "CHANGELOG.md")).text()).toMatch(/^## Unreleased$/m);
});
