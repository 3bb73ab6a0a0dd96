// The table of docs/doctor.md, made from the checks themselves. `bun test/doctor/doctor-table.ts` writes it anew.
import { listChecks } from "../../src/app/doctor/examine.ts";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

export const DOCTOR_DOC_PATH = `${import.meta.dir}/../../docs/doctor.md`;

const MARKS = ["<!-- the table of checks: begin -->", "<!-- the table of checks: end -->"] as const;

/** The document with its table as the code has it. Throws where the marks are missing. */
export async function withTable(text: string): Promise<string> {
  const checks = await listChecks();
  const rows = checks.map(({ about, id, repair, worst }) => [`\`${id}\``, about, worst, repair ?? ""]);
  return replaceBetween(
    text,
    MARKS,
    makeMarkdownTable([["id", "what is checked", "worst result", "`--fix`"], ...rows]),
  );
}

if (import.meta.main) {
  await Bun.write(DOCTOR_DOC_PATH, await withTable(await Bun.file(DOCTOR_DOC_PATH).text()));
}
