import { describe, expect, test } from "bun:test";
import { BUILT_IN_AS_OF, loadCatalog } from "../../../src/usage/price-lists.ts";
import { listedPriceSchema } from "../../../src/usage/price-schema.ts";
import { PRICE_VENDORS } from "../../../src/usage/price-vendors.ts";
import { AS_OF, PRICE_LIST_PATH, makePriceList } from "./price-list.ts";

const OVERLAY_PATH = `${import.meta.dir}/../../../src/usage/price-overlay.txt`;

async function readLines(path: string): Promise<unknown[]> {
  return (await Bun.file(path).text())
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
}

test("the list is what the public lists and our decisions about them come to", async () => {
  expect(await Bun.file(PRICE_LIST_PATH).text()).toBe(await makePriceList());
  expect(BUILT_IN_AS_OF).toBe(AS_OF);
});

test("every line of the list and of ours has the form of a price, of a vendor that is known", async () => {
  const [, ...list] = await readLines(PRICE_LIST_PATH);
  const prices = [...list, ...(await readLines(OVERLAY_PATH))].map((line) => listedPriceSchema.parse(line));
  const vendors = new Set(PRICE_VENDORS.map(({ id }) => id));
  expect(prices.filter(({ vendor }) => !vendors.has(vendor))).toEqual([]);
  expect(prices.filter(({ source }) => source === undefined)).toEqual([]);
});

const lines = (await readLines(OVERLAY_PATH)).map((line) => listedPriceSchema.parse(line));

describe("a line of ours", () => {
  test("says where and when it was read, and why it was taken", () => {
    expect(lines.filter(({ as_of, note, source }) => !as_of || !note || !source)).toEqual([]);
  });

  test("is in force over the list that is built in", async () => {
    const catalog = await loadCatalog();
    const idle = lines.filter(({ model, vendor, note, ...line }) => {
      const upstreamBaseUrl = `https://${PRICE_VENDORS.find(({ id }) => id === vendor)?.hosts[0] ?? ""}/v1`;
      const found = catalog.find({ service: "codex", upstreamBaseUrl, names: [[model].flat()[0] ?? ""] });
      if (!("entries" in found)) return line.input !== undefined;
      return !found.entries.some((entry) => entry.note === note && entry.input === line.input);
    });
    expect(idle).toEqual([]);
  });

  test("ends where a newer list says something else than what it was taken instead of", async () => {
    const listed = (rates: object) =>
      [{ as_of: "2027-01-01" }, { vendor: "deepseek", model: "deepseek-flash", ...rates }]
        .map((line) => JSON.stringify(line))
        .join("\n");
    const inputIn = async (list: string) => {
      const found = (await loadCatalog(list)).find({
        service: "codex",
        upstreamBaseUrl: "https://api.deepseek.com",
        names: ["deepseek-flash"],
      });
      return "entries" in found ? found.entries[0]?.input : null;
    };
    expect(await inputIn(listed({ input: 0.3, output: 1.2 }))).toBe(0.15);
    expect(await inputIn(listed({ input: 0.1, output: 0.4 }))).toBe(0.1);
  });
});
