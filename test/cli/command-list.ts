// The list of commands in both readmes, made from the table of commands. `bun run generate` writes it.
import { type CommandEntry, DEFAULT_COMMAND } from "../../src/cli/cli.ts";
import { COMMANDS } from "../../src/cli/root.ts";
import ZH from "../../src/cli/zh.json";
import { loadCommandPlaces } from "../helpers/command-table.ts";
import { makeMarkdownTable, replaceBetween } from "../helpers/markdown-table.ts";

export const READMES = [
  { path: `${import.meta.dir}/../../README.md`, lang: "en_US.UTF-8", head: ["command", "does"] },
  { path: `${import.meta.dir}/../../README.zh-CN.md`, lang: "zh_CN.UTF-8", head: ["命令", "作用"] },
] as const;

const MARKS = ["<!-- the commands: begin -->", "<!-- the commands: end -->"] as const;

/** The readme with its list as the program has it. Throws where the marks are missing. */
export async function withCommands(text: string, { head, lang }: (typeof READMES)[number]): Promise<string> {
  const places = await loadCommandPlaces();
  const isChinese = lang.startsWith("zh");
  const words: Readonly<Record<string, unknown>> = ZH;
  const entries: Readonly<Record<string, CommandEntry>> = COMMANDS;
  const rows = [...new Set(places.map(({ topName }) => topName))].map((name) => {
    const { summary } = entries[name] ?? { summary: "" };
    const command = places.find(({ line }) => line === `ch ${name}`)?.command;
    const subs = Object.keys(command?.subCommands ?? {});
    const more = subs.length > 0 ? " ..." : command?.passesThrough === true ? " -- codex ..." : "";
    const typed = [...(name === DEFAULT_COMMAND ? ["`ch`"] : []), `\`ch ${name}${more}\``];
    const listed = subs.length === 0 ? [] : [subs.join(isChinese ? "、" : ", ")];
    return [
      typed.join(isChinese ? "、" : ", "),
      [isChinese ? String(words[summary]) : summary, ...listed].join(isChinese ? "：" : ": "),
    ];
  });
  return replaceBetween(text, MARKS, makeMarkdownTable([[...head], ...rows]));
}

if (import.meta.main) {
  for (const readme of READMES)
    await Bun.write(readme.path, await withCommands(await Bun.file(readme.path).text(), readme));
}
