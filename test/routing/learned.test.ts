// What refusals teach of an upstream: for whom it holds, how long, and that it outlives the process.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Traits } from "../../src/proxy/request-traits.ts";
import { createLearned, nameOf } from "../../src/routing/learned.ts";
import { createRouter } from "../../src/routing/router.ts";
import { readSavedState } from "../../src/routing/saved-state.ts";
import type { RefusedThing } from "../../src/routing/types.ts";
import { DEFAULT_ROUTING, NOW } from "../helpers/routing.ts";
import { makeUpstream } from "../helpers/upstream.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const INCLUDE: RefusedThing = { kind: "field", name: "include" };

const makeTraits = (agent = "codex_exec/0.171.0 (Debian)", body = '{"include":[]}', path = "/v1/responses") =>
  new Traits("POST", path, new Headers({ "user-agent": agent }), new TextEncoder().encode(body));

function makeLearned() {
  const clock = { now: NOW };
  return { clock, learned: createLearned(() => clock.now) };
}

describe("that it does not take a kind of request", () => {
  test("holds for an hour", () => {
    const { clock, learned } = makeLearned();
    learned.noteRefusal("u", "m", makeTraits(), [INCLUDE]);
    clock.now = NOW + HOUR - 1;
    expect(learned.refusalOf("u", "m", makeTraits())).toMatchObject({ things: [INCLUDE] });
    clock.now = NOW + HOUR;
    expect(learned.refusalOf("u", "m", makeTraits())).toBeUndefined();
  });

  test("says nothing of another upstream, model, endpoint or version, nor of a request without what was named", () => {
    const { learned } = makeLearned();
    learned.noteRefusal("u", "m", makeTraits(), [INCLUDE]);
    expect(learned.refusalOf("other", "m", makeTraits())).toBeUndefined();
    expect(learned.refusalOf("u", "other", makeTraits())).toBeUndefined();
    expect(
      learned.refusalOf("u", "m", makeTraits(undefined, undefined, "/v1/responses/compact")),
    ).toBeUndefined();
    expect(learned.refusalOf("u", "m", makeTraits("codex_exec/0.172.0"))).toBeUndefined();
    expect(learned.refusalOf("u", "m", makeTraits(undefined, '{"input":"include"}'))).toBeUndefined();
  });

  test("is no reason any more where that is left out", () => {
    const { learned } = makeLearned();
    learned.noteRefusal("u", "m", makeTraits(), [INCLUDE]);
    learned.noteDrops("u", makeTraits(), [INCLUDE]);
    expect(learned.refusalOf("u", "m", makeTraits())).toBeUndefined();
  });
});

describe("what it takes a request without", () => {
  test("holds for seven days, for one version of a client, and grows", () => {
    const { clock, learned } = makeLearned();
    const beta: RefusedThing = { kind: "beta", name: "effort-2025-11-24" };
    learned.noteDrops("u", makeTraits(), [INCLUDE]);
    learned.noteDrops("u", makeTraits(), [INCLUDE, beta]);
    clock.now = NOW + 7 * DAY - 1;
    expect(learned.dropsFor("u", makeTraits())).toEqual([INCLUDE, beta]);
    expect(learned.dropsFor("u", makeTraits("codex_exec/0.172.0"))).toEqual([]);
    clock.now = NOW + 7 * DAY;
    expect(learned.dropsFor("u", makeTraits())).toEqual([]);
  });

  test("outlives a restart, until the user resets the upstream", () => {
    const clock = { now: NOW };
    const make = () =>
      createRouter({ settings: () => DEFAULT_ROUTING, now: () => clock.now, random: () => 0.5 });
    const { key } = makeUpstream();
    const first = make();
    first.learned.noteDrops(key, makeTraits(), [INCLUDE]);
    first.learned.noteRefusal(key, null, makeTraits());
    clock.now += HOUR / 2;
    const second = make();
    second.load(JSON.parse(JSON.stringify(first.save())));
    expect(
      second.learned
        .of(key)
        .map(({ kind }) => kind)
        .toSorted(),
    ).toEqual(["refuses", "without"]);
    clock.now += HOUR;
    expect(second.learned.of(key).map(({ kind }) => kind)).toEqual(["without"]);
    second.reset(key);
    expect(second.learned.all()).toEqual([]);
  });
});

test("what a file holds is believed only as far as it can be true", () => {
  const { learned } = makeLearned();
  learned.noteDrops("u", makeTraits(), [INCLUDE]);
  const [entry] = learned.all();
  const read = (change: object) =>
    readSavedState(
      { learned: entry === undefined ? {} : { [nameOf(entry)]: { ...entry, ...change } } },
      { now: NOW, settings: DEFAULT_ROUTING },
    ).learned.length;
  expect(read({})).toBe(1);
  for (const change of [
    { until: NOW + 8 * DAY },
    { since: NOW + DAY },
    { until: NOW - 1 },
    { things: "all" },
    { kind: "x" },
  ])
    expect({ change, kept: read(change) }).toEqual({ change, kept: 0 });
  fc.assert(
    fc.property(fc.anything(), (saved) => {
      readSavedState({ learned: saved }, { now: NOW, settings: DEFAULT_ROUTING });
    }),
  );
});
