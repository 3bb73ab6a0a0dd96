import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fuzz } from "./fuzz.ts";
import { createRandom, mutate } from "./mutate.ts";
import { shortRound } from "./short-round.ts";
import { defineTarget, type Input } from "./target.ts";
import { TARGETS, type TargetName } from "./targets.ts";

/** Run with the tests of their rooms. */
const ELSEWHERE: readonly string[] = ["sse", "target-url", "link", "headers"];

describe("a short round", () => {
  for (const [name, { promise }] of Object.entries(TARGETS))
    if (!ELSEWHERE.includes(name)) test(`${name}: ${promise}`, () => shortRound(name as TargetName, 120));
});

describe("bun run fuzz", () => {
  const run = async (...args: readonly string[]) => {
    const child = Bun.spawn([process.execPath, join(import.meta.dir, "run.ts"), ...args], {
      stdout: "pipe",
      stderr: "pipe",
    });
    const [out, err] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { code: await child.exited, out, err };
  };

  test("says how many inputs kept the promise", async () => {
    const { code, out } = await run("target-url", "--minutes", "0.005", "--seed", "3");
    expect([code, out]).toEqual([
      0,
      expect.stringMatching(/^target-url: \d+ inputs, \d+ outcomes, \d+ kept\n$/),
    ]);
  });

  test("names its targets where it does not know one", async () => {
    const { code, err } = await run("nothing");
    expect([code, err]).toEqual([2, expect.stringContaining("targets: sse, activity, gate")]);
  });

  test("replays the inputs of a file", async () => {
    const path = join(tmpdir(), "unfinished.json");
    const input = { service: 0, base: "https://r.example", path: "/x", search: "", query: [] };
    await Bun.write(
      path,
      JSON.stringify({ target: "target-url", inputs: [input, { ...input, path: null }] }),
    );
    const { code, err, out } = await run("--replay", path);
    expect([code, err]).toEqual([1, expect.stringContaining("target-url: TypeError")]);
    expect(out).toStartWith(`${JSON.stringify(input)}\ntarget-url: joined`);
  });
});

describe("the search", () => {
  const broken = defineTarget({
    promise: "no text holds the word",
    covers: [],
    words: ["needle"],
    arbitrary: fc.record({ text: fc.string({ maxLength: 20 }), list: fc.array(fc.nat()) }),
    check: ({ text }) => {
      if (text.includes("needle")) throw new Error("found");
      return `${text.length}`;
    },
  });

  test("finds what breaks a promise, makes it small, and finds the same with the same seed", async () => {
    const search = () => fuzz(broken, { seed: 1, runs: 20_000, corpus: [] });
    const { failure, runs } = await search();
    expect(failure?.input).toEqual({ text: "needle", list: [] });
    expect((await search()).runs).toBe(runs);
  });

  test("begins with the kept inputs", async () => {
    const corpus = [{ text: "a needle", list: [1] }];
    expect((await fuzz(broken, { seed: 1, runs: 1, corpus })).failure?.input).toEqual({
      text: "needle",
      list: [],
    });
  });

  test("changes an input, and never its form", () => {
    const form = (input: Input): unknown =>
      Array.isArray(input)
        ? (input as readonly Input[]).map(form)
        : typeof input === "object" && input !== null
          ? Object.fromEntries(Object.entries(input).map(([key, value]) => [key, form(value as Input)]))
          : typeof input;
    const input = { text: "a", list: [{ n: 1, is: true }], none: null };
    const random = createRandom(7);
    let changed: Input = input;
    for (let round = 0; round < 300; round += 1) {
      changed = mutate(changed, input, ["word"], random);
      const { list, ...rest } = form(changed) as { list: readonly unknown[] };
      expect(rest).toEqual({ text: "string", none: "object" } as object);
      for (const item of list) expect(item).toEqual({ n: "number", is: "boolean" });
    }
  });
});
