import { expect, test } from "bun:test";
import fc from "fast-check";
import { existsSync, renameSync } from "node:fs";
import { createLiveConfig } from "../../../src/app/live-config.ts";
import { createBudgets } from "../../../src/app/quota/budgets.ts";
import { createLivePrices } from "../../../src/app/spend/live-prices.ts";
import { createSpendBook } from "../../../src/app/spend/spend-book.ts";
import { createLogWriter } from "../../../src/log/writer.ts";
import type { Room } from "../../../src/proxy/deps.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { makeEntry } from "../../log/make-entry.ts";

const URL = "https://relay.example/v1";
/** A token of output costs a dollar, and one answer at most as much as is always expected. */
const PRICES = [{ model: "*", input: 0, output: 1_000_000 }];
const MOST_OUTPUT = 500;
const LIMITS = { usd: 1_200, tokens: 1_200, requests: 3 };

function makeHome(unit: keyof typeof LIMITS, limit = LIMITS[unit]): TempHome {
  const home = makeTempHome();
  const upstream = { base_url: URL, auth: { auth_token: "k" } };
  home.write(".codex-helper/config.json", {
    codex: { configs: { main: { upstreams: [upstream] } } },
    budget: { [unit]: limit, per: "month" },
  });
  home.write(".codex-helper/prices.json", PRICES);
  return home;
}

/** What a proxy has of budgets. Several at one home are as several processes, but that none of them dies. */
function startOne({ env, paths }: TempHome) {
  const context = { paths, env, now: Date.now };
  const live = createLiveConfig(context);
  const fail = (words: unknown): void => {
    throw new Error(JSON.stringify(words));
  };
  const book = createSpendBook({
    ...context,
    prices: createLivePrices({ ...context, live }),
    onTrouble: fail,
  });
  const budgets = createBudgets({ ...context, live, book, onChange: () => {}, onTrouble: fail });
  const log = createLogWriter(paths.requestsLog, { onTrouble: fail });
  const state = live.routeOf("codex").state();
  const upstream = state.kind === "ready" ? state.route.upstreams[0] : undefined;
  if (upstream === undefined) throw new Error("no upstream");
  return { book, budgets, log, upstream };
}

type One = ReturnType<typeof startOne>;

/** What becomes of an answer: what it used, or null where nobody says; or it was refused, and used nothing. */
type End = number | "unknown" | "refused";

function endRoom({ book, log }: One, room: Room, end: End): void {
  if (end === "refused") return room.end(null);
  const usage =
    end === "unknown" ? {} : { usage: { input_tokens: 0, output_tokens: end, total_tokens: end } };
  const unknown = end === "unknown" ? { usage_unknown: "cut" as const, estimate: room.estimate } : {};
  const entry = {
    ...makeEntry(),
    timestamp_ms: Date.now(),
    upstream_base_url: URL,
    model: "m",
    ...usage,
    ...unknown,
  };
  book.number(entry);
  book.note(entry, log.append(entry));
  room.end(entry);
}

const ends: fc.Arbitrary<End> = fc.oneof(
  { weight: 5, arbitrary: fc.integer({ min: 1, max: MOST_OUTPUT }) },
  { weight: 1, arbitrary: fc.constant("unknown" as const) },
  { weight: 1, arbitrary: fc.constant("refused" as const) },
);
const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ does: fc.constant("ask" as const), at: fc.nat(2), session: fc.nat(3) }),
    },
    { weight: 6, arbitrary: fc.record({ does: fc.constant("end" as const), which: fc.nat(20), end: ends }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("start anew" as const), at: fc.nat(2) }) },
    { weight: 1, arbitrary: fc.record({ does: fc.constant("rotate" as const) }) },
  ),
  { maxLength: 40 },
);

test.each(["requests", "usd", "tokens"] as const)(
  "whatever is asked at once, ends, breaks off, starts anew or is rotated: at most one answer goes over a budget in %s",
  async (unit) => {
    await fc.assert(
      fc.asyncProperty(steps, async (all) => {
        using home = makeHome(unit);
        const ones = [startOne(home), startOne(home), startOne(home)];
        const open: { one: One; room: Room }[] = [];
        const leaving = new AbortController();
        leaving.abort();
        let [spent, largest, admitted, rotated] = [0, 0, 0, 0];
        const amountOf = (end: End, room: Room): number => {
          if (end === "refused") return 0;
          if (unit === "requests") return 1;
          return end === "unknown" ? (room.estimate?.tokens ?? 0) : end;
        };
        const finish = (index: number, end: End): void => {
          const [found] = open.splice(index % open.length, 1);
          if (found === undefined) return;
          endRoom(found.one, found.room, end);
          const amount = amountOf(end, found.room);
          spent += amount;
          largest = Math.max(largest, amount);
        };
        for (const step of all) {
          if (step.does === "ask") {
            const one = ones[step.at];
            if (one === undefined) continue;
            const before = spent;
            const room = await one.budgets.reserve(one.upstream, {
              method: "POST",
              path: "/v1/responses",
              bytes: 0,
              model: "m",
              upstreamModel: "m",
              sessionId: String(step.session),
              // Nobody waits in this test.
              signal: leaving.signal,
            });
            if (room === undefined || "reason" in room) continue;
            admitted += 1;
            // As long as anything is left, and never where nothing is.
            expect(before).toBeLessThan(LIMITS[unit]);
            if (unit === "requests") expect(spent + open.length).toBeLessThan(LIMITS.requests);
            open.push({ one, room });
          } else if (step.does === "end" && open.length > 0) finish(step.which, step.end);
          else if (step.does === "start anew") {
            const old = ones[step.at];
            if (old === undefined) continue;
            // What it has in flight goes on, as where a port is given to the next one.
            await old.book.stop();
            ones[step.at] = startOne(home);
          } else if (step.does === "rotate" && existsSync(home.paths.requestsLog)) {
            renameSync(home.paths.requestsLog, `${home.paths.logs}/requests.${(rotated += 1)}.jsonl`);
          }
        }
        while (open.length > 0) finish(0, MOST_OUTPUT);
        // Without the one answer that may have gone over, nothing has.
        expect(spent - largest).toBeLessThan(LIMITS[unit]);
        expect(admitted).toBeGreaterThanOrEqual(all.some(({ does }) => does === "ask") ? 1 : 0);
        for (const { book, budgets, log } of ones) {
          await book.stop();
          budgets.stop();
          log.close();
        }
      }),
      { numRuns: 25 },
    );
  },
  60_000,
);

test.each([
  [5, 1],
  [1_600, 1],
  [1_601, 1 + 16],
  [3_001, 1 + 30],
  [1_000_000, 1 + 64],
])("of %d answers that are left, others see %d held for the first", async (limit, held) => {
  using home = makeHome("requests", limit);
  const [one, other] = [startOne(home), startOne(home)];
  for (const { book } of [one, other]) await book.load();
  const ask = {
    method: "POST",
    path: "/v1/responses",
    bytes: 0,
    model: "m",
    upstreamModel: "m",
    sessionId: "s",
    signal: AbortSignal.timeout(60_000),
  };
  const rooms: Room[] = [];
  const reserve = async (): Promise<void> => {
    const room = await one.budgets.reserve(one.upstream, ask);
    if (room === undefined || "reason" in room) throw new Error("no room");
    rooms.push(room);
  };
  const seen = (): number | undefined => other.budgets.facts()?.[0]?.held;
  await reserve();
  expect(seen()).toBe(held);
  // What is in flight is never more than the others see.
  while (rooms.length < Math.min(150, limit)) {
    await reserve();
    expect(seen()).toBeGreaterThanOrEqual(rooms.length);
    expect(Number(seen()) - rooms.length).toBeLessThanOrEqual(limit / 100);
  }
  for (const { book, budgets, log } of [one, other]) {
    await book.stop();
    budgets.stop();
    log.close();
  }
});
