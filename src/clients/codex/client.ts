// Codex: config.toml and auth.json below CODEX_HOME, the Responses API, `-c` on its command line.
import { t } from "../../base/text.ts";
import { SERVICE_FACTS } from "../../base/service.ts";
import type { Client } from "../client.ts";
import { listSettingsPaths } from "./places.ts";

export const codex: Client = {
  ...SERVICE_FACTS.codex,
  apiPlaces: ["", "/api", "/openai", "/codex"],
  testRequest: {
    path: "/v1/responses",
    headers: {},
    // 16 is the least that the Responses API takes.
    body: (model) => ({
      model,
      instructions: "Answer with one word.",
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: "Say hi." }] }],
      max_output_tokens: 16,
      stream: true,
      store: false,
    }),
    measured: (model, beginning, prompt) => ({
      model,
      instructions: beginning,
      input: [{ type: "message", role: "user", content: [{ type: "input_text", text: prompt }] }],
      prompt_cache_key: "codex-helper",
      max_output_tokens: 600,
      stream: true,
      store: false,
    }),
  },
  release: {
    agents: ["codex_exec", "codex_cli_rs", "codex-tui"],
    headers: {},
    body: {
      include: ["reasoning.encrypted_content"],
      prompt_cache_key: "codex-helper",
      client_metadata: { "codex-helper": "test" },
      text: { verbosity: "low" },
    },
    requests: { compact: "/v1/responses/compact" },
    tool: { type: "function", name: "wait", parameters: { type: "object", properties: {} } },
    hasSockets: true,
  },
  defaultModel: "gpt-5",
  probeArgs: ["exec", "--skip-git-repo-check", "Say hi."],
  probeFiles: { "auth.json": '{"OPENAI_API_KEY":"codex-helper"}' },
  secrets: { fileIn: (paths) => paths.codexAuth, tableIn: (content) => content },
  createEditor: async (target) => (await import("./switch.ts")).createCodexEditor(target),
  async listOverrides({ paths, env, systemDirectory }, isOwnAddress) {
    const { readCodexFacts, readCodexProfiles } = await import("./facts.ts");
    const { listCodexOverrides } = await import("./overrides.ts");
    const [facts, profiles] = await Promise.all([
      readCodexFacts(paths, { systemDirectory }),
      readCodexProfiles(paths),
    ]);
    return listCodexOverrides({ facts, profiles, env, isOwnAddress });
  },
  prepareRun: async (options) => await (await import("./run.ts")).prepareCodexRun(options),
  async findImport({ paths, env, systemDirectory, userText, isOwnAddress }) {
    const { readCodexFacts, readProfileFacts } = await import("./facts.ts");
    const { importCodex } = await import("./import.ts");
    const options = { systemDirectory, userText };
    const facts = await readCodexFacts(paths, options);
    return importCodex({ facts, profiles: await readProfileFacts(paths, options), env, isOwnAddress });
  },
  owned: {
    files: listSettingsPaths,
    hint: /http_headers|query_params|\\[ux]/i,
    list: async (files, userText) => await (await import("./owned.ts")).readCodexOwned(files, userText),
  },
  // A conversation keeps the address that it began with.
  describeOpenSessions: () => t`  open Codex sessions keep their address; new and resumed ones come here`,
  // Seen: it asks again for ever, and goes on when the port is open.
  describeHeldSessions: () => t`they will wait until ch is back`,
  async readModel({ paths }) {
    const { readCodexFacts } = await import("./facts.ts");
    const { findValue } = await import("./layers.ts");
    const model = findValue((await readCodexFacts(paths)).layers, ["model"])?.value;
    return typeof model === "string" ? model : null;
  },
  loadChecks: async () => (await import("./checks.ts")).codexChecks,
  loadSessionFormat: async (paths) => (await import("./sessions.ts")).codexSessions(paths),
  loadWhereabouts: async () => (await import("./whereabouts.ts")).codexWhereabouts,
  loadAnswerReader: async () => (await import("./answers.ts")).createAnswerReader,
};
