// The table of headers in docs/privacy.md, made from base/header-names.ts. `bun test/proxy/header-table.ts` writes it anew.
import {
  CREDENTIAL_PARTS,
  CREDENTIAL_WORDS,
  HEADER_ROWS,
  type HeaderTreatment,
} from "../../src/base/header-names.ts";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

export const PRIVACY_DOC_PATH = `${import.meta.dir}/../../docs/privacy.md`;

const MARKS = ["<!-- the table of headers: begin -->", "<!-- the table of headers: end -->"] as const;

const WORDS: Readonly<Record<HeaderTreatment, string>> = {
  sent: "sent",
  "held back": "**held back**",
  login: 'only with `"client": true`',
  replaced: "never",
};

const list = (names: Iterable<string>): string => [...names].map((name) => `\`${name}\``).join(", ");

/** The document with its table, and the names behind it, as the code has them. Throws where the marks are missing. */
export function withHeaderTable(text: string): string {
  const rows = HEADER_ROWS.map(({ toRelay, toVendor, what, why }) => [
    what,
    WORDS[toVendor],
    WORDS[toRelay],
    why,
  ]);
  const table = makeMarkdownTable([
    ["headers", "to the vendor", "to a relay", "why"],
    [
      "what a client's own file adds",
      "never",
      "**only to its own**",
      "it was written for one relay, see below",
    ],
    ...rows,
    ["any other", "sent", "**held back**", "not known: a relay needs it for nothing"],
  ]);
  const words = `${list(CREDENTIAL_WORDS)} at the end, or ${list(CREDENTIAL_PARTS)} anywhere`;
  const names = [
    ...HEADER_ROWS.map(({ names: all, seen, what }) => {
      const today = seen === undefined ? "" : `; today ${list(seen)}`;
      return `- ${what}: ${list(all)}${today}`;
    }),
    `- credentials by name are also all others, of whatever family, with ${words}`,
    "- and so are parameters of the address with such a name, but for places in a list (`page_token`)",
  ];
  return replaceBetween(text, MARKS, `${table}\n\n${names.join("\n")}`);
}

if (import.meta.main) {
  await Bun.write(PRIVACY_DOC_PATH, withHeaderTable(await Bun.file(PRIVACY_DOC_PATH).text()));
}
