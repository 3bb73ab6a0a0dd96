import { describe, expect, test } from "bun:test";
import { showPath, showPathsIn } from "../../src/base/paths.ts";

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
    expect(showPathsIn("see C:\\Users\\ann\\.codex", windows)).toBe("see ~\\.codex");
  });
});
