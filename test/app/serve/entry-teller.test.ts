import { expect, test } from "bun:test";
import { createEntryTeller } from "../../../src/app/serve/entry-teller.ts";
import type { AlarmEntry } from "../../../src/config/notify.ts";
import type { AppEvent } from "../../../src/app/serve/events.ts";
import { type LogEntry, makeLogLine } from "../../../src/log/entry.ts";
import { makeEntry } from "../../log/make-entry.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { makeUpstream } from "../../helpers/upstream.ts";
import { waitUntil } from "../../helpers/wait.ts";

const DAY_MS = 86_400_000;

function setUp(alarm?: AlarmEntry, requestsLog = "/nonexistent/requests.jsonl") {
  const upstreams = [1, 2].map((position) =>
    makeUpstream({ label: `main#${position}`, baseUrl: `https://relay-${position}.example/v1` }),
  );
  const events: AppEvent[] = [];
  const clock = { now: Date.parse("2026-11-30T12:00:00") };
  const tell = createEntryTeller({
    live: {
      current: () => ({ config: { shell: { alarm } } }) as never,
      listAll: () => upstreams.map((upstream) => ({ upstream, problem: null }) as never),
    },
    paths: { requestsLog },
    prices: { costOf: async () => () => ({ kind: "priced", usd: 2 }) },
    now: () => clock.now,
    onEvent: (event) => events.push(event),
    onTrouble: () => {},
  });
  const answer = (served: string, more: Partial<LogEntry> = {}): void =>
    tell(
      makeEntry({
        model: "gpt-5.5",
        served_model: served,
        upstream_label: "main#1",
        upstream_base_url: "https://relay-1.example/v1",
        ...more,
      }),
    );
  return { answer, clock, events };
}

test("another model is told once for an upstream, a model and a day", async () => {
  const { answer, clock, events } = setUp();
  const count = (expected: number) =>
    waitUntil(() => events.length === expected || undefined, { what: `${expected} events` });
  for (let times = 0; times < 3; times += 1) answer("gpt-5.5-mini", { id: "first" });
  await count(1);
  expect(events[0]).toMatchObject({
    kind: "model-mismatch",
    upstream: { label: "main#1" },
    asked: "gpt-5.5",
    served: "gpt-5.5-mini",
    requestId: "first",
  });
  answer("glm-4.7");
  answer("gpt-5.5-mini", { upstream_label: "main#2", upstream_base_url: "https://relay-2.example/v1" });
  await count(2);
  answer("gpt-4.1-mini", { model: "gpt-4.1" });
  answer("gpt-4.1-mini", { model: "gpt-4.1", attempts: [] });
  await count(3);
  clock.now += DAY_MS;
  answer("gpt-5.5-mini");
  await count(4);
});

test("the same model by another name, a map of the user's own and an unknown upstream are no event", async () => {
  const { answer, events } = setUp();
  answer("gpt-5.5");
  answer("gpt-5.5-2026-04-23");
  answer("relay-best", { upstream_model: "relay-best" });
  answer("gpt-5.5-mini", { upstream_label: "gone#1" });
  // A failed attempt's answer counts as well, and comes after all of these.
  answer("gpt-5.5", {
    attempts: [
      {
        upstream_base_url: "https://relay-2.example/v1",
        upstream_label: "main#2",
        verdict: "empty-answer",
        duration_ms: 1,
        served_model: "gpt-5.5-nano",
      },
    ],
  });
  await waitUntil(() => events.length > 0 || undefined, { what: "an event" });
  expect(events).toMatchObject([{ upstream: { label: "main#2" }, served: "gpt-5.5-nano" }]);
});

test("a turn that costs more than the alarm is told, with its upstream", async () => {
  const { answer, events } = setUp({ turn_usd: 1 });
  answer("gpt-5.5", { id: "dear", method: "POST", path: "/v1/responses" });
  answer("gpt-5.5", { id: "gone", method: "POST", path: "/v1/responses", upstream_label: "removed#1" });
  answer("gpt-5.5", { id: "next", method: "POST", path: "/v1/responses" });
  await waitUntil(() => events.length === 2 || undefined, { what: "both" });
  expect(events).toMatchObject([
    {
      kind: "cost-alarm",
      alarm: "turn",
      usd: 2,
      limitUsd: 1,
      requestId: "dear",
      upstream: { label: "main#1" },
    },
    { requestId: "next" },
  ]);
});

test("what an earlier run told of the day is not told again, and of the day before is", async () => {
  using home = makeTempHome();
  const noon = Date.parse("2026-11-30T12:00:00");
  const line = (model: string, daysAgo: number): string =>
    makeLogLine(
      makeEntry({
        timestamp_ms: noon - DAY_MS * daysAgo - 3_600_000,
        run: "earlier",
        model,
        served_model: "glm-4.7",
        upstream_label: "main#1",
        upstream_base_url: "https://relay-1.example/v1",
      }),
    );
  home.write(".codex-helper/logs/requests.jsonl", line("gpt-5.4", 1) + line("gpt-5.5", 0));
  const { answer, events } = setUp(undefined, home.paths.requestsLog);
  answer("glm-4.7", { run: "this" });
  answer("glm-4.7", { run: "this", model: "gpt-5.4" });
  await waitUntil(() => events.length === 1 || undefined, { what: "the one of the day before" });
  expect(events).toMatchObject([{ kind: "model-mismatch", asked: "gpt-5.4" }]);
});
