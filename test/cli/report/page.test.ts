import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Chart, makeBarChart, makeLineChart } from "../../../src/cli/report/charts.ts";
import { groupThousands } from "../../../src/cli/report/html.ts";
import { makePage, showChange } from "../../../src/cli/report/page.ts";
import style from "../../../src/cli/report/page-style.txt" with { type: "text" };
import { createReport } from "../../../src/usage/report.ts";
import { makeRecord } from "../../log/make-record.ts";

const dayOf = (timestampMs: number): string => new Date(timestampMs).toISOString().slice(0, 10);
const DAY_MS = 86_400_000;

function pageOf(
  entries: readonly Readonly<Record<string, unknown>>[],
  before: readonly Readonly<Record<string, unknown>>[] = [],
): string {
  const builder = createReport({
    dayOf,
    costOf: ({ model }) => (model === "unknown" ? { kind: "unpriced", model } : { kind: "priced", usd: 0.5 }),
  });
  for (const entry of entries) builder.add(makeRecord({ method: "POST", path: "/v1/messages", ...entry }));
  for (const entry of before)
    builder.addBefore(makeRecord({ method: "POST", path: "/v1/messages", ...entry }));
  return makePage({
    report: builder.finish(),
    range: "all",
    language: "en",
    version: "1",
    pricesAsOf: "2026-11-29",
    before: { isKnown: before.length > 0, words: "what is before" },
    showPlace: (place) => place,
  });
}

/** Every tag of a page with its attributes; what is left is text. */
function listTags(page: string): { names: Set<string>; attributes: Set<string>; text: string } {
  const names = new Set<string>();
  const attributes = new Set<string>();
  let text = "";
  const rewriter = new HTMLRewriter().on("*", {
    element({ tagName, attributes: all }) {
      names.add(tagName);
      for (const [name] of all) attributes.add(name);
    },
    text: (chunk) => void (text += chunk.text),
  });
  rewriter.transform(page);
  return { names, attributes, text };
}

const TAGS = [
  "html head meta title style body header h1 h2 p section div b span i figure figcaption svg path text rect circle",
  "table thead tbody tfoot tr th td footer",
].join(" ");

describe("a report", () => {
  test("needs nothing from elsewhere and runs nothing, whatever names are in the log", () => {
    const evil = fc.constantFrom(
      "<script>alert(1)</script>",
      '"><img src=x onerror=alert(1)>',
      "'onload='alert(1)",
      "</title></style><iframe src=//e.example>",
      "javascript:alert(1)",
      "&lt;b&gt;",
      "\u202e\u0000\u001b[31m",
    );
    const name = fc.oneof(evil, fc.string({ unit: "grapheme" }));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, name, fc.nat(40)), { maxLength: 12 }), (names) => {
        const page = pageOf(
          names.map(([upstream, model, day]) => ({
            upstream_base_url: upstream,
            model,
            upstream_label: model,
            project: upstream,
            session_id: model,
            timestamp_ms: day * DAY_MS,
            ttfb_ms: 100 + day,
            usage: { total_tokens: day },
          })),
        );
        const { names: tags, attributes } = listTags(page);
        expect([...tags].filter((tag) => !TAGS.split(" ").includes(tag))).toEqual([]);
        expect(
          [...attributes].filter((one) => one.startsWith("on") || one === "src" || one === "href"),
        ).toEqual([]);
        expect(page).not.toMatch(/url\(|@import|<script/i);
      }),
      { numRuns: 60 },
    );
  });

  test("shows totals, upstreams and models, and says what is not in the cost", () => {
    const { text } = listTags(
      pageOf([
        { upstream_base_url: "https://a.example/v1", model: "m", usage: { total_tokens: 1234 }, ttfb_ms: 80 },
        { upstream_base_url: null, model: "unknown", outcome: "refused" },
        { path: "/v1/models" },
      ]),
    );
    for (const part of ["1.23k", "$0.50+", "a.example/v1", "no upstream", "80 ms", "unpriced"]) {
      expect(text).toContain(part);
    }
    expect(text).toContain("Requests of models without a price, not included in the cost: 1 (unknown).");
    expect(text).toContain("Requests that generate nothing (model lists, token counting), not counted: 1.");
  });

  test("gives the seven largest upstreams a colour and draws the others as one", () => {
    const page = pageOf(
      Array.from({ length: 12 }, (_, index) => ({
        upstream_base_url: `https://u${index}.example`,
        usage: { total_tokens: 100 - index },
      })),
    );
    expect(page.match(/<i class="c\d">/g)).toHaveLength(7);
    expect(page).toContain('<i class="c6"></i>others');
    expect(page).toContain("<title>1970-01-01, others: 549</title>");
  });

  test("splits tokens into fresh, cached and output, and says each value under a pointer", () => {
    const usage = { input_tokens: 1_000_000, cached_input_tokens: 234_567, output_tokens: 12_345 };
    const page = pageOf([
      {
        path: "/v1/responses",
        upstream_base_url: "https://a.example",
        usage: { ...usage, total_tokens: 1_012_345 },
      },
    ]);
    for (const title of [
      "1970-01-01, fresh: 765,433",
      "1970-01-01, cached: 234,567",
      "1970-01-01\nfresh: 765,433\ncached: 234,567\noutput: 12,345\nall: 1,012,345",
      "1970-01-01\na.example: 1,012,345",
    ])
      expect(page).toContain(`<title>${title}</title>`);
    expect(page).toContain('<td title="1,012,345">1.01M</td>');
  });

  test("of Claude, fresh is what was written to the cache, too", () => {
    const usage = { input_tokens: 10, cached_input_tokens: 300, cache_creation_tokens: 40, output_tokens: 5 };
    const page = pageOf([{ upstream_base_url: "https://a.example", usage: { ...usage, total_tokens: 355 } }]);
    expect(page).toContain("<title>1970-01-01, fresh: 50</title>");
  });

  test("says of a chart that has nothing to draw that it has nothing", () => {
    const page = pageOf([{ upstream_base_url: "https://a.example" }]);
    for (const words of [
      "no upstream said what was used",
      "no answer began",
      "no failovers",
      "no failed requests",
    ])
      expect(page).toContain(`<p class="empty">${words}</p>`);
    // Requests and cost, and the strip of the upstream.
    expect(page.match(/<svg/g)).toHaveLength(3);
  });

  test("shows the twenty largest projects and sessions, and the others as one", () => {
    const { text } = listTags(
      pageOf(
        Array.from({ length: 1234 }, (_, index) => ({
          upstream_base_url: "https://a.example",
          project: `p${index}`,
          session_id: `s${index}`,
          usage: { total_tokens: 2000 - index },
        })),
      ),
    );
    expect(text.match(/and 1,214 more/g)).toHaveLength(2);
    expect(text).toContain("p19");
    expect(text).not.toContain("p20");
    // Once for the others of each table.
    expect(text).toContain("1,214");
  });

  test("bears names of any length", () => {
    const name = "长".repeat(100_000);
    const page = pageOf([{ upstream_base_url: name, model: name, project: name, session_id: name }]);
    expect(page.length).toBeLessThan(60_000);
  });

  test("tells the change against the span before", () => {
    const one = { upstream_base_url: "https://a.example", usage: { total_tokens: 100 }, ttfb_ms: 80 };
    const cheap = { ...one, outcome: "error", usage: { total_tokens: 400 } };
    const page = pageOf([one, one, one], [one, cheap]);
    expect(page).toContain('<span>requests</span><span title="before: 2">+50 %</span>');
    expect(page).toContain('<span>tokens</span><span title="before: 500">-40 %</span>');
    expect(page).toContain('<span>failed</span><span title="before: 1">-100 %</span>');
    expect(page).toContain('<span>failovers</span><span title="before: 0">unchanged</span>');
    expect(pageOf([one])).not.toContain("before: ");
    expect(pageOf([one])).toContain('<p class="note">what is before</p>');
  });

  test("of nothing says so", () => {
    const page = pageOf([]);
    expect(listTags(page).text).toContain("no requests in the log");
    expect(page).not.toContain("<svg");
  });
});

test.each([
  [110, 100, "+10 %"],
  [1, 3, "-67 %"],
  [20_000, 1, "+1,999,900 %"],
  [1001, 1000, "< +1 %"],
  [999, 1000, "> -1 %"],
  [0, 0, "unchanged"],
  [5, 0, "none before"],
  [null, 5, null],
  [5, null, null],
])("%p after %p is %p", (now, before, shown) => {
  expect(showChange(now, before)).toBe(shown);
});

test.each([
  ["999", "999"],
  ["1000", "1,000"],
  ["$1234567", "$1,234,567"],
  ["12345+", "12,345+"],
  ["0.12345", "0.12345"],
  ["$0.0042", "$0.0042"],
  ["1234.5678", "1,234.5678"],
  ["1.23M", "1.23M"],
])("%s by thousands is %s", (figure, shown) => {
  expect(groupThousands(figure)).toBe(shown);
});

describe("a chart", () => {
  const value = fc.oneof(fc.double({ min: 0, max: 1e12, noNaN: true }), fc.constant(null), fc.constant(0));
  const anyChart: fc.Arbitrary<Chart> = fc.integer({ min: 1, max: 40 }).chain((count) =>
    fc.record({
      title: fc.constant("t"),
      least: fc.constantFrom(0, 4),
      format: fc.constant(String),
      periods: fc.constant(Array.from({ length: count }, (_, index) => `p${index}`)),
      series: fc.array(
        fc.record({
          name: fc.constant("n"),
          colour: fc.constant("c0"),
          values: fc.array(value, { minLength: count, maxLength: count }),
        }),
        { maxLength: 5 },
      ),
    }),
  );

  test("draws nothing outside itself", () => {
    fc.assert(
      fc.property(anyChart, (chart) => {
        for (const [, x = "", y = "", width = "", height = ""] of makeBarChart(chart).matchAll(
          /<rect class="c0" x="([\d.e+-]+)" y="([\d.e+-]+)" width="([\d.e+-]+)" height="([\d.e+-]+)"/g,
        )) {
          expect(Number(x)).toBeGreaterThanOrEqual(0);
          expect(Number(y)).toBeGreaterThanOrEqual(9.9);
          expect(Number(x) + Number(width)).toBeLessThanOrEqual(420);
          expect(Number(y) + Number(height)).toBeLessThanOrEqual(190);
        }
        expect(makeBarChart(chart) + makeLineChart(chart)).not.toContain("NaN");
      }),
    );
  });

  test("breaks a line where nothing is known", () => {
    const chart = { title: "t", least: 0, format: String, periods: ["a", "b", "c", "d"] };
    const svg = makeLineChart({ ...chart, series: [{ name: "n", colour: "c0", values: [1, 2, null, 3] }] });
    expect(/d="(M[^"]*)"\/>\n<circle/.exec(svg)?.[1]?.replace(/[\d. ]/g, "")).toBe("MLM");
  });
});

/** What a person with no cones for long, middle or short waves sees, on linear RGB: Machado, Oliveira and Fernandes 2009. */
const SEEN_BY = {
  all: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopes: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopes: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopes: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
} as const;

/** CIELAB, of light as it is seen. */
function toLab(colour: string, seen: readonly (readonly number[])[]): readonly [number, number, number] {
  const linear = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  const mix = (row: readonly number[], of: readonly number[]): number =>
    Math.min(
      1,
      Math.max(
        0,
        row.reduce((sum, share, index) => sum + share * (of[index] ?? 0), 0),
      ),
    );
  const light = seen.map((row) => mix(row, linear));
  const root = (value: number): number => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116);
  const x = root(mix([0.4339, 0.3762, 0.1899], light));
  const y = root(mix([0.2126, 0.7152, 0.0722], light));
  const z = root(mix([0.0177, 0.1095, 0.8728], light));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

test.each(["light", "dark"] as const)("on a %s screen nobody takes failing for fine or spent", (scheme) => {
  const dark = style.slice(style.indexOf("prefers-color-scheme:dark"), style.indexOf("@media (max-width"));
  const find = (name: string): string => {
    const of = (text: string): string | undefined =>
      new RegExp(`\\.${name}\\{--c:(#[0-9a-f]{6})\\}`).exec(text)?.[1];
    return (scheme === "dark" ? of(dark) : undefined) ?? of(style) ?? "";
  };
  const [fine, spent, failing] = ["a0", "a1", "a2"].map(find);
  for (const [who, seen] of Object.entries(SEEN_BY))
    for (const pair of [
      [fine, spent],
      [fine, failing],
      [spent, failing],
    ]) {
      const [one, other] = pair.map((colour = "") => toLab(colour, seen));
      const distance = Math.hypot(...[0, 1, 2].map((at) => (one?.[at] ?? 0) - (other?.[at] ?? 0)));
      expect(distance, `${who}: ${pair.join(" and ")}`).toBeGreaterThan(40);
    }
});
