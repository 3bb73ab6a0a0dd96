// Makes and reads the keys that releases are signed with, and signs. Each key is a pair of pairs: ECDSA P-256, which every
// openssl and .NET verifies, and Ed25519 in the format of minisign (https://jedisct1.github.io/minisign/). Uses Node's crypto only.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";

/** As it stands in release/keys.json. */
export interface PublicKey {
  readonly name: string;
  /** SubjectPublicKeyInfo in base64, 91 bytes. */
  readonly ecdsa: string;
  /** As `minisign -P` takes it. */
  readonly minisign: string;
}

/** The names of the signatures beside SHA256SUMS. */
const ECDSA_SIGNATURE = "SHA256SUMS.sig";
const MINISIGN_SIGNATURE = "SHA256SUMS.minisig";

/** A new secret key as one line, which is what the workflow's secret holds: its name, and both private keys as PKCS #8 in base64. */
export function makeSecretKey(name: string): string {
  if (!/^[\w-]+$/.test(name)) throw new Error(`not a name for a key: ${name}`);
  const pairs = [generateKeyPairSync("ec", { namedCurve: "P-256" }), generateKeyPairSync("ed25519")];
  const texts = pairs.map(({ privateKey }) =>
    privateKey.export({ format: "der", type: "pkcs8" }).toString("base64"),
  );
  return [name, ...texts].join(" ");
}

/** Throws, without a word of the key, where the text is none. */
function readSecretKey(secret: string) {
  const [name = "", ...texts] = secret.trim().split(/\s+/);
  try {
    const [ecdsa, ed25519] = texts.map((text) =>
      createPrivateKey({ key: Buffer.from(text, "base64"), format: "der", type: "pkcs8" }),
    );
    const isPair = ecdsa?.asymmetricKeyType === "ec" && ed25519?.asymmetricKeyType === "ed25519";
    if (isPair && texts.length === 2) return { name, ecdsa, ed25519 };
  } catch {
    // Said below: what the library says may hold a part of the key.
  }
  throw new Error("not a secret key as `bun release/keys.ts new` makes it: NAME ECDSA ED25519");
}

export function publicKeyOf(secret: string): PublicKey {
  const { name, ecdsa, ed25519 } = readSecretKey(secret);
  const raw = rawEd25519(ed25519);
  return {
    name,
    ecdsa: createPublicKey(ecdsa).export({ format: "der", type: "spki" }).toString("base64"),
    minisign: Buffer.concat([Buffer.from("Ed"), keyId(raw), raw]).toString("base64"),
  };
}

type EdKey = ReturnType<typeof readSecretKey>["ed25519"];

const rawEd25519 = (key: EdKey): Buffer =>
  createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32);

/** minisign draws 8 bytes by chance; of the key itself they need not be kept. */
const keyId = (raw: Buffer): Buffer => createHash("sha256").update(raw).digest().subarray(0, 8);

/** Both signatures of the sums of this version, by file name. */
export function signSums(sums: Uint8Array, version: string, secret: string): Record<string, Uint8Array> {
  const { ecdsa, ed25519, name } = readSecretKey(secret);
  return {
    [ECDSA_SIGNATURE]: sign("sha256", sums, ecdsa),
    [MINISIGN_SIGNATURE]: Buffer.from(signMinisign(sums, ed25519, [name, version])),
  };
}

/** "ED": of the file's BLAKE2b-512. The second signature is of the first and of the comment. */
function signMinisign(file: Uint8Array, key: EdKey, [name, version]: readonly [string, string]): string {
  const signature = sign(null, createHash("blake2b512").update(file).digest(), key);
  const comment = `codex-helper ${version} SHA256SUMS`;
  const both = sign(null, Buffer.concat([signature, Buffer.from(comment)]), key);
  const first = Buffer.concat([Buffer.from("ED"), keyId(rawEd25519(key)), signature]);
  return [
    `untrusted comment: signed with the key ${name} of codex-helper`,
    first.toString("base64"),
    `trusted comment: ${comment}`,
    `${both.toString("base64")}\n`,
  ].join("\n");
}

/** The file whose name binds the sums, and so what is signed, to a version: the bill of materials. */
export const versionedName = (version: string): string => `codex-helper-${version}.cdx.json`;

export function readSignedVersion(sums: Uint8Array): string {
  const [version, second] = [
    ...new TextDecoder().decode(sums).matchAll(/^[0-9a-f]{64} {2}codex-helper-(.+)\.cdx\.json$/gm),
  ].map(([, version = ""]) => version);
  if (version === undefined || second !== undefined) throw new Error("SHA256SUMS is not of one version");
  return version;
}

interface Stamp {
  readonly releasesUrl?: string;
  readonly version?: string;
  readonly keys?: readonly PublicKey[];
}

/** An install script, of either language, with these of its first lines set. */
export function stampScript(script: string, { keys, releasesUrl, version }: Stamp): string {
  const set = (text: string, name: string, value: string | undefined): string => {
    const line = new RegExp(`^(\\$?${name} ?= ?)'[^']*'$`, "im");
    if (!line.test(text)) throw new Error(`the install script has no line for ${name}`);
    return value === undefined ? text : text.replace(line, (_, start: string) => `${start}'${value}'`);
  };
  const withAddress = set(script, "releases", releasesUrl);
  const withVersion = set(withAddress, "own_?version", version);
  return set(withVersion, "keys", keys === undefined ? undefined : listKeys(keys));
}

/** One a line, as the install scripts and the documents have them. */
export const listKeys = (keys: readonly PublicKey[]): string =>
  keys.map(({ ecdsa, minisign, name }) => `${name} ${ecdsa} ${minisign}`).join("\n");
