import { describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { PLACES, bumpChangelog } from "../../release/bump.ts";
import { findNotes } from "../../release/notes.ts";
import { VERSION } from "../../src/base/version.ts";

const ROOT = join(import.meta.dir, "../..");
const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
/** Another version is right there: what was, what is made up, and what others released. */
const OTHERWISE =
  /^(?:test|bench)\/|^CHANGELOG\.md$|^bun\.lock$|^docs\/upgrading\.md$|^release\/(?:bump\.ts|runtimes\.json)$/;

test("every file that says which version this is says the same, and is bumped", () => {
  const listed = Bun.spawnSync(["git", "ls-files", "--cached", "--others", "--exclude-standard"], {
    cwd: ROOT,
  });
  const files = listed.stdout.toString().trim().split("\n");
  const found = files
    .filter((path) => !OTHERWISE.test(path) && /\.(?:ts|md|json|ya?ml|sh|ps1|nix|cjs)$/.test(path))
    .flatMap((path) =>
      [
        ...read(path).matchAll(
          /(?:\b(?:codex-helper|ch)[ @/_-]v?|^ {2}"version": ")(\d+\.\d+\.\d+[^\s",]*)/gm,
        ),
      ].map(([, version = ""]) => ({ path, version })),
    );
  const places = Object.keys(PLACES).map((path) => ({ path, version: VERSION }));
  const byPath = (one: { path: string }, other: { path: string }) => one.path.localeCompare(other.path);
  expect(found.toSorted(byPath)).toEqual(places.toSorted(byPath));
});

describe("bun release/bump.ts", () => {
  /** A copy of what it reads and writes. */
  function makeCopy(): { readonly root: string } & Disposable {
    const root = mkdtempSync(join(tmpdir(), "codex-helper-bump-"));
    for (const path of [
      ...Object.keys(PLACES),
      "CHANGELOG.md",
      "release/bump.ts",
      "release/tool.ts",
      "src/base/version.ts",
    ]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      cpSync(join(ROOT, path), join(root, path));
    }
    symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
    return { root, [Symbol.dispose]: () => rmSync(root, { recursive: true }) };
  }
  const bump = (root: string, ...args: readonly string[]) => {
    const { exitCode, stderr, stdout } = Bun.spawnSync([process.execPath, "release/bump.ts", ...args], {
      cwd: root,
    });
    return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
  };

  test("gives the version to all of them at once, and notes.ts finds what is new", () => {
    using copy = makeCopy();
    const at = (path: string): string => readFileSync(join(copy.root, path), "utf8");
    writeFileSync(
      join(copy.root, "CHANGELOG.md"),
      "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n",
    );
    expect(bump(copy.root, "77.0.1", "--date", "2026-12-24")).toEqual({
      code: 0,
      stdout: `${VERSION} -> 77.0.1, 2026-12-24. Next, after a commit:\n  git tag v77.0.1\n`,
      stderr: "",
    });
    for (const [path, place] of Object.entries(PLACES)) {
      expect({ path, version: place.exec(at(path))?.[0] }).toEqual({ path, version: "77.0.1" });
      expect(at(path).replace(place, VERSION)).toBe(read(path));
    }
    expect(at("CHANGELOG.md")).toBe(
      "# Changelog\n\n## Unreleased\n\n## 77.0.1 - 2026-12-24\n\n### Added\n\n- A thing.\n",
    );
    expect(findNotes(at("CHANGELOG.md"), "77.0.1")).toBe("### Added\n\n- A thing.\n");
  });

  test.each([
    [["77.0"], "type one version"],
    [["v77.0.0"], "type one version"],
    [[], "type one version"],
    [["77.0.0", "78.0.0"], "type one version"],
    [["0.0.1"], `0.0.1 is older than ${VERSION}`],
    [["77.0.0", "--date", "tomorrow"], "not a day: tomorrow"],
    [["77.0.0"], "says no version any more"],
  ])("%j changes nothing: %s", (args, words) => {
    using copy = makeCopy();
    if (words.startsWith("says no")) writeFileSync(join(copy.root, "docs/top.md"), "nothing\n");
    const before = readFileSync(join(copy.root, "package.json"), "utf8");
    const { code, stderr } = bump(copy.root, ...args);
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(words) });
    expect(readFileSync(join(copy.root, "package.json"), "utf8")).toBe(before);
  });
});

describe("the changelog of a bump", () => {
  const older = "## 0.1.0 - 2026-01-01\n\n- First.\n";

  test("has an empty Unreleased section again, before the new one", () => {
    expect(bumpChangelog(`# C\n\n## Unreleased\n\n- New.\n\n${older}`, "0.2.0", "2026-12-24")).toBe(
      `# C\n\n## Unreleased\n\n## 0.2.0 - 2026-12-24\n\n- New.\n\n${older}`,
    );
  });

  test("of the same version again takes in what came since, under its headings, and the new day", () => {
    const prepared = bumpChangelog(
      `# C\n\n## Unreleased\n\n### Added\n\n#### Proxy\n\n- One.\n\n### Fixed\n\n- Two.\n\n${older}`,
      "0.2.0",
      "2026-12-20",
    );
    const later = prepared.replace(
      "## Unreleased\n",
      "## Unreleased\n\n### Added\n\n#### Keys\n\n- Three.\n\n#### Proxy\n\n- Four.\n\n### Fixed\n\n- Five.\n",
    );
    expect(bumpChangelog(later, "0.2.0", "2026-12-24")).toBe(
      `# C\n\n## Unreleased\n\n## 0.2.0 - 2026-12-24\n\n### Added\n\n#### Proxy\n\n- One.\n- Four.\n\n#### Keys\n\n- Three.\n\n### Fixed\n\n- Two.\n- Five.\n\n${older}`,
    );
    expect(bumpChangelog(prepared, "0.2.0", "2026-12-20")).toBe(prepared);
  });

  test("that says nothing is refused", () => {
    expect(() => bumpChangelog(`# C\n\n## Unreleased\n\n${older}`, "0.2.0", "2026-12-24")).toThrow(
      "says nothing",
    );
  });
});
