// The licences of everything that is inside the binary, as the packages themselves state them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const RUNTIME = `Bun, the runtime in this binary, is under the MIT licence. It holds JavaScriptCore and WebKit's WTF, under LGPL-2.0
and BSD licences, and other libraries; Bun's own licence document lists them all and says how to build it with changed ones.
`;

/** One text with the licence of every package that `root`'s package.json needs at run time, however far down. */
export function collectLicences(root: string): string {
  const found = new Map<string, string>();
  const visit = (name: string): void => {
    if (found.has(name)) return;
    const folder = join(root, "node_modules", name);
    const manifest = readManifest(folder);
    found.set(
      name,
      `${manifest.name} ${manifest.version} (${manifest.license ?? "see below"})\n\n${readLicence(folder)}`,
    );
    for (const dependency of Object.keys(manifest.dependencies ?? {})) visit(dependency);
  };
  for (const name of Object.keys(readManifest(root).dependencies ?? {})) visit(name);
  const texts = [...found].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text.trimEnd());
  return [RUNTIME, ...texts].join(`\n${"-".repeat(80)}\n`) + "\n";
}

function readManifest(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
}

function readLicence(folder: string): string {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  if (file === undefined || !existsSync(join(folder, file))) throw new Error(`${folder} has no licence file`);
  return readFileSync(join(folder, file), "utf8");
}
