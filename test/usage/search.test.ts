import { expect, test } from "bun:test";
import fc from "fast-check";
import { makeSearch } from "../../src/usage/search.ts";
import { makeRecord } from "../log/make-record.ts";

test("looks for a session by how its id begins, and for a model by both its names", () => {
  const entry = makeRecord({ session_id: "0198a7c1-7b1e", model: "gpt-5", upstream_model: "Relay/Best" });
  expect(makeSearch({ session: "0198" })(entry)).toBe(true);
  expect(makeSearch({ session: "7b1e" })(entry)).toBe(false);
  expect(makeSearch({ model: "best" })(entry)).toBe(true);
  expect(makeSearch({ model: "GPT" })(entry)).toBe(true);
  expect(makeSearch({ model: "other" })(entry)).toBe(false);
});

test("a class of status is every status that begins so", () => {
  const statuses = [200, 404, 429, 4, 4444, "429", undefined];
  const fits = makeSearch({ status: "4xx" });
  expect(statuses.filter((status_code) => fits(makeRecord({ status_code })))).toEqual([404, 429]);
});

test("looks into every attempt", () => {
  const attempts = [{ upstream_base_url: "https://A.example", error: "No channel" }, null, 5];
  const entry = makeRecord({ attempts });
  expect(makeSearch({ upstream: "a.example" })(entry)).toBe(true);
  expect(makeSearch({ text: "no CHANNEL" })(entry)).toBe(true);
  expect(makeSearch({ text: "a.example" })(entry)).toBe(false);
});

test("without a condition everything fits; entries of any shape are looked at", () => {
  const name = fc.constantFrom("status_code", "attempts", "model", "session_id", "error", "duration_ms");
  fc.assert(
    fc.property(fc.dictionary(name, fc.anything()), (fields) => {
      const entry = makeRecord(fields);
      expect(makeSearch({})(entry)).toBe(true);
      const all = { status: "5xx", upstream: "a", model: "b", session: "c", text: "d", slowerThanMs: 1 };
      expect(makeSearch(all)(entry)).toBe(false);
    }),
  );
});

test("lines of the first version, which have no outcome, are found by the one that their status means", () => {
  const outcomes = ["ok", "client_gone", "error", undefined];
  const records = [200, 499, 503, undefined].map((status_code) => makeRecord({ status_code }));
  for (const [index, record] of records.entries()) {
    const found = ["ok", "client_gone", "error"].filter((outcome) => makeSearch({ outcome })(record));
    expect(found).toEqual([outcomes[index] ?? []].flat());
  }
  expect(makeSearch({ outcome: "cut" })(makeRecord({ outcome: "cut", status_code: 200 }))).toBe(true);
});
