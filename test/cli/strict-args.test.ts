import { describe, expect, test } from "bun:test";
import { type ArgsDef, parseArgs } from "citty";
import fc from "fast-check";
import { UserError } from "../../src/base/errors.ts";
import { normaliseArgs } from "../../src/cli/strict-args.ts";

const ARGS = {
  name: { type: "positional" },
  note: { type: "positional", required: false },
  "base-url": { type: "string" },
  port: { type: "string", alias: "p" },
  kind: { type: "enum", options: ["alpha", "beta"] },
  json: { type: "boolean" },
  switch: { type: "boolean", default: true },
} as const satisfies ArgsDef;

function read(argv: readonly string[], passesThrough = false): string[] {
  return normaliseArgs(argv, { command: "ch thing", args: passesThrough ? FLAGS_ONLY : ARGS, passesThrough });
}
const FLAGS_ONLY = { port: ARGS.port, json: ARGS.json };

function refusal(argv: readonly string[], passesThrough = false, hint = "ch thing --help"): string {
  try {
    return `taken: ${read(argv, passesThrough).join(" ")}`;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    expect(error.exitCode).toBe(2);
    expect(error.hint).toBe(hint);
    return error.message;
  }
}

test.each([
  [["n"], ["--", "n"]],
  [
    ["n", "--port", "80", "--json"],
    ["--port=80", "--json", "--", "n"],
  ],
  [
    ["--port=80", "n", "-"],
    ["--port=80", "--", "n", "-"],
  ],
  [
    ["-p", "80", "n"],
    ["--port=80", "--", "n"],
  ],
  [
    ["--base-url=a=b", "n"],
    ["--base-url=a=b", "--", "n"],
  ],
  [
    ["--port", "-1", "n"],
    ["--port=-1", "--", "n"],
  ],
  [
    ["--no-switch", "n"],
    ["--no-switch", "--", "n"],
  ],
  [
    ["--", "--port", "n"],
    ["--", "--port", "n"],
  ],
  [
    ["--kind", "beta", "n"],
    ["--kind=beta", "--", "n"],
  ],
])("%j is read as %j", (argv, plain) => {
  expect(read(argv)).toEqual(plain);
});

test.each([
  [["n", "--prot", "1"], "unknown flag --prot; did you mean --port?"],
  [["n", "--baseurl", "1"], "unknown flag --baseurl; did you mean --base-url?"],
  [["n", "--no-swich"], "unknown flag --no-swich; did you mean --no-switch?"],
  [["n", "--no-json"], "unknown flag --no-json"],
  [["n", "-x"], "unknown flag -x"],
  [["n", "-port", "1"], "unknown flag -port; did you mean --port?"],
  [["n", "--port"], "--port needs a value"],
  [["n", "--port", "--json"], "--port needs a value"],
  [["n", "--port="], "the value of --port is empty"],
  [["n", "--port", " "], "the value of --port is empty"],
  [["n", "--port", "1", "-p", "2"], "--port is given twice"],
  [["n", "--json", "--json"], "--json is given twice"],
  [["n", "--switch", "--no-switch"], "--switch is given twice"],
  [["n", "--json=true"], "--json takes no value"],
  [["n", "--kind", "bet"], '--kind takes alpha, beta, not "bet"; did you mean beta?'],
  [[], "NAME is missing"],
  [[""], "NAME is empty"],
  [["n", "m", "extra"], 'unexpected argument "extra"'],
])("%j is refused: %s", (argv, message) => {
  expect(refusal(argv)).toStartWith(message);
});

describe("a command that starts another program", () => {
  test("hands on everything after -- as it stands", () => {
    const words = ["codex", "--bogus", "", "--", "--help", "-p"];
    expect(read(["--json", "--", ...words], true)).toEqual(["--json", "--", ...words]);
  });

  test("takes no words before it", () => {
    expect(refusal(["codex"], true, "ch thing -- codex")).toBe('"codex" must come after "--"');
  });
});

const word = fc.oneof(
  fc.constantFrom("--port", "--port=1", "-p", "--json", "--no-switch", "--kind", "beta", "--", "-", "", "n"),
  fc.string(),
);

test("any command line is either refused in words or understood by citty as it was meant", () => {
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (argv) => {
      let plain: string[];
      try {
        plain = read(argv);
      } catch (error) {
        return error instanceof UserError && error.exitCode === 2;
      }
      const args: Readonly<Record<string, unknown>> = parseArgs(plain, ARGS);
      const positionals = plain.slice(plain.indexOf("--") + 1);
      expect(args["_"]).toEqual(positionals);
      expect([args["name"], args["note"]]).toEqual([positionals[0] ?? "", positionals[1]]);
      expect(args["switch"]).toBe(!argv.includes("--no-switch") || argv.indexOf("--no-switch") > endOf(argv));
      return true;
    }),
  );
});

test("a value reaches the command as it was typed, whatever stands in it", () => {
  const value = fc.string({ minLength: 1 }).filter((text) => text.trim() !== "");
  fc.assert(
    fc.property(value, value, (url, name) => {
      const args: Readonly<Record<string, unknown>> = parseArgs(
        read([`--base-url=${url}`, "--", name]),
        ARGS,
      );
      expect(args["base-url"]).toBe(url);
      expect(args["name"]).toBe(name);
    }),
  );
});

/** Flags end where `--` stands as a word of its own, not as the value of another. */
function endOf(argv: readonly string[]): number {
  const at = argv.indexOf("--");
  return at < 0 ? argv.length : at;
}

test("the line with the flag put in can be typed, and does not repeat a key", () => {
  const args = {
    "base-url": { type: "string" },
    "auth-token": { type: "string" },
    alias: { type: "string" },
  } as const;
  const hintOf = (argv: readonly string[]): string | undefined => {
    try {
      normaliseArgs(argv, { command: "ch thing", args, passesThrough: false });
    } catch (error) {
      if (error instanceof UserError) return error.hint;
    }
    return undefined;
  };
  expect(hintOf(["https://a.example", "--auth-token", "geheim", "--alias", "it's mine"])).toBe(
    "ch thing --base-url https://a.example --auth-token ... --alias 'it'\\''s mine'",
  );
  expect(hintOf(["--auth-token=geheim", "https://a.example"])).toBe(
    "ch thing --auth-token=... --base-url https://a.example",
  );
});
