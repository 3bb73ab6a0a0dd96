// Where Codex says that it works: the repositories in the metadata of a turn, and the message about its environment. What anybody
// else can put into a request (a prompt, a file, the output of a tool) is none of these.
// Pure.
import { isRecord, parseRecord } from "../../base/json-value.ts";
import { readTexts, unescapeMarkup } from "../../sessions/record-text.ts";
import type { Whereabouts } from "../client.ts";

const METADATA = "x-codex-turn-metadata";
const MEMORY = "memory_consolidation";
const START = "<environment_context>";
const END = "</environment_context>";

export const codexWhereabouts: Whereabouts = {
  marks: [START],
  // The copy of the header in the body: Codex sends both.
  hints: ['\\"workspaces\\":'],
  // It makes one memory of what was said in many sessions.
  mixesSessions: (headers) =>
    headers.get("x-openai-subagent") === MEMORY ||
    headers.get(METADATA)?.includes(`"thread_source":"${MEMORY}"`) === true,
  readHeaders: (headers) => readWorkspaces(headers.get(METADATA)),
  readBody(body) {
    const metadata = isRecord(body["client_metadata"]) ? body["client_metadata"][METADATA] : null;
    const items: readonly unknown[] = Array.isArray(body["input"]) ? body["input"] : [];
    return {
      repositories: readWorkspaces(metadata),
      // In the order of the conversation: the last one holds now.
      places: items.flatMap((item) => (isRecord(item) ? readEnvironment(item) : [])),
    };
  },
};

/** The keys of `workspaces` are the roots of repositories. */
function readWorkspaces(metadata: unknown): readonly string[] {
  if (typeof metadata !== "string" || !metadata.includes('"workspaces"')) return [];
  const workspaces = parseRecord(decode(metadata))?.["workspaces"];
  return isRecord(workspaces) ? Object.keys(workspaces) : [];
}

/** A header's bytes come as Latin-1. */
function decode(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value) || /[\u0100-\uffff]/.test(value)) return value;
  const text = Buffer.from(value, "latin1").toString("utf8");
  return text.includes("\ufffd") ? value : text;
}

/** A part of a user's message that is this and nothing else: so Codex sends it, of its own accord. */
function readEnvironment({ content, role, type = "message" }: Record<string, unknown>) {
  if (type !== "message" || role !== "user") return [];
  const parts: readonly unknown[] = Array.isArray(content) ? content : [content];
  return parts.flatMap((part) => {
    const text = readTexts([typeof part === "string" ? { text: part } : part]).trim();
    if (!text.startsWith(START) || !text.endsWith(END)) return [];
    const inside = text.slice(START.length, -END.length);
    const cwds = matchAll(inside, /<cwd>([^<]+)<\/cwd>|^\s*Current working directory: ([^\n]+)$/gm);
    return [
      { cwd: cwds[0] ?? null, others: [...cwds.slice(1), ...matchAll(inside, /<root>([^<]+)<\/root>/g)] },
    ];
  });
}

function matchAll(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, one, other]) => unescapeMarkup((one ?? other ?? "").trim()));
}
