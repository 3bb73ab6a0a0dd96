import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { findNotes } from "../../release/notes.ts";

const FOLDER = join(import.meta.dir, "../../.github/workflows");

interface Workflow {
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, { readonly permissions: Readonly<Record<string, string>> }>>;
}

describe.each(readdirSync(FOLDER))("workflow %s", (name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  // A workflow of ours, not data: its shape is what the tests are about.
  const workflow = Bun.YAML.parse(text) as Workflow;

  test("uses actions by the hash of a commit, with the version beside it", () => {
    const uses = text.split("\n").filter((line) => /\buses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("gives no rights to all of it, and to a job only those that it names", () => {
    expect(workflow.permissions).toEqual({});
    for (const [job, { permissions }] of Object.entries(workflow.jobs)) {
      const isPublishing = name === "release.yml" && job === "publish";
      const writes = Object.keys(permissions).filter((right) => permissions[right] === "write");
      expect({ job, writes }).toEqual({
        job,
        writes: isPublishing ? ["contents", "id-token", "attestations"] : [],
      });
    }
  });

  test("puts nothing that somebody outside can write into a shell line", () => {
    const lines = text.split("\n").filter((line) => /\brun:/.test(line) && line.includes("${{"));
    for (const line of lines) expect(line).toMatch(/\$\{\{ matrix\.\w+ \}\}/);
  });
});

describe("the notes of a release", () => {
  const changelog =
    "# Changelog\n\n## Unreleased\n\n- soon\n\n## 1.2.3 - 2026-11-23\n\n### Added\n\n- one\n\n## 1.2.2\n\n- old\n";

  test("are the section of its version", () => {
    expect(findNotes(changelog, "1.2.3")).toBe("### Added\n\n- one\n");
    expect(findNotes(changelog, "1.2.2")).toBe("- old\n");
  });

  test.each(["1.2", "1.2.4", "2.2.3"])("are missing for %s, which nobody described", (version) => {
    expect(() => findNotes(changelog, version)).toThrow(`CHANGELOG.md says nothing of ${version}`);
  });
});
