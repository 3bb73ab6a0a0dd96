// Signs the release in a directory, as `bun release/make.ts` has made it: SHA256SUMS.sig and SHA256SUMS.minisig.
// Needs nothing but Bun, so that no package of others runs beside the key.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import keys from "./keys.json";
import { runTool } from "./tool.ts";
import {
  makeSecretKey,
  type PublicKey,
  publicKeyOf,
  readSignedVersion,
  signSums,
  stampScript,
} from "./signing.ts";

const HELP = `Signs the release in a directory: SHA256SUMS.sig (ECDSA P-256) and SHA256SUMS.minisig.

  RELEASE_KEY=... bun release/sign.ts DIR       with the secret key that \`bun release/keys.ts new\` made
  bun release/sign.ts --throw-away DIR          with a key made now and then forgotten, to try a release: its install scripts
                                                then accept this key only

DIR is dist/release if none is given.
`;
const SCRIPTS = ["install.sh", "install.ps1"];

const OPTIONS = { "throw-away": { type: "boolean", default: false } } as const;

await runTool(HELP, OPTIONS, ({ positionals, values }) => {
  const directory = positionals[0] ?? join(import.meta.dir, "../dist/release");
  const secret = values["throw-away"] ? makeSecretKey("throw-away") : process.env["RELEASE_KEY"];
  if (secret === undefined || secret === "") throw new Error("RELEASE_KEY holds no key");
  const key = publicKeyOf(secret);
  if (values["throw-away"]) stampRelease(directory, key);
  else assertKnown(directory, key);
  const sums = readFileSync(join(directory, "SHA256SUMS"));
  for (const [name, signature] of Object.entries(signSums(sums, readSignedVersion(sums), secret))) {
    writeFileSync(join(directory, name), signature);
  }
  process.stdout.write(`signed with the key ${key.name}\n`);
});

/** A signature that the release's own install scripts would refuse helps nobody. */
function assertKnown(directory: string, key: PublicKey): void {
  const known: readonly PublicKey[] = keys;
  if (!known.some(({ ecdsa, minisign }) => ecdsa === key.ecdsa && minisign === key.minisign)) {
    throw new Error(`release/keys.json does not have the key ${key.name}`);
  }
  for (const name of SCRIPTS) {
    if (!readFileSync(join(directory, name), "utf8").includes(`${key.ecdsa} ${key.minisign}`)) {
      throw new Error(`${name} of this release does not have the key ${key.name}`);
    }
  }
}

/** Gives the install scripts the key, and SHA256SUMS their new sums. */
function stampRelease(directory: string, key: PublicKey): void {
  const file = join(directory, "SHA256SUMS");
  let sums = readFileSync(file, "utf8");
  for (const name of SCRIPTS) {
    const script = stampScript(readFileSync(join(directory, name), "utf8"), { keys: [key] });
    writeFileSync(join(directory, name), script);
    const sum = new Bun.CryptoHasher("sha256").update(script).digest("hex");
    sums = sums.replace(new RegExp(`^[0-9a-f]{64}  ${RegExp.escape(name)}$`, "m"), `${sum}  ${name}`);
  }
  writeFileSync(file, sums);
}
