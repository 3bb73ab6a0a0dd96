// Codex: config.toml and auth.json below CODEX_HOME, the Responses API, `-c` on its command line.
import { SERVICE_FACTS } from "../../base/service.ts";
import type { Client } from "../client.ts";

export const codex: Client = {
  ...SERVICE_FACTS.codex,
  packageName: "@openai/codex",
  defaultModel: "gpt-5",
  secrets: { fileIn: (paths) => paths.codexAuth, tableIn: (content) => content },
  createEditor: async (target) => (await import("./switch.ts")).createCodexEditor(target),
  async listOverrides({ paths, env, systemDirectory }, isOwnAddress) {
    const [{ readCodexFacts }, { listCodexOverrides }, { readCodexProfiles }] = await Promise.all([
      import("./facts.ts"),
      import("./overrides.ts"),
      import("./profiles.ts"),
    ]);
    const [facts, profiles] = await Promise.all([
      readCodexFacts(paths, { systemDirectory }),
      readCodexProfiles(paths),
    ]);
    return listCodexOverrides({ facts, profiles, env, isOwnAddress });
  },
  prepareRun: async (options) => await (await import("./run.ts")).prepareCodexRun(options),
  async findImport({ paths, env, systemDirectory, userText, isOwnAddress }) {
    const [{ readCodexFacts }, { importCodex }] = await Promise.all([
      import("./facts.ts"),
      import("./import.ts"),
    ]);
    return importCodex(await readCodexFacts(paths, { systemDirectory, userText }), env, isOwnAddress);
  },
  async readModel({ paths }) {
    const [{ readCodexFacts }, { findValue }] = await Promise.all([
      import("./facts.ts"),
      import("./layers.ts"),
    ]);
    const model = findValue((await readCodexFacts(paths)).layers, ["model"])?.value;
    return typeof model === "string" ? model : null;
  },
  loadSessionFormat: async (paths) => (await import("./sessions.ts")).codexSessions(paths),
};
