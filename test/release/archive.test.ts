import { describe, expect, test } from "bun:test";
import { lstatSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, inflateRawSync } from "node:zlib";
import { type Entry, makeTarGz, makeZip } from "../../release/archive.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const FILES: readonly Entry[] = [
  { path: "thing/program", data: bytes("#!/bin/sh\necho hi\n"), isProgram: true },
  { path: "thing/empty", data: new Uint8Array() },
  // One block of a tar archive to the byte, and one more.
  { path: "thing/512", data: bytes("x".repeat(512)) },
  { path: "thing/中文.md", data: bytes("一二三".repeat(200)) },
];
const MODIFIED_SECS = Date.UTC(2026, 1, 3, 4, 5, 6) / 1_000;

test("the system's tar unpacks files, modes, dates and links as they were given", async () => {
  const directory = mkdtempSync(join(tmpdir(), "codex-helper-tar-"));
  try {
    const link: Entry = { path: "thing/short", data: new Uint8Array(), linkTo: "program" };
    writeFileSync(join(directory, "a.tar.gz"), await makeTarGz([...FILES, link], MODIFIED_SECS));
    const { exitCode, stderr } = Bun.spawnSync(["tar", "-xzf", "a.tar.gz"], { cwd: directory });
    expect({ exitCode, stderr: stderr.toString() }).toEqual({ exitCode: 0, stderr: "" });
    for (const { path, data, isProgram } of FILES) {
      const file = join(directory, path);
      const { mode, mtimeMs } = lstatSync(file);
      expect({ path, same: readFileSync(file).equals(data), mode: mode & 0o777, mtimeMs }).toEqual({
        path,
        same: true,
        mode: isProgram === true ? 0o755 : 0o644,
        mtimeMs: MODIFIED_SECS * 1_000,
      });
    }
    expect(readlinkSync(join(directory, "thing/short"))).toBe("program");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a name that tar has no room for is refused", async () => {
  const made = makeTarGz([{ path: "x".repeat(101), data: new Uint8Array() }], 0);
  expect(await made.catch((error: unknown) => error)).toEqual(
    new Error(`too long a name for a tar archive: ${"x".repeat(101)}`),
  );
});

describe("a zip archive", () => {
  /** Walks the central directory, as a reader does, and the local header behind each record. */
  const readZip = (zip: Buffer): object[] => {
    const end = zip.length - 22;
    expect(zip.readUInt32LE(end)).toBe(0x06054b50);
    let at = zip.readUInt32LE(end + 16);
    return Array.from({ length: zip.readUInt16LE(end + 10) }, () => {
      expect(zip.readUInt32LE(at)).toBe(0x02014b50);
      const nameLength = zip.readUInt16LE(at + 28);
      const name = zip.toString("utf8", at + 46, at + 46 + nameLength);
      const local = zip.readUInt32LE(at + 42);
      expect(zip.readUInt32LE(local)).toBe(0x04034b50);
      expect(zip.subarray(local + 4, local + 30)).toEqual(zip.subarray(at + 6, at + 32));
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = inflateRawSync(zip.subarray(start, start + zip.readUInt32LE(at + 20)));
      expect(crc32(data)).toBe(zip.readUInt32LE(at + 16));
      expect(data.length).toBe(zip.readUInt32LE(at + 24));
      const mode = (zip.readUInt32LE(at + 38) / 0x10000) & 0o777;
      at += 46 + nameLength;
      return { path: name, data: data.toString(), mode };
    });
  };

  test("holds every file with its bytes, sum and mode, also in the local headers", () => {
    expect(readZip(Buffer.from(makeZip(FILES, MODIFIED_SECS)))).toEqual(
      FILES.map(({ path, data, isProgram }) => ({
        path,
        data: new TextDecoder().decode(data),
        mode: isProgram === true ? 0o755 : 0o644,
      })),
    );
  });

  test("of a source without a date is of the first day that a zip can tell", () => {
    const zip = Buffer.from(makeZip(FILES.slice(0, 1), 0));
    expect(zip.readUInt16LE(12)).toBe((1 << 5) | 1);
  });
});
