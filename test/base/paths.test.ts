import { describe, expect, test } from "bun:test";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isWhole, makeWhole } from "../../src/base/path-forms.ts";
import { expandHome, findUserHome, resolvePaths, showPath, showPathsIn } from "../../src/base/paths.ts";

const HOME = resolve("/home/ann");
const USERPROFILE = HOME;

// Each row as the clients themselves were seen to do (test/real-clients/files.test.ts).
describe("a client's home is where the client has it", () => {
  test.each([
    [undefined, join(HOME, ".codex")],
    ["", join(HOME, ".codex")],
    [join(HOME, "x"), join(HOME, "x")],
    [`${join(HOME, "x")}/`, join(HOME, "x")],
    ["~/x", resolve("~/x")],
    ["~", resolve("~")],
    ["x", resolve("x")],
    ["./x", resolve("x")],
    ["  ", resolve("  ")],
    [join(HOME, "cafe\u0301"), join(HOME, "cafe\u0301")],
    [join(HOME, "x "), join(HOME, "x ")],
  ])("CODEX_HOME=%j", (CODEX_HOME, codexHome) => {
    expect(resolvePaths({ HOME, USERPROFILE, CODEX_HOME })).toMatchObject({
      codexHome,
      codexConfig: join(codexHome, "config.toml"),
    });
  });

  test.each([
    [undefined, join(HOME, ".claude")],
    ["", resolve("")],
    ["~/x", resolve("~/x")],
    ["x", resolve("x")],
    ["  ", resolve("  ")],
    [join(HOME, "cafe\u0301"), join(HOME, "caf\u00e9")],
    [join(HOME, "y", "..", "x"), join(HOME, "x")],
  ])("CLAUDE_CONFIG_DIR=%j", (CLAUDE_CONFIG_DIR, claudeHome) => {
    expect(resolvePaths({ HOME, USERPROFILE, CLAUDE_CONFIG_DIR })).toMatchObject({ claudeHome });
  });

  test("and ours is where a person means it", () => {
    expect(resolvePaths({ HOME, USERPROFILE, CODEX_HELPER_HOME: "~/x" }).home).toBe(join(HOME, "x"));
    expect(resolvePaths({ HOME, USERPROFILE, CODEX_HELPER_HOME: " " }).home).toBe(
      join(HOME, ".codex-helper"),
    );
    expect(() => resolvePaths({ HOME, USERPROFILE, CODEX_HELPER_HOME: "x" })).toThrow(
      "must be an absolute path",
    );
  });
});

const systemOf = (env: object): NodeJS.Platform => ("USERPROFILE" in env ? "win32" : "linux");

describe("a path for people", () => {
  const unix = { HOME: "/home/ann" };
  const windows = { USERPROFILE: "C:\\Users\\ann" };

  test.each([
    ["/home/ann", unix, "~"],
    ["/home/ann/.codex/config.toml", unix, "~/.codex/config.toml"],
    ["/home/anna/.codex", unix, "/home/anna/.codex"],
    ["/srv/home/ann/x", unix, "/srv/home/ann/x"],
    ["/etc/codex", { HOME: "/" }, "/etc/codex"],
    ["C:\\Users\\ann\\.codex\\config.toml", windows, "~\\.codex\\config.toml"],
    ["C:\\Users\\anna\\x", windows, "C:\\Users\\anna\\x"],
    ["c:\\users\\Ann\\.codex", windows, "~\\.codex"],
  ])("is %j with the home shortened", (path, env, shown) => {
    expect(showPath(path, env, systemOf(env))).toBe(shown);
  });

  test("is shortened in a sentence too", () => {
    expect(showPathsIn("see /home/ann/.codex and /home/anna/x", unix, "linux")).toBe(
      "see ~/.codex and /home/anna/x",
    );
    // Within quotes a shell would take ~ for a name.
    expect(showPathsIn("rm '/home/ann/a b' /home/ann/c", unix, "linux")).toBe("rm '/home/ann/a b' ~/c");
    expect(showPathsIn('export X="/home/ann/a"', unix, "linux")).toBe('export X="/home/ann/a"');
    expect(showPathsIn("see C:\\Users\\ann\\.codex", windows, "win32")).toBe("see ~\\.codex");
  });
});

// As Rust's dirs (Codex) and Node's os.homedir (Claude Code) find it; only off Windows do they read HOME.
describe("the person's home", () => {
  const both = { HOME: "/c/Users/git", USERPROFILE: "C:\\Users\\ann" };

  test.each([
    ["linux", both, "/c/Users/git"],
    ["darwin", both, "/c/Users/git"],
    ["win32", both, "C:\\Users\\ann"],
    ["win32", { HOME: "D:\\home", USERPROFILE: " " }, homedir()],
    ["win32", { HOME: "D:\\home" }, homedir()],
    ["linux", { USERPROFILE: "/x" }, homedir()],
  ] as const)("on %s with %j", (platform, env, home) => {
    expect(findUserHome(env, platform)).toBe(home);
  });

  test("on Windows all paths are below the profile, and written as Windows writes them", () => {
    expect(resolvePaths({ ...both, CODEX_HOME: "" }, "win32")).toMatchObject({
      home: "C:\\Users\\ann\\.codex-helper",
      requestsLog: "C:\\Users\\ann\\.codex-helper\\logs\\requests.jsonl",
      codexConfig: "C:\\Users\\ann\\.codex\\config.toml",
      claudeSettings: "C:\\Users\\ann\\.claude\\settings.json",
    });
  });

  test.each([
    ["D:/codex", "D:\\codex\\config.toml"],
    ["\\\\server\\share\\codex", "\\\\server\\share\\codex\\config.toml"],
  ])("on Windows CODEX_HOME=%s", (CODEX_HOME, codexConfig) => {
    expect(resolvePaths({ ...both, CODEX_HOME }, "win32").codexConfig).toBe(codexConfig);
  });

  test.each([
    ["~/ours", "C:\\Users\\ann\\ours"],
    ["~\\ours", "C:\\Users\\ann\\ours"],
    ["D:/ours", "D:\\ours"],
  ])("on Windows CODEX_HELPER_HOME=%s", (CODEX_HELPER_HOME, home) => {
    expect(resolvePaths({ ...both, CODEX_HELPER_HOME }, "win32").home).toBe(home);
  });

  // Where they are depends on the directory or the drive that is the current one.
  test.each(["ours", "C:ours", "\\ours", "/c/ours", "~"])(
    "on Windows CODEX_HELPER_HOME=%s is refused",
    (CODEX_HELPER_HOME) => {
      expect(() => resolvePaths({ ...both, CODEX_HELPER_HOME }, "win32")).toThrow(
        "CODEX_HELPER_HOME must be an absolute path",
      );
      expect(() => resolvePaths({ USERPROFILE: CODEX_HELPER_HOME }, "win32")).toThrow(
        "USERPROFILE must be an absolute path",
      );
    },
  );
});

describe("the forms of a path", () => {
  test.each([
    ["win32", "C:\\x", true],
    ["win32", "c:/x", true],
    ["win32", "\\\\server\\x", true],
    ["win32", "C:x", false],
    ["win32", "\\x", false],
    ["win32", "/c/x", false],
    ["linux", "/c/x", true],
    ["linux", "C:\\x", false],
  ] as const)("%s: is %s whole: %j", (platform, path, isIt) => {
    expect(isWhole(path, platform)).toBe(isIt);
  });

  test.each([
    ["win32", "/c/Users/ann/a b", "C:\\Users\\ann\\a b"],
    ["win32", "/d", "D:\\"],
    ["win32", "/usr/bin", { variable: "PWD", below: "/usr/bin" }],
    ["linux", "/c/Users", { variable: "PWD", below: "/c/Users" }],
    ["linux", "x", { variable: "PWD", below: "x" }],
  ] as const)("%s: %s is meant for %j", (platform, path, meant) => {
    expect(makeWhole(path, platform)).toEqual(meant);
  });

  test("a tilde with a backslash is one on Windows only", () => {
    expect(expandHome("~\\x", "C:\\Users\\ann", "win32")).toBe("C:\\Users\\ann\\x");
    expect(expandHome("~\\x", "/home/ann", "linux")).toBe("~\\x");
  });
});
