import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import Ajv from "ajv";
import manifest from "../../package.json";
import { PLATFORMS } from "../../release/platforms.ts";
import runtimes from "../../release/runtimes.json";
import { makeSbom } from "../../release/sbom.ts";
import { listDependencies } from "../../release/third-party.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

const ROOT = join(import.meta.dir, "../..");
const MADE = { commit: "0123456789abcdef0123456789abcdef01234567", madeAt: "2026-11-30T08:32:04.000Z" };
const sbom = makeSbom(ROOT, MADE);

/** CycloneDX's own schema, with the two that it refers to. */
function makeValidator() {
  const folder = join(
    dirname(fileURLToPath(import.meta.resolve("@cyclonedx/cyclonedx-library/package.json"))),
    "res/schema",
  );
  const read = (name: string): object =>
    JSON.parse(readFileSync(join(folder, `${name}.SNAPSHOT.schema.json`), "utf8"));
  // Formats are not looked at: dates and addresses are checked below by their shape.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const name of ["spdx", "jsf-0.82"]) {
    ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  return ajv.compile(read("bom-1.6"));
}

describe("the bill of materials", () => {
  test("is one by CycloneDX's schema, which refuses a wrong one", () => {
    const validate = makeValidator();
    validate(sbom);
    expect(validate.errors).toBeNull();
    expect(validate({ ...sbom, specVersion: 1.6 })).toBe(false);
    expect(validate({ ...sbom, components: [...sbom.components, { name: "nameless" }] })).toBe(false);
  });

  test("names the packages that are in the program, each with its version and the sum of bun.lock", () => {
    const lock = readFileSync(join(ROOT, "bun.lock"), "utf8");
    const packages = sbom.components.flatMap((one) => ("hashes" in one ? one : []));
    expect(packages.map(({ name }) => name).toSorted()).toEqual(listDependencies(ROOT).toSorted());
    for (const { name, version, hashes, purl } of packages) {
      const sum = Buffer.from(hashes[0]?.content ?? "", "hex").toString("base64");
      expect(lock).toContain(`"${name}@${version}"`);
      expect(lock).toContain(`"sha512-${sum}"`);
      expect(purl).toBe(`pkg:npm/${name.replace("@", "%40")}@${version}`);
    }
    expect(sbom.components[0]).toMatchObject({ name: "bun", version: manifest.engines.bun });
  });

  test("refers only to what it names, and is the same for the same commit alone", () => {
    const refs = new Set([
      sbom.metadata.component["bom-ref"],
      ...sbom.components.map((one) => one["bom-ref"]),
    ]);
    for (const { ref, dependsOn = [] } of sbom.dependencies) {
      for (const name of [ref, ...dependsOn]) expect(refs).toContain(name);
    }
    expect(makeSbom(ROOT, MADE)).toEqual(sbom);
    expect(makeSbom(ROOT, { ...MADE, commit: "f".repeat(40) }).serialNumber).not.toBe(sbom.serialNumber);
    expect(sbom.metadata.timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  });

  test("takes the copy that a package has for itself, and the common one elsewhere", () => {
    using place = makeTempHome();
    const packages = {
      "@a/one": ["@a/one@1.0.0", "", { dependencies: { shared: "^2" } }, "sha512-AAAA"],
      "@a/one/shared": ["shared@2.0.0", "", { dependencies: { deep: "1" } }, "sha512-BBBB"],
      deep: ["deep@1.0.0", "", { dependencies: { shared: "^1" } }, "sha512-CCCC"],
      shared: ["shared@1.0.0", "", {}, "sha512-DDDD"],
      unused: ["unused@1.0.0", "", {}, "sha512-EEEE"],
    };
    const dependencies = { "@a/one": "1.0.0", shared: "1.0.0" };
    writeFileSync(
      join(place.path, "bun.lock"),
      JSON.stringify({
        workspaces: { "": { dependencies, devDependencies: { unused: "1.0.0" } } },
        packages,
      }),
    );
    const folders = ["@a/one", "@a/one/node_modules/shared", "deep", "shared"];
    for (const folder of folders) {
      mkdirSync(join(place.path, "node_modules", folder), { recursive: true });
      writeFileSync(join(place.path, "node_modules", folder, "package.json"), '{ "license": "MIT" }');
    }
    const [, ...found] = makeSbom(place.path, MADE).components;
    expect(found.map(({ name, version }) => `${name} ${version}`)).toEqual([
      "@a/one 1.0.0",
      "shared 2.0.0",
      "deep 1.0.0",
      "shared 1.0.0",
    ]);
  });
});

test("the sums of Bun are of the version that is pinned, for every platform of a release", () => {
  expect(runtimes.version).toBe(manifest.engines.bun);
  expect(Object.keys(runtimes.sha256)).toEqual(PLATFORMS.map(({ target }) => target));
  for (const sum of Object.values(runtimes.sha256)) expect(sum).toMatch(/^[0-9a-f]{64}$/);
});

describe("a Bun that is not the pinned one", () => {
  /** A registry whose package is whole, but holds another program. */
  function startRegistry(program: string) {
    const archive = Bun.gzipSync(makeTar("package/bin/bun", Buffer.from(program)));
    const integrity = `sha512-${new Bun.CryptoHasher("sha512").update(archive).digest("base64")}`;
    const name = "@oven/bun-linux-aarch64";
    return Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch(request) {
        if (request.url.endsWith(".tgz")) return new Response(archive);
        const dist = { tarball: `${new URL(request.url).origin}/x.tgz`, integrity };
        const version = runtimes.version;
        return Response.json({
          name,
          "dist-tags": { latest: version },
          versions: { [version]: { name, version, dist } },
        });
      },
    });
  }

  function makeTar(name: string, data: Uint8Array): Uint8Array<ArrayBuffer> {
    const header = Buffer.alloc(512);
    const fields: readonly (readonly [number, string])[] = [
      [0, name],
      [100, "0000755\0"],
      [124, `${data.length.toString(8).padStart(11, "0")}\0`],
      [148, " ".repeat(8)],
      [156, "0"],
      [257, "ustar\x0000"],
    ];
    for (const [at, text] of fields) header.write(text, at);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
    return new Uint8Array(Buffer.concat([header, data, Buffer.alloc(1_536 - data.length)]));
  }

  test.each(["nothing", "another program"])(
    "is refused, from the registry and with %s in the cache",
    async (cached) => {
      using home = makeTempHome();
      using registry = startRegistry("evil");
      const cache = join(home.path, "cache");
      const pinned = runtimes.sha256["bun-linux-arm64"].slice(0, 16);
      if (cached !== "nothing") home.write(`cache/bun-linux-arm64-v${runtimes.version}-${pinned}`, "evil");
      const code = `import { findRuntime } from "${ROOT}/release/runtimes.ts"; console.log(await findRuntime("bun-linux-arm64"));`;
      const child = Bun.spawn([process.execPath, "-e", code], {
        env: { ...home.env, BUN_CONFIG_REGISTRY: registry.url.href, BUN_INSTALL_CACHE_DIR: cache },
        stdout: "pipe",
        stderr: "pipe",
      });
      const [words, errors] = await Promise.all([
        new Response(child.stdout).text(),
        new Response(child.stderr).text(),
      ]);
      expect({ code: await child.exited, words }).toEqual({ code: 1, words: "" });
      expect(errors).toContain(
        `@oven/bun-linux-aarch64 ${runtimes.version} is not what release/runtimes.json says; nothing was made of it`,
      );
    },
  );
});
