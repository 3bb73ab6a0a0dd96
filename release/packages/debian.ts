// A .deb made without Debian's tools, so that its bytes depend on the release alone. It runs no script when it is installed or
// removed: what is in it is all that it leaves, and nothing of it stays.
// The forms: deb(5), and https://www.debian.org/doc/debian-policy chapters 5 (control), 9 and 12 (files); lintian checks them.
import { createHash } from "node:crypto";
import { type Entry, gzip, makeTarGz } from "../archive.ts";
import { type Facts, NAME, PARAGRAPHS, SUMMARY } from "./facts.ts";
import { LICENCES, listTree } from "./tree.ts";

export const DEBIAN_ARCHITECTURES = [
  { architecture: "amd64", name: "linux-x64" },
  { architecture: "arm64", name: "linux-arm64" },
] as const;
/** What Bun's own binaries ask for. */
const DEPENDS = "libc6 (>= 2.17)";
const DOC = `usr/share/doc/${NAME}`;

/** `files`: what is in the archive's folder, by path. */
export async function makeDeb(
  facts: Facts,
  architecture: string,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<Uint8Array> {
  const entries = listFiles(facts, files);
  const sums = entries
    .filter(({ linkTo }) => linkTo === undefined)
    .map(({ data, path }) => `${createHash("md5").update(data).digest("hex")}  ${path}\n`);
  const kilobytes = entries.reduce((sum, { data }) => sum + Math.ceil(data.length / 1_024), 0);
  const control = [
    text("./control", renderControl(facts, architecture, kilobytes)),
    text("./md5sums", sums.join("")),
  ];
  const data = entries.map((entry) => ({ ...entry, path: `./${entry.path}` }));
  return makeAr(
    [
      { path: "debian-binary", data: new TextEncoder().encode("2.0\n") },
      { path: "control.tar.gz", data: await makeTarGz(withDirectories(control), facts.releasedSecs) },
      { path: "data.tar.gz", data: await makeTarGz(withDirectories(data), facts.releasedSecs) },
    ],
    facts.releasedSecs,
  );
}

/** A tilde sorts before nothing: a candidate comes before its release. */
export const debianVersion = ({ version }: Facts): string => version.replaceAll("-", "~");

function listFiles(facts: Facts, files: ReadonlyMap<string, Uint8Array>): readonly Entry[] {
  const read = (name: string): Uint8Array => {
    const data = files.get(name);
    if (data === undefined) throw new Error(`the archive has no ${name}`);
    return data;
  };
  const placed = listTree("vendor-completions").map(({ from, isProgram = false, linkTo, path }): Entry => {
    // Policy 12.1 and 12.7: manual pages and changelogs are compressed.
    const isCompressed = /\/man1\/|\/CHANGELOG/.test(path);
    const whole = `usr/${path}${isCompressed ? ".gz" : ""}`;
    if (from === undefined || linkTo !== undefined)
      return { path: whole, data: new Uint8Array(), linkTo: `${linkTo ?? ""}${isCompressed ? ".gz" : ""}` };
    return { path: whole, data: isCompressed ? gzip(read(from), 9) : read(from), isProgram };
  });
  return [
    ...placed,
    text(`${DOC}/copyright`, renderCopyright(facts, new TextDecoder().decode(read("LICENSE-MIT")))),
    { path: `${DOC}/changelog.gz`, data: gzip(new TextEncoder().encode(renderChangelog(facts)), 9) },
    { path: `${DOC}/${LICENCES[2]}.gz`, data: gzip(read(LICENCES[2]), 9) },
    text(`usr/share/lintian/overrides/${NAME}`, OVERRIDES),
  ];
}

/** With each directory before what is in it: dpkg makes none by itself. */
function withDirectories(entries: readonly Entry[]): Entry[] {
  const known = new Set<string>();
  return entries.flatMap((entry) => {
    const parts = entry.path.split("/").slice(0, -1);
    const directories = parts.map((_, index) => `${parts.slice(0, index + 1).join("/")}/`);
    const fresh = directories.filter((path) => !known.has(path) && known.add(path) !== undefined);
    return [...fresh.map((path) => ({ path, data: new Uint8Array() })), entry];
  });
}

function renderControl(facts: Facts, architecture: string, kilobytes: number): string {
  return `Package: ${NAME}
Version: ${debianVersion(facts)}
Architecture: ${architecture}
Maintainer: ${facts.maintainer}
Installed-Size: ${kilobytes}
Depends: ${DEPENDS}
Section: net
Priority: optional
Homepage: ${facts.homepage}
Description: ${SUMMARY}
${PARAGRAPHS.map((lines) => lines.map((line) => ` ${line}\n`).join("")).join(" .\n")}`;
}

function renderChangelog(facts: Facts): string {
  const date = new Date(facts.releasedSecs * 1_000).toUTCString().replace("GMT", "+0000");
  return `${NAME} (${debianVersion(facts)}) stable; urgency=medium

  * What is new stands in CHANGELOG.md.gz, in this directory.

 -- ${facts.maintainer}  ${date}
`;
}

function renderCopyright({ homepage, licence, maintainer }: Facts, mit: string): string {
  const holder = /^Copyright \(c\) (.*)$/m.exec(mit)?.[1] ?? "";
  const terms = mit.slice(mit.indexOf("Permission")).trimEnd();
  const indented = terms.split("\n").map((line) => (line === "" ? " ." : ` ${line}`));
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: ${NAME}
Upstream-Contact: ${maintainer}
Source: ${homepage}
Comment: The licences of what the program contains are in ${LICENCES[2]}.gz.

Files: *
Copyright: ${holder}
License: ${licence.replace("MIT", "Expat").replace(" OR ", " or ")}

License: Expat
${indented.join("\n")}

License: Apache-2.0
 On Debian systems, the full text of the Apache License version 2.0 is in
 /usr/share/common-licenses/Apache-2.0.
`;
}

const OVERRIDES = `# One file that holds its runtime and its own code; strip would cut the code off.
${NAME}: unstripped-binary-or-object [usr/bin/${NAME}]
# The runtime brings the libraries that it was tested with.
${NAME}: embedded-library *
# It is linked as Bun's authors link it.
${NAME}: hardening-no-bindnow *
${NAME}: hardening-no-pie *
${NAME}: hardening-no-relro *
${NAME}: spelling-error-in-binary *
# \`ch upgrade\` reads there which package brought it.
${NAME}: uses-dpkg-database-directly *
# It is not made for the archive of Debian.
${NAME}: initial-upload-closes-no-bugs *
`;

function text(path: string, words: string): Entry {
  return { path, data: new TextEncoder().encode(words) };
}

/** ar(5): a line of 60 bytes before each member, and each begins at an even place. */
function makeAr(entries: readonly Entry[], modifiedSecs: number): Uint8Array {
  const parts = entries.flatMap(({ data, path }) => {
    const fields = [path.padEnd(16), String(modifiedSecs).padEnd(12), "0     0     100644  "];
    const header = `${fields.join("")}${String(data.length).padEnd(10)}\`\n`;
    return [Buffer.from(header), data, Buffer.from(data.length % 2 === 0 ? "" : "\n")];
  });
  return Buffer.concat([Buffer.from("!<arch>\n"), ...parts]);
}
