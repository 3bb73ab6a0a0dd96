import { describe, expect, test } from "bun:test";
import { statSync } from "node:fs";
import fc from "fast-check";
import { readSession } from "../../src/sessions/facts.ts";
import { makeNeedle, type SearchHit, searchSession } from "../../src/sessions/search.ts";
import {
  makeFormats,
  makeRollout,
  makeSessionId,
  makeTranscript,
  putFile,
} from "../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const AT = Date.UTC(2026, 10, 20, 12);
const shape = { id: makeSessionId(AT), cwd: "/code/app", at: AT, prompts: ["ask"] };

function search(home: TempHome, content: string, text: string, mindsCase = false): SearchHit[] {
  const path = putFile(`${home.path}/a.jsonl`, content, AT);
  const service = content.includes("session_meta") ? "codex" : "claude";
  const file = {
    format: makeFormats(home.paths)[service],
    path,
    id: null,
    modifiedAt: AT,
    bytes: statSync(path).size,
    isArchived: false,
    isSubagent: false,
  };
  return [...searchSession(readSession(file), makeNeedle(text, mindsCase))];
}

describe("a search in a session", () => {
  test("finds any text that a message holds, in both clients' files, at its place", () => {
    using home = makeTempHome();
    const words = fc
      .string({ minLength: 1, maxLength: 30, unit: "grapheme" })
      .filter((text) => text.trim() !== "");
    fc.assert(
      fc.property(words, fc.constantFrom(makeRollout, makeTranscript), (needle, make) => {
        const answer = `before\nleft ${needle} right\nafter`;
        const [hit, ...more] = search(home, make({ ...shape, answer }), needle, true);
        expect(more).toEqual([]);
        expect(hit?.line.slice(hit.start, hit.start + hit.length)).toBe(needle);
      }),
      { numRuns: 100 },
    );
  });

  test("takes upper and lower case for one, unless told otherwise", () => {
    using home = makeTempHome();
    const content = makeRollout({ ...shape, answer: "Straße ÄÖ Rate" });
    expect(search(home, content, "rATE").length).toBe(1);
    expect(search(home, content, "äö").length).toBe(1);
    expect(search(home, content, "rATE", true)).toEqual([]);
  });

  test("gives the line of the match alone", () => {
    using home = makeTempHome();
    const [hit] = search(home, makeRollout({ ...shape, prompts: ["one\ntwo three\nfour"] }), "three");
    expect(hit).toMatchObject({ kind: "prompt", line: "two three", start: 4, length: 5 });
  });

  test("does not look into instructions, tools and what the client adds", () => {
    using home = makeTempHome();
    const content = makeRollout({ ...shape, instructions: "needle" });
    expect(search(home, content, "needle")).toEqual([]);
    expect(search(home, content, "environment_context")).toEqual([]);
  });
});
