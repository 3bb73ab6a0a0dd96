import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { resolvePaths } from "../../src/base/paths.ts";
import { type ShellName, useShell } from "../../src/base/shell.ts";
import { OWN_PROVIDER } from "../../src/clients/codex/own-provider.ts";
import { codexSessions } from "../../src/clients/codex/sessions.ts";
import { makeResumeCommand } from "../../src/sessions/resume.ts";
import type { ResumableSession } from "../../src/sessions/session.ts";

const LETTERS = Array.from("ab'\"$`\\ ;&|()<>*?[]#~!-=%中é");
const ID = "11111111-2222-4333-8444-555555555555";

const format = codexSessions(resolvePaths({ HOME: "/home/me" }, "linux"));

function makeSession({
  id = ID as string | null,
  isArchived = false,
  isSubagent = false,
  provider = null as string | null,
} = {}): ResumableSession {
  const file = { format, path: "/a", id, modifiedAt: 0, bytes: 0, isArchived, isSubagent };
  return { file, cwd: null, isSubagent, provider };
}

function inShellOf<T>(name: ShellName, make: () => T): T {
  useShell(name);
  try {
    return make();
  } finally {
    useShell("posix");
  }
}

/** The words that a shell makes of a command line, its commands replaced by a function that prints them. */
function wordsOf(command: string): string[] {
  const script = `cd() { printf 'cd\\0%s\\0' "$@"; }; codex() { printf '%s\\0' codex "$@"; }; ${command}`;
  const { stdout, stderr } = Bun.spawnSync(["sh", "-c", script], { cwd: "/" });
  expect(stderr.toString()).toBe("");
  return stdout.toString().split("\0").slice(0, -1);
}

const ON = { isOn: true, keys: [{ path: ["openai_base_url"] }] };
const OFF = { isOn: false, keys: [] };

describe("the resume command", () => {
  test("goes to the very directory, whatever its name is", () => {
    // The shell of a Windows machine that is asked here is Git's, which has paths of its own.
    if (process.platform === "win32")
      return expect(makeResumeCommand(makeSession(), "D:\\a b", ON)).toContain("'D:\\a b'");
    const names = fc.string({
      minLength: 1,
      maxLength: 20,
      unit: fc.constantFrom(...LETTERS),
    });
    fc.assert(
      fc.property(names, (name) => {
        const path = `/${name.trim()}x`;
        const command = makeResumeCommand(makeSession(), path, ON);
        expect(wordsOf(command ?? "")).toEqual(["cd", path, "codex", "resume", ID]);
      }),
      { numRuns: 60 },
    );
  });

  test.each(["/a\nb", "/a\u001b[2J", "/a\u202eb", "/a\u0000b", "/a\u0085"])(
    "leaves out the directory %j",
    (path) => {
      expect(makeResumeCommand(makeSession(), path, ON)).toBe(`codex resume ${ID}`);
    },
  );

  test.each(["x", "", "--last", `${ID} `, `${ID};ls`, "$(ls)", `../${ID}`, null])(
    "is not made for the id %j",
    (id) => {
      expect(makeResumeCommand(makeSession({ id }), null, ON)).toBeNull();
    },
  );

  test("brings a proxy along for a session that goes on behind one alone", () => {
    expect(makeResumeCommand(makeSession({ isArchived: true, provider: OWN_PROVIDER }), "/a", ON)).toBe(
      `cd /a && codex unarchive ${ID} && ch run -- codex resume ${ID}`,
    );
  });

  test("brings a proxy along where the client does not come to one by itself", () => {
    expect(makeResumeCommand(makeSession(), null, OFF)).toBe(`ch run -- codex resume ${ID}`);
    expect(makeResumeCommand(makeSession({ isArchived: true }), "/a b", OFF)).toBe(
      `cd '/a b' && codex unarchive ${ID} && ch run -- codex resume ${ID}`,
    );
    const own = { isOn: true, keys: [{ path: ["model_providers", OWN_PROVIDER, "base_url"] }] };
    expect(makeResumeCommand(makeSession({ provider: OWN_PROVIDER }), null, own)).toBe(`codex resume ${ID}`);
  });

  test.each([
    ["cmd", `cd /d "D:\\my src" && codex unarchive ${ID} && codex resume ${ID}`],
    ["powershell", `cd 'D:\\my src'; if ($?) { codex unarchive ${ID}; if ($?) { codex resume ${ID} } }`],
    ["posix", `cd 'D:\\my src' && codex unarchive ${ID} && codex resume ${ID}`],
  ] as const)("is written for %s", (name, line) => {
    const make = (): string | null => makeResumeCommand(makeSession({ isArchived: true }), "D:\\my src", ON);
    expect(inShellOf(name, make)).toBe(line);
    const plain = (): string | null => makeResumeCommand(makeSession(), null, ON);
    expect(inShellOf(name, plain)).toBe(`codex resume ${ID}`);
  });

  test("is not made for a sub-agent, and unarchives first", () => {
    expect(makeResumeCommand(makeSession({ isSubagent: true }), null, ON)).toBeNull();
    expect(makeResumeCommand(makeSession({ isArchived: true }), null, ON)).toBe(
      `codex unarchive ${ID} && codex resume ${ID}`,
    );
  });
});
