// Makes a release: an archive for each platform, the install scripts, the bill of materials, and SHA256SUMS of them.
// The same commit gives the same bytes, on whatever machine. sign.ts signs it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { build, git, WINDOWS_LAUNCHER } from "../build.ts";
import manifest from "../package.json" with { type: "json" };
import { RELEASE_FILE } from "../src/app/upgrade/newest-release.ts";
import { type Entry, makeTarGz, makeZip } from "./archive.ts";
import keys from "./keys.json";
import { renderManPage } from "./man.ts";
import { type Platform, PLATFORMS } from "./platforms.ts";
import { findRuntime, sha256 } from "./runtimes.ts";
import { makeSbom } from "./sbom.ts";
import { stampScript, versionedName } from "./signing.ts";
import { collectLicences } from "./third-party.ts";
import { runTool } from "./tool.ts";

const ROOT = join(import.meta.dir, "..");
const DOCUMENTS = ["README.md", "README.zh-CN.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"];
const COMPLETIONS = { bash: "ch.bash", zsh: "_ch", fish: "ch.fish", powershell: "ch.ps1" };
const HELP = `Makes a release: an archive for each platform, the install scripts, the bill of materials, and SHA256SUMS of them.

  bun release/make.ts [--out DIR] [--releases-url URL] [PLATFORM ...]

  --out DIR            where to, instead of dist/release; what is there is removed first
  --releases-url URL   where the install scripts look for releases
  -h, --help           this
  -V, --version        the version that a release is made of
  PLATFORM             ${PLATFORMS.map(({ name }) => name).join(", ")}; all if none is named

What it makes has no signature, so that the install scripts refuse it: bun release/sign.ts
`;

const OPTIONS = {
  out: { type: "string", default: join(ROOT, "dist/release") },
  "releases-url": { type: "string", default: "" },
} as const;

await runTool(HELP, OPTIONS, ({ positionals, values }) =>
  makeRelease(choosePlatforms(positionals), resolve(values.out), values["releases-url"]),
);

async function makeRelease(platforms: readonly Platform[], out: string, releasesUrl: string): Promise<void> {
  rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
  const sums: string[] = [];
  const publish = (name: string, data: Uint8Array | string): void => {
    const bytes = Buffer.from(data);
    writeFileSync(join(out, name), bytes);
    sums.push(`${sha256(bytes)}  ${name}\n`);
    process.stdout.write(`${name.padEnd(38)} ${(bytes.length / 1_000).toFixed(0).padStart(6)} kB\n`);
  };

  const extras = await collectExtras();
  for (const platform of platforms) {
    const buildDirectory = join(out, ".binary");
    build(platform.target, buildDirectory, {
      releases: releasesUrl,
      runtime: await findRuntime(platform.target),
    });
    const name = `codex-helper-${platform.name}`;
    const program = readFileSync(join(buildDirectory, programOf(platform)));
    publish(`${name}.${platform.archive}`, await pack(platform, name, program, extras));
    rmSync(buildDirectory, { recursive: true });
  }
  for (const script of ["install.sh", "install.ps1"]) {
    const text = readFileSync(join(ROOT, script), "utf8");
    publish(script, stampScript(text, { releasesUrl, version: manifest.version, keys }));
  }
  publish(RELEASE_FILE, `${JSON.stringify({ version: manifest.version })}\n`);
  const made = { commit: git("rev-parse", "HEAD"), madeAt: new Date(commitSecs() * 1_000).toISOString() };
  publish(versionedName(manifest.version), `${JSON.stringify(makeSbom(ROOT, made), null, 2)}\n`);
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
}

function choosePlatforms(names: readonly string[]): readonly Platform[] {
  const chosen = PLATFORMS.filter(({ name }) => names.length === 0 || names.includes(name));
  if (names.length > chosen.length) {
    throw new Error(`platforms are: ${PLATFORMS.map(({ name }) => name).join(", ")}`);
  }
  return chosen;
}

/** What lies beside the program in every archive. */
async function collectExtras(): Promise<readonly Entry[]> {
  const text = (path: string, words: string): Entry => ({ path, data: new TextEncoder().encode(words) });
  return [
    ...DOCUMENTS.map((name) => text(name, readFileSync(join(ROOT, name), "utf8"))),
    text("LICENSES-THIRD-PARTY", collectLicences(ROOT)),
    text("man/ch.1", await renderManPage(git("log", "-1", "--format=%cs"))),
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

function programOf({ archive }: Platform): string {
  return archive === "zip" ? "codex-helper.exe" : "codex-helper";
}

async function pack(
  platform: Platform,
  folder: string,
  program: Uint8Array,
  extras: readonly Entry[],
): Promise<Uint8Array> {
  const isZip = platform.archive === "zip";
  const shortName: Entry = isZip
    ? { path: "ch.cmd", data: new TextEncoder().encode(WINDOWS_LAUNCHER) }
    : { path: "ch", data: new Uint8Array(), linkTo: programOf(platform) };
  const entries = [{ path: programOf(platform), data: program, isProgram: true }, shortName, ...extras].map(
    (entry) => ({ ...entry, path: `${folder}/${entry.path}` }),
  );
  return isZip ? makeZip(entries, commitSecs()) : await makeTarGz(entries, commitSecs());
}

/** Unix time in s; 0 outside of a repository. */
function commitSecs(): number {
  return Number(git("log", "-1", "--format=%ct"));
}
