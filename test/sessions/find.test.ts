import { describe, expect, test } from "bun:test";
import { mkdirSync, realpathSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { SERVICES, type Service } from "../../src/base/service.ts";
import { findById, findSessions, readRecentIds, type SessionQuery } from "../../src/sessions/find.ts";
import { relativeToProject, readProject } from "../../src/sessions/project.ts";
import {
  makeFormats,
  makeRollout,
  makeSessionId,
  makeTranscript,
  putFile,
  rolloutPath,
  type SessionShape,
  transcriptPath,
} from "../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 20, 12);

const shapeOf = (daysAgo: number, more: Partial<SessionShape> = {}): SessionShape => {
  const at = NOW - daysAgo * DAY;
  return { id: makeSessionId(at, Math.round(daysAgo * 10)), cwd: "/code/app", prompts: ["x"], ...more, at };
};

/** `changedAt` where it was gone on with later, `fileAt` where the file's own time says something else. */
function putRollout(home: TempHome, shape: SessionShape, changedAt = shape.at, fileAt = changedAt): string {
  const later = { timestamp: new Date(changedAt).toISOString(), type: "event_msg", payload: {} };
  const text = makeRollout(shape) + (changedAt === shape.at ? "" : `${JSON.stringify(later)}\n`);
  putFile(rolloutPath(home.paths.codexHome, shape), text, fileAt);
  return shape.id;
}

interface Asked extends Partial<Omit<SessionQuery, "formats">> {
  readonly services?: readonly Service[];
}

function find(home: TempHome, { services = SERVICES, ...query }: Asked = {}): (string | null)[] {
  const formats = makeFormats(home.paths);
  const all: SessionQuery = {
    formats: services.map((service) => formats[service]),
    project: null,
    since: null,
    includesSubagents: false,
    includesArchived: false,
    maxFiles: Infinity,
    recentIds: new Set(),
    ...query,
  };
  return [...findSessions(all)].map(({ file }) => file.id);
}

describe("sessions", () => {
  test("come by their last change, whenever they began, of both clients", () => {
    using home = makeTempHome();
    const resumed = putRollout(home, shapeOf(900), NOW - DAY);
    const plain = putRollout(home, shapeOf(2));
    const claude = shapeOf(1.5, { id: "11111111-2222-4333-8444-555555555555" });
    putFile(transcriptPath(home.paths.claudeHome, claude), makeTranscript(claude), claude.at);
    expect(find(home)).toEqual([resumed, claude.id, plain]);
    expect(find(home, { services: ["claude"] })).toEqual([claude.id]);
    expect(find(home, { since: NOW - 1.6 * DAY })).toEqual([resumed, claude.id]);
  });

  test("that a short look leaves out are found by hints", () => {
    using home = makeTempHome();
    const resumed = putRollout(home, shapeOf(900), NOW - DAY);
    const recent = [2, 3, 4].map((days) => putRollout(home, shapeOf(days)));
    expect(find(home, { maxFiles: 3 })).toEqual(recent);
    const recentIds = new Set([resumed, recent[0] ?? "", "99999999-2222-7333-8444-555555555555", "nothing"]);
    expect(find(home, { maxFiles: 3, recentIds })).toEqual([resumed, ...recent]);
    expect(find(home, { maxFiles: 4 })).toEqual([resumed, ...recent]);
  });

  test("of Claude Code that a short look leaves out are found by hints, those that began here are never left out", () => {
    using home = makeTempHome();
    const shapes = [1, 2, 3].map((n) =>
      shapeOf(n, { id: `${n}1111111-2222-4333-8444-555555555555`, cwd: `/code/${"cab"[n - 1]}` }),
    );
    for (const shape of shapes)
      putFile(transcriptPath(home.paths.claudeHome, shape), makeTranscript(shape), shape.at);
    const project = readProject("/code/a");
    const ids = shapes.map(({ id }) => id);
    expect(find(home, { services: ["claude"], project, maxFiles: 1 })).toEqual([ids[1] ?? ""]);
    expect(find(home, { services: ["claude"], maxFiles: 1, recentIds: new Set(ids) })).toEqual(ids);
  });

  test("that were copied, and so have one time, come by their beginning", () => {
    using home = makeTempHome();
    const ids = [5, 2, 2.1, 9].map((days) => {
      const shape = shapeOf(days);
      return putRollout(home, shape, shape.at, NOW);
    });
    expect(find(home)).toEqual([ids[1], ids[2], ids[0], ids[3]].map((id) => id ?? ""));
  });

  test.each<readonly [string, (days: number) => number]>([
    ["turned around", (days) => NOW - 100 * DAY + days * DAY],
    ["before all that is in them", () => 0],
    ["in the future", () => NOW + DAY],
  ])("come by what is recorded, whatever the times of their files: %s", (_name, fileAt) => {
    using home = makeTempHome();
    const put = (days: number): string => {
      const shape = shapeOf(days);
      return putRollout(home, shape, shape.at, fileAt(days));
    };
    const ids = [1, 2, 3, 4, 5].map(put);
    const claude = shapeOf(2.5, { id: "11111111-2222-4333-8444-555555555555" });
    putFile(transcriptPath(home.paths.claudeHome, claude), makeTranscript(claude), fileAt(2.5));
    const all = [...ids.slice(0, 2), claude.id, ...ids.slice(2)];
    expect(find(home)).toEqual(all);
    expect(find(home, { since: NOW - 3.5 * DAY })).toEqual(all.slice(0, 4));
  });

  test("come in order out of more files than are read at once", () => {
    using home = makeTempHome();
    const days = Array.from({ length: 400 }, (_, n) => 1 + n);
    const ids = days.map((day) => putRollout(home, shapeOf(day)));
    // Far behind by its file's time among those read first, and copied lately.
    const copied = shapeOf(200.5);
    putRollout(home, copied, copied.at, NOW);
    expect(find(home)).toEqual([...ids.slice(0, 200), copied.id, ...ids.slice(200)]);
  });

  test("are listed once while a rollout is there both plain and compressed", () => {
    using home = makeTempHome();
    const shape = shapeOf(70);
    putRollout(home, shape);
    putFile(`${rolloutPath(home.paths.codexHome, shape)}.zst`, zstdCompressSync(makeRollout(shape)), NOW);
    expect(find(home)).toEqual([shape.id]);
  });

  test("are not what else lies among them", () => {
    using home = makeTempHome();
    const { codexHome, claudeHome } = home.paths;
    const id = putRollout(home, shapeOf(1));
    mkdirSync(join(codexHome, "sessions/2026/11/20/rollout-directory.jsonl"), { recursive: true });
    putFile(join(codexHome, "sessions/notes.txt"), "x", NOW);
    putFile(join(codexHome, "sessions/rollout-notes.txt"), "x", NOW);
    putFile(join(codexHome, "sessions/2026/11/20/other.jsonl"), "{}", NOW);
    symlinkSync("/nowhere", join(codexHome, "sessions/2026/11/20/rollout-link.jsonl"));
    putFile(join(claudeHome, "projects/-code-app/memory.md"), "x", NOW);
    putFile(join(claudeHome, "projects/-code-app/agent-1234.jsonl"), makeTranscript(shapeOf(0)), NOW);
    expect(find(home)).toEqual([id]);
    expect(find(home, { includesSubagents: true })).toEqual([null, id]);
  });

  test("of spring 2025 are found, when there was no directory for a day", () => {
    using home = makeTempHome();
    const shape = shapeOf(500);
    const path = join(home.paths.codexHome, `sessions/rollout-2025-05-07-${shape.id}.jsonl`);
    putFile(path, makeRollout(shape), shape.at);
    const plain = putRollout(home, shapeOf(1));
    expect(find(home)).toEqual([plain, shape.id]);
    expect(findById([makeFormats(home.paths).codex], shape.id).session?.file.path).toBe(path);
  });

  test("are none where there is no client", () => {
    using home = makeTempHome();
    expect(find(home)).toEqual([]);
  });

  test("are found by id or by its beginning; several that begin alike are named", () => {
    using home = makeTempHome();
    const [one = "", other = ""] = [1, 2].map((days) => putRollout(home, shapeOf(days)));
    const { codex, claude } = makeFormats(home.paths);
    const formats = [codex, claude];
    expect(findById(formats, one.toUpperCase()).session?.file.id).toBe(one);
    expect(findById(formats, other.slice(0, 8)).session?.file.id).toBe(other);
    const alike = findById(formats, one.slice(0, 4));
    expect([alike.session, alike.near.toSorted()]).toEqual([null, [one, other].toSorted()]);
    expect(findById(formats, one.slice(0, 3))).toEqual({ session: null, near: [] });
    const mistyped = `${one.slice(0, -1)}f`;
    expect(findById(formats, mistyped)).toEqual({ session: null, near: [one] });
    expect(findById([claude], one)).toEqual({ session: null, near: [] });
  });
});

describe("a project", () => {
  const git = (cwd: string, ...args: string[]): void =>
    void Bun.spawnSync([
      "git",
      "-C",
      cwd,
      "-c",
      "user.name=a",
      "-c",
      "user.email=a@b",
      "-c",
      "protocol.file.allow=always",
      ...args,
    ]);

  test("is the repository with its worktrees, seen from any of them", () => {
    using home = makeTempHome();
    const root = realpathSync(home.path);
    const [app, tree, inner] = ["app", "trees/fix", "app/.trees/inner"].map((name) => join(root, name));
    if (app === undefined || tree === undefined || inner === undefined) throw new Error("no paths");
    mkdirSync(join(app, "sub"), { recursive: true });
    git(app, "init", "-q");
    git(app, "commit", "-q", "--allow-empty", "-m", "a");
    git(app, "worktree", "add", "-q", tree);
    git(app, "worktree", "add", "-q", inner);
    for (const at of [app, join(app, "sub"), tree, inner]) {
      const project = readProject(at);
      expect({ at, roots: project.roots.toSorted() }).toEqual({ at, roots: [app, tree, inner].toSorted() });
      expect(project.rootOf(join(tree, "deep/er"))).toBe(tree);
      expect(project.rootOf(join(inner, "deep"))).toBe(inner);
      expect(project.rootOf(`${app}-other`)).toBeNull();
      expect(project.rootOf(root)).toBeNull();
    }
    expect(relativeToProject(readProject(app), app)).toBe(".");
    expect(relativeToProject(readProject(app), join(tree, "x"))).toBe("../trees/fix/x");
  });

  test("keeps the sessions of a worktree that was removed", () => {
    using home = makeTempHome();
    const root = realpathSync(home.path);
    const app = join(root, "app");
    mkdirSync(app);
    git(app, "init", "-q", "-b", "main");
    git(app, "commit", "-q", "--allow-empty", "-m", "a");
    git(app, "remote", "add", "origin", "git@host.example:me/app.git");
    for (const name of ["app-fix", "hotfix", "trees/app/deep"])
      git(app, "worktree", "add", "-q", join(root, name));
    const commit = Bun.spawnSync(["git", "-C", app, "rev-parse", "HEAD"]).stdout.toString().trim();
    for (const name of ["app-fix", "hotfix", "trees/app/deep"])
      git(app, "worktree", "remove", join(root, name));
    git(app, "branch", "-D", "hotfix");
    const NONE = { branch: null, commit: null, repository: null };
    const project = readProject(join(app));
    const had = (name: string, origin: Partial<typeof NONE> | Record<string, string> = {}): boolean =>
      readProject(app).hadTree(join(root, name), () => ({ ...NONE, ...origin }));
    // By its name, which Git gave its branch too; by its branch; by a commit; by its remote, however that is written.
    expect(had("app-fix/src")).toBe(true);
    expect(had("app-other", { branch: "app-fix" })).toBe(true);
    expect(had("trees/app/deep")).toBe(true);
    expect(had("anywhere/else", { commit })).toBe(true);
    expect(had("anywhere/else", { repository: "https://host.example/me/app" })).toBe(true);
    // Another repository's, or nobody's.
    expect(had("hotfix")).toBe(false);
    expect(had("app-server", { branch: "main" })).toBe(false);
    expect(
      had("other", {
        branch: "app-fix",
        commit: "0".repeat(40),
        repository: "https://host.example/me/other",
      }),
    ).toBe(false);
    expect(had("anywhere/else", { branch: "../../config" })).toBe(false);
    // What is there is somewhere else.
    mkdirSync(join(root, "app-fix"));
    expect(had("app-fix")).toBe(false);
    expect(project.rootOf(join(root, "app-fix"))).toBeNull();

    const shape = shapeOf(1, { cwd: join(root, "gone"), branch: "main" });
    const rollout = makeRollout({ ...shape, instructions: "x".repeat(22_000) }).replace(
      "0".repeat(40),
      commit,
    );
    putFile(rolloutPath(home.paths.codexHome, shape), rollout, shape.at);
    const claude = shapeOf(2, {
      id: "11111111-2222-4333-8444-555555555555",
      cwd: join(root, "app.trees/x"),
      branch: "app-fix",
    });
    putFile(transcriptPath(home.paths.claudeHome, claude), makeTranscript(claude), claude.at);
    expect(find(home, { project: readProject(app) })).toEqual([shape.id, claude.id]);
  });

  test("is a submodule by itself", () => {
    using home = makeTempHome();
    const root = realpathSync(home.path);
    for (const name of ["lib", "app"]) {
      mkdirSync(join(root, name));
      git(join(root, name), "init", "-q");
      git(join(root, name), "commit", "-q", "--allow-empty", "-m", "a");
    }
    git(join(root, "app"), "submodule", "add", "-q", join(root, "lib"), "vendor");
    expect(readProject(join(root, "app/vendor")).roots).toEqual([join(root, "app/vendor")]);
    expect(readProject(join(root, "app")).rootOf(join(root, "app/vendor"))).toBe(join(root, "app"));
  });

  test("outside a repository is the directory, also by a link, also when it is gone", () => {
    using home = makeTempHome();
    const root = realpathSync(home.path);
    mkdirSync(join(root, "real/sub"), { recursive: true });
    symlinkSync(join(root, "real"), join(root, "link"));
    expect(readProject(join(root, "link")).roots).toEqual([join(root, "real")]);
    expect(readProject(join(root, "link/gone/deep")).roots).toEqual([join(root, "real/gone/deep")]);
    expect(readProject(join(root, "real")).rootOf(join(root, "link/sub"))).toBe(join(root, "real"));
    expect(readProject("/").rootOf("/anything")).toBe("/");
  });
});

const idOf = (n: number): string => `${n}1111111-2222-4333-8444-555555555555`;

function readRecent({ paths }: TempHome): ReadonlySet<string> {
  const histories = Object.values(makeFormats(paths)).map(({ promptHistory }) => promptHistory);
  return readRecentIds([...histories, paths.requestsLog]);
}

describe("the sessions that were gone on with lately", () => {
  test("are told by both clients' histories of prompts and by our own log", () => {
    using home = makeTempHome();
    home.write(".codex/history.jsonl", `${JSON.stringify({ session_id: idOf(1), ts: 1, text: "x" })}\n`);
    home.write(
      ".claude/history.jsonl",
      `${JSON.stringify({ display: "x", sessionId: idOf(2), project: "/a" })}\n`,
    );
    home.write(
      ".codex-helper/logs/requests.jsonl",
      `${JSON.stringify({ timestamp_ms: 1, session_id: idOf(3) })}\n`,
    );
    expect([...readRecent(home)].toSorted()).toEqual([idOf(1), idOf(2), idOf(3)]);
  });

  test("are those at the end of a long history", () => {
    using home = makeTempHome();
    const filler = JSON.stringify({ text: "x".repeat(1000) });
    const lines = [JSON.stringify({ session_id: idOf(1) }), ...Array.from({ length: 300 }, () => filler)];
    home.write(".codex/history.jsonl", [...lines, JSON.stringify({ session_id: idOf(2) })].join("\n"));
    expect([...readRecent(home)]).toEqual([idOf(2)]);
  });

  test("are none where nothing is noted down, or what is noted is no id", () => {
    using home = makeTempHome();
    home.write(".codex/history.jsonl", '{"session_id":"../../etc"}\nhalf {"session_id":"1111');
    expect(readRecent(home).size).toBe(0);
  });
});
