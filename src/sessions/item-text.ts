// Texts out of the parts of a message, and one line that stands for a tool's input.
// Pure.
import { isRecord, parseRecord, stringOr } from "../base/json-value.ts";

/** The texts in a message's content, which is a text or a list of parts. */
export function textsOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return isRecord(content) ? textsOf(content["content"] ?? content["text"]) : "";
  const texts = content.map((part) => (isRecord(part) ? stringOr(part["text"], "") : ""));
  return texts.filter((text) => text !== "").join("\n");
}

/** The fields that say best what a tool was asked to do. */
const TELLING = ["cmd", "command", "file_path", "path", "pattern", "query", "url", "description", "prompt"];

/** The command, the file or whatever tells most of a tool's input; else the input itself. */
export function callText(input: unknown): string {
  const fields = typeof input === "string" ? parseRecord(input) : input;
  if (!isRecord(fields)) return typeof input === "string" ? input : "";
  for (const name of TELLING) {
    const value = fields[name];
    if (typeof value === "string" && value !== "") return value;
    // ["bash", "-lc", "what is run"]
    if (Array.isArray(value) && value.length > 0)
      return /^-\w*c$/.test(String(value[1])) ? String(value[2]) : value.join(" ");
  }
  return JSON.stringify(fields);
}
