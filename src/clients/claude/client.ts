// Claude Code: settings.json below CLAUDE_CONFIG_DIR and in projects, the Messages API, `--settings` on its command line.
import { join } from "node:path";
import { t } from "../../base/text.ts";
import { SERVICE_FACTS } from "../../base/service.ts";
import type { Client } from "../client.ts";
import { CUSTOM_HEADERS } from "./layers.ts";
import { listManagedPaths } from "./places.ts";

export const claude: Client = {
  ...SERVICE_FACTS.claude,
  apiPlaces: ["", "/api", "/anthropic", "/claude", "/claudecode"],
  testRequest: {
    path: "/v1/messages",
    headers: { "anthropic-version": "2023-06-01" },
    body: (model) => ({
      model,
      messages: [{ role: "user", content: "Say hi." }],
      max_tokens: 1,
      stream: true,
    }),
    measured: (model, beginning, prompt) => ({
      model,
      system: [{ type: "text", text: beginning, cache_control: { type: "ephemeral" } }],
      messages: [{ role: "user", content: prompt }],
      max_tokens: 600,
      stream: true,
    }),
  },
  release: {
    agents: ["claude-cli"],
    headers: {
      "anthropic-beta":
        "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,per-turn-control-2026-07-01,mid-conversation-tool-changes-2026-07-01,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24",
    },
    body: {
      context_management: { edits: [] },
      output_config: { effort: "medium" },
      metadata: { user_id: "codex-helper" },
    },
    requests: { count_tokens: "/v1/messages/count_tokens" },
    tool: { name: "wait", input_schema: { type: "object", properties: {} } },
    hasSockets: false,
  },
  defaultModel: "claude-haiku-4-5",
  probeArgs: ["-p", "Say hi."],
  probeFiles: {},
  secrets: { fileIn: (paths) => paths.claudeSettings, tableIn: (content) => content["env"] },
  createEditor: async (target) => (await import("./switch.ts")).createClaudeEditor(target),
  createLineEditor: async (target) => (await import("./status-line.ts")).createClaudeLineEditor(target),
  async listOverrides(files, isOwnAddress) {
    const { readClaudeFacts } = await import("./facts.ts");
    const { listClaudeOverrides } = await import("./overrides.ts");
    return listClaudeOverrides({ facts: await readClaudeFacts(files), isOwnAddress });
  },
  prepareRun: async (options) => await (await import("./run.ts")).prepareClaudeRun(options),
  async findImport({ isOwnAddress, ...files }) {
    const { readClaudeFacts } = await import("./facts.ts");
    const { importClaude } = await import("./import.ts");
    return importClaude(await readClaudeFacts(files), files.env, isOwnAddress);
  },
  owned: {
    files: (files) => [
      files.paths.claudeSettings,
      join(files.cwd, ".claude", "settings.local.json"),
      ...listManagedPaths(files),
    ],
    hint: new RegExp(`${CUSTOM_HEADERS}|\\\\u`),
    variable: CUSTOM_HEADERS,
    list: async (files, userText) => await (await import("./owned.ts")).readClaudeOwned(files, userText),
  },
  // Seen: it gives up after ten tries, and keeps an address that was taken out of its file.
  describeHeldSessions: () => t`they need ch to be back, or a restart`,
  describeOpenSessions: () => t`  open Claude Code sessions come here from their next request on`,
  async readModel(files) {
    const { readClaudeFacts } = await import("./facts.ts");
    const { findVariable } = await import("./layers.ts");
    return findVariable(await readClaudeFacts(files), "ANTHROPIC_MODEL")?.value ?? null;
  },
  loadChecks: async () => (await import("./checks.ts")).claudeChecks,
  loadSessionFormat: async (paths) => (await import("./sessions.ts")).claudeSessions(paths),
  loadWhereabouts: async () => (await import("./whereabouts.ts")).claudeWhereabouts,
  loadAnswerReader: async () => (await import("./answers.ts")).createAnswerReader,
};
