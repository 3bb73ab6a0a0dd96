import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import keys from "../../release/keys.json";
import { FILES_WITH_KEYS, writeKeys } from "../../release/keys.ts";
import {
  makeSecretKey,
  type PublicKey,
  publicKeyOf,
  signSums,
  stampScript,
  versionedName,
} from "../../release/signing.ts";

const ROOT = join(import.meta.dir, "../..");
const KNOWN: readonly PublicKey[] = keys;
const SUMS = Buffer.from(`${"0".repeat(64)}  ${versionedName("1.2.3")}\n`);

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "codex-helper-keys-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

interface Ran {
  readonly code: number;
  readonly words: string;
}

function run(command: readonly string[], cwd: string, env: Record<string, string> = {}): Ran {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...command], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...env },
  });
  return { code: exitCode, words: `${stdout.toString()}${stderr.toString()}` };
}

describe("a signature of a release", () => {
  const secret = makeSecretKey("test");
  const key = publicKeyOf(secret);

  beforeAll(() => {
    writeFileSync(join(directory, "SHA256SUMS"), SUMS);
    for (const [name, data] of Object.entries(signSums(SUMS, "1.2.3", secret))) {
      writeFileSync(join(directory, name), data);
    }
    const pem = [
      "-----BEGIN PUBLIC KEY-----",
      ...(key.ecdsa.match(/.{1,64}/g) ?? []),
      "-----END PUBLIC KEY-----",
    ];
    writeFileSync(join(directory, "key.pem"), `${pem.join("\n")}\n`);
  });

  // Of macOS there is LibreSSL's too.
  const tools = new Set([Bun.which("openssl") ?? "/missing/openssl", "/usr/bin/openssl"]);
  test.each([...tools])("is verified by %s", (openssl) => {
    const command = [openssl, "dgst", "-sha256", "-verify", "key.pem", "-signature", "SHA256SUMS.sig"];
    expect(run([...command, "SHA256SUMS"], directory)).toEqual({ code: 0, words: "Verified OK\n" });
    expect(run([...command, "key.pem"], directory).code).toBe(1);
  });

  test("is verified by what SECURITY.md says to type", () => {
    const [, block = ""] =
      /^By hand[\s\S]*?^```sh\n([\s\S]*?)^```/m.exec(readFileSync(join(ROOT, "SECURITY.md"), "utf8")) ?? [];
    const [pem = "", openssl = "", minisign = ""] = block.split("\n");
    const verify = (command: string, text: string): Ran =>
      run(["sh", "-c", command], directory, { KEY: text });
    expect(verify(`${pem} && ${openssl}`, key.ecdsa)).toEqual({ code: 0, words: "Verified OK\n" });
    expect(verify(minisign, key.minisign).code).toBe(0);
    expect(verify(`${pem} && ${openssl}`, publicKeyOf(makeSecretKey("other")).ecdsa).code).toBe(1);
    expect(verify(minisign, publicKeyOf(makeSecretKey("other")).minisign).code).toBe(1);
  });

  test("is verified by minisign, and says which version it is of", () => {
    const command = ["minisign", "-Vm", "SHA256SUMS", "-P", key.minisign];
    const { code, words } = run(command, directory);
    expect({ code, words }).toEqual({
      code: 0,
      words: "Signature and comment signature verified\nTrusted comment: codex-helper 1.2.3 SHA256SUMS\n",
    });
  });

  test("is verified from its two numbers and the point of the key, which is all that .NET Framework reads", async () => {
    const point = Buffer.from(key.ecdsa, "base64");
    expect({ length: point.length, mark: point[26] }).toEqual({ length: 91, mark: 4 });
    const [x, y] = [point.subarray(27, 59), point.subarray(59, 91)].map((n) => n.toString("base64url"));
    const imported = await crypto.subtle.importKey(
      "jwk",
      { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" },
      { name: "ECDSA", namedCurve: "P-256" },
      false,
      ["verify"],
    );
    // Often enough that both numbers were with a zero in front, without, and short.
    for (let n = 0; n < 300; n += 1) {
      const data = Buffer.from(`sums ${n}`);
      const numbers = readDer(signSums(data, "1.2.3", secret)["SHA256SUMS.sig"] ?? data);
      const isGood = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, numbers, data);
      expect(isGood).toBe(true);
    }
  });

  /** As install.ps1 does, step by step. */
  function readDer(der: Uint8Array): Uint8Array<ArrayBuffer> {
    expect(der.length).toBeGreaterThanOrEqual(8);
    expect(der.length).toBeLessThanOrEqual(72);
    expect([der[0], der[1]]).toEqual([0x30, der.length - 2]);
    const numbers = new Uint8Array(64);
    let at = 2;
    for (const end of [32, 64]) {
      expect(der[at]).toBe(2);
      let from = at + 2;
      at = from + (der[at + 1] ?? 0);
      while (from < at && der[from] === 0) from += 1;
      numbers.set(der.subarray(from, at), end - (at - from));
    }
    expect(at).toBe(der.length);
    return numbers;
  }

  test.each(["", "name", `${secret} more`, secret.split(" ").toReversed().join(" "), "name aaaa bbbb"])(
    "is not made with what is no key, and the error holds none of it",
    (text) => {
      const message = "not a secret key as `bun release/keys.ts new` makes it: NAME ECDSA ED25519";
      expect(() => publicKeyOf(text)).toThrow(new Error(message));
    },
  );
});

describe("the keys of releases", () => {
  const read = (file: string): string => readFileSync(join(ROOT, file), "utf8");

  test.each(FILES_WITH_KEYS)("are in %s those of release/keys.json", (file) => {
    expect(writeKeys(file, read(file), KNOWN)).toBe(read(file));
  });

  test.each(FILES_WITH_KEYS)("are exchanged in %s, and can be taken out again", (file) => {
    const two = ["2030", "2031"].map((name) => publicKeyOf(makeSecretKey(name)));
    const changed = writeKeys(file, read(file), two);
    for (const { ecdsa, minisign, name } of two) expect(changed).toContain(`${name} ${ecdsa} ${minisign}`);
    expect(writeKeys(file, changed, KNOWN)).toBe(read(file));
  });

  test("have no secret part in the repository", () => {
    // How a private key of either kind begins as PKCS #8 in base64. One is of the certificate that tests trust.
    const found = run(
      [
        "git",
        "grep",
        "-lE",
        "MIGHAgEAMBMGByqGSM49[A-Za-z0-9+/]{40}|MC4CAQAwBQYDK2Vw[A-Za-z0-9+/]{20}",
        ":!test/helpers/certificates.ts",
      ],
      ROOT,
    );
    expect(found).toEqual({ code: 1, words: "" });
  });

  test("are made by one command, and a release is then signed with them and installs", () => {
    const copy = join(directory, "copy");
    for (const name of ["release", "package.json", ...FILES_WITH_KEYS]) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true });
    }
    writeFileSync(join(copy, "release/keys.json"), "[]\n");
    const bun = (...args: readonly string[]): Ran => run([process.execPath, ...args], copy);
    const secretFile = join(directory, "secret");
    expect(bun("release/keys.ts", "new", "2030", join(copy, "secret"))).toEqual({
      code: 1,
      words: `error: ${copy}/secret is in the repository, where a secret key must not be\n`,
    });
    expect(bun("release/keys.ts", "new", "2030", secretFile)).toMatchObject({ code: 0 });
    expect(statSync(secretFile).mode & 0o777).toBe(0o600);
    expect(bun("release/keys.ts", "new", "2030", join(directory, "again")).words).toBe(
      "error: there is a key 2030 already\n",
    );

    const release = join(directory, "release");
    mkdirSync(release);
    const [script, sums] = [readFileSync(join(copy, "install.sh"), "utf8"), join(release, "SHA256SUMS")];
    const made = {
      "install.sh": stampScript(script, { version: "1.2.3" }),
      SHA256SUMS: SUMS,
      "install.ps1": "",
    };
    for (const [name, data] of Object.entries(made)) writeFileSync(join(release, name), data);
    const secret = readFileSync(secretFile, "utf8");
    const sign = (key: string): Ran =>
      run([process.execPath, join(copy, "release/sign.ts"), release], copy, { RELEASE_KEY: key });
    expect(sign("").words).toBe("error: RELEASE_KEY holds no key\n");
    expect(sign(makeSecretKey("stray")).words).toBe("error: release/keys.json does not have the key stray\n");
    expect(sign(secret).words).toBe("error: install.ps1 of this release does not have the key 2030\n");
    cpSync(join(copy, "install.ps1"), join(release, "install.ps1"));
    expect(sign(secret)).toEqual({ code: 0, words: "signed with the key 2030\n" });
    const { minisign } = publicKeyOf(secret);
    expect(run(["minisign", "-Vm", sums, "-P", minisign], dirname(sums)).code).toBe(0);

    expect(bun("release/keys.ts", "retire", "2029").code).toBe(1);
    expect(bun("release/keys.ts", "retire", "2030").code).toBe(0);
    const without = writeKeys("install.sh", read("install.sh"), []);
    expect(readFileSync(join(copy, "install.sh"), "utf8")).toBe(without);
  });
});

describe.each(["make", "sign", "keys", "runtimes"])("bun release/%s.ts", (tool) => {
  const version: string = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version;
  const bun = (arg: string): Ran => run([process.execPath, join(ROOT, `release/${tool}.ts`), arg], directory);

  test("tells what it does and of which version, and does nothing else", () => {
    const { code, words } = bun("--help");
    expect(code).toBe(0);
    expect(words).toContain(`bun release/${tool}.ts`);
    for (const line of words.split("\n")) expect(line.length).toBeLessThanOrEqual(170);
    expect(bun("-V")).toEqual({ code: 0, words: `codex-helper ${version}\n` });
  });

  test("refuses an option that it does not know", () => {
    const { code, words } = bun("--wat");
    expect(code).toBe(2);
    expect(words).toStartWith("error: Unknown option '--wat'");
  });
});
