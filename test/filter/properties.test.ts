import { expect, test } from "bun:test";
import fc from "fast-check";
import { JSON_TYPE, expectOk, makeFilter } from "./filtered.ts";
import { cycle, holds, NODE, RULES, stringValues, UNIT, WAYS, write } from "./rules-arbitrary.ts";

const RUNS = { numRuns: 400 };

test("no literal source is left in any string, however it was spelled and nested, and JSON stays JSON", () => {
  let redacted = 0;
  fc.assert(
    fc.property(RULES, NODE, WAYS, (rules, node, ways) => {
      const body = write(node, cycle(ways));
      JSON.parse(body);
      const result = makeFilter(rules).filterBody(Buffer.from(body), JSON_TYPE);
      // Rules can undo each other without end; that is refused, which leaks nothing.
      if (result.kind === "refused") return;
      const text = Buffer.from(result.value).toString();
      if (text !== body) redacted += 1;
      for (const value of stringValues(JSON.parse(text))) {
        for (const rule of rules) expect(holds(value, rule)).toBe(false);
      }
    }),
    RUNS,
  );
  expect(redacted).toBeGreaterThan(RUNS.numRuns / 10);
});

test("in what is not JSON no source is left either", () => {
  fc.assert(
    fc.property(RULES, fc.string({ unit: UNIT, maxLength: 40 }), (rules, text) => {
      const result = makeFilter(rules).filterBody(Buffer.from(`text: ${text}`), "text/plain");
      if (result.kind === "refused") return;
      for (const rule of rules) expect(holds(Buffer.from(result.value).toString(), rule)).toBe(false);
    }),
    RUNS,
  );
});

test("without a match the very same bytes come back", () => {
  fc.assert(
    fc.property(fc.json(), fc.boolean(), (json, ignoreCase) => {
      const body = Buffer.from(json);
      const rule = { op: "remove", source: "no such source", ignore_case: ignoreCase };
      expect(expectOk(makeFilter([rule]).filterBody(body, JSON_TYPE)).value).toBe(body);
    }),
    RUNS,
  );
});

test("only the strings that matched are written anew: the bytes around them stay", () => {
  const scalars = ["1.0", "-0", "1e400", "12345678901234567890123", "1E-7", "true", "null", '"\\u00e9\\/"'];
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...scalars, '"HIT"'), { maxLength: 20 }),
      fc.string(),
      (items, space) => {
        const gap = space.replace(/[^ \n\t]/g, " ");
        const make = (hit: string): string =>
          `{ "HIT" :${gap}[ ${items.map((item) => (item === '"HIT"' ? hit : item)).join(`,${gap}`)}]}${gap}`;
        const filter = makeFilter([{ op: "replace", source: "HIT", target: "hit" }]);
        const result = expectOk(filter.filterBody(Buffer.from(make('"HIT"')), JSON_TYPE));
        expect(Buffer.from(result.value).toString()).toBe(make('"hit"'));
      },
    ),
    RUNS,
  );
});

test("redacting twice changes nothing more", () => {
  fc.assert(
    fc.property(RULES, NODE, WAYS, (rules, node, ways) => {
      const filter = makeFilter(rules);
      const once = filter.filterBody(Buffer.from(write(node, cycle(ways))), JSON_TYPE);
      if (once.kind === "refused") return;
      expect(expectOk(filter.filterBody(once.value, JSON_TYPE)).value).toBe(once.value);
    }),
    RUNS,
  );
});

test("any bytes end in a body or a refusal, and a body with rules is UTF-8", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const result = makeFilter([{ op: "remove", source: "a" }]).filterBody(bytes, null);
      if (result.kind === "ok") expect(Buffer.from(result.value).toString().includes("\uFFFD")).toBe(false);
    }),
    RUNS,
  );
});
