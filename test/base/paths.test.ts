import { describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { resolvePaths, showPath, showPathsIn } from "../../src/base/paths.ts";

const HOME = resolve("/home/ann");

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
    expect(resolvePaths({ HOME, CODEX_HOME })).toMatchObject({
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
    expect(resolvePaths({ HOME, CLAUDE_CONFIG_DIR })).toMatchObject({ claudeHome });
  });

  test("and ours is where a person means it", () => {
    expect(resolvePaths({ HOME, CODEX_HELPER_HOME: "~/x" }).home).toBe(join(HOME, "x"));
    expect(resolvePaths({ HOME, CODEX_HELPER_HOME: " " }).home).toBe(join(HOME, ".codex-helper"));
    expect(() => resolvePaths({ HOME, CODEX_HELPER_HOME: "x" })).toThrow("must be an absolute path");
  });
});

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
  ])("is %j with the home shortened", (path, env, shown) => {
    expect(showPath(path, env)).toBe(shown);
  });

  test("is shortened in a sentence too", () => {
    expect(showPathsIn("see /home/ann/.codex and /home/anna/x", unix)).toBe("see ~/.codex and /home/anna/x");
    // Within quotes a shell would take ~ for a name.
    expect(showPathsIn("rm '/home/ann/a b' /home/ann/c", unix)).toBe("rm '/home/ann/a b' ~/c");
    expect(showPathsIn('export X="/home/ann/a"', unix)).toBe('export X="/home/ann/a"');
    expect(showPathsIn("see C:\\Users\\ann\\.codex", windows)).toBe("see ~\\.codex");
  });
});
