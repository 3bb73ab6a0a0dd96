import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "../../build.ts";
import { signAdHoc } from "../../release/macho.ts";

const PAGE = 4_096;
const CODE_AT = 2 * PAGE;
const SIGNATURE_AT = CODE_AT + 700;

/** A program of two segments with a signature that fits nothing. */
function makeProgram(signatureBytes: number): Buffer {
  const program = Buffer.alloc(SIGNATURE_AT + signatureBytes, "some code ");
  const segment = (at: number, name: string, [start, bytes]: readonly [number, number]): void => {
    program.fill(0, at, at + 72);
    program.writeUInt32LE(0x19, at);
    program.writeUInt32LE(72, at + 4);
    program.write(name, at + 8, "latin1");
    program.writeBigUInt64LE(BigInt(Math.ceil(bytes / PAGE) * PAGE), at + 32);
    program.writeBigUInt64LE(BigInt(start), at + 40);
    program.writeBigUInt64LE(BigInt(bytes), at + 48);
  };
  program.writeUInt32LE(0xfeedfacf, 0);
  program.writeUInt32LE(3, 16);
  segment(32, "__TEXT", [0, CODE_AT]);
  segment(104, "__LINKEDIT", [CODE_AT, 700 + signatureBytes]);
  [0x1d, 16, SIGNATURE_AT, signatureBytes].forEach((value, n) => program.writeUInt32LE(value, 176 + n * 4));
  return program;
}

test.each([64, 5_000])(
  "a signature fits every page, whatever the size of the one before: %d bytes",
  (size) => {
    const program = makeProgram(size);
    const signed = Buffer.from(signAdHoc(program, "some-name"));
    // Beside the sizes in the first page nothing of the program changes.
    expect(signed.subarray(PAGE, SIGNATURE_AT).equals(program.subarray(PAGE, SIGNATURE_AT))).toBe(true);
    const bytes = signed.readUInt32LE(176 + 12);
    expect(SIGNATURE_AT + bytes).toBe(signed.length);
    expect(Number(signed.readBigUInt64LE(104 + 48))).toBe(700 + bytes);
    expect(Number(signed.readBigUInt64LE(104 + 32))).toBe(PAGE);

    const directory = SIGNATURE_AT + signed.readUInt32BE(SIGNATURE_AT + 16);
    expect(signed.readUInt32BE(directory)).toBe(0xfade0c02);
    const field = (at: number): number => signed.readUInt32BE(directory + at);
    const [hashesAt, nameAt, pages, limit] = [field(16), field(20), field(28), field(32)];
    expect({ pages, limit }).toEqual({ pages: 3, limit: SIGNATURE_AT });
    expect(signed.toString("latin1", directory + nameAt, directory + hashesAt)).toBe("some-name\0");
    for (let page = 0; page < pages; page += 1) {
      const content = signed.subarray(page * PAGE, Math.min((page + 1) * PAGE, SIGNATURE_AT));
      const at = directory + hashesAt + page * 32;
      expect(signed.subarray(at, at + 32)).toEqual(createHash("sha256").update(content).digest());
    }
  },
);

test("what is no signed program for macOS is refused", () => {
  const unsigned = makeProgram(64);
  unsigned.writeUInt32LE(2, 16);
  expect(() => signAdHoc(unsigned, "x")).toThrow("not a signed program for macOS");
  expect(() => signAdHoc(Buffer.concat([makeProgram(64), Buffer.alloc(1)]), "x")).toThrow("program's end");
});

// Bun signs for Apple processors itself. It takes a runtime from the package registry.
if (process.env["VERIFY"] === "full") {
  test("a program is signed as Bun signs one", () => {
    const out = mkdtempSync(join(tmpdir(), "codex-helper-mac-"));
    try {
      build("bun-darwin-arm64", out);
      const program = readFileSync(join(out, "codex-helper"));
      expect(Buffer.from(signAdHoc(program, "codex-helper")).equals(program)).toBe(true);
      const [empty, plain] = [join(out, "empty.ts"), join(out, "plain")];
      writeFileSync(empty, "");
      Bun.spawnSync([
        process.execPath,
        "build",
        "--compile",
        "--target=bun-darwin-arm64",
        `--outfile=${plain}`,
        empty,
      ]);
      const signedByBun = readFileSync(plain);
      expect(Buffer.from(signAdHoc(signedByBun, "a.out")).equals(signedByBun)).toBe(true);
    } finally {
      rmSync(out, { recursive: true });
    }
  }, 60_000);
}
