// Two requests as Codex and Claude Code send them, made up here, with made-up secrets in every place that text can
// stand in: what `filter test` shows the rules' effect on when no file is given.
// Pure.
import type { ServiceFacts } from "../base/service.ts";

const METADATA = JSON.stringify({
  session_id: "0199aaaa-0000-7000-8000-000000000001",
  thread_id: "0199aaaa-0000-7000-8000-000000000001",
  request_kind: "turn",
  workspaces: {
    "/home/sam/your-company.com/shop": {
      associated_remote_urls: { origin: "git@git.your-company.com:shop/api.git" },
      latest_git_commit_hash: "0f3b1d2c4e5a69788796a5b4c3d2e1f001122334",
      has_changes: true,
    },
  },
});

const CODEX = {
  model: "gpt-6.1-sol",
  stream: true,
  input: [
    {
      type: "additional_tools",
      tools: [
        {
          type: "function",
          name: "shell",
          description: "Runs a command. Internal hosts end in your-company.com.",
          parameters: {
            type: "object",
            properties: { command: { type: "string", description: "For example: curl your-company.com" } },
          },
        },
      ],
    },
    {
      type: "message",
      role: "developer",
      content: [{ type: "input_text", text: "You are a coding agent." }],
    },
    {
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: "Why does https://api.your-company.com/health say 401?" }],
    },
    { type: "reasoning", summary: [], encrypted_content: "gAAAAABmade-up-and-never-changed==" },
    {
      type: "function_call",
      name: "shell",
      call_id: "call_1",
      arguments: JSON.stringify({
        command: 'curl -H "Authorization: super-secret-token" api.your-company.com',
      }),
    },
    {
      type: "function_call_output",
      call_id: "call_1",
      output: '{"error":"unknown token","help":"https:\\/\\/your-company.com\\/help"}\nexit code 0',
    },
  ],
  store: false,
  include: ["reasoning.encrypted_content"],
  prompt_cache_key: "0199aaaa-0000-7000-8000-000000000001",
  client_metadata: { "x-codex-turn-metadata": METADATA },
};

const CLAUDE = {
  model: "claude-opus-5-5",
  stream: true,
  max_tokens: 64_000,
  system: [{ type: "text", text: "You are a coding agent. The user's mail is sam@your-company.com." }],
  messages: [
    { role: "user", content: [{ type: "text", text: "Read .env and tell me which host it names." }] },
    {
      role: "assistant",
      content: [
        { type: "thinking", thinking: "I will read the file.", signature: "made-up-and-never-changed==" },
        { type: "tool_use", id: "toolu_1", name: "Read", input: { file_path: "/srv/your-company.com/.env" } },
      ],
    },
    {
      role: "user",
      content: [
        {
          type: "tool_result",
          tool_use_id: "toolu_1",
          content: "HOST=db.your-company.com\nTOKEN=super-secret-token\n",
        },
      ],
    },
  ],
  tools: [
    {
      name: "Read",
      description: "Reads a file.",
      input_schema: {
        type: "object",
        properties: { file_path: { type: "string" } },
        required: ["file_path"],
      },
    },
  ],
  metadata: { user_id: JSON.stringify({ device_id: "made-up", session_id: "0199aaaa" }) },
};

/** The request's body, as JSON on several lines: a difference is then one line. */
export const SAMPLE_BODIES: Readonly<Record<ServiceFacts["api"], string>> = {
  responses: JSON.stringify(CODEX, null, 2),
  messages: JSON.stringify(CLAUDE, null, 2),
};
