// Makes the packages of a release that release/make.ts has made: nothing is built again, and whatever is downloaded later
// is an archive of SHA256SUMS.
// The .deb and .rpm files belong to the release: they go beside the archives and into SHA256SUMS, before that is signed.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { git } from "../../build.ts";
import manifest from "../../package.json" with { type: "json" };
import { nameDeb, nameRpm } from "../../src/app/upgrade/installations.ts";
import { RELEASE_FILE } from "../../src/app/upgrade/newest-release.ts";
import { readArchive } from "../archive.ts";
import { sha256 } from "../runtimes.ts";
import { runTool } from "../tool.ts";
import { makeAur } from "./arch.ts";
import { DEBIAN_ARCHITECTURES, makeDeb } from "./debian.ts";
import { type Archive, type Facts, NAME, findArchives, readFacts } from "./facts.ts";
import { makeFormula } from "./homebrew.ts";
import { makeFlake } from "./nix.ts";
import { makePlatformPackage, makeThinPackage, packageOf, tarballOf } from "./npm.ts";
import { RPM_ARCHITECTURES, makeRpm } from "./rpm.ts";
import { makeScoop, makeWinget } from "./windows.ts";

const ROOT = join(import.meta.dir, "../..");

const HELP = `Makes the packages of a release that release/make.ts has made and that is not signed yet: npm, Homebrew, Scoop, winget, AUR
and Nix in a directory of their own, .deb and .rpm beside the archives. Nothing is published.

  bun release/packages/make.ts --releases-url URL [--from DIR] [--out DIR] [--without-rpm]

  --releases-url URL   where the releases will be: https://HOST/OWNER/REPOSITORY/releases
  --from DIR           the release, instead of dist/release
  --out DIR            where to, instead of dist/packages; what is there is removed first
  --without-rpm        where there is no rpmbuild (Debian has it in its package "rpm")
  -h, --help           this
  -V, --version        the version of this source
`;

const OPTIONS = {
  from: { type: "string", default: join(ROOT, "dist/release") },
  out: { type: "string", default: join(ROOT, "dist/packages") },
  "releases-url": { type: "string", default: "" },
  "without-rpm": { type: "boolean", default: false },
} as const;

interface Options {
  /** The directory with the archives and SHA256SUMS. */
  readonly from: string;
  readonly out: string;
  readonly releasesUrl: string;
  readonly hasRpm: boolean;
}

/** The paths of what it has made. Throws where an archive is not the one that SHA256SUMS describes. */
export async function makePackages(options: Options): Promise<readonly string[]> {
  const { from, hasRpm, out } = options;
  const sumsFile = join(from, "SHA256SUMS");
  const { version } = JSON.parse(readFileSync(join(from, RELEASE_FILE), "utf8")) as {
    readonly version: string;
  };
  const facts = readFacts({
    manifest: { ...manifest, version },
    sums: readFileSync(sumsFile, "utf8"),
    releasesUrl: options.releasesUrl,
    releasedSecs: Number(git("log", "-1", "--format=%ct")),
  });
  rmSync(out, { recursive: true, force: true });
  const read = (archive: Archive) => readArchive(readChecked(from, archive), archive.folder);
  const made: string[] = [];
  const put = (path: string, data: Uint8Array | string): void => {
    mkdirSync(dirname(join(out, path)), { recursive: true });
    writeFileSync(join(out, path), data);
    made.push(join(out, path));
  };

  for (const [path, data] of Object.entries(makeManifests(facts))) put(path, data);
  const [first] = facts.archives;
  if (first !== undefined)
    put(`npm/${tarballOf(NAME, facts.version)}`, await makeThinPackage(facts, await read(first)));
  for (const archive of facts.archives) {
    const name = tarballOf(packageOf(archive), facts.version);
    put(`npm/${name}`, await makePlatformPackage(facts, archive, await read(archive)));
  }

  const added: Record<string, Uint8Array> = {};
  for (const { architecture, name } of DEBIAN_ARCHITECTURES)
    for (const archive of findArchives(facts, [name]))
      added[nameDeb(facts.version, architecture)] = await makeDeb(facts, architecture, await read(archive));
  if (hasRpm)
    for (const { architecture, name } of RPM_ARCHITECTURES)
      for (const archive of findArchives(facts, [name]))
        added[nameRpm(facts.version, architecture)] = makeRpm(facts, archive, {
          architecture,
          directory: from,
        });
  for (const [name, data] of Object.entries(added)) writeFileSync(join(from, name), data);
  addSums(sumsFile, added);
  return [...made, ...Object.keys(added).map((name) => join(from, name))];
}

/** The texts that name an archive by its address and its sum, by path. */
export function makeManifests(facts: Facts): Readonly<Record<string, string>> {
  const has = (...names: readonly string[]): boolean => findArchives(facts, names).length > 0;
  const [linux, macos] = [has("linux-x64", "linux-arm64"), has("darwin-x64", "darwin-arm64")];
  const under = (folder: string, files: Readonly<Record<string, string>>): Record<string, string> =>
    Object.fromEntries(Object.entries(files).map(([path, text]) => [`${folder}/${path}`, text]));
  return {
    ...((linux || macos) && {
      [`homebrew/${NAME}.rb`]: makeFormula(facts),
      "nix/flake.nix": makeFlake(facts),
    }),
    ...(linux && under("aur", makeAur(facts))),
    ...(has("windows-x64", "windows-arm64") && {
      [`scoop/${NAME}.json`]: makeScoop(facts),
      ...under("winget", makeWinget(facts)),
    }),
  };
}

function readChecked(directory: string, { file, sha256: wanted }: Archive): Uint8Array {
  const data = readFileSync(join(directory, file));
  if (sha256(data) !== wanted) throw new Error(`${file} is not the file that SHA256SUMS describes`);
  return data;
}

function addSums(file: string, added: Readonly<Record<string, Uint8Array>>): void {
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !Object.hasOwn(added, line.slice(66)));
  const fresh = Object.entries(added).map(([name, data]) => `${sha256(data)}  ${name}`);
  writeFileSync(file, [...lines, ...fresh, ""].join("\n"));
}

if (import.meta.main)
  await runTool(HELP, OPTIONS, async ({ values }) => {
    const made = await makePackages({
      from: resolve(values.from),
      out: resolve(values.out),
      releasesUrl: values["releases-url"],
      hasRpm: !values["without-rpm"],
    });
    process.stdout.write(`${made.join("\n")}\n`);
  });
