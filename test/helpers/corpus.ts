// What every corpus of recorded-like answers has in common: a file names its public source, no source gives more than a few,
// and a third is not looked at while the rules are written.
import { join } from "node:path";
import * as z from "zod/mini";

const MAX_OF_ONE_SOURCE = 5;
/** A file of this share is not to be looked at before the rules that it tests are written. */
const SET_ASIDE_SHARE = 3;

export const publicUrl = z.string().check(z.regex(/^https:\/\/\S+\/\S+$/));

/** All files of a directory, in order. */
export async function readCorpus<File>(
  directory: string,
  read: (file: string, text: string) => File,
): Promise<File[]> {
  const names = [...new Bun.Glob("*.json").scanSync(directory)].toSorted();
  return Promise.all(names.map(async (file) => read(file, await Bun.file(join(directory, file)).text())));
}

/** Throws where too many files are made from one source. */
export function checkSources<File>(files: readonly File[], sourceOf: (file: File) => string): void {
  for (const [source, of] of Map.groupBy(files, sourceOf))
    if (of.length > MAX_OF_ONE_SOURCE)
      throw new Error(`${of.length} answers are made from ${source}, more than ${MAX_OF_ONE_SOURCE}`);
}

export function isSetAside(file: string): boolean {
  return new Bun.CryptoHasher("sha256").update(file).digest().readUInt32BE(0) % SET_ASIDE_SHARE === 0;
}
