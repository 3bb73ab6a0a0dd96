import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "bun:test";
import {
  findMissing,
  findTool,
  isBelowProfile,
  protectMade,
  readPerson,
  runTool,
  useAccessLists,
} from "../../src/base/access-list.ts";
import { showProtection, writeProtection } from "../../src/base/icacls.ts";
import { useShell } from "../../src/base/shell.ts";
import { type Text, inEnglish } from "../../src/base/text.ts";

const PERSON = "S-1-5-21-3623811015-3361044348-30300820-1013";
const PROFILE = "C:\\Users\\ted";
const GRANTS = ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F", `*${PERSON}:(OI)(CI)F`];

/** Windows with these answers, by the program's name; what was run is kept. */
function windows(answers: Readonly<Record<string, { exitCode: number | null; stdout?: string }>>) {
  const ran: (readonly string[])[] = [];
  return {
    ran,
    run: (words: readonly string[]) => {
      ran.push(words);
      const name = /([a-z]+)\.exe$/.exec(words[0] ?? "")?.[1] ?? "";
      return { stdout: "", exitCode: null, ...answers[name] };
    },
  };
}

/** What is said while a directory is protected. */
function protect(...args: Parameters<typeof protectMade>): string[] {
  const said: Text[] = [];
  useAccessLists({ root: undefined, profile: PROFILE, tell: (words) => said.push(words) });
  protectMade(...args);
  return said.map(inEnglish);
}

afterEach(() => {
  useShell("posix");
  useAccessLists({ root: undefined, profile: "", tell: () => {} });
});

describe("a directory that is made on Windows", () => {
  const known = { whoami: { exitCode: 0, stdout: `"host\\ted","${PERSON}"\r\n` } };

  test("outside of the profile gets a list of its own, by SIDs alone, from System32", () => {
    const { ran, run } = windows({ ...known, icacls: { exitCode: 0 } });
    expect(protect("D:\\relay home", run)).toEqual([]);
    expect(ran).toEqual([
      [findTool("whoami"), "/user", "/fo", "csv", "/nh"],
      [findTool("icacls"), "D:\\relay home", "/inheritance:r", "/grant:r", ...GRANTS],
    ]);
    expect(findTool("icacls")).toBe("C:\\Windows\\System32\\icacls.exe");
    useAccessLists({ root: "E:\\WinNT", profile: "", tell: () => {} });
    expect(findTool("whoami")).toBe("E:\\WinNT\\System32\\whoami.exe");
  });

  test("below the profile inherits from it: nothing is run", () => {
    const { ran, run } = windows({});
    expect(protect("c:\\users\\TED\\.codex-helper", run)).toEqual([]);
    expect(ran).toEqual([]);
  });

  test.each([
    ["C:\\Users\\ted\\.codex-helper", PROFILE, true],
    ["C:\\Users\\ted\\..codex-helper", PROFILE, true],
    ["C:/Users/Ted/a/b", `${PROFILE}\\`, true],
    ["C:\\Users\\ted", PROFILE, false],
    ["C:\\Users\\ted2\\.codex-helper", PROFILE, false],
    ["C:\\Users\\Public\\x", PROFILE, false],
    ["D:\\Users\\ted\\x", PROFILE, false],
    ["\\\\server\\share\\ted", PROFILE, false],
    ["C:\\x", "C:\\", false],
    ["C:\\x", "", false],
    ["C:\\x", "Users", false],
  ])("%s, of the profile %s: below it is %p", (directory, profile, isBelow) => {
    expect(isBelowProfile(directory, profile)).toBe(isBelow);
  });

  test.each([
    ["icacls fails", { ...known, icacls: { exitCode: 5 } }, 2],
    ["icacls is missing, or does not end", { ...known, icacls: { exitCode: null } }, 2],
    ["the person's SID is not known", { whoami: { exitCode: 0, stdout: "host\\ted\r\n" } }, 1],
    ["whoami fails", { whoami: { exitCode: 1, stdout: `"host\\ted","${PERSON}"` } }, 1],
  ])("is told of, and no more, where %s", (_, answers, runs) => {
    const { ran, run } = windows(answers);
    const [words = "", ...others] = protect("D:\\home", run);
    expect(words).toContain("the access list of D:\\home could not be set");
    expect(others).toEqual([]);
    expect(ran).toHaveLength(runs);
  });

  test.each([
    ["English", `"desktop-7q2\\ted","${PERSON}"\r\n`, PERSON],
    ["Chinese, read in another code page", `"\ufffd\ufffd\ufffd\\\ufffd\ufffd","${PERSON}"\r\n`, PERSON],
    ["a name that looks like a SID", `"host\\S-1-1-0","${PERSON}"\r\n`, PERSON],
    ["a Microsoft account in Entra", `"azuread\\ted","S-1-12-1-1-2-3-4"\r\n`, "S-1-12-1-1-2-3-4"],
    ["SYSTEM, as a service", '"nt-autorität\\system","S-1-5-18"\r\n', "S-1-5-18"],
    ["Git's own whoami", "ted\n", null],
    ["nothing", "", null],
  ])("the person's SID: %s", (_, stdout, sid) => {
    expect(readPerson(windows({ whoami: { exitCode: 0, stdout } }).run)).toBe(sid);
  });

  test("is where its path really leads, and no profile protects nothing", () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), "access-")));
    try {
      const profile = join(root, "ted");
      for (const name of ["ted", "elsewhere", "ted/home", "elsewhere/home"]) mkdirSync(join(root, name));
      symlinkSync(join(root, "elsewhere"), join(profile, "link"), "junction");
      const count = (directory: string, of: string): number => {
        const { ran, run } = windows({ ...known, icacls: { exitCode: 0 } });
        useAccessLists({ root: undefined, profile: of, tell: () => {} });
        protectMade(directory, run);
        return ran.length;
      };
      expect(count(join(profile, "home"), profile)).toBe(0);
      expect(count(join(profile, "link", "home"), profile)).toBe(2);
      expect(count(join(process.cwd(), "test"), "")).toBe(2);
    } finally {
      rmSync(root, { recursive: true });
    }
  });

  test("is the outermost one of those that were missing", () => {
    const directory = mkdtempSync(join(tmpdir(), "access-"));
    try {
      mkdirSync(join(directory, "there"));
      expect(findMissing(join(directory, "there"))).toBeNull();
      expect(findMissing(join(directory, "there", "a", "b", "c"))).toBe(join(directory, "there", "a"));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("a program that the system does not have is an answer, not an error", () => {
    expect(runTool(["/no/such/icacls.exe"])).toEqual({ exitCode: null, stdout: "" });
  });
});

describe("the lines that protect one that is there", () => {
  const show = (shell: Parameters<typeof useShell>[0]): string => {
    useShell(shell);
    return showProtection("D:\\ted's home", PERSON, ["S-1-5-11"]);
  };

  test("remove the groups that were found, and what the files have of their own", () => {
    expect(writeProtection("D:\\home", PERSON, ["S-1-5-11", "S-1-1-0"])).toEqual([
      "D:\\home",
      "/inheritance:r",
      "/grant:r",
      ...GRANTS,
      "/remove:g",
      "*S-1-5-11",
      "*S-1-1-0",
    ]);
  });

  test("in cmd, PowerShell and Git Bash, which takes an option for a path", () => {
    const grants = (quote: string): string => GRANTS.map((one) => `${quote}${one}${quote}`).join(" ");
    expect(show("cmd")).toBe(
      `icacls "D:\\ted's home" /inheritance:r /grant:r ${grants('"')} /remove:g "*S-1-5-11"\n` +
        `icacls "D:\\ted's home\\*" /reset /t /c /q`,
    );
    expect(show("powershell")).toBe(
      `icacls 'D:\\ted''s home' /inheritance:r /grant:r ${grants("'")} /remove:g '*S-1-5-11'\n` +
        `icacls 'D:\\ted''s home\\*' /reset /t /c /q`,
    );
    const [first = "", second = ""] = show("posix").split("\n");
    for (const line of [first, second])
      expect(line).toStartWith("MSYS_NO_PATHCONV=1 MSYS2_ARG_CONV_EXCL='*' icacls ");
    expect(first).toEndWith(` /inheritance:r /grant:r ${grants("'")} /remove:g '*S-1-5-11'`);
  });
});
