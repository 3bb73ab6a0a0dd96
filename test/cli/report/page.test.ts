import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Chart, makeBarChart, makeLineChart } from "../../../src/cli/report/charts.ts";
import { makePage } from "../../../src/cli/report/page.ts";
import { createReport } from "../../../src/usage/report.ts";
import { makeRecord } from "../../log/make-record.ts";

const dayOf = (timestampMs: number): string => new Date(timestampMs).toISOString().slice(0, 10);
const DAY_MS = 86_400_000;

function pageOf(entries: readonly Readonly<Record<string, unknown>>[]): string {
  const builder = createReport({
    dayOf,
    costOf: ({ model }) => (model === "unknown" ? { kind: "unpriced", model } : { kind: "priced", usd: 0.5 }),
  });
  for (const entry of entries) builder.add(makeRecord({ method: "POST", path: "/v1/messages", ...entry }));
  return makePage({
    report: builder.finish(),
    range: "all",
    language: "en",
    version: "1",
    pricesAsOf: "2026-11-29",
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

  test("of nothing says so", () => {
    const page = pageOf([]);
    expect(listTags(page).text).toContain("no requests in the log");
    expect(page).not.toContain("<svg");
  });
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
