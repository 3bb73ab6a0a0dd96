// Packages for npm: a thin one with both names of the program, and one for each platform that holds the binary and is an
// optional dependency with "os", "cpu" and "libc", so that npm takes the right one. No package runs anything at installation.
// The form: https://docs.npmjs.com/cli/configuring-npm/package-json
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Entry, makeTarGz } from "../archive.ts";
import { type Archive, COMMANDS, type Facts, NAME, SUMMARY } from "./facts.ts";
import { LICENCES } from "./tree.ts";

const LAUNCHER = join(import.meta.dir, "launch.cjs");
/** What the launcher is tried with. */
const NODE = ">=18";
const KEYWORDS = ["codex", "claude-code", "proxy", "failover", "cli"];

export const packageOf = ({ platform }: Archive): string => `@${NAME}/${platform.name}`;
/** As `npm pack` calls it. */
export const tarballOf = (name: string, version: string): string =>
  `${name.replace(/^@/, "").replace("/", "-")}-${version}.tgz`;

/** `files`: what is in any archive's folder, by path. */
export function makeThinPackage(facts: Facts, files: ReadonlyMap<string, Uint8Array>): Promise<Uint8Array> {
  const { archives, version } = facts;
  const manifest = {
    ...describe(facts, NAME),
    keywords: KEYWORDS,
    engines: { node: NODE },
    bin: Object.fromEntries(COMMANDS.map((name) => [name, `${name}.js`])),
    man: ["man/ch.1"],
    optionalDependencies: Object.fromEntries(archives.map((archive) => [packageOf(archive), version])),
  };
  return pack(facts, [
    json("package.json", manifest),
    ...COMMANDS.map((name) => ({ ...text(`${name}.js`, startAs(name)), isProgram: true })),
    { path: "launch.cjs", data: readFileSync(LAUNCHER) },
    ...["README.md", "README.zh-CN.md", ...LICENCES, "man/ch.1"].map((path) => copy(files, path)),
  ]);
}

/** `files`: what is in its archive's folder. */
export function makePlatformPackage(
  facts: Facts,
  archive: Archive,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Uint8Array> {
  const [system = "", cpu = "", libc = "glibc"] = archive.platform.name.split("-");
  const program = system === "windows" ? `${NAME}.exe` : NAME;
  const manifest = {
    ...describe(facts, packageOf(archive)),
    os: [system === "windows" ? "win32" : system],
    cpu: [cpu],
    ...(system === "linux" && { libc: [libc] }),
    // For Yarn, which else leaves it in its zip, where nothing can be started.
    preferUnplugged: true,
  };
  return pack(facts, [
    json("package.json", manifest),
    text("README.md", `The program of [${NAME}](${facts.homepage}) for ${archive.platform.name}.\n`),
    { ...copy(files, program), path: `bin/${program}`, isProgram: true },
    ...LICENCES.map((path) => copy(files, path)),
  ]);
}

function describe({ homepage, licence, version }: Facts, name: string) {
  return {
    name,
    version,
    description: SUMMARY,
    license: licence,
    homepage,
    repository: { type: "git", url: `git+${homepage}.git` },
    // Without it npm takes a name with a scope for a private one.
    publishConfig: { access: "public" },
  };
}

const startAs = (name: string): string =>
  `#!/usr/bin/env node\n"use strict";\nrequire("./launch.cjs")("${name}");\n`;

function pack({ releasedSecs }: Facts, entries: readonly Entry[]): Promise<Uint8Array> {
  return makeTarGz(
    entries.map((entry) => ({ ...entry, path: `package/${entry.path}` })),
    releasedSecs,
  );
}

function copy(files: ReadonlyMap<string, Uint8Array>, path: string): Entry {
  const data = files.get(path);
  if (data === undefined) throw new Error(`the archive has no ${path}`);
  return { path, data };
}

function text(path: string, words: string): Entry {
  return { path, data: new TextEncoder().encode(words) };
}

function json(path: string, value: object): Entry {
  return text(path, `${JSON.stringify(value, null, 2)}\n`);
}
