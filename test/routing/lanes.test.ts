import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Lane, type Waiter } from "../../src/routing/lanes.ts";
import { NOW } from "../helpers/routing.ts";

function makeDesk(configured: number | null = null) {
  const clock = { ms: 0 };
  const open = new Map<string, number>();
  const lane = new Lane(
    (key) => open.get(key) ?? 0,
    () => NOW + clock.ms,
  );
  lane.members.add("a");
  lane.configured = configured;
  let arrival = 0;
  const granted: (string | null)[] = [];
  const openOne = (sessionId: string | null): void => {
    granted.push(sessionId);
    open.set("a", (open.get("a") ?? 0) + 1);
    lane.arrived();
  };
  const wait = (sessionId: string | null): Waiter => {
    const waiter = { sessionId, arrival: (arrival += 1), grant: () => openOne(sessionId) };
    lane.join(waiter);
    return waiter;
  };
  return {
    clock,
    lane,
    granted,
    wait,
    open,
    come: (sessionId: string | null): void => {
      if (lane.take({ sessionId, arrival: 0 })) openOne(sessionId);
      else wait(sessionId);
    },
    end: (): void => {
      open.set("a", (open.get("a") ?? 0) - 1);
      lane.pump();
    },
  };
}

test("sessions take turns, each by its own order", () => {
  const { come, end, granted } = makeDesk(1);
  for (const session of ["big", "big", "big", "big", "one", "two", null, "big"]) come(session);
  for (let left = 7; left > 0; left -= 1) end();
  expect(granted).toEqual(["big", "one", "two", null, "big", "big", "big", "big"]);
});

test("a session of ten agents and one of a person get the same share of two places", () => {
  const { come, end, granted } = makeDesk(2);
  for (let agent = 0; agent < 10; agent += 1) come("agents");
  for (let turn = 0; turn < 5; turn += 1) {
    come("person");
    end();
    end();
  }
  const last = granted.slice(2);
  // Two ends a round: one goes to the person's one request, one to the agents.
  expect(last.filter((session) => session === "person").length).toBe(5);
  expect(last.filter((session) => session === "agents").length).toBe(5);
});

test("nobody gets a place before those who wait for one", () => {
  const { come, end, granted, lane, wait } = makeDesk(1);
  come("a");
  const waiter = wait("b");
  expect(lane.take({ sessionId: "c", arrival: 9 })).toBe(false);
  lane.leave(waiter);
  expect(lane.waiting).toBe(0);
  end();
  come("c");
  expect(granted).toEqual(["a", "c"]);
});

describe("what an upstream says of its limit", () => {
  test("is how many others were open, or what it named where that is less", () => {
    const { lane } = makeDesk();
    expect(lane.learn(2, null)).toBe(true);
    expect(lane.limit).toEqual({ limit: 2, source: "learned", until: NOW + 3_600_000 });
    lane.learn(9, 3);
    expect(lane.limit?.limit).toBe(3);
    lane.learn(2, 5);
    expect(lane.limit?.limit).toBe(2);
  });

  test("is nothing where no other one was open: somebody else uses the account", () => {
    const { lane } = makeDesk();
    expect(lane.learn(0, 1)).toBe(false);
    expect(lane.limit).toBeNull();
  });

  test("holds for an hour from the last refusal, and then all go again", () => {
    const { clock, come, granted, lane } = makeDesk();
    lane.learn(2, null);
    clock.ms = 1_800_000;
    lane.learn(2, null);
    clock.ms += 3_599_999;
    for (let count = 0; count < 5; count += 1) come(null);
    expect(granted.length).toBe(2);
    clock.ms += 1;
    lane.pump();
    expect(granted.length).toBe(5);
  });

  test("does not raise the user's own limit, and comes before a greater one", () => {
    const { clock, lane } = makeDesk(3);
    lane.learn(5, null);
    expect(lane.limit).toMatchObject({ limit: 3, source: "config" });
    lane.learn(2, null);
    expect(lane.limit).toMatchObject({ limit: 2, source: "learned" });
    clock.ms = 3_600_000;
    expect(lane.limit).toMatchObject({ limit: 3, source: "config" });
    lane.learn(2, null);
    lane.forget();
    expect(lane.limit).toMatchObject({ limit: 3, source: "config" });
  });
});

test("a limit that is lowered closes no request, and one that is raised lets the next ones in", () => {
  const { come, end, granted, lane } = makeDesk(3);
  for (let count = 0; count < 6; count += 1) come(null);
  lane.configured = 1;
  end();
  end();
  expect([granted.length, lane.inUse]).toEqual([3, 1]);
  lane.configured = 3;
  lane.pump();
  expect([granted.length, lane.inUse]).toEqual([5, 3]);
  lane.configured = null;
  lane.pump();
  expect(lane.waiting).toBe(0);
});

test("whatever happens, no place is lost and none is given out twice", () => {
  const step = fc.oneof(
    fc.record({ does: fc.constant("come" as const), session: fc.constantFrom("a", "b", "c", null) }),
    fc.record({ does: fc.constantFrom("end", "leave", "refused", "forget") }),
    fc.record({ does: fc.constant("limit" as const), limit: fc.option(fc.integer({ min: 1, max: 5 })) }),
    fc.record({ does: fc.constant("pass" as const), ms: fc.constantFrom(1_000, 3_600_000) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), fc.integer({ min: 1, max: 4 }), (steps, first) => {
      const desk = makeDesk(first);
      const { clock, granted, lane, open } = desk;
      const waiting: Waiter[] = [];
      for (const one of steps) {
        const before = { inUse: lane.inUse, granted: granted.length };
        if ("session" in one) desk.come(one.session);
        else if ("limit" in one) {
          lane.configured = one.limit;
          lane.pump();
        } else if ("ms" in one) {
          clock.ms += one.ms;
          lane.pump();
        } else if (one.does === "end" && (open.get("a") ?? 0) > 0) desk.end();
        else if (one.does === "refused") lane.learn(lane.inUse - 1, null);
        else if (one.does === "forget") {
          lane.forget();
          lane.pump();
        } else if (one.does === "leave") {
          const waiter = desk.wait("late");
          waiting.push(waiter);
          lane.leave(waiter);
        }
        const limit = lane.limit?.limit ?? Infinity;
        // More than the limit only where it was lowered under what is open; and nobody was let in then.
        if (lane.inUse > limit) expect(granted.length).toBe(before.granted);
        if (lane.waiting > 0) expect(lane.inUse).toBeGreaterThanOrEqual(limit);
        expect(lane.inUse).toBe(open.get("a") ?? 0);
      }
      for (let left = 500; left > 0 && ((open.get("a") ?? 0) > 0 || lane.waiting > 0); left -= 1) desk.end();
      expect([lane.inUse, lane.waiting]).toEqual([0, 0]);
    }),
  );
});
