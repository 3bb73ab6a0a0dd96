// docs/clients.md names the versions that the suite really runs, and files that are there.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import manifest from "../../package.json";
import { SERVICES, SERVICE_FACTS } from "../../src/base/service.ts";

const doc = await Bun.file(join(import.meta.dir, "../../docs/clients.md")).text();
const pins: Readonly<Record<string, string>> = manifest.devDependencies;

test("the pinned versions are those of package.json, of the doctor and of docs/clients.md", () => {
  const pinned = SERVICES.map((service) => pins[SERVICE_FACTS[service].packageName] ?? "");
  expect(SERVICES.map((service) => SERVICE_FACTS[service].tried.to)).toEqual(pinned);
  expect(/^\| pinned +\| ([\d.]+) +\| ([\d.]+) +\|$/m.exec(doc)?.slice(1)).toEqual(pinned);
});

test("every test that docs/clients.md names is there", () => {
  const rows = doc.split("\n").filter((line) => /\| (?:yes|-) +\|/.test(line));
  const names = rows.flatMap((row) =>
    [...(row.split("|").at(-2) ?? "").matchAll(/`([\w.-]+)`/g)].map(([, name = ""]) => name),
  );
  expect(names.length).toBeGreaterThan(10);
  const paths = names.map((name) =>
    name.endsWith(".ts") ? `test/cli/commands/${name}` : `test/real-clients/${name}.test.ts`,
  );
  expect(paths.filter((path) => !existsSync(join(import.meta.dir, "../..", path)))).toEqual([]);
});
