// docs/packs.md and the list of packs in docs/filter.md, made from the packs. `bun test/filter/pack-table.ts` writes them anew.
import { join } from "node:path";
import { inEnglish } from "../../src/base/text.ts";
import { PACK_NAMES, PACK_WORDS, type PackName, loadPack, targetOf } from "../../src/filter/packs.ts";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

const LIST_PATH = join(import.meta.dir, "../../docs/filter.md");
const PATTERNS_PATH = join(import.meta.dir, "../../docs/packs.md");
const MARKS = ["<!-- the table of packs: begin -->", "<!-- the table of packs: end -->"] as const;

/** Each file with what it is to be. */
export const PACK_DOCS = [
  { path: LIST_PATH, rewrite: withPackList },
  { path: PATTERNS_PATH, rewrite: withPatterns },
] as const;

function withPackList(text: string): string {
  const rows = PACK_NAMES.map((name) => [
    `[\`${name}\`](packs.md#${name})`,
    `${loadPack(name).patterns.length}`,
    inEnglish(PACK_WORDS[name]),
  ]);
  return replaceBetween(text, MARKS, makeMarkdownTable([["pack", "patterns", "what it takes"], ...rows]));
}

function withPatterns(text: string): string {
  return replaceBetween(text, MARKS, PACK_NAMES.map(describePack).join("\n\n"));
}

function describePack(name: PackName): string {
  const pack = loadPack(name);
  const rows = pack.patterns.map((pattern) => [
    pattern.name,
    showCode(pattern.examples[0] ?? ""),
    showCode(targetOf(name, pack, pattern)),
    pattern.source.replace(/^https:\S+/, "<$&>"),
  ]);
  const table = makeMarkdownTable([["pattern", "example", "replaced by", "described in"], ...rows]);
  return `## ${name}\n\nTakes ${inEnglish(PACK_WORDS[name])}.\n\n${table}`;
}

function showCode(text: string): string {
  return `\`${text.replaceAll("\n", "⏎").replaceAll("\t", " ")}\``;
}

if (import.meta.main)
  for (const { path, rewrite } of PACK_DOCS) await Bun.write(path, rewrite(await Bun.file(path).text()));
