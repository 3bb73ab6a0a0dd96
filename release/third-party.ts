// The licences of everything that is inside the binary, as the packages themselves state them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const RUNTIME = `Bun, the runtime in this binary, is under the MIT licence. It holds JavaScriptCore and WebKit's WTF, under LGPL-2.0
and BSD licences, and other libraries; Bun's own licence document lists them all and says how to build it with changed ones.
`;

/** One text with the licence of every package that is needed at run time. */
export function collectLicences(root: string): string {
  const texts = listDependencies(root).map((name) => {
    const folder = join(root, "node_modules", name);
    const { license = "see below", version } = readManifest(folder);
    return `${name} ${version} (${license})\n\n${readLicence(folder).trimEnd()}`;
  });
  return [RUNTIME, ...texts].join(`\n${"-".repeat(80)}\n`) + "\n";
}

/** The packages that `root`'s package.json needs at run time, however far down, by name. */
export function listDependencies(root: string): readonly string[] {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    for (const name of Object.keys(readManifest(folder).dependencies ?? {})) {
      if (found.has(name)) continue;
      found.add(name);
      visit(join(root, "node_modules", name));
    }
  };
  visit(root);
  return [...found].toSorted((a, b) => (a < b ? -1 : 1));
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

function readLicence(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} has no licence file`);
  return readFileSync(join(folder, file), "utf8");
}
