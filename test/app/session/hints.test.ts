import { describe, expect, test } from "bun:test";
import { readSessionHints } from "../../../src/app/session/hints.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";

const id = (n: number): string => `${n}1111111-2222-4333-8444-555555555555`;

describe("the sessions that were gone on with lately", () => {
  test("are told by both clients' histories of prompts and by our own log", () => {
    using home = makeTempHome();
    home.write(".codex/history.jsonl", `${JSON.stringify({ session_id: id(1), ts: 1, text: "x" })}\n`);
    home.write(
      ".claude/history.jsonl",
      `${JSON.stringify({ display: "x", sessionId: id(2), project: "/a" })}\n`,
    );
    home.write(
      ".codex-helper/logs/requests.jsonl",
      `${JSON.stringify({ timestamp_ms: 1, session_id: id(3) })}\n`,
    );
    expect([...readSessionHints(home.paths)].toSorted()).toEqual([id(1), id(2), id(3)]);
  });

  test("are those at the end of a long history", () => {
    using home = makeTempHome();
    const filler = JSON.stringify({ text: "x".repeat(1000) });
    const lines = [JSON.stringify({ session_id: id(1) }), ...Array.from({ length: 300 }, () => filler)];
    home.write(".codex/history.jsonl", [...lines, JSON.stringify({ session_id: id(2) })].join("\n"));
    expect([...readSessionHints(home.paths)]).toEqual([id(2)]);
  });

  test("are none where nothing is noted down, or what is noted is no id", () => {
    using home = makeTempHome();
    home.write(".codex/history.jsonl", '{"session_id":"../../etc"}\nhalf {"session_id":"1111');
    expect(readSessionHints(home.paths).size).toBe(0);
  });
});
