import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { loadCatalog } from "../../src/usage/price-lists.ts";
import { keyOf, listSpellings } from "../../src/usage/price-names.ts";
import { PRICE_LIST_PATH } from "./prices/price-list.ts";

const catalog = await loadCatalog();
const RELAY = "https://relay.example/v1";

function listedAs(model: string): string | null {
  const service = model.includes("claude") ? "claude" : "codex";
  const found = catalog.find({ service, upstreamBaseUrl: RELAY, names: [model] });
  return "entries" in found ? found.listedAs : null;
}

const names: readonly string[] = (await Bun.file(PRICE_LIST_PATH).text())
  .trim()
  .split("\n")
  .slice(1)
  .flatMap((line) => [JSON.parse(line).model].flat());
const lastPart = (name: string): string => name.split("/").at(-1) ?? name;

/** The same model's words in whatever order: no maker before a slash, "5.0" as "5". */
function wordsOf(name: string): string {
  const bare = keyOf(lastPart(name)).replaceAll("gpt-35", "gpt-3-5");
  return bare
    .split("-")
    .filter((word) => word !== "0")
    .toSorted()
    .join("-");
}
const known = new Set(names.map(wordsOf));

/** Words that make another model of one, and further numbers of a version. */
const FURTHER = [
  ..."-fast -mini -nano -pro -codex -codex-mini -turbo -lite -air -flash -plus -preview -highspeed -vision -x".split(
    " ",
  ),
  ..."-5 -5-5 .5 .9 -9 -99 [fast] [mini] -instruct".split(" "),
];

test("a listed name with a further version or variant is listed itself, or has no price", () => {
  const crossed = [...new Set(names)].flatMap((name, at) =>
    // Every fourth word for each: all of them take ten seconds and find no more.
    FURTHER.filter((_, word) => word % 4 === at % 4).flatMap((word) => {
      const model = `${name}${word}`;
      const found = listedAs(model);
      return found === null || wordsOf(found) === wordsOf(model) || known.has(wordsOf(model))
        ? []
        : [[model, found]];
    }),
  );
  expect(crossed).toEqual([]);
}, 30_000);

test("and so has one with a part less, unless that is a date", () => {
  const crossed = [...new Set(names)].flatMap((name) => {
    const model = name.replace(/-[^-/]+$/, "");
    const found = listedAs(model);
    if (found === null || wordsOf(found) === wordsOf(model)) return [];
    const rest = keyOf(lastPart(found)).replace(keyOf(lastPart(model)).replace(/-20\d{6}$/, ""), "");
    return /^(?:[-@]20\d{2}-?\d{2}-?\d{2})?(?:-\d{2}-\d{2}|-2\d{5})?(?:-v\d(?::\d)?)?$/.test(rest)
      ? []
      : [[model, found]];
  });
  expect(crossed).toEqual([]);
});

describe("any name", () => {
  const part = fc.constantFrom(
    ..."claude opus sonnet gpt o3 5 4 6 1 20250929 2025-09-29 high max thinking codex latest v1:0 [1m] (high) [CC] @default us. anthropic. azure / : - . _ 【x】".split(
      " ",
    ),
  );
  const name = fc.oneof(
    fc.string({ maxLength: 400 }),
    fc.array(part, { maxLength: 12 }).map((parts) => parts.join("-")),
  );

  test("has few spellings, the name itself first, and none twice", () => {
    fc.assert(
      fc.property(name, (model) => {
        const spellings = listSpellings(model);
        expect(spellings.length).toBeLessThanOrEqual(64);
        const keys = spellings.map(({ key, vendor }) => `${vendor} ${key}`);
        expect(new Set(keys).size).toBe(keys.length);
        if (keyOf(model) !== "" && !/^arn:|publishers\//i.test(model))
          expect(spellings[0]?.key).toBe(keyOf(model.slice(0, 300)));
      }),
    );
  });

  test("has the same price in any case, and with blanks around it", () => {
    fc.assert(
      fc.property(fc.constantFrom(...names), (model) => {
        expect(listedAs(` ${model.toUpperCase()} `)).toBe(listedAs(model));
      }),
    );
  });
});
