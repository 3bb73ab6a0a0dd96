import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { describe, expect, test } from "bun:test";
import { examineAccess } from "../../src/app/doctor/examine-access.ts";
import { inEnglish } from "../../src/base/text.ts";
import { listOpenPaths } from "../../src/doctor/access.ts";
import type { DoctorFacts } from "../../src/doctor/facts.ts";
import { OWN_FILE_CHECKS } from "../../src/doctor/own-files.ts";

const PERSON = "S-1-5-21-3623811015-3361044348-30300820-1013";
/** What a directory below a profile inherits. */
const PROFILE = `D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;FA;;;${PERSON})`;
/** What one in the root of another drive inherits. */
const DRIVE =
  "D:AI(A;ID;FA;;;BA)(A;OICIIOID;GA;;;BA)(A;ID;FA;;;SY)(A;OICIIOID;GA;;;SY)" +
  "(A;ID;0x1301bf;;;AU)(A;OICIIOID;SDGXGWGR;;;AU)(A;OICIID;0x1200a9;;;BU)";
/** What the root of C:\ gives in Windows Server. */
const SERVER =
  "D:AI(A;OICIID;FA;;;SY)(A;OICIID;FA;;;BA)(A;OICIID;0x1200a9;;;BU)(A;CIID;LC;;;BU)(A;CIID;DC;;;BU)(A;OICIIOID;GA;;;CO)";

/** As icacls saves it. */
function save(...entries: readonly (readonly [name: string, list: string])[]): Uint8Array {
  return Buffer.from(entries.map(([name, list]) => `${name}\r\n${list}\r\n`).join(""), "utf16le");
}

function readList(list: string): string[] {
  return (listOpenPaths(save(["home", list])) ?? []).flatMap(({ groups, mayWrite }) =>
    groups.map(({ name }) => `${name}: ${mayWrite ? "write" : "read"}`),
  );
}

describe("who may use a file by its access list", () => {
  test.each([
    ["a profile's", PROFILE, []],
    ["what ch sets", `D:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;FA;;;${PERSON})`, []],
    [
      "a profile with an app's package",
      `${PROFILE}(A;OICIID;0x1200a9;;;S-1-15-3-65536-1-2)(A;ID;FA;;;AC)`,
      [],
    ],
    ["the creator's", "D:(A;OICIIO;GA;;;CO)(A;;FA;;;OW)", []],
    ["an empty one", "D:P", []],
    ["another drive's", DRIVE, ["Authenticated Users: write", "Users: write"]],
    ["a server's", SERVER, ["Users: write"]],
    ["one that only reads", "D:AI(A;OICIID;0x1200a9;;;BU)", ["Users: read"]],
    ["generic rights", "D:(A;OICIIO;GXGR;;;BG)", ["Guests: read"]],
    ["Everyone, all", "D:(A;OICI;FA;;;WD)", ["Everyone: write"]],
    ["a numeric SID", "D:(A;;FR;;;S-1-1-0)(A;;FW;;;S-1-5-7)", ["Everyone: write", "ANONYMOUS LOGON: write"]],
    ["the right to change the list", "D:(A;;WD;;;IU)", ["INTERACTIVE: write"]],
    ["the right to remove", "D:(A;;0x10000;;;PU)", ["Power Users: write"]],
    ["only passing through, and attributes", "D:(A;;FX;;;WD)(A;;LORC;;;BU)(A;;0x100080;;;AU)", []],
    ["a right that is not known", "D:(A;;ZZ;;;NU)", ["NETWORK: write"]],
    ["all of them in one number", "D:(A;;0xffffffff;;;WD)", ["Everyone: write"]],
    ["a denial before it", "D:(D;OICI;FA;;;BU)(A;OICIID;FA;;;BU)", []],
    ["a denial to all", "D:(D;OICI;FA;;;WD)(A;OICIID;FA;;;AU)", []],
    ["a denial of writing", "D:(D;OICI;0x1d0156;;;BU)(A;OICI;FA;;;BU)", ["Users: read"]],
    ["a denial after it", "D:(A;OICI;FA;;;BU)(D;OICI;FA;;;BU)", ["Users: write"]],
    ["a denial to one of many", "D:(D;OICI;FA;;;BG)(A;OICI;FA;;;WD)", ["Everyone: write"]],
    ["a denial for the directory alone", "D:(D;;FA;;;BU)(A;OICI;FR;;;BU)", ["Users: read"]],
    ["a denial for what is in it alone", "D:(D;OICIIO;FA;;;BU)(A;OICI;FR;;;BU)", ["Users: read"]],
    [
      "a condition with parentheses and a text",
      'D:(XA;;FR;;;WD;(@User.Title=="a)(b" && (Member_of {SID(BA)})))(A;;FW;;;BU)',
      ["Everyone: write", "Users: write"],
    ],
    ["a conditional denial", 'D:(XD;;FA;;;WD;(@User.x=="y"))(A;;FR;;;WD)', ["Everyone: read"]],
    ["audits after it", "D:P(A;;FA;;;SY)S:AI(AU;SAFA;FA;;;WD)(ML;;NW;;;LW)", []],
  ])("%s", (_, list, expected) => {
    expect(readList(list)).toEqual(expected);
  });

  test("a file system without access lists lets everyone", () => {
    expect(listOpenPaths(save(["home", "D:NO_ACCESS_CONTROL"]))).toEqual([
      { name: "home", groups: [], mayWrite: true },
    ]);
  });

  test("each file by its name, in any script, with and without a byte order mark, and in UTF-8", () => {
    const saved = save(["数据", PROFILE], ["数据\\été.json", "D:(A;;FR;;;BU)"], ["数据\\D", DRIVE]);
    const bom = Buffer.concat([Buffer.from([0xff, 0xfe]), saved]);
    const utf8 = Buffer.from(new TextDecoder("utf-16le").decode(saved));
    for (const bytes of [saved, bom, utf8])
      expect(listOpenPaths(bytes)?.map(({ name }) => name)).toEqual(["数据\\été.json", "数据\\D"]);
  });

  test.each([
    ["nothing", new Uint8Array()],
    ["a message", Buffer.from("Zugriff verweigert\r\n", "utf16le")],
    ["half of a character", new Uint8Array([0])],
  ])("%s is no list", (_, bytes) => {
    expect(listOpenPaths(bytes)).toBeNull();
  });

  test("a list that was cut off is read as far as it goes", () => {
    for (let end = 0; end <= DRIVE.length; end++) expect(() => readList(DRIVE.slice(0, end))).not.toThrow();
    expect(readList("D:(A;;FR;;;BU)(A;;FR;;;W")).toEqual(["Users: read"]);
  });
});

describe("what doctor says of them", () => {
  const home = tmpdir();
  const name = basename(home);

  /** `ch doctor`'s words, where icacls saves this. */
  function examine(saved: Uint8Array | null, sid: string | null = PERSON) {
    const ran: string[][] = [];
    const access = examineAccess(home, (words) => {
      const tool = /([a-z]+)\.exe$/.exec(words[0] ?? "")?.[1] ?? "";
      ran.push([tool, ...words.slice(1)]);
      if (tool === "icacls" && saved !== null) writeFileSync(words[3] ?? "", saved);
      return { exitCode: 0, stdout: tool === "whoami" && sid !== null ? `"host\\ted","${sid}"\r\n` : "" };
    });
    const check = OWN_FILE_CHECKS.find(({ id }) => id === "file-modes");
    const facts = { files: { access, hasModes: null, openFiles: [], home: { path: home } } };
    const found = check?.run(facts as unknown as DoctorFacts) ?? [];
    return {
      ran,
      found: found.map(({ hint, message, status }) => ({
        status,
        message: inEnglish(message),
        hint: inEnglish(hint ?? ""),
      })),
    };
  }

  test("only the person: one run of icacls, into a file that is removed", () => {
    const { found, ran } = examine(save([name, PROFILE]));
    expect(found).toEqual([{ status: "ok", message: "only you can read ch's files", hint: "" }]);
    expect(ran).toEqual([["icacls", home, "/save", expect.any(String), "/t", "/c", "/q"]]);
  });

  test("others: which groups, where, and the lines to type", () => {
    const { found } = examine(save([name, DRIVE], [`${name}\\config.json`, "D:(A;;FR;;;WD)"]));
    expect(found).toHaveLength(1);
    expect(found[0]?.status).toBe("warn");
    expect(found[0]?.message).toBe(
      `other users may write to ${home}: Authenticated Users (S-1-5-11), Users (S-1-5-32-545), Everyone (S-1-1-0); and 1 more`,
    );
    expect(found[0]?.hint).toContain(
      `'*${PERSON}:(OI)(CI)F' /remove:g '*S-1-5-11' '*S-1-5-32-545' '*S-1-1-0'\n`,
    );
  });

  test("readers alone, of a person whose SID is not known", () => {
    const { found } = examine(save([name, "D:(A;OICI;FR;;;BU)"]), null);
    expect(found[0]?.message).toBe(`other users can read ${home}: Users (S-1-5-32-545)`);
    expect(found[0]?.hint).toBe("choose another directory: export CODEX_HELPER_HOME=...");
  });

  test("a file system without lists, and a system that says nothing", () => {
    expect(examine(save([name, "D:NO_ACCESS_CONTROL"])).found[0]?.message).toContain("has no permissions");
    expect(examine(null).found).toEqual([
      {
        status: "info",
        message: "Windows did not say who may read ch's files",
        hint: expect.stringContaining(`icacls ${home}`),
      },
    ]);
  });

  test("no home yet: nothing is run", () => {
    const never = (): never => {
      throw new Error("was run");
    };
    expect(examineAccess(`${home}/no/such/home`, never)).toBeNull();
  });
});
