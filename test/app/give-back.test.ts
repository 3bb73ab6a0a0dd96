import { expect, test } from "bun:test";
import { createGiveBack } from "../../src/app/give-back.ts";
import { waitUntil } from "../helpers/wait.ts";

const MB = 2 ** 20;

function makeKeeper(): {
  keeper: ReturnType<typeof createGiveBack>;
  state: { mb: number; open: number; looks: number; released: number };
} {
  const state = { mb: 50, open: 0, looks: 0, released: 0 };
  const keeper = createGiveBack({
    isQuiet: () => {
      state.looks += 1;
      return state.open === 0;
    },
    rss: () => state.mb * MB,
    release: () => {
      state.released += 1;
      state.mb = 55;
    },
    quietMs: 5,
  });
  return { keeper, state };
}

test("what a burst took is given back once it is over, and not while a request is open", async () => {
  const { keeper, state } = makeKeeper();
  state.mb = 120;
  state.open = 1;
  keeper.noteWork();
  keeper.noteWork();
  await waitUntil(() => state.looks >= 2);
  expect(state.released).toBe(0);
  state.open = 0;
  await waitUntil(() => state.released === 1);
  expect(state.mb).toBe(55);
});

test("a little is kept: collecting it would cost more than it is worth", async () => {
  const { keeper, state } = makeKeeper();
  state.mb = 60;
  keeper.noteWork();
  await waitUntil(() => state.looks === 1);
  expect(state.released).toBe(0);
  state.mb = 70;
  keeper.noteWork();
  await waitUntil(() => state.released === 1);
});
