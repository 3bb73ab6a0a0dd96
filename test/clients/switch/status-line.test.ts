import { describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, readdirSync, readFileSync, renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../../src/base/errors.ts";
import { installStatusLine, uninstallStatusLine } from "../../../src/clients/switch/status-line.ts";
import { switchOff, switchOn } from "../../../src/clients/switch/switch.ts";
import { CLAUDE_TEXT, type SwitchHome, makeSwitchHome } from "./switch-home.ts";

const LINE = { program: ["/opt/ch"], isThere: () => true };
const GOAL = { port: 4577, prefersOwnProvider: false };
const DEAD = { kind: "process", pid: 4_000_000, started: "long ago" } as const;

const on = (home: SwitchHome) => switchOn(home.target("claude"), GOAL, { kind: "user" });
const off = (home: SwitchHome) => switchOff(home.target("claude"));
const install = (home: SwitchHome) => installStatusLine(home.target("claude"), LINE);
const uninstall = (home: SwitchHome) => uninstallStatusLine(home.target("claude"));
const STEPS = { on, off, install, uninstall };
type Name = keyof typeof STEPS;

/** Every order in which both are made and undone; each is undone after it is made. */
const ORDERS: readonly (readonly Name[])[] = [
  ["install", "uninstall"],
  ["install", "on", "off", "uninstall"],
  ["install", "on", "uninstall", "off"],
  ["on", "install", "off", "uninstall"],
  ["on", "install", "uninstall", "off"],
  ["on", "install", "on", "install", "off", "on", "uninstall", "off"],
];

describe.each<readonly [string, string | null]>([
  ["no file", null],
  ["an empty file", ""],
  ["a usual file", CLAUDE_TEXT],
  ["CRLF and a BOM", `\ufeff${CLAUDE_TEXT.replaceAll("\n", "\r\n")}`],
  ["one line", '{"statusLine":{"type":"command","command":"mine.sh"},"env":{}}'],
])("%s", (_, text) => {
  test.each(ORDERS.map((order) => [order.join(", "), order] as const))(
    "is the same after %s",
    async (__, order) => {
      using home = makeSwitchHome(text === null ? {} : { claude: text });
      const before = home.list();
      const seen: boolean[] = [];
      for (const name of order) {
        await STEPS[name](home);
        const now = home.read("claude") ?? "";
        seen.push(now.includes("/opt/ch statusline"));
        expect(() => JSON.parse((now || "{}").replace(/^\ufeff/, ""))).not.toThrow();
      }
      expect(seen).toEqual(
        order.map(
          (___, at) => order.slice(0, at + 1).findLast((one) => one.endsWith("install")) === "install",
        ),
      );
      expect(home.list()).toEqual(before);
    },
  );
});

test("the switch that a killed proxy left is undone, and the line stays", async () => {
  using home = makeSwitchHome();
  await switchOn(home.target("claude"), GOAL, DEAD);
  await install(home);
  await off(home);
  expect(JSON.parse(home.read("claude") ?? "")).toEqual({
    statusLine: { type: "command", command: "/opt/ch statusline --claude" },
  });
  await uninstall(home);
  expect(home.list()).toEqual({});
});

test("the placeholder of a switch stays when the line comes and goes with a key in the environment", async () => {
  using home = makeSwitchHome();
  await on(home);
  const switched = home.read("claude");
  const target = home.target("claude");
  const env = { ...target.env, ANTHROPIC_API_KEY: "sk-of-this-shell" };
  await installStatusLine({ ...target, env }, LINE);
  expect(home.read("claude")).toContain("ANTHROPIC_AUTH_TOKEN");
  await uninstallStatusLine({ ...target, env });
  expect(home.read("claude")).toBe(switched);
});

test("what was changed meanwhile stays, above and below", async () => {
  using home = makeSwitchHome({ claude: CLAUDE_TEXT });
  await on(home);
  await install(home);
  const edit = (text: string | null): string =>
    (text ?? "").replace('"theme": "mine"', '"theme": "yours", "verbose": true');
  home.write("claude", edit(home.read("claude")));
  const result = await off(home);
  expect(result?.isEdited).toBe(true);
  await uninstall(home);
  expect(home.read("claude")).toBe(edit(CLAUDE_TEXT));
});

test("off tells of no edits where only the line came", async () => {
  using home = makeSwitchHome({ claude: CLAUDE_TEXT });
  await on(home);
  await install(home);
  expect((await off(home))?.isEdited).toBe(false);
});

test("a symbolic link stays one, and its file keeps its mode", async () => {
  using home = makeSwitchHome({ claude: CLAUDE_TEXT });
  const { claudeSettings } = home.paths;
  const real = join(home.directory, "dotfiles.json");
  renameSync(claudeSettings, real);
  chmodSync(real, 0o640);
  symlinkSync(real, claudeSettings);
  await install(home);
  expect(lstatSync(claudeSettings).isSymbolicLink()).toBe(true);
  expect(readFileSync(real, "utf8")).toContain("/opt/ch statusline");
  await uninstall(home);
  expect(readFileSync(real, "utf8")).toBe(CLAUDE_TEXT);
  expect(lstatSync(real).mode & 0o777).toBe(process.platform === "win32" ? 0o666 : 0o640);
});

describe("nothing is changed, and the error says what to do,", () => {
  const refused = async (home: SwitchHome): Promise<UserError> => {
    const before = home.list();
    const error: unknown = await install(home).catch((thrown: unknown) => thrown);
    expect(home.list()).toEqual(before);
    if (!(error instanceof UserError)) throw new Error("it was not refused", { cause: error });
    return error;
  };

  test.each([
    ["comments", '{\n  // mine\n  "model": "opus"\n}\n', /:2:3: comments are not allowed/],
    ["no object", "[]", /:1:1: this is not a JSON object/],
    ["a line of another kind", '{"statusLine":"mine.sh"}', /:1:15: statusLine must be/],
    ["a line without a command", '{"statusLine":{"type":"command"}}', /statusLine.*must/],
    ["a broken file", '{"model":', /settings\.json:1:10/],
  ])("for %s", async (_, text, words) => {
    using home = makeSwitchHome({ claude: text });
    const error = await refused(home);
    expect(error.message).toMatch(words);
    expect(error.hint).toBe("correct it, then: ch statusline install");
  });

  test("below a switch, too", async () => {
    using home = makeSwitchHome({ claude: CLAUDE_TEXT });
    await on(home);
    home.write("claude", (home.read("claude") ?? "").replace('"theme": "mine"', '"model": 5'));
    expect((await refused(home)).message).toContain("model must be");
  });

  test("for a client that has none", async () => {
    using home = makeSwitchHome();
    const error: unknown = await installStatusLine(home.target("codex"), LINE).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ message: "Codex shows no line of another program" });
  });
});

test("a damaged journal is told, and the line is known by its words", async () => {
  using home = makeSwitchHome({ claude: CLAUDE_TEXT });
  await install(home);
  const [name = ""] = readdirSync(home.paths.run).filter((one) => one.startsWith("statusline-"));
  await Bun.write(join(home.paths.run, name), "{");
  const { journalProblem, keys } = await uninstall(home);
  expect(journalProblem).not.toBeNull();
  expect(keys).toMatchObject([{ kind: "restored", isGuess: true }]);
  expect(home.read("claude")).toBe(CLAUDE_TEXT);
});
