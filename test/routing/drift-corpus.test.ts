// Every refusal of test/drift, held against a client's request: what it names, and what may be left out for it.
import { describe, expect, test } from "bun:test";
import { findDrops } from "../../src/proxy/drop.ts";
import { classify } from "../../src/routing/classify.ts";
import { nameOfThing } from "../../src/routing/droppable.ts";
import { isSetAside } from "../helpers/corpus.ts";
import { type DriftFile, makeDriftTraits, readDriftFiles } from "../helpers/drift-file.ts";
import { contentOutcome, DEFAULT_ROUTING, NOW, statusOutcome } from "../helpers/routing.ts";

const files = await readDriftFiles();
const groups = Map.groupBy(files, ({ file }) => (isSetAside(file) ? "set aside" : "in view"));

for (const [group, of] of groups) {
  describe(`refusals of a part of the request, ${group}`, () => {
    for (const one of of)
      test(one.file, () => {
        const { next, refused = [] } = judge(one);
        const dropped = findDrops(refused, makeDriftTraits(one)).map(nameOfThing);
        expect({ next, refused: refused.map(nameOfThing), dropped }).toEqual({
          next: "elsewhere",
          ...one.expect,
        });
      });
  });
}

function judge({ body, status, ...one }: DriftFile) {
  const outcome = status < 400 ? contentOutcome("json-error", body) : statusOutcome(status, body);
  return classify(outcome, {
    now: NOW,
    overrides: {},
    onError: [],
    settings: DEFAULT_ROUTING,
    canRepair: () => false,
    request: makeDriftTraits({ body, status, ...one }),
  });
}

test("the corpus is large enough, and has both kinds", () => {
  expect(files.length).toBeGreaterThanOrEqual(70);
  expect(files.filter(({ expect: { dropped } }) => dropped.length === 0).length).toBeGreaterThanOrEqual(20);
});
