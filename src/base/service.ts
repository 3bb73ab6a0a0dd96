// Names the two services and what is fixed about each. Knows nothing of configs, files or requests.
// Pure.

/** A client program that we stand in front of. */
export type Service = "codex" | "claude";

export const SERVICES: readonly Service[] = ["codex", "claude"];

/** The TCP port a service's proxy listens on unless told otherwise. */
export const DEFAULT_PORT: Readonly<Record<Service, number>> = { codex: 3211, claude: 3210 };

/** What a person calls the client. */
export const CLIENT_NAME: Readonly<Record<Service, string>> = { codex: "Codex", claude: "Claude Code" };

const OFFICIAL_ORIGINS: Readonly<Record<Service, readonly string[]>> = {
  codex: ["https://api.openai.com", "https://chatgpt.com"],
  claude: ["https://api.anthropic.com"],
};

/** Is it the vendor's own API? A client's own credentials may go there, and only there. */
export function isOfficial(service: Service, baseUrl: string): boolean {
  return OFFICIAL_ORIGINS[service].includes(URL.parse(baseUrl)?.origin ?? "");
}
