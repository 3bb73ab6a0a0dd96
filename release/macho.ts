// Signs a 64-bit macOS program ad hoc, without an identity, which is what the system asks for before it runs one.
// Bun signs its programs for Apple processors itself, as "a.out"; those for Intel keep the signature of the runtime that they
// were made of, which no longer fits (https://github.com/oven-sh/bun/issues/39764), and newer systems end them at once.
// Format: Apple's xnu, osfmk/kern/cs_blobs.h.
import { createHash } from "node:crypto";

const PAGE = 4_096;
const HASH_BYTES = 32;
const SEGMENT = 0x19;
const CODE_SIGNATURE = 0x1d;
const AD_HOC_BY_LINKER = 0x20002;
const MAIN_BINARY = 1;
const SUPERBLOB_BYTES = 20;
const DIRECTORY_BYTES = 88;

interface Layout {
  /** Offsets of the load commands. */
  readonly signatureCommand: number;
  readonly linkedit: number;
  /** Bytes of the segment that holds the code. */
  readonly textBytes: number;
  /** Where the signature begins, which is where what it speaks of ends. */
  readonly codeLimit: number;
}

/** The program with a new signature in the place of its present one. Throws when it has none, or not at its end. */
export function signAdHoc(program: Uint8Array, identifier: string): Uint8Array {
  const layout = readLayout(Buffer.from(program.buffer, program.byteOffset, program.byteLength));
  const { codeLimit, linkedit, signatureCommand } = layout;
  const name = Buffer.from(`${identifier}\0`);
  const pages = Math.ceil(codeLimit / PAGE);
  const blobBytes = SUPERBLOB_BYTES + DIRECTORY_BYTES + name.length + pages * HASH_BYTES;

  const signed = Buffer.alloc(codeLimit + blobBytes);
  signed.set(program.subarray(0, codeLimit));
  // The sizes are in the first page, so they come before its hash.
  signed.writeUInt32LE(blobBytes, signatureCommand + 12);
  const linkeditBytes = signed.length - Number(signed.readBigUInt64LE(linkedit + 40));
  signed.writeBigUInt64LE(BigInt(Math.ceil(linkeditBytes / PAGE) * PAGE), linkedit + 32);
  signed.writeBigUInt64LE(BigInt(linkeditBytes), linkedit + 48);

  const blob = Buffer.concat([
    makeSuperblob(blobBytes),
    makeDirectory(layout, { pages, nameBytes: name.length, bytes: blobBytes - SUPERBLOB_BYTES }),
    name,
  ]);
  signed.set(blob, codeLimit);
  for (let page = 0; page < pages; page += 1) {
    const bytes = signed.subarray(page * PAGE, Math.min((page + 1) * PAGE, codeLimit));
    signed.set(createHash("sha256").update(bytes).digest(), codeLimit + blob.length + page * HASH_BYTES);
  }
  return signed;
}

function readLayout(program: Buffer): Layout {
  const found: Partial<Record<"signatureCommand" | "linkedit" | "textBytes", number>> = {};
  for (let n = 0, at = 32; n < program.readUInt32LE(16); n += 1, at += program.readUInt32LE(at + 4)) {
    const kind = program.readUInt32LE(at);
    if (kind === CODE_SIGNATURE) found.signatureCommand = at;
    if (kind !== SEGMENT) continue;
    const name = program.toString("latin1", at + 8, at + 24).replace(/\0+$/, "");
    if (name === "__LINKEDIT") found.linkedit = at;
    if (name === "__TEXT") found.textBytes = Number(program.readBigUInt64LE(at + 48));
  }
  const { linkedit, signatureCommand, textBytes } = found;
  if (linkedit === undefined || signatureCommand === undefined || textBytes === undefined) {
    throw new Error("not a signed program for macOS");
  }
  const codeLimit = program.readUInt32LE(signatureCommand + 8);
  if (codeLimit + program.readUInt32LE(signatureCommand + 12) !== program.length) {
    throw new Error("the signature does not lie at the program's end");
  }
  return { linkedit, signatureCommand, textBytes, codeLimit };
}

/** With one blob in it, the code directory. Like all of a signature it is big-endian. */
function makeSuperblob(bytes: number): Uint8Array {
  const blob = Buffer.alloc(SUPERBLOB_BYTES);
  [0xfade0cc0, bytes, 1, 0, SUPERBLOB_BYTES].forEach((value, n) => blob.writeUInt32BE(value, n * 4));
  return blob;
}

interface DirectorySizes {
  readonly pages: number;
  readonly nameBytes: number;
  readonly bytes: number;
}

function makeDirectory(
  { codeLimit, textBytes }: Layout,
  { bytes, nameBytes, pages }: DirectorySizes,
): Uint8Array {
  const directory = Buffer.alloc(DIRECTORY_BYTES);
  const version = 0x20400;
  const hashesAt = DIRECTORY_BYTES + nameBytes;
  [0xfade0c02, bytes, version, AD_HOC_BY_LINKER, hashesAt, DIRECTORY_BYTES, 0, pages, codeLimit].forEach(
    (value, n) => directory.writeUInt32BE(value, n * 4),
  );
  // SHA-256, 32 bytes each, of pages of 2^12 bytes.
  directory.set([HASH_BYTES, 2, 0, 12], 36);
  directory.writeBigUInt64BE(BigInt(textBytes), 72);
  directory.writeBigUInt64BE(BigInt(MAIN_BINARY), 80);
  return directory;
}
