import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { asCalled, inEnglish, t, useProgramName } from "../../src/base/text.ts";
import { compile } from "../helpers/binary.ts";
import { runCli } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

function as<T>(name: "ch" | "codex-helper", read: () => T): T {
  useProgramName(name);
  try {
    return read();
  } finally {
    useProgramName("ch");
  }
}

test("a text names the program as it was called, and nothing else by that name", () => {
  const name = "ch";
  const text = t`ch is in ~/.codex-helper/ch.json; see \`codex-helper doctor\`, start ch again: ${name} ch-x`;
  expect(as("ch", () => inEnglish(text))).toBe(
    "ch is in ~/.codex-helper/ch.json; see `ch doctor`, start ch again: ch ch-x",
  );
  expect(as("codex-helper", () => inEnglish(text))).toBe(
    "codex-helper is in ~/.codex-helper/ch.json; see `codex-helper doctor`, start codex-helper again: ch ch-x",
  );
});

test.each([
  ["ch config show ch", "codex-helper config show ch"],
  ["ch config rename ch main", "codex-helper config rename ch main"],
  [
    "use it: ch serve --codex, or: ch run -- codex",
    "use it: codex-helper serve --codex, or: codex-helper run -- codex",
  ],
  ["ch --help", "codex-helper --help"],
  ["/usr/bin/ch serve", "/usr/bin/ch serve"],
  ["the ch one", "the ch one"],
])("a line to type: %s", (line, expected) => {
  expect(as("codex-helper", () => asCalled(line))).toBe(expected);
  expect(as("ch", () => asCalled(expected))).toBe(line);
});

test("the compiled program knows by which of its names it was called", async () => {
  const program = await compile();
  using home = makeTempHome();
  const lines = [
    ["config", "show", "none"],
    ["serve"],
    ["doctor", "--prob"],
    ["stats"],
    ["--help"],
    ["config"],
  ];
  for (const args of lines) {
    const [short, long] = await Promise.all(
      ["ch", "codex-helper"].map(async (name) => {
        const { stderr, stdout } = await runCli(args, { home, program: [join(program, "..", name)] });
        return `${stdout}${stderr}`;
      }),
    );
    const names = (text = ""): string =>
      text.replaceAll(/(?<![./])codex-helper(?!:)/g, "ch").replaceAll(/\s+/g, " ");
    expect(names(long)).toBe(names(short));
    expect(short).not.toMatch(/(?<![./])codex-helper(?!:)/);
    expect(long).not.toMatch(/(?<![\w./-])ch(?![\w-])/);
  }
  // As ch.cmd starts it on Windows.
  const { stderr: named } = await runCli(["stats"], {
    home,
    program: [join(program, "..", "codex-helper")],
    env: { CODEX_HELPER_CALLED_AS: "ch" },
  });
  expect(named).toContain("\n  ch usage summary\n");
  // Found on PATH.
  const bin = join(home.path, "bin");
  mkdirSync(bin);
  if (process.platform === "win32") return;
  symlinkSync(program, join(bin, "codex-helper"));
  const command = ["sh", "-c", "codex-helper stats"];
  const { stderr } = await runCli([], {
    home,
    program: command,
    env: { PATH: `${bin}:${home.env["PATH"]}` },
  });
  expect(stderr).toContain("\n  codex-helper usage summary\n");
});
