// Makes a release: an archive for each platform, the install scripts, and SHA256SUMS.
//   bun release/make.ts [--out DIR] [--releases-url URL] [PLATFORM ...]
// DIR is dist/release, all platforms are made when none is named. URL is where the scripts will look for releases.
// The same commit gives the same bytes, on whatever machine.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, git, WINDOWS_LAUNCHER } from "../build.ts";
import manifest from "../package.json" with { type: "json" };
import { RELEASE_FILE } from "../src/app/upgrade/newest-release.ts";
import { type Entry, makeTarGz, makeZip } from "./archive.ts";
import { type Platform, PLATFORMS } from "./platforms.ts";
import { collectLicences } from "./third-party.ts";

const ROOT = join(import.meta.dir, "..");
const DOCUMENTS = ["README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
const COMPLETIONS = { bash: "ch.bash", zsh: "_ch", fish: "ch.fish", powershell: "ch.ps1" };
/** The line of both install scripts that says where they come from. */
const HOME_LINE = /^(\$?releases ?= ?)''$/im;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: "string", default: join(ROOT, "dist/release") },
    "releases-url": { type: "string", default: "" },
  },
});
const out = resolve(values.out);
const sums: string[] = [];

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const extras = collectExtras();
for (const platform of choosePlatforms(positionals)) {
  const buildDirectory = join(out, ".binary");
  build(platform.target, buildDirectory, values["releases-url"]);
  const name = `codex-helper-${platform.name}`;
  publish(`${name}.${platform.archive}`, await pack(platform, name, buildDirectory));
  rmSync(buildDirectory, { recursive: true });
}
for (const script of ["install.sh", "install.ps1"]) publish(script, stamp(script, values["releases-url"]));
publish(RELEASE_FILE, new TextEncoder().encode(`${JSON.stringify({ version: manifest.version })}\n`));
writeFileSync(join(out, "SHA256SUMS"), sums.join(""));

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
    ...Object.entries(COMPLETIONS).map(([shell, file]) => text(`completions/${file}`, complete(shell))),
  ];
}

function complete(shell: string): string {
  const { exitCode, stdout } = Bun.spawnSync(
    [process.execPath, join(ROOT, "src/main.ts"), "completion", shell],
    { stderr: "inherit", env: { ...process.env, CODEX_HELPER_LANG: "en" } },
  );
  if (exitCode !== 0) throw new Error(`there are no completions for ${shell}`);
  return stdout.toString();
}

async function pack({ archive }: Platform, folder: string, buildDirectory: string): Promise<Uint8Array> {
  const isZip = archive === "zip";
  const program = isZip ? "codex-helper.exe" : "codex-helper";
  const shortName: Entry = isZip
    ? { path: "ch.cmd", data: new TextEncoder().encode(WINDOWS_LAUNCHER) }
    : { path: "ch", data: new Uint8Array(), linkTo: program };
  const entries = [
    { path: program, data: readFileSync(join(buildDirectory, program)), isProgram: true },
    shortName,
    ...extras,
  ].map((entry) => ({ ...entry, path: `${folder}/${entry.path}` }));
  const modifiedSecs = Number(git("log", "-1", "--format=%ct"));
  return isZip ? makeZip(entries, modifiedSecs) : await makeTarGz(entries, modifiedSecs);
}

/** The script as it is released: it knows the address that it was downloaded from. */
function stamp(script: string, releasesUrl: string): Uint8Array {
  const text = readFileSync(join(ROOT, script), "utf8");
  if (!HOME_LINE.test(text)) throw new Error(`${script} has no line for the address of the releases`);
  return new TextEncoder().encode(text.replace(HOME_LINE, `$1'${releasesUrl}'`));
}

function publish(name: string, data: Uint8Array): void {
  writeFileSync(join(out, name), data);
  sums.push(`${new Bun.CryptoHasher("sha256").update(data).digest("hex")}  ${name}\n`);
  process.stdout.write(`${name.padEnd(38)} ${(data.length / 1_000).toFixed(0).padStart(6)} kB\n`);
}
