// The pictures of `ch demo` in the readmes, drawn from what it prints. `bun run generate` draws them where its words have changed.
import { drawTerminal } from "../../docs/picture.ts";
import { runCli } from "../helpers/cli.ts";
import { makeTempHome } from "../helpers/temp-home.ts";

export const PICTURES = [
  { path: `${import.meta.dir}/../../docs/demo.svg`, lang: "C.UTF-8" },
  { path: `${import.meta.dir}/../../docs/demo.zh-CN.svg`, lang: "zh_CN.UTF-8" },
] as const;

export async function drawDemo(lang: string): Promise<string> {
  using home = makeTempHome({ FORCE_COLOR: "1", LANG: lang });
  return drawTerminal("ch demo", (await runCli(["demo"], { home })).stdout);
}

/** The words of a picture. Times differ each time. */
export function wordsOf(svg: string): string[] {
  return [...svg.matchAll(/<text [^>]*>([^<]*)</g)].map(([, words = ""]) =>
    words.replace(/^\d+ ms$/, "n ms"),
  );
}

if (import.meta.main) {
  for (const { lang, path } of PICTURES) {
    const svg = await drawDemo(lang);
    if (!Bun.deepEquals(wordsOf(svg), wordsOf(await Bun.file(path).text()))) await Bun.write(path, svg);
  }
}
