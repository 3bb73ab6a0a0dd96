// Names the two services and what is fixed about each. Knows nothing of configs, files or requests.
// Pure.

/** A client program that we stand in front of. */
export type Service = "codex" | "claude";

export const SERVICES: readonly Service[] = ["codex", "claude"];

/** The TCP port a service's proxy listens on unless told otherwise. */
export const DEFAULT_PORT: Readonly<Record<Service, number>> = { codex: 3211, claude: 3210 };

/** What a person calls the client. */
export const CLIENT_NAME: Readonly<Record<Service, string>> = { codex: "Codex", claude: "Claude Code" };

/** The hosts of the vendor's own API: a client's own credentials may go there, and only there. */
export const OFFICIAL_HOSTS: Readonly<Record<Service, readonly string[]>> = {
  codex: ["api.openai.com", "chatgpt.com"],
  claude: ["api.anthropic.com"],
};
