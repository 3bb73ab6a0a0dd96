// Packs files into a .tar.gz or a .zip whose bytes depend on the files alone: no clock, no user, no order of a directory.
// Formats: POSIX.1-1988 ustar; PKWARE APPNOTE 6.3.10 without ZIP64.
import { crc32, deflateRawSync, gzipSync } from "node:zlib";

export interface Entry {
  /** With forward slashes, at most 100 bytes. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly isProgram?: boolean;
  /** Makes it a symbolic link to this name in the same directory; tar only. */
  readonly linkTo?: string;
}

const BLOCK = 512;
const PROGRAM_MODE = 0o755;
const FILE_MODE = 0o644;

/** `modifiedSecs`: what every file's date says, Unix time in s. */
export function makeTarGz(entries: readonly Entry[], modifiedSecs: number): Uint8Array {
  const blocks = entries.flatMap((entry) => [
    makeTarHeader(entry, modifiedSecs),
    entry.data,
    new Uint8Array(-entry.data.length & (BLOCK - 1)),
  ]);
  return gzipSync(Buffer.concat([...blocks, new Uint8Array(2 * BLOCK)]));
}

function makeTarHeader({ path, data, isProgram, linkTo }: Entry, modifiedSecs: number): Uint8Array {
  const header = Buffer.alloc(BLOCK);
  const octal = (value: number, at: number, length: number): void => {
    header.write(value.toString(8).padStart(length - 1, "0"), at, "latin1");
  };
  if (Buffer.byteLength(path) > 100) throw new Error(`too long a name for a tar archive: ${path}`);
  header.write(path, 0, "utf8");
  octal(isProgram === true ? PROGRAM_MODE : FILE_MODE, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(data.length, 124, 12);
  octal(modifiedSecs, 136, 12);
  header.fill(" ", 148, 156);
  header.write(linkTo === undefined ? "0" : "2", 156, "latin1");
  header.write(linkTo ?? "", 157, "utf8");
  header.write("ustar\x0000", 257, "latin1");
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}

/** `modifiedSecs` as above; a zip knows no time before 1980 and no seconds but even ones. */
export function makeZip(entries: readonly Entry[], modifiedSecs: number): Uint8Array {
  const local: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  for (const entry of entries) {
    const name = Buffer.from(entry.path);
    const packed = deflateRawSync(entry.data);
    const facts = makeZipFacts({ entry, packedLength: packed.length, nameLength: name.length, modifiedSecs });
    local.push(Buffer.from([0x50, 0x4b, 3, 4]), facts, name, packed);
    central.push(makeCentralRecord(entry, facts, offset), name);
    offset += 4 + facts.length + name.length + packed.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...local, directory, end]);
}

interface ZipFacts {
  readonly entry: Entry;
  readonly packedLength: number;
  readonly nameLength: number;
  readonly modifiedSecs: number;
}

/** What a local header and the central record both say of a file, from "version needed" to the length of the extra field. */
function makeZipFacts({ entry, packedLength, nameLength, modifiedSecs }: ZipFacts): Uint8Array {
  const date = new Date(Math.max(modifiedSecs * 1_000, Date.UTC(1980)));
  const facts = Buffer.alloc(26);
  facts.writeUInt16LE(20, 0);
  facts.writeUInt16LE(0x0800, 2);
  facts.writeUInt16LE(8, 4);
  facts.writeUInt16LE(
    (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1),
    6,
  );
  facts.writeUInt16LE(
    ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate(),
    8,
  );
  facts.writeUInt32LE(crc32(entry.data), 10);
  facts.writeUInt32LE(packedLength, 14);
  facts.writeUInt32LE(entry.data.length, 18);
  facts.writeUInt16LE(nameLength, 22);
  return facts;
}

function makeCentralRecord(entry: Entry, facts: Uint8Array, offset: number): Uint8Array {
  const record = Buffer.alloc(46);
  record.write("PK\x01\x02", "latin1");
  // Made on Unix: the upper half of the attributes is a file mode.
  record.writeUInt16LE((3 << 8) | 20, 4);
  record.set(facts, 6);
  record.writeUInt32LE((0o100000 | (entry.isProgram === true ? PROGRAM_MODE : FILE_MODE)) * 0x10000, 38);
  record.writeUInt32LE(offset, 42);
  return record;
}
