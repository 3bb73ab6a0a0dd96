import { expect, test } from "bun:test";
import { createIdleCollector } from "../../../src/app/serve/idle-collector.ts";
import { waitUntil } from "../../helpers/wait.ts";

const MB = 2 ** 20;

function makeProcess({ everyMs }: { readonly everyMs: number }) {
  const state = { mb: 50, open: 0, looks: 0, released: 0 };
  const collector = createIdleCollector({
    isQuiet: () => state.open === 0,
    rss: () => {
      state.looks += 1;
      return state.mb * MB;
    },
    collect: () => {
      state.released += 1;
    },
    quietMs: 5,
    everyMs,
  });
  return { state, noteWork: () => collector.noteWork() };
}

test("what a burst took is given back once it is over, and not while a request is open", async () => {
  const { noteWork, state } = makeProcess({ everyMs: 0 });
  Object.assign(state, { mb: 120, open: 1, looks: 0 });
  noteWork();
  noteWork();
  await waitUntil(() => state.looks >= 3);
  expect(state.released).toBe(0);
  state.open = 0;
  await waitUntil(() => state.released === 1);
});

test("a little is kept: collecting it would cost more than it is worth", async () => {
  const { noteWork, state } = makeProcess({ everyMs: 0 });
  Object.assign(state, { mb: 60, looks: 0 });
  noteWork();
  await waitUntil(() => state.looks === 1);
  expect(state.released).toBe(0);
  state.mb = 70;
  noteWork();
  await waitUntil(() => state.released === 1);
});

test("it is not done again and again where memory does not come back", async () => {
  const { noteWork, state } = makeProcess({ everyMs: 3_600_000 });
  state.mb = 120;
  noteWork();
  await waitUntil(() => state.released === 1);
  state.looks = 0;
  noteWork();
  await waitUntil(() => state.looks >= 2);
  expect(state.released).toBe(1);
});

test("while requests end one after the other there is no pause to collect in, though none is open between two", async () => {
  const { noteWork, state } = makeProcess({ everyMs: 0 });
  state.mb = 120;
  const endsAt = performance.now() + 60;
  while (performance.now() < endsAt) {
    noteWork();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(state.released).toBe(0);
  await waitUntil(() => state.released === 1);
});
