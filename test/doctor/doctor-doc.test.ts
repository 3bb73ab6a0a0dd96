import { expect, test } from "bun:test";
import { DOCTOR_DOC_PATH, withTable } from "./doctor-table.ts";

// Written anew by: bun test/doctor/doctor-table.ts
test("the table of docs/doctor.md is what the checks say of themselves", async () => {
  const text = await Bun.file(DOCTOR_DOC_PATH).text();
  expect(text).toBe(await withTable(text));
});
