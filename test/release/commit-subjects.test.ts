import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFault, findRange, listSubjects } from "../../.ci/commit-subjects.ts";

describe("a commit subject", () => {
  test.each([
    "fix(switch): restore Codex's file after a crash",
    "feat(cli,serve)!: one flag for both clients",
    "build(deps): bun 1.4.6",
    `docs(readme): ${"x".repeat(51)}`,
    `docs(readme): ${"字".repeat(51)}`,
  ])("may be %p", (subject) => {
    expect(findFault(subject)).toBeNull();
  });

  test.each([
    [`docs(readme): ${"x".repeat(52)}`, "has 66 characters"],
    ["fix: no scope", "is not"],
    ["fixed(cli): a type of its own", "is not"],
    ["fix(cli):no blank", "is not"],
    ["fix(cli): ", "is not"],
    ["Fix(cli): a capital", "is not"],
    ["fixup! fix(cli): one thing", "is not"],
    ["wip", "is not"],
    ["", "is not"],
    ["fix(cli): ends like a sentence.", "ends with a full stop"],
  ])("may not be %p: it %s", (subject, words) => {
    expect(findFault(subject)).toStartWith(words);
  });
});

describe("the commits that are checked", () => {
  let root = "";
  let origin = "";

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "commits-"));
    origin = join(root, "origin");
    mkdirSync(join(origin, ".ci"), { recursive: true });
    git(origin, "init", "--quiet", "--initial-branch=main");
    commit("an old one");
    writeFileSync(join(origin, ".ci/commit-subjects.ts"), "");
    commit("the one that brings the check");
    commit("second");
    commit("third");
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  function git(directory: string, ...args: readonly string[]): void {
    const names = ["-c", "user.name=n", "-c", "user.email=n@example.com", "-c", "commit.gpgsign=false"];
    const { exitCode, stderr } = Bun.spawnSync(["git", "-C", directory, ...names, ...args]);
    expect({ args, exitCode, stderr: stderr.toString() }).toMatchObject({ args, exitCode: 0 });
  }

  function commit(subject: string): void {
    git(origin, "add", "--all");
    git(origin, "commit", "--quiet", "--allow-empty", "--message", subject);
  }

  function clone(depth: number): string {
    const path = join(root, `depth-${depth}`);
    git(root, "clone", "--quiet", `--depth=${depth}`, `file://${origin}`, path);
    return path;
  }

  const checked = (repository: string) => listSubjects(repository, findRange(repository));

  test("are those since the check was last changed", () => {
    expect(checked(origin)).toEqual(["third", "second"]);
    writeFileSync(join(origin, ".ci/commit-subjects.ts"), "// another rule");
    commit("the one that changes the rule");
    commit("fourth");
    expect(checked(origin)).toEqual(["fourth"]);
  });

  test("are those since the last tag, also for the tagged commit itself", () => {
    git(origin, "tag", "v1.0.0", "HEAD~1");
    expect(checked(origin)).toEqual(["third"]);
    git(origin, "tag", "v1.0.1");
    expect(checked(origin)).toEqual(["third"]);
    commit("fourth");
    expect(checked(origin)).toEqual(["fourth"]);
  });

  test("are what a shallow clone holds, at the least its last one", () => {
    expect(checked(clone(1))).toEqual(["third"]);
    expect(checked(clone(2))).toEqual(["third"]);
  });

  test("leave merges out", () => {
    git(origin, "checkout", "--quiet", "-b", "side", "HEAD~1");
    commit("on the side");
    git(origin, "checkout", "--quiet", "main");
    git(origin, "merge", "--quiet", "--no-edit", "side");
    expect(checked(origin)?.toSorted()).toEqual(["on the side", "second", "third"]);
  });

  test("of a range are its own; a range that is not there is none", () => {
    expect(listSubjects(origin, "HEAD~1..HEAD")).toEqual(["third"]);
    expect(listSubjects(origin, `${"0".repeat(40)}..HEAD`)).toBeNull();
    expect(listSubjects(root, "HEAD~1..HEAD")).toBeNull();
  });
});
