// The tables of docs/quota.md, made from the vendors' own rows. `bun test/quota/vendor-tables.ts` writes them anew.
import { KIND_NAMES, PRESET_NAMES, VENDORS, type VendorName, urlsOf } from "../../src/quota/vendors.ts";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

export const QUOTA_DOC_PATH = `${import.meta.dir}/../../docs/quota.md`;

const MARKS = ["<!-- the tables of vendors: begin -->", "<!-- the tables of vendors: end -->"] as const;
const HEAD = ["queries", "reads", "`auto` recognises it by", "shape known from"];
const SPECIAL = [
  ["`json_path`", "`endpoint`, Bearer", "the fields that `paths` names, or those of a `preset`", "", ""],
  [
    "`auto`",
    "nothing, until the relay is recognised; then as the kind it belongs to",
    "as that kind",
    "",
    "",
  ],
];

/** The document with its tables as the code has them. Throws where the marks are missing. */
export function withVendors(text: string): string {
  const kinds = makeMarkdownTable([["kind", ...HEAD], ...KIND_NAMES.map(makeRow), ...SPECIAL]);
  const presets = makeMarkdownTable([["preset", ...HEAD], ...PRESET_NAMES.map(makeRow)]);
  return replaceBetween(text, MARKS, `${kinds}\n\n${presets}`);
}

function makeRow(name: VendorName): string[] {
  const vendor = VENDORS[name];
  const urls = urlsOf(vendor, "", 0).map((url) => `\`${url.replace(/\?.*/, "")}\``);
  const asks = urls.length === 0 ? "`endpoint`" : urls.join(" and ");
  const { auth, endpoint, header, method, reads, source } = vendor;
  const host = URL.parse(endpoint ?? "")?.host;
  return [
    `\`${name}\``,
    `${method === undefined ? "" : `${method} `}${asks}, ${auth === "bearer" ? "Bearer" : auth}`,
    reads,
    header === undefined ? (host === undefined ? "" : `host \`${host}\``) : `header \`${header}\``,
    source,
  ];
}

if (import.meta.main) {
  await Bun.write(QUOTA_DOC_PATH, withVendors(await Bun.file(QUOTA_DOC_PATH).text()));
}
