// The keys that releases are signed with. release/keys.json is the one place that has the public ones; the install scripts and
// the documents repeat it, written from here. A secret key is never in the repository.
import { readFileSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import keys from "./keys.json";
import { listKeys, makeSecretKey, type PublicKey, publicKeyOf, stampScript } from "./signing.ts";
import { runTool } from "./tool.ts";

const ROOT = join(import.meta.dir, "..");
const HELP = `The keys that releases are signed with, in release/keys.json.

  bun release/keys.ts                   writes them into the install scripts and the documents
  bun release/keys.ts new NAME FILE     makes one: the secret part goes into FILE, outside of the repository
  bun release/keys.ts retire NAME       takes one out: releases that are signed with it are refused from then on
`;

/** What a document says between its two comments. */
const WORDS: Readonly<Record<string, { readonly none: string; readonly some: string }>> = {
  "README.md": {
    none: "No release has been signed yet: there is no key to check one with, and the install scripts of this repository refuse every release.",
    some: "The keys of releases: name, ECDSA P-256, minisign ([how to check by hand](SECURITY.md#checking-a-download)).",
  },
  "README.zh-CN.md": {
    none: "目前还没有签过名的发布版，因此这里没有公钥，本仓库里的安装脚本会拒绝任何发布版。",
    some: "发布版的公钥：名称、ECDSA P-256、minisign（[如何手工验证](SECURITY.md#checking-a-download)）。",
  },
  "SECURITY.md": {
    none: "No key has been made yet: the first release brings it.",
    some: "Name, ECDSA P-256 (SubjectPublicKeyInfo in base64), minisign:",
  },
};
const BLOCK = /^(<!-- the keys: begin -->\n)[\s\S]*?(^<!-- the keys: end -->$)/m;

/** The files that repeat the keys. */
export const FILES_WITH_KEYS = ["install.sh", "install.ps1", ...Object.keys(WORDS)];

export function writeKeys(file: string, text: string, all: readonly PublicKey[]): string {
  const words = WORDS[file];
  if (words === undefined) return stampScript(text, { keys: all });
  if (!BLOCK.test(text)) throw new Error(`${file} has no place for the keys`);
  const body = all.length === 0 ? words.none : `${words.some}\n\n\`\`\`text\n${listKeys(all)}\n\`\`\``;
  return text.replace(BLOCK, (_, begin: string, end: string) => `${begin}\n${body}\n\n${end}`);
}

function save(all: readonly PublicKey[]): void {
  writeFileSync(join(import.meta.dir, "keys.json"), `${JSON.stringify(all, null, 2)}\n`);
  for (const file of FILES_WITH_KEYS) {
    const path = join(ROOT, file);
    writeFileSync(path, writeKeys(file, readFileSync(path, "utf8"), all));
  }
}

function addKey(known: readonly PublicKey[], name: string, file: string): void {
  if (known.some((key) => key.name === name)) throw new Error(`there is a key ${name} already`);
  const secret = makeSecretKey(name);
  if (!relative(ROOT, resolve(file)).startsWith("..")) {
    throw new Error(`${file} is in the repository, where a secret key must not be`);
  }
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: "wx" });
  save([...known, publicKeyOf(secret)]);
  process.stdout
    .write(`The secret key is in ${file}, the public one in release/keys.json, the scripts and the documents.
Next: gh secret set RELEASE_KEY --env release < ${file}
Then keep the file offline, and commit what changed.
`);
}

if (import.meta.main) {
  await runTool(HELP, {}, ({ positionals }) => {
    const known: readonly PublicKey[] = keys;
    const [action, name = "", file = "", ...more] = positionals;
    const isWhole = more.length === 0 && name !== "";
    if (action === undefined) save(known);
    else if (action === "new" && isWhole && file !== "") addKey(known, name, file);
    else if (action === "retire" && isWhole && known.some((key) => key.name === name)) {
      save(known.filter((key) => key.name !== name));
    } else throw new Error("what to do is: nothing, new NAME FILE, or retire NAME of a known key");
  });
}
