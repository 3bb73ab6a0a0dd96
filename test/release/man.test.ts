import { expect, test } from "bun:test";
import { renderManPage } from "../../release/man.ts";
import manifest from "../../package.json" with { type: "json" };
import { listFlags } from "../../src/cli/flags.ts";
import { loadCommandPlaces } from "../helpers/command-table.ts";

const page = await renderManPage("2026-11-30");
const typed = (text: string): string => text.replaceAll("-", "\\-");

test("the page of the manual names its date and version, and has each command with each of its flags", async () => {
  expect(page).toStartWith(
    `.TH CH 1 "2026-11-30" "codex\\-helper ${typed(manifest.version)}" "User Commands"\n`,
  );
  const sections = new Map(page.split('\n.SS "').map((text) => [text.slice(0, text.indexOf('"')), text]));
  for (const { command, line } of await loadCommandPlaces()) {
    const section = sections.get(typed(line)) ?? "";
    const wanted = listFlags(command.args ?? {}).filter(({ isUnlisted }) => !isUnlisted);
    const missing = wanted.filter(({ spelling }) => !section.includes(typed(spelling)));
    expect({ line, hasSection: section !== "", missing }).toEqual({ line, hasSection: true, missing: [] });
  }
});

test("it holds nothing that groff or mandoc would take for something else", () => {
  const requests = new Set(page.split("\n").flatMap((line) => /^\.\w*/.exec(line)?.[0] ?? []));
  expect([...requests].toSorted()).toEqual([".B", ".BR", ".PP", ".SH", ".SS", ".TH", ".TP"]);
  const odd = page.split("\n").filter((line) => line.startsWith("'") || /[^\x20-\x7e]/.test(line));
  expect(odd).toEqual([]);
  // Only these are written with a backslash: a hyphen, a quote, a backslash, and a dot at the start.
  expect(page.replace(/\\(?:-|\(dq|e|&)/g, "")).not.toContain("\\");
});
