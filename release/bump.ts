// Gives the next version to every file that says one, and makes CHANGELOG's Unreleased section the section of that version. Typed again
// before the tag, it adds what came since, and sets the day anew.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compareVersions } from "../src/base/version.ts";
import { runTool } from "./tool.ts";

const ROOT = join(import.meta.dir, "..");
const HELP = `Gives a version to every file that says one, and to what is unreleased in CHANGELOG.md.

  bun release/bump.ts VERSION [--date DATE]

  VERSION        as 1.2.3, or 1.2.3-rc.1; not older than the present one
  --date DATE    of the release, as 2026-12-24, instead of today
  -h, --help     this
  -V, --version  the present version
`;

/** Every file that says which version this is, with the text around it. A test finds those that are missing here. */
export const PLACES: Readonly<Record<string, RegExp>> = {
  "package.json": /(?<=^ {2}"version": ")[^"]+/m,
  "docs/top.md": /(?<=\bch )\d+\.\d+\.\d+\S*/,
  ".github/ISSUE_TEMPLATE/bug.yml": /(?<=codex-helper )\d+\.\d+\.\d+[^\s,]*/,
  ".github/ISSUE_TEMPLATE/relay.yml": /(?<=codex-helper )\d+\.\d+\.\d+[^\s,]*/,
};

const VERSION_FORM = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Throws where nothing is unreleased and there is no section of the version either. */
export function bumpChangelog(text: string, version: string, day: string): string {
  const [preface = "", ...sections] = text.split(/^(?=## )/m);
  const bodyOf = (section: string | undefined): string => section?.slice(section.indexOf("\n")).trim() ?? "";
  const isOf = (name: string) => (section: string) => section.split(/\s+/)[1] === name;
  const fresh = bodyOf(sections.find(isOf("Unreleased")));
  const prepared = bodyOf(sections.find(isOf(version)));
  if (fresh === "" && prepared === "") throw new Error("CHANGELOG.md says nothing that is unreleased");
  const body = prepared === "" ? fresh : mergeNotes(prepared, fresh);
  const others = sections.filter((section) => !isOf("Unreleased")(section) && !isOf(version)(section));
  return `${preface}${["## Unreleased\n\n", `## ${version} - ${day}\n\n${body}\n${others.length > 0 ? "\n" : ""}`, ...others].join("")}`;
}

/** What is under a heading of both goes under it once, the older first; a heading that is new comes last in its own. */
function mergeNotes(older: string, newer: string, level = 3): string {
  if (newer === "") return older;
  if (level > 4) return `${older}\n${newer}`.trim();
  const parts = new Map<string, string>();
  const mark = "#".repeat(level);
  for (const text of [older, newer])
    for (const part of text.split(new RegExp(`^(?=${mark} )`, "m"))) {
      const heading = part.startsWith(`${mark} `) ? (part.split("\n", 1)[0] ?? "") : "";
      const body = part.slice(heading.length).trim();
      parts.set(heading, mergeNotes(parts.get(heading) ?? "", body, level + 1));
    }
  return [...parts]
    .filter(([, body]) => body !== "")
    .map(([heading, body]) => (heading === "" ? body : `${heading}\n\n${body}`))
    .join("\n\n");
}

/** Throws where it says no version, or the pattern no longer fits. */
export function bumpFile(path: string, text: string, version: string): string {
  const place = PLACES[path];
  if (place?.test(text) !== true)
    throw new Error(`${path} says no version any more: see PLACES in release/bump.ts`);
  return text.replace(place, version);
}

if (import.meta.main) {
  await runTool(HELP, { date: { type: "string" } }, ({ positionals, values }) => {
    const [version = "", ...more] = positionals;
    const day = values.date ?? new Date().toISOString().slice(0, 10);
    if (!VERSION_FORM.test(version) || more.length > 0) throw new Error("type one version, as 1.2.3");
    if (!DAY.test(day)) throw new Error(`not a day: ${day}`);
    const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");
    const present = PLACES["package.json"]?.exec(read("package.json"))?.[0] ?? "";
    if (compareVersions(version, present) < 0) throw new Error(`${version} is older than ${present}`);
    // All or nothing: everything is made before anything is written.
    const made = Object.keys(PLACES).map((path) => [path, bumpFile(path, read(path), version)] as const);
    const changelog = ["CHANGELOG.md", bumpChangelog(read("CHANGELOG.md"), version, day)] as const;
    for (const [path, text] of [...made, changelog]) writeFileSync(join(ROOT, path), text);
    process.stdout.write(`${present} -> ${version}, ${day}. Next, after a commit:\n  git tag v${version}\n`);
  });
}
