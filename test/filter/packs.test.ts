// Each pack against what it is to take and to leave. Keys are written as shapes ("ghp_{A36}"), so that no file holds one.
import { expect, test } from "bun:test";
import { RE2JS } from "re2js";
import { type PackName, PACK_NAMES, loadPack, targetOf } from "../../src/filter/packs.ts";
import cases from "./pack-cases.json" with { type: "json" };
import { makeRequestFilter } from "../../src/filter/request-filter.ts";
import { parseRules } from "../../src/filter/rules.ts";
import { JSON_TYPE, filterText, makeBook, makeFilter } from "./filtered.ts";
import { expandShapes } from "./pack-shapes.ts";
import { PACK_DOCS } from "./pack-table.ts";

const MARK = /⟦([^⟧]*)⟧/g;

const FILTERS = new Map(PACK_NAMES.map((pack) => [pack, makeFilter([{ pack }])]));

/** What a pack makes of a text, as one string of a request. */
const apply = (pack: PackName, text: string): string => {
  const body = Buffer.from(JSON.stringify({ input: text }));
  const result = FILTERS.get(pack)?.filterBody(body, JSON_TYPE);
  if (result?.kind !== "ok") throw new Error("the request is refused");
  return (JSON.parse(Buffer.from(result.value).toString()) as { input: string }).input;
};

/** The text with every target of the pack made alike. */
const blank = (name: PackName, text: string): string => {
  const pack = loadPack(name);
  const targets = new Set(pack.patterns.map((pattern) => targetOf(name, pack, pattern)));
  return [...targets].reduce((before, target) => before.replaceAll(target, "∎"), text);
};

for (const name of PACK_NAMES) {
  const { negatives, positives } = cases[name];

  test(`${name}: at least 20 examples of what is taken, and of what is not`, () => {
    expect(new Set(positives).size).toBeGreaterThanOrEqual(20);
    expect(new Set(negatives).size).toBeGreaterThanOrEqual(20);
  });

  for (const marked of positives) {
    test(`${name} takes ${JSON.stringify(marked)}`, () => {
      const text = expandShapes(marked);
      const redacted = apply(name, text.replace(MARK, "$1"));
      expect(blank(name, redacted)).toBe(text.replace(MARK, "∎"));
      expect(apply(name, redacted)).toBe(redacted);
    });
  }

  for (const shape of negatives) {
    test(`${name} leaves ${JSON.stringify(shape)}`, () => {
      const text = expandShapes(shape);
      expect(apply(name, text)).toBe(text);
    });
  }

  test(`${name}: every pattern has a source, an example that it takes, and is a pattern of RE2 too`, () => {
    const pack = loadPack(name);
    for (const pattern of pack.patterns) {
      expect(pattern.source).not.toBe("");
      expect(pattern.anchors.length).toBeGreaterThan(0);
      for (const regex of [pattern.pattern, pattern.not_after, pattern.not_before, pattern.needs]) {
        if (regex !== undefined) expect(() => RE2JS.compile(regex)).not.toThrow();
      }
      for (const regex of [...(pack.unless ?? []), ...(pattern.unless ?? [])])
        expect(() => RE2JS.compile(regex)).not.toThrow();
      const compiled = RE2JS.compile(pattern.pattern, pattern.ignore_case ? RE2JS.CASE_INSENSITIVE : 0);
      expect(compiled.matches("")).toBe(false);
      for (const example of pattern.examples) {
        const text = expandShapes(example);
        expect({ name: pattern.name, text: apply(name, text) }).not.toEqual({ name: pattern.name, text });
        expect({ name: pattern.name, found: compiled.matcher(text).find() }).toEqual({
          name: pattern.name,
          found: true,
        });
      }
    }
  });
}

/** Where a pattern matches in a text. */
const spansOfJs = (regex: RegExp, text: string): string[] =>
  [...text.matchAll(regex)].map((match) => `${match.index}-${match.index + match[0].length}`);
const spansOfRe2 = (regex: RE2JS, text: string): string[] => {
  const found: string[] = [];
  const matcher = regex.matcher(text);
  while (matcher.find()) found.push(`${matcher.start()}-${matcher.end()}`);
  return found;
};

test("RE2 and the engine that runs the packs find the same in every example", () => {
  const texts = PACK_NAMES.flatMap((name) => [...cases[name].positives, ...cases[name].negatives]).map(
    (one) => expandShapes(one.replace(MARK, "$1")),
  );
  const whole = texts.join("\n\n");
  for (const pattern of PACK_NAMES.flatMap((name) => loadPack(name).patterns)) {
    const ignoresCase = pattern.ignore_case === true;
    const js = new RegExp(pattern.pattern, ignoresCase ? "gi" : "g");
    const re2 = RE2JS.compile(pattern.pattern, ignoresCase ? RE2JS.CASE_INSENSITIVE : 0);
    expect({ name: pattern.name, spans: spansOfJs(js, whole) }).toEqual({
      name: pattern.name,
      spans: spansOfRe2(re2, whole),
    });
  }
});

test("all packs leave a request as it is where nothing is to be taken: ids, signatures, encrypted content", () => {
  const rules = PACK_NAMES.map((pack) => ({ pack }));
  const body = JSON.stringify({
    model: "gpt-5",
    prompt_cache_key: expandShapes("{h8}-{h4}-{h4}-{h4}-{h12}"),
    previous_response_id: expandShapes("resp_{h48}"),
    input: [
      {
        type: "reasoning",
        id: expandShapes("rs_{h48}"),
        encrypted_content: expandShapes("gAAAAA{b400}.AKIA{U16}"),
      },
      {
        type: "function_call",
        call_id: expandShapes("call_{A24}"),
        id: expandShapes("fc_{h48}"),
        arguments: "{}",
      },
      {
        role: "assistant",
        content: [{ type: "thinking", thinking: "x", signature: expandShapes("ghp_{A36}") }],
      },
      { type: "tool_use", id: expandShapes("toolu_01{A22}"), name: "Read", input: {} },
      { type: "image", source: { type: "base64", data: expandShapes("iVBORw0KGgo{B400}+AIza{A35}+{B400}") } },
    ],
    metadata: { user_id: expandShapes("user_{h64}_account_{h8}-{h4}-{h4}-{h4}-{h12}") },
  });
  expect(filterText(rules, body)).toBe(body);
});

// Written anew by: bun test/filter/pack-table.ts
test("the documents list every pack and pattern, with its source", async () => {
  for (const { path, rewrite } of PACK_DOCS) {
    const text = await Bun.file(path).text();
    expect(text).toBe(rewrite(text));
  }
});

test("long escapes and JSON in a string hide nothing from a pack", () => {
  const key = expandShapes("ghp_{A36}");
  const escaped = key
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
  expect(filterText([{ pack: "secrets" }], `{"input":"${escaped}"}`)).toBe(
    '{"input":"[REDACTED_GITHUB_TOKEN]"}',
  );
  const nested = JSON.stringify({ arguments: JSON.stringify({ command: ["echo", key] }) });
  expect(filterText([{ pack: "secrets" }], nested)).toBe(
    JSON.stringify({ arguments: JSON.stringify({ command: ["echo", "[REDACTED_GITHUB_TOKEN]"] }) }),
  );
});

/** What a pattern begins with, again and again, joined by what its values may have in them; and a real one at the end. */
const JOINTS = ["", " ", "-", "_", ".", "/b", "\n", "a1.", "=a1b2c3d4e5f6g7h8", "a1b2-a1b2."];
const HOSTILE_CHARS = 20_000;

for (const name of PACK_NAMES) {
  test(`${name}: no text makes the search for a pattern look at it again and again`, () => {
    // A tick of the clock for each place that is tried.
    let ticks = 0;
    const filter = makeRequestFilter({
      rules: parseRules(JSON.stringify({ pack: name }), "filter.json"),
      service: "codex",
      book: makeBook,
      now: () => ((ticks += 1), 0),
    });
    for (const { anchors, examples, name: pattern } of loadPack(name).patterns) {
      const example = expandShapes(examples[0] ?? "");
      for (const unit of [
        ...JOINTS.map((joint) => `${anchors[0]}${joint}`),
        example.slice(0, -1),
        `${example}-${anchors[0]}-`,
      ]) {
        const text = `${unit.repeat(Math.ceil(HOSTILE_CHARS / unit.length))} ${example}`;
        ticks = 0;
        const { kind } = filter.filterBody(Buffer.from(JSON.stringify({ input: text })), null);
        expect({ pattern, unit, kind }).toEqual({ pattern, unit, kind: "ok" });
        expect(ticks).toBeLessThan(4 * HOSTILE_CHARS);
      }
    }
  });
}

test("several of a kind beside each other are all taken", () => {
  const keys = [1, 2, 3].map(() => expandShapes("ghp_{A36}"));
  expect(apply("secrets", keys.join(" "))).toBe(keys.map(() => "[REDACTED_GITHUB_TOKEN]").join(" "));
  expect(apply("emails", "a@acme.io,b@acme.io")).toBe("[REDACTED_EMAIL],[REDACTED_EMAIL]");
});
