import { expect, test } from "bun:test";
import { showAmount, showRest } from "../../src/quota/amounts.ts";

test.each([
  [0, "USD", "$0.00"],
  [0.0042, "USD", "$0.0042"],
  [0.00996, "USD", "$0.0100"],
  [0.01, "USD", "$0.01"],
  [12.5, "USD", "$12.50"],
  [0.005, "CNY", "0.0050 CNY"],
  [0.004, "points", "0 points"],
])("%d %s is %s: less than a cent is not nothing", (amount, unit, words) => {
  expect(showAmount(amount, unit)).toBe(words);
});

test("of a limit the rest is shown as fine", () => {
  expect(showRest(0.0042, 20, "USD")).toBe("$0.0042");
});
