import { describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import { runAtTerminal } from "../helpers/pseudo-terminal.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const PROBE = [process.execPath, Bun.fileURLToPath(import.meta.resolve("./terminal-probe.ts"))];

/** A terminal that is made without a size has one of 0 x 0: `docker -t`, `script`, CI. */
const WITH_0_COLUMNS = ["sh", "-c", 'stty cols 0 rows 0 && exec "$@"', "sh"];

async function atPipe(what: string, env: Record<string, string> = {}) {
  using home = makeTempHome();
  const child = Bun.spawn([...PROBE, what], {
    env: { ...home.env, ...env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { stdout, stderr, code: await child.exited };
}

interface AtTerminal {
  readonly env?: Record<string, string>;
  readonly keys?: string;
  /** What the terminal says of itself. Default: 30. */
  readonly columns?: number;
}

async function atTerminal(what: string, options: AtTerminal = {}) {
  using home = makeTempHome();
  const { columns = 30 } = options;
  const program = [...PROBE, what];
  return await runAtTerminal(columns > 0 ? program : [...WITH_0_COLUMNS, ...program], {
    home,
    columns: columns > 0 ? columns : 80,
    ...(options.env === undefined ? {} : { env: options.env }),
    ...(options.keys === undefined ? {} : { type: { after: /\[y\/N\] /, keys: options.keys } }),
  });
}

describe("a terminal", () => {
  test("gets rows no wider than it is, and colours", async () => {
    const { screen } = await atTerminal("table");
    expect(screen).toBe(
      `\u001b[2mNAME\u001b[22m  \u001b[2mWHAT\u001b[22m\r\nmain  ${"x".repeat(23)}…\r\n\u001b[31mred\u001b[39m\r\n`,
    );
  });

  test("that says it has 0 columns has 80", async () => {
    const { screen } = await atTerminal("table", { columns: 0, env: { NO_COLOR: "1" } });
    expect(screen).toBe(`NAME  WHAT\r\nmain  ${"x".repeat(60)}\r\nred\r\n`);
    const words = await atTerminal("long", { columns: 0, env: { NO_COLOR: "1" } });
    expect(words.screen).toStartWith(
      "error: no upstream of main can be used now, in\r\n       /a/path/that/is/longer/than/the/terminal\r\n",
    );
  });

  test.each([
    [0, "40", 40],
    [30, "40", 40],
    [30, "0040", 40],
    [30, "0", 30],
    [30, "-40", 30],
    [30, "wide", 30],
    [30, "", 30],
    [30, "1e9", 30],
    [30, "9999999", 30],
  ])("with %i columns and COLUMNS=%s has %i", async (columns, wanted, has) => {
    const { screen } = await atTerminal("table", { columns, env: { NO_COLOR: "1", COLUMNS: wanted } });
    expect(screen.split("\r\n")[1]).toBe(`main  ${"x".repeat(has - "main  …".length)}…`);
  });

  test.each([{ NO_COLOR: "1" }, { NO_COLOR: "1", FORCE_COLOR: "1" }, { TERM: "dumb" }, { FORCE_COLOR: "0" }])(
    "gets no colours with %j",
    async (env) => {
      expect((await atTerminal("table", { env })).screen).not.toContain("\u001b");
    },
  );

  test("gets a long message broken between words, and no path or command broken", async () => {
    const { screen } = await atTerminal("long", { env: { NO_COLOR: "1" } });
    expect(screen.split("\r\n")).toEqual([
      "error: no upstream of main can",
      "       be used now, in",
      "       /a/path/that/is/longer/than/the/terminal",
      "  ch status",
      "",
    ]);
  });

  test("a blank NO_COLOR forbids nothing", async () => {
    expect((await atTerminal("table", { env: { NO_COLOR: "" } })).screen).toContain("\u001b[31m");
  });

  test.each([
    ["y\r", true],
    ["YES\r", true],
    ["n\r", false],
    ["\r", false],
    ["maybe\r", false],
    ["\u0004", false],
  ])("is asked, and %j means %p", async (keys, answer) => {
    const { screen, code } = await atTerminal("confirm", { keys });
    expect(screen).toContain("Go on? [y/N] ");
    expect(screen).toEndWith(`answer: ${answer}\r\n`);
    expect(code).toBe(0);
  });
});

describe("a pipe", () => {
  test("gets whole rows without colours", async () => {
    const { stdout } = await atPipe("table");
    expect(stdout).toBe(`NAME  WHAT\nmain  ${"x".repeat(60)}\nred\n`);
  });

  test("gets whole rows, and texts as wide as COLUMNS says", async () => {
    const { stdout } = await atPipe("table", { COLUMNS: "20" });
    expect(stdout).toBe(`NAME  WHAT\nmain  ${"x".repeat(60)}\nred\n`);
    expect((await atPipe("width", { COLUMNS: "120" })).stdout).toBe("120\n");
    expect((await atPipe("width")).stdout).toBe("80\n");
  });

  test("gets colours when they are forced", async () => {
    expect((await atPipe("table", { FORCE_COLOR: "1" })).stdout).toContain("\u001b[31mred");
  });

  test("is never asked: the answer is no", async () => {
    expect(await atPipe("confirm")).toEqual({ stdout: "answer: false\n", stderr: "", code: 0 });
  });

  test("gets data on stdout and words on stderr, with labels, hints indented and nothing held back", async () => {
    expect(await atPipe("words")).toEqual({
      stdout: "worked to the end\n",
      stderr: `note end\nwarning: warned\nerror: failed\n  one thing\n  another\n${"again\n".repeat(10)}`,
      code: 0,
    });
  });

  test("whose reader leaves ends what writes data", async () => {
    using home = makeTempHome();
    const child = Bun.spawn([...PROBE, "flood"], { env: home.env, stdout: "pipe", stderr: "pipe" });
    const reader = child.stdout.getReader();
    await reader.read();
    await reader.cancel();
    expect(await new Response(child.stderr).text()).toBe("closed\n");
  });
});

test("words that nobody can read do not stop the work", async () => {
  using home = makeTempHome();
  // Opened for reading only: every write to it fails, as on a stream that was closed.
  const closed = openSync("/dev/null", "r");
  const child = Bun.spawn([...PROBE, "words"], { env: home.env, stdout: "pipe", stderr: closed });
  closeSync(closed);
  expect(await new Response(child.stdout).text()).toBe("worked to the end\n");
  expect(await child.exited).toBe(0);
});

test.each([
  ["the null device", "ignore", process.platform === "win32" ? "false" : "true"],
  ["a pipe", "pipe", "false"],
] as const)("stderr is %s: does it lead nowhere?", async (_, stderr, leads) => {
  using home = makeTempHome();
  const child = Bun.spawn([...PROBE, "nowhere"], { env: home.env, stdin: "ignore", stdout: "pipe", stderr });
  expect(await new Response(child.stdout).text()).toBe(`${leads} ${leads}\n`);
  expect(await child.exited).toBe(0);
});
