// Makes a release in dist/release: an archive for each platform, the install scripts, and SHA256SUMS.
//   bun release/make.ts [--releases-url URL] [PLATFORM ...]      all platforms when none is named
// The same commit gives the same bytes, on whatever machine. URL is where the scripts will look for releases.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { build, git, WINDOWS_LAUNCHER } from "../build.ts";
import { type Entry, makeTarGz, makeZip } from "./archive.ts";
import { type Platform, PLATFORMS } from "./platforms.ts";
import { collectLicences } from "./third-party.ts";

const ROOT = join(import.meta.dir, "..");
const OUT = join(ROOT, "dist/release");
const DOCUMENTS = ["README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
/** The line of both install scripts that says where they come from. */
const HOME_LINE = /^(\$?releases ?= ?)''$/im;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { "releases-url": { type: "string", default: "" } },
});
const sums: string[] = [];

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
const extras = collectExtras();
for (const platform of choosePlatforms(positionals)) {
  const workshop = join(OUT, ".binary");
  build(platform.target, workshop);
  const name = `codex-helper-${platform.name}`;
  put(`${name}.${platform.archive}`, pack(platform, name, workshop));
  rmSync(workshop, { recursive: true });
}
for (const script of ["install.sh", "install.ps1"]) put(script, stamp(script, values["releases-url"]));
writeFileSync(join(OUT, "SHA256SUMS"), sums.join(""));

function choosePlatforms(names: readonly string[]): readonly Platform[] {
  const chosen = PLATFORMS.filter(({ name }) => names.length === 0 || names.includes(name));
  if (names.length > chosen.length) {
    throw new Error(`platforms are: ${PLATFORMS.map(({ name }) => name).join(", ")}`);
  }
  return chosen;
}

/** What lies beside the program in every archive. */
function collectExtras(): Entry[] {
  const text = (path: string, words: string): Entry => ({ path, data: new TextEncoder().encode(words) });
  return [
    ...DOCUMENTS.map((name) => text(name, readFileSync(join(ROOT, name), "utf8"))),
    text("LICENSES-THIRD-PARTY", collectLicences(ROOT)),
  ];
}

function pack({ archive }: Platform, folder: string, workshop: string): Uint8Array {
  const isZip = archive === "zip";
  const program = isZip ? "codex-helper.exe" : "codex-helper";
  const shortName: Entry = isZip
    ? { path: "ch.cmd", data: new TextEncoder().encode(WINDOWS_LAUNCHER) }
    : { path: "ch", data: new Uint8Array(), linkTo: program };
  const entries = [
    { path: program, data: readFileSync(join(workshop, program)), isProgram: true },
    shortName,
    ...extras,
  ].map((entry) => ({ ...entry, path: `${folder}/${entry.path}` }));
  const modifiedSecs = Number(git("log", "-1", "--format=%ct"));
  return isZip ? makeZip(entries, modifiedSecs) : makeTarGz(entries, modifiedSecs);
}

/** The script as it is released: it knows the address that it was downloaded from. */
function stamp(script: string, releasesUrl: string): Uint8Array {
  const text = readFileSync(join(ROOT, script), "utf8");
  if (!HOME_LINE.test(text)) throw new Error(`${script} has no line for the address of the releases`);
  return new TextEncoder().encode(text.replace(HOME_LINE, `$1'${releasesUrl}'`));
}

function put(name: string, data: Uint8Array): void {
  writeFileSync(join(OUT, name), data);
  sums.push(`${new Bun.CryptoHasher("sha256").update(data).digest("hex")}  ${name}\n`);
  process.stdout.write(`${name.padEnd(38)} ${(data.length / 2 ** 20).toFixed(1).padStart(6)} MiB\n`);
}
