// Other programs that `ch run` starts behind a proxy: no files of theirs are known here or changed, only the variables that
// tell them where to send their requests. Each was seen to come to the proxy with them.
// Pure.
import type { Service } from "../../base/service.ts";

export interface Program {
  /** Its name on the search path. */
  readonly command: string;
  /** The npm package that brings it, and the version that was tried. */
  readonly packageName: string;
  readonly tried: string;
  /** By the proxy whose port it is pointed at: the API that it speaks there, and its variables. The usual one first. */
  readonly ways: Readonly<Partial<Record<Service, Way>>>;
}

interface Way {
  /** An upstream needs it too: it is passed on as it is. */
  readonly api: "Responses" | "Chat Completions" | "Messages";
  /** "{base}" is the proxy's address, "{key}" any text, "{model}" the model that the service's client is set to. */
  readonly variables: Readonly<Record<string, string>>;
}

export const PROGRAMS: readonly Program[] = [
  {
    command: "opencode",
    packageName: "opencode-ai",
    tried: "1.18.33",
    ways: {
      codex: { api: "Responses", variables: { OPENAI_BASE_URL: "{base}", OPENAI_API_KEY: "{key}" } },
      claude: { api: "Messages", variables: { ANTHROPIC_BASE_URL: "{base}/v1", ANTHROPIC_API_KEY: "{key}" } },
    },
  },
  {
    command: "qwen",
    packageName: "@qwen-code/qwen-code",
    tried: "0.24.4",
    ways: {
      codex: {
        api: "Chat Completions",
        variables: { OPENAI_BASE_URL: "{base}", OPENAI_API_KEY: "{key}", OPENAI_MODEL: "{model}" },
      },
      claude: {
        api: "Messages",
        variables: { ANTHROPIC_BASE_URL: "{base}", ANTHROPIC_API_KEY: "{key}", ANTHROPIC_MODEL: "{model}" },
      },
    },
  },
  {
    command: "copilot",
    packageName: "@github/copilot",
    tried: "1.0.102",
    ways: {
      codex: {
        api: "Responses",
        variables: {
          COPILOT_PROVIDER_BASE_URL: "{base}",
          COPILOT_PROVIDER_TYPE: "openai",
          COPILOT_PROVIDER_WIRE_API: "responses",
          COPILOT_PROVIDER_API_KEY: "{key}",
          COPILOT_MODEL: "{model}",
        },
      },
      claude: {
        api: "Messages",
        variables: {
          COPILOT_PROVIDER_BASE_URL: "{base}",
          COPILOT_PROVIDER_TYPE: "anthropic",
          COPILOT_PROVIDER_API_KEY: "{key}",
          COPILOT_MODEL: "{model}",
        },
      },
    },
  },
];

/** The program of this name: "opencode", "/usr/bin/qwen", "copilot.cmd". */
export function findProgram(command: string): Program | undefined {
  const name = (command.split(/[/\\]/).at(-1) ?? "").replace(/\.(?:exe|cmd|ps1)$/i, "");
  return PROGRAMS.find((program) => program.command === name);
}

/** Its variables. A model that is chosen in the environment already stays. */
export function makeVariables(
  { ways }: Program,
  service: Service,
  {
    base,
    env,
    model,
  }: {
    readonly base: string;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly model: string;
  },
): Record<string, string> {
  const entries = Object.entries(ways[service]?.variables ?? {}).map(([name, value]) => [
    name,
    value === "{model}"
      ? env[name]?.trim() || model
      : value.replace("{base}", base).replace("{key}", "codex-helper"),
  ]);
  return Object.fromEntries(entries) as Record<string, string>;
}
