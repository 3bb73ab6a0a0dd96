// The Chinese texts of the status line alone, out of zh.json: those of every module that it loads. It runs at every prompt, and the
// whole dictionary takes longer to load than all the rest.
import { dirname, join } from "node:path";
import ALL from "../../src/cli/zh.json";
import { listTexts } from "../helpers/texts.ts";

const CLI = join(import.meta.dir, "../../src/cli");
export const FILE = join(CLI, "statusline/zh-line.json");

/** What follows an import statement, and nothing that is loaded later. */
async function listModules(entry: string): Promise<ReadonlySet<string>> {
  const seen = new Set<string>();
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const visit = async (file: string): Promise<void> => {
    if (seen.has(file)) return;
    seen.add(file);
    const imports = transpiler.scanImports(await Bun.file(file).text());
    const own = imports.filter(({ kind, path }) => kind === "import-statement" && /^\..*\.ts$/.test(path));
    for (const { path } of own) await visit(join(dirname(file), path));
  };
  await visit(entry);
  return seen;
}

export async function makeLineDictionary(): Promise<string> {
  const modules = [...(await listModules(join(CLI, "statusline/statusline.ts")))];
  const texts = await Promise.all(modules.map(async (file) => listTexts(await Bun.file(file).text())));
  const { reasons: _, ...zh } = ALL;
  const said = new Set(texts.flat());
  const own = Object.entries(zh).filter(([english]) => said.has(english));
  return `${JSON.stringify({ reasons: {}, ...Object.fromEntries(own) }, null, 2)}\n`;
}

if (import.meta.main) await Bun.write(FILE, await makeLineDictionary());
