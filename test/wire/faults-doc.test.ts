import { expect, test } from "bun:test";
import { FAULTS, FAULTS_DOC_PATH, findTests, withFaults } from "./fault-rows.ts";

test("every fault has a test that is named after it, and every such test a fault", async () => {
  const tested = await findTests();
  expect([...tested.keys()].toSorted()).toEqual(FAULTS.map(([row]) => row).toSorted());
});

test("docs/faults.md says which", async () => {
  const text = await Bun.file(FAULTS_DOC_PATH).text();
  expect(text).toBe(await withFaults(text));
});
