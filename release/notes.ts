// Prints the changelog's section of a version: `bun release/notes.ts v1.2.3`. Fails where the tag, package.json and the
// changelog do not agree, and where there is no key to sign with, so that a wrong tag releases nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import keys from "./keys.json";

const ROOT = join(import.meta.dir, "..");

/** The text under "## VERSION" or "## VERSION - DATE", without the heading. Throws where there is none. */
export function findNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const section = sections.find((text) => text.split(/\s/, 1)[0] === version);
  const notes = section?.slice(section.indexOf("\n")).trim();
  if (notes === undefined || notes === "") throw new Error(`CHANGELOG.md says nothing of ${version}`);
  return `${notes}\n`;
}

if (import.meta.main) {
  const tag = process.argv[2] ?? "";
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  if (tag !== `v${version}`) throw new Error(`the tag is ${tag}, but package.json says ${version}`);
  if (keys.length === 0) {
    throw new Error("release/keys.json has no key to sign a release with: bun release/keys.ts new NAME FILE");
  }
  process.stdout.write(findNotes(readFileSync(join(ROOT, "CHANGELOG.md"), "utf8"), version));
}
