// The bill of materials of a release: what is inside the program, with the sums that bun.lock and runtimes.json pin.
// CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/). The same commit gives the same bytes.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "jsonc-parser";
import manifest from "../package.json";
import runtimes from "./runtimes.json";

/** Name@version, the registry, what it says of itself, its integrity. */
type LockEntry = readonly [id: string, registry: string, facts: Needs, integrity: string];
interface Needs {
  readonly dependencies?: Readonly<Record<string, string>>;
}
interface Lock {
  readonly workspaces: { readonly "": Needs };
  readonly packages: Readonly<Record<string, LockEntry>>;
}

/** `commit`: whole hash. `madeAt`: the commit's time, ISO 8601. */
export function makeSbom(
  root: string,
  { commit, madeAt }: { readonly commit: string; readonly madeAt: string },
) {
  const lock: Lock = parse(readFileSync(join(root, "bun.lock"), "utf8"), [], { allowTrailingComma: true });
  const found = new Map<string, string[]>();
  const visit = (from: string, needs: Needs): string[] =>
    Object.keys(needs.dependencies ?? {}).map((name) => {
      const key = resolve(lock, from, name);
      if (!found.has(key)) {
        found.set(key, []);
        found.set(key, visit(key, entryOf(lock, key)[2]));
      }
      return key;
    });
  const direct = visit("", lock.workspaces[""]);
  const keys = [...found.keys()].toSorted();
  const program = `pkg:generic/codex-helper@${manifest.version}`;
  const bun = `pkg:generic/bun@${runtimes.version}`;
  const refOf = (key: string): string => purlOf(entryOf(lock, key)[0]);
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(`${program} ${commit}`)}`,
    version: 1,
    metadata: {
      timestamp: madeAt,
      lifecycles: [{ phase: "build" }],
      component: {
        type: "application",
        "bom-ref": program,
        name: "codex-helper",
        version: manifest.version,
        description: manifest.description,
        licenses: [{ expression: manifest.license }],
        purl: program,
        properties: [{ name: "codex-helper:commit", value: commit }],
      },
    },
    components: [
      {
        type: "platform",
        "bom-ref": bun,
        name: "bun",
        version: runtimes.version,
        description: "the runtime in every program; its own licence document lists what is inside it",
        licenses: [{ license: { id: "MIT" } }],
        purl: bun,
        properties: Object.entries(runtimes.sha256).map(([target, sum]) => ({
          name: `codex-helper:sha256:${target}`,
          value: sum,
        })),
      },
      ...keys.map((key) => describePackage(root, key, entryOf(lock, key))),
    ],
    dependencies: [
      { ref: program, dependsOn: [bun, ...direct.map(refOf)].toSorted() },
      { ref: bun },
      ...keys.map((key) => ({ ref: refOf(key), dependsOn: (found.get(key) ?? []).map(refOf).toSorted() })),
    ],
  };
}

/** A package's own copy of a dependency is under its name, the one for all under none. */
function resolve(lock: Lock, from: string, name: string): string {
  for (let folder = from; folder !== ""; folder = folder.slice(0, Math.max(folder.lastIndexOf("/"), 0))) {
    if (lock.packages[`${folder}/${name}`] !== undefined) return `${folder}/${name}`;
  }
  return name;
}

function entryOf(lock: Lock, key: string): LockEntry {
  const entry = lock.packages[key];
  if (entry === undefined) throw new Error(`bun.lock does not have ${key}`);
  return entry;
}

function describePackage(root: string, key: string, [id, , , integrity]: LockEntry) {
  const at = id.lastIndexOf("@");
  const folder = join(root, "node_modules", key.replaceAll(/(?<!^@[^/]*)\/(?=@|[^/]+$)/g, "/node_modules/"));
  const { license }: { readonly license?: string } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  return {
    type: "library",
    "bom-ref": purlOf(id),
    name: id.slice(0, at),
    version: id.slice(at + 1),
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    hashes: [
      { alg: "SHA-512", content: Buffer.from(integrity.replace(/^sha512-/, ""), "base64").toString("hex") },
    ],
    purl: purlOf(id),
  };
}

/** https://github.com/package-url/purl-spec: the at sign of a scope is escaped. */
const purlOf = (id: string): string => `pkg:npm/${id.replace(/^@/, "%40")}`;

/** Of the content instead of by chance (RFC 9562, version 8). */
function uuidOf(text: string): string {
  const bytes = createHash("sha256").update(text).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
