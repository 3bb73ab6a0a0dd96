import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { readSessionDirectories } from "../../src/sessions/find.ts";
import {
  makeFormats,
  makeOlderRollout,
  makeOldestRollout,
  makeRollout,
  makeSessionId,
  makeTranscript,
  putFile,
  rolloutPath,
  transcriptPath,
} from "../helpers/session-files.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const AT = Date.UTC(2026, 10, 20, 12);
const OLD_ID = "5973b6c0-94b8-487b-a530-2aeb6098ae0e";

const shape = { id: makeSessionId(AT), cwd: "/code/app", at: AT, prompts: ["fix it"] };

function putRollout(home: TempHome, text: string, { id = shape.id, at = AT, suffix = "" } = {}): void {
  const path = rolloutPath(home.paths.codexHome, { id, at }) + suffix;
  putFile(path, suffix === "" ? text : zstdCompressSync(Buffer.from(text)), at);
}

const read = (home: TempHome, ...ids: string[]): Record<string, string> =>
  Object.fromEntries(readSessionDirectories(Object.values(makeFormats(home.paths)), ids));

describe("the directories of sessions", () => {
  test("are found for both clients at once, by id", () => {
    using home = makeTempHome();
    const claude = { ...shape, id: "11111111-2222-4333-8444-555555555555", cwd: "/code/other" };
    putRollout(home, makeRollout(shape));
    putFile(transcriptPath(home.paths.claudeHome, claude), makeTranscript(claude), AT);
    expect(read(home, shape.id, claude.id)).toEqual({
      [shape.id]: "/code/app",
      [claude.id]: "/code/other",
    });
  });

  test("are the latest ones of sessions that moved", () => {
    using home = makeTempHome();
    const moved = { ...shape, prompts: ["one", "two"], laterCwd: "/code/elsewhere" };
    const claude = { ...moved, id: OLD_ID };
    putRollout(home, makeRollout(moved));
    putFile(transcriptPath(home.paths.claudeHome, claude), makeTranscript(claude), AT);
    expect(read(home, shape.id, OLD_ID)).toEqual({
      [shape.id]: "/code/elsewhere",
      [OLD_ID]: "/code/elsewhere",
    });
  });

  test.each([
    ["of autumn 2025", makeOlderRollout],
    ["of summer 2025", makeOldestRollout],
  ])("are read from rollouts %s, whose ids tell no time", (_name, make) => {
    using home = makeTempHome();
    putRollout(home, make({ ...shape, id: OLD_ID }), { id: OLD_ID });
    expect(read(home, OLD_ID)).toEqual({ [OLD_ID]: "/code/app" });
  });

  test("are read from compressed and from archived rollouts", () => {
    using home = makeTempHome();
    putRollout(home, makeRollout(shape), { suffix: ".zst" });
    const archived = { ...shape, id: makeSessionId(AT + 1) };
    putFile(
      join(home.paths.codexHome, "archived_sessions", `rollout-2026-11-20T12-00-00-${archived.id}.jsonl`),
      makeRollout(archived),
      AT,
    );
    expect(read(home, shape.id, archived.id)).toEqual({
      [shape.id]: "/code/app",
      [archived.id]: "/code/app",
    });
  });

  test("are found on the day before and after the id's, wherever the clock of the machine stood", () => {
    using home = makeTempHome();
    const far = { ...shape, id: makeSessionId(AT, 1) };
    putRollout(home, makeRollout(shape), { at: AT + 86_400_000 });
    putRollout(home, makeRollout(far), { id: far.id, at: AT - 40 * 86_400_000 });
    expect(read(home, shape.id, far.id)).toEqual({ [shape.id]: "/code/app", [far.id]: "/code/app" });
  });

  test("are found behind a first line of 300 KB and before a tail of 2 MB", () => {
    using home = makeTempHome();
    const long = makeRollout({ ...shape, instructions: "x".repeat(300_000) });
    const output = JSON.stringify({ type: "event_msg", payload: { output: "y".repeat(2_000_000) } });
    putRollout(home, `${long}${output}\n`);
    expect(read(home, shape.id)).toEqual({ [shape.id]: "/code/app" });
  });

  test("are absent for what has no file, no directory in it, or is no session's id", () => {
    using home = makeTempHome();
    putRollout(home, "not json\n{}\n");
    expect(read(home, shape.id, OLD_ID, "../../etc/passwd", "", "*")).toEqual({});
  });

  test("come back under the id that was asked for, whatever its case", () => {
    using home = makeTempHome();
    const id = "ABCDEF01-2222-4333-8444-555555555555";
    putFile(
      transcriptPath(home.paths.claudeHome, { ...shape, id: id.toLowerCase() }),
      makeTranscript(shape),
      AT,
    );
    expect(read(home, id)).toEqual({ [id]: "/code/app" });
  });
});
