// Session files as the clients write them, in the shapes of several versions.
import { mkdirSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Paths } from "../../src/base/paths.ts";
import { claudeSessions } from "../../src/clients/claude/sessions.ts";
import { codexSessions } from "../../src/clients/codex/sessions.ts";
import type { SessionFormat } from "../../src/sessions/session.ts";

export function makeFormats(paths: Paths): Readonly<Record<"codex" | "claude", SessionFormat>> {
  return { codex: codexSessions(paths), claude: claudeSessions(paths) };
}

export interface SessionShape {
  readonly id: string;
  readonly cwd: string;
  /** When it began, and unless said otherwise ended: wall clock, ms. */
  readonly at: number;
  readonly prompts: readonly string[];
  readonly answer?: string;
  readonly model?: string;
  readonly branch?: string;
  readonly provider?: string;
  /** Where the last turn was done, if elsewhere. */
  readonly laterCwd?: string;
  /** More fields of the first record. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /** As long as a real first line: about 22 KB. */
  readonly instructions?: string;
}

const ENVIRONMENT = (cwd: string): string =>
  `<environment_context>\n  <cwd>${cwd}</cwd>\n  <shell>bash</shell>\n</environment_context>`;

const message = (role: string, text: string, kinds?: readonly string[]): Record<string, unknown> => ({
  type: "message",
  role,
  content: [{ type: role === "assistant" ? "output_text" : "input_text", text }],
  ...(kinds === undefined
    ? {}
    : { internal_chat_message_metadata_passthrough: { content_item_kinds: kinds } }),
});

/** A rollout of Codex 0.169. */
export function makeRollout(shape: SessionShape): string {
  const { id, cwd, at, prompts, model = "gpt-6.1-sol", answer = "done" } = shape;
  let ordinal = 0;
  const line = (type: string, payload: unknown): string =>
    JSON.stringify({ timestamp: new Date(at + ordinal).toISOString(), ordinal: ordinal++, type, payload });
  const first = line("session_meta", {
    session_id: id,
    id,
    timestamp: new Date(at).toISOString(),
    cwd,
    originator: "codex_exec",
    cli_version: "0.169.0",
    source: "exec",
    thread_source: "user",
    model_provider: shape.provider ?? "test_relay",
    ...shape.meta,
    base_instructions: { text: shape.instructions ?? "You are Codex." },
    history_mode: "paginated",
    git: shape.branch === undefined ? {} : { branch: shape.branch, commit_hash: "0".repeat(40) },
  });
  const turns = prompts.flatMap((prompt, index) => {
    const dir = index === prompts.length - 1 ? (shape.laterCwd ?? cwd) : cwd;
    return [
      line("event_msg", { type: "task_started", turn_id: `t${index}` }),
      ...(index === 0
        ? [
            line("response_item", message("developer", "<permissions instructions>")),
            line("response_item", message("user", ENVIRONMENT(cwd), ["environments.environment_context"])),
          ]
        : []),
      line("turn_context", { cwd: dir, model, approval_policy: "never" }),
      line("response_item", message("user", prompt, ["user.text"])),
      line("event_msg", {
        type: "item_completed",
        item: { type: "UserMessage", content: [{ type: "text", text: prompt }] },
      }),
      line("event_msg", {
        type: "item_completed",
        item: { type: "AgentMessage", content: [{ type: "Text", text: answer }] },
      }),
      line("response_item", message("assistant", answer)),
      line("event_msg", { type: "task_complete", turn_id: `t${index}` }),
    ];
  });
  return `${[first, ...turns].join("\n")}\n`;
}

/** A rollout of autumn 2025: no ordinals, prompts as events too. */
export function makeOlderRollout({
  id,
  cwd,
  at,
  prompts,
  answer = "done",
  model = "gpt-5",
}: SessionShape): string {
  const time = new Date(at).toISOString();
  const line = (type: string, payload: unknown): string => JSON.stringify({ timestamp: time, type, payload });
  const lines = [
    line("session_meta", {
      id,
      timestamp: time,
      cwd,
      originator: "codex_cli_rs",
      instructions: null,
      source: "cli",
    }),
    line("response_item", message("user", "<user_instructions>\nbe brief\n</user_instructions>")),
    line("response_item", message("user", ENVIRONMENT(cwd))),
    ...prompts.flatMap((prompt) => [
      line("response_item", message("user", prompt)),
      line("event_msg", { type: "user_message", message: prompt, kind: "plain" }),
      line("turn_context", { cwd, model, approval_policy: "on-request" }),
      line("event_msg", { type: "agent_message", message: answer }),
      line("response_item", message("assistant", answer)),
    ]),
  ];
  return `${lines.join("\n")}\n`;
}

/** A rollout of summer 2025: bare records, the directory only in what the model was told. */
export function makeOldestRollout({ id, cwd, at, prompts, answer = "done" }: SessionShape): string {
  const lines = [
    { id, timestamp: new Date(at).toISOString(), instructions: null, git: { branch: "main" } },
    { record_type: "state" },
    message("user", ENVIRONMENT(cwd)),
    ...prompts.flatMap((prompt) => [message("user", prompt), message("assistant", answer)]),
  ];
  return `${lines.map((record) => JSON.stringify(record)).join("\n")}\n`;
}

/** A transcript of Claude Code 2.1.330. */
export function makeTranscript(shape: SessionShape): string {
  const { id, cwd, at, prompts, answer = "done", branch = "main", model = "claude-opus-5-5" } = shape;
  let n = 0;
  const line = (record: Record<string, unknown>): string =>
    JSON.stringify({ ...record, timestamp: new Date(at + n++).toISOString(), sessionId: id });
  const lines = prompts.flatMap((prompt, index) => {
    const dir = index === prompts.length - 1 ? (shape.laterCwd ?? cwd) : cwd;
    const common = {
      isSidechain: false,
      userType: "external",
      entrypoint: "cli",
      cwd: dir,
      gitBranch: branch,
    };
    return [
      line({ type: "queue-operation", operation: "enqueue", content: prompt }),
      line({ type: "user", message: { role: "user", content: prompt }, ...common }),
      line({ type: "attachment", attachment: { type: "date" }, ...common }),
      line({
        type: "assistant",
        message: { role: "assistant", model, content: [{ type: "text", text: answer }] },
        ...common,
      }),
    ];
  });
  return `${[...lines, line({ type: "last-prompt", lastPrompt: prompts.at(-1) })].join("\n")}\n`;
}

/** Where Codex puts a rollout: a directory a local day, the local time in the name. */
export function rolloutPath(codexHome: string, { id, at }: Pick<SessionShape, "id" | "at">): string {
  const two = (part: number): string => String(part).padStart(2, "0");
  const date = new Date(at);
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())];
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join("-");
  return join(codexHome, "sessions", ...day.map(String), `rollout-${day.join("-")}T${time}-${id}.jsonl`);
}

/** Where Claude Code puts a transcript. */
export function transcriptPath(claudeHome: string, { id, cwd }: Pick<SessionShape, "id" | "cwd">): string {
  return join(claudeHome, "projects", cwd.replace(/[^A-Za-z0-9]/g, "-"), `${id}.jsonl`);
}

/** Writes a file with its directories; `at` becomes the time of its last change. */
export function putFile(path: string, content: string | Uint8Array, at: number): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  utimesSync(path, at / 1000, at / 1000);
  return path;
}

/** A UUID of version 7, as Codex makes them. */
export function makeSessionId(at: number, n = 0): string {
  const time = at.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${n.toString(16).padStart(12, "0")}`;
}
