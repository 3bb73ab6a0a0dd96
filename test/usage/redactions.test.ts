import { expect, test } from "bun:test";
import { createRuleTally } from "../../src/usage/redactions.ts";
import { makeRecord } from "../log/make-record.ts";

type Fields = Readonly<Record<string, unknown>>;

const sumOf = (...lines: readonly Fields[]) => {
  const tally = createRuleTally();
  for (const line of lines) tally.add(makeRecord({ method: "POST", path: "/v1/responses", ...line }));
  return tally.finish();
};

test("hits are added up by rule, with the requests and sessions that they were in", () => {
  const { rows, total } = sumOf(
    { timestamp_ms: 5, session_id: "a", redactions: 3, redactions_by_rule: { one: 1, two: 2 } },
    { timestamp_ms: 9, session_id: "a", redactions: 4, redactions_by_rule: { two: 4 } },
    { timestamp_ms: 7, session_id: "b", redactions: 1, redactions_by_rule: { two: 1 }, redactions_exempt: 2 },
    { timestamp_ms: 8, session_id: "c", redactions_exempt: 1 },
    { timestamp_ms: 9, session_id: "d" },
  );
  expect(rows).toEqual([
    { key: "two", redactions: 7, requests: 3, sessions: 2, last_at_ms: 9 },
    { key: "one", redactions: 1, requests: 1, sessions: 1, last_at_ms: 5 },
  ]);
  // A request is one, however many rules found something in it.
  expect(total).toEqual({ redactions: 8, requests: 3, sessions: 2, redactions_exempt: 3 });
});

test("what generates nothing counts too, and lines of older versions have no rule", () => {
  const { rows } = sumOf(
    { path: "/v1/messages/count_tokens", redactions: 2, redactions_by_rule: { one: 2 } },
    { redactions: 5 },
    { redactions: 1, refusals: 3, redactions_by_rule: { one: 1 } },
  );
  expect(rows.map(({ key, redactions, sessions }) => [key, redactions, sessions])).toEqual([
    [null, 5, 0],
    ["one", 2, 0],
  ]);
});

test("names that objects have by themselves are names, and what is no figure is none", () => {
  const line =
    '{"timestamp_ms":1,"redactions":3,"redactions_by_rule":{"__proto__":1,"toString":2,"x":"y","z":-1}}';
  const { rows } = sumOf(JSON.parse(line) as Fields);
  expect(rows.map(({ key, redactions }) => [key, redactions])).toEqual([
    ["toString", 2],
    ["__proto__", 1],
  ]);
});
