// What a client's file is beside its text: owner, group, mode, attributes, access lists, and its other names. As root, which CI is, a
// second user switches it, with groups of its own; elsewhere the one that runs the tests does, and owner and group are its own.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, linkSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { modeHere } from "../../helpers/modes.ts";
import {
  IS_ROOT,
  type ProgramOf,
  SECOND_USER,
  giveToSecondUser,
  makeProgramForSecondUser,
} from "../../helpers/second-user.ts";
import { ACCESS_LIST, DEFAULT_LIST, getXattr, makeAccessList, setXattr } from "../../helpers/xattrs.ts";
import { CLAUDE_TEXT, CODEX_TEXT, SWITCHED, type SwitchHome, makeSwitchHome } from "./switch-home.ts";

const IS_LINUX = process.platform === "linux";
const { uid: UID, gid: GID, sharedGid: SHARED } = SECOND_USER;
/** A group that the user is not in, and another user. */
const [FOREIGN, SOMEBODY] = IS_ROOT ? [4343, 12_345] : [GID, UID];
const TEXTS = { codex: CODEX_TEXT, claude: CLAUDE_TEXT };

let child: ProgramOf;
beforeAll(async () => {
  child = await makeProgramForSecondUser(Bun.fileURLToPath(import.meta.resolve("./switch-child.ts")));
});
afterAll(() => child[Symbol.dispose]());

async function run(home: SwitchHome, ...args: readonly string[]): Promise<string> {
  const running = Bun.spawn([...child.program, home.directory, ...args], {
    env: { ...process.env, ...child.env },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [words, bug] = await Promise.all([
    new Response(running.stdout).text(),
    new Response(running.stderr).text(),
  ]);
  await running.exited;
  return words + bug;
}

/** A home of that user, with both clients' files. */
function makeHome(): SwitchHome & { readonly files: Record<"codex" | "claude", string> } {
  const home = makeSwitchHome(TEXTS);
  const files = { codex: home.paths.codexConfig, claude: home.paths.claudeSettings };
  giveToSecondUser(home.directory);
  return { ...home, files };
}

function identify(path: string) {
  const { gid, ino, mode, uid } = statSync(path);
  return { gid, uid, mode: mode & 0o7777, ino };
}

for (const service of SWITCHED) {
  describe(`${service}'s file`, () => {
    /** What `get` finds must be the same before, while switched, and after. */
    const keeps = async (set: (path: string) => void, get: (path: string) => unknown): Promise<void> => {
      using home = makeHome();
      const path = home.files[service];
      set(path);
      const before = get(path);
      for (const action of ["on", "off"]) {
        expect(await run(home, service, action)).toBe("");
        expect(get(path)).toEqual(before);
        expect(home.read(service)?.includes("127.0.0.1:3211")).toBe(action === "on");
      }
      expect(home.read(service)).toBe(TEXTS[service]);
    };

    test("keeps a group that the user is in, and the mode", async () => {
      await keeps(
        (path) => {
          chmodSync(path, 0o640);
          if (IS_ROOT) chownSync(path, UID, SHARED);
        },
        (path) => ({ ...identify(path), ino: 0 }),
      );
    });

    test("keeps attributes and access lists", async () => {
      await keeps(
        (path) => {
          setXattr(path, "user.note", Buffer.from("mine"));
          setXattr(path, "user.empty", new Uint8Array(0));
          if (IS_LINUX) setXattr(path, ACCESS_LIST, makeAccessList(54_321, 4));
        },
        (path) => ["user.note", "user.empty", ACCESS_LIST].map((name) => getXattr(path, name)),
      );
    });

    test("is not opened to those to whom its directory opens new files", async () => {
      await keeps(
        (path) => {
          chmodSync(path, 0o640);
          if (IS_LINUX) setXattr(join(path, ".."), DEFAULT_LIST, makeAccessList(54_321, 6));
        },
        (path) => [identify(path).mode, getXattr(path, ACCESS_LIST)],
      );
    });

    test.each([
      [0o660, 0o600],
      [0o644, 0o604],
      // The group was denied what all others may do: it must not become one of them.
      [0o604, 0o600],
      [0o646, 0o604],
    ])("loses the rights of a group that the user cannot give it: %o", async (mode, left) => {
      using home = makeHome();
      const path = home.files[service];
      if (IS_ROOT) chownSync(path, UID, FOREIGN);
      chmodSync(path, mode);
      expect(await run(home, service, "on")).toBe("");
      expect(identify(path)).toMatchObject({ uid: UID, gid: GID, mode: IS_ROOT ? left : modeHere(mode) });
      expect(await run(home, service, "off")).toBe("");
      expect(home.read(service)).toBe(TEXTS[service]);
    });

    test("loses only those of its access list", async () => {
      using home = makeHome();
      const path = home.files[service];
      if (IS_ROOT) chownSync(path, UID, FOREIGN);
      if (IS_LINUX) setXattr(path, ACCESS_LIST, makeAccessList(54_321, 4));
      expect(await run(home, service, "on")).toBe("");
      const left = Buffer.from(makeAccessList(54_321, 4, IS_ROOT ? 0 : 4)).toString("hex");
      expect(getXattr(path, ACCESS_LIST)).toBe(IS_LINUX ? left : null);
    });

    test("of another user, who lets the group write it, stays that user's", async () => {
      await keeps(
        (path) => {
          if (IS_ROOT) chownSync(path, SOMEBODY, SHARED);
          chmodSync(path, 0o660);
        },
        (path) => ({ ...identify(path), ino: IS_ROOT ? identify(path).ino : 0 }),
      );
    });

    test("keeps its other names", async () => {
      using home = makeHome();
      const path = home.files[service];
      const other = join(home.directory, "other-name");
      linkSync(path, other);
      const { ino } = statSync(path);
      for (const action of ["on", "on", "off", "off"]) {
        expect(await run(home, service, action)).toBe("");
        expect([statSync(path).ino, statSync(other).ino]).toEqual([ino, ino]);
        expect(readFileSync(other, "utf8")).toBe(home.read(service) ?? "");
      }
      expect(readFileSync(other, "utf8")).toBe(TEXTS[service]);
      expect(readdirSync(home.paths.run)).toEqual(["switch.lock"]);
    });

    test("that another program writes meanwhile is left to it, also with other names", async () => {
      using home = makeHome();
      const path = home.files[service];
      linkSync(path, join(home.directory, "other-name"));
      expect(await run(home, service, "on")).toBe("");
      const text = `${home.read(service)}\n`;
      writeFileSync(path, text);
      expect(await run(home, service, "off")).toBe("");
      expect(home.read(service)).toBe(`${TEXTS[service]}\n`);
    });
  });
}
