// Packs files into a .tar.gz or a .zip whose bytes depend on the files alone: no clock, no user, no order of a directory,
// and no zlib of the machine's own, which may compress differently on another processor.
import { gunzipSync } from "node:zlib";
import { type Zippable, gzipSync, unzipSync, zipSync } from "fflate";
import { packTar, unpackTar } from "modern-tar";

export interface Entry {
  /** With forward slashes, at most 100 bytes: BusyBox knows no extension of tar for more. Ends in one: a directory; tar only. */
  readonly path: string;
  readonly data: Uint8Array;
  readonly isProgram?: boolean;
  /** Makes it a symbolic link to this name in the same directory; tar only. */
  readonly linkTo?: string;
}

const PROGRAM_MODE = 0o755;
const FILE_MODE = 0o644;
const REGULAR_FILE = 0o100000;
/** In a zip: the upper half of the attributes is a file mode. */
const MADE_ON_UNIX = 3;

/** `modifiedSecs`: what every file's date says, Unix time in s. */
export async function makeTarGz(entries: readonly Entry[], modifiedSecs: number): Promise<Uint8Array> {
  const long = entries.find(({ path }) => Buffer.byteLength(path) > 100);
  if (long !== undefined) throw new Error(`too long a name for a tar archive: ${long.path}`);
  const common = { mtime: new Date(modifiedSecs * 1_000), uid: 0, gid: 0 };
  const tar = await packTar(
    entries.map(({ data, isProgram, linkTo, path: name }) => {
      const isDirectory = name.endsWith("/");
      const header = {
        ...common,
        name,
        mode: isProgram === true || isDirectory ? PROGRAM_MODE : FILE_MODE,
        size: data.length,
      };
      if (isDirectory) return { header: { ...header, type: "directory" } };
      return linkTo === undefined
        ? { header, body: data }
        : { header: { ...header, type: "symlink", linkname: linkTo } };
    }),
  );
  return gzip(tar);
}

/** Without a name and a date. */
export function gzip(data: Uint8Array, level: 6 | 9 = 6): Uint8Array {
  return gzipSync(data, { mtime: 0, level });
}

/** As above; a zip knows no time before 1980. */
export function makeZip(entries: readonly Entry[], modifiedSecs: number): Uint8Array {
  const mtime = localNoon(Math.max(modifiedSecs * 1_000, Date.UTC(1980)));
  const files = entries.map(({ data, isProgram, path }): [string, Zippable[string]] => {
    const mode = REGULAR_FILE | (isProgram === true ? PROGRAM_MODE : FILE_MODE);
    return [path, [data, { mtime, os: MADE_ON_UNIX, attrs: mode << 16 }]];
  });
  return zipSync(Object.fromEntries(files));
}

/** The files of an archive of ours, .tar.gz or .zip, by their path below `folder`; links are left out. */
export async function readArchive(archive: Uint8Array, folder: string): Promise<Map<string, Uint8Array>> {
  const isZip = archive[0] === 0x50;
  const files = isZip
    ? Object.entries(unzipSync(archive))
    : (await unpackTar(gunzipSync(archive)))
        .filter(({ header }) => header.type === "file")
        .map(({ data, header }) => [header.name, data ?? new Uint8Array()] as const);
  return new Map(files.map(([path, data]) => [path.slice(folder.length + 1), data]));
}

/** Of the same day in UTC: a zip holds local times, and noon is the hour that every time zone has on every day. */
function localNoon(timestampMs: number): Date {
  const date = new Date(timestampMs);
  return new Date(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), 12);
}
