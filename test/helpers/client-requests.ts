// Requests as the real clients send them, cut down to what says where they are from: taken from runs of Codex 0.171.0 and Claude Code 2.1.332.

export interface ClientSays {
  readonly session?: string;
  /** Where it works, as its environment has it, one after the other; none: it does not say. */
  readonly cwds?: readonly string[];
  /** What else it may work on. */
  readonly others?: readonly string[];
  /** Codex: the roots of repositories in its metadata. */
  readonly workspaces?: readonly string[];
  readonly prompt?: string;
  /** Items or messages before the prompt. */
  readonly history?: readonly unknown[];
  /** Further members of the body. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface ClientRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

export function environmentContext(cwd: string, roots: readonly string[] = [cwd]): string {
  const list = roots.map((root) => `<root>${root}</root>`).join("");
  return `<environment_context>
  <cwd>${cwd}</cwd>
  <shell>bash</shell>
  <current_date>2026-11-29</current_date>
  <timezone>Etc/UTC</timezone>
  <filesystem><workspace_roots>${list}</workspace_roots><permission_profile type="disabled"><file_system type="unrestricted" /></permission_profile></filesystem>
</environment_context>`;
}

export function codexMessage(role: string, text: string): Readonly<Record<string, unknown>> {
  return {
    type: "message",
    role,
    content: [{ type: role === "assistant" ? "output_text" : "input_text", text }],
  };
}

export function codexRequest(says: ClientSays): ClientRequest {
  const {
    body = {},
    cwds = [],
    headers = {},
    history = [],
    others = [],
    prompt = "hi",
    session,
    workspaces,
  } = says;
  const metadata = JSON.stringify({
    session_id: session,
    thread_id: session,
    request_kind: "turn",
    thread_source: "user",
    ...(workspaces === undefined
      ? {}
      : { workspaces: Object.fromEntries(workspaces.map((root) => [root, { has_changes: false }])) }),
    turn_started_at_unix_ms: 1_795_977_561_923,
  });
  return {
    path: "/v1/responses",
    headers: {
      "content-type": "application/json",
      "user-agent": "codex_exec/0.171.0 (Debian 12.0.0; x86_64) xterm (codex_exec; 0.171.0)",
      "x-codex-turn-metadata": metadata,
      ...(session === undefined ? {} : { "session-id": session, "thread-id": session }),
      ...headers,
    },
    body: {
      model: "gpt-6.2-sol",
      stream: true,
      input: [
        codexMessage("developer", "You are Codex, an agent based on GPT-6."),
        ...cwds.map((cwd) => codexMessage("user", environmentContext(cwd, [cwd, ...others]))),
        ...history,
        codexMessage("user", prompt),
      ],
      store: false,
      ...(session === undefined ? {} : { prompt_cache_key: session }),
      client_metadata: { "x-codex-turn-metadata": metadata },
      ...body,
    },
  };
}

export function claudeEnvironment(cwd: string, others: readonly string[] = []): string {
  const additional =
    others.length === 0
      ? ""
      : ` - Additional working directories:\n${others.map((one) => `  - ${one}\n`).join("")}`;
  return `# Environment
You have been invoked in the following environment: \n - Primary working directory: ${cwd}
 - Is a git repository: false
${additional} - Platform: linux

You are powered by the model named Opus 5.5.`;
}

export function claudeRequest(says: ClientSays): ClientRequest {
  const { body = {}, cwds = [], headers = {}, history = [], others = [], prompt = "hi", session } = says;
  const [first, ...later] = cwds;
  const moves = later.map((cwd, index) => ({
    role: "system",
    content: `# Environment update\n - Primary working directory: ${cwd} (was ${cwds[index]})`,
  }));
  return {
    path: "/v1/messages?beta=true",
    headers: {
      "content-type": "application/json",
      "user-agent": "claude-cli/2.1.332 (external, sdk-cli)",
      "anthropic-version": "2023-06-01",
      ...(session === undefined ? {} : { "x-claude-code-session-id": session }),
      ...headers,
    },
    body: {
      model: "claude-opus-5-5",
      max_tokens: 1_000,
      stream: true,
      system: [{ type: "text", text: "You are Claude Code, Anthropic's official CLI for Claude." }],
      messages: [
        {
          role: "user",
          content: [{ type: "text", text: "<system-reminder>\nAttribution ...\n</system-reminder>" }],
        },
        ...(first === undefined
          ? []
          : [{ role: "system", content: [{ type: "text", text: claudeEnvironment(first, others) }] }]),
        ...history,
        ...moves,
        { role: "user", content: [{ type: "text", text: prompt }] },
      ],
      ...(session === undefined
        ? {}
        : {
            metadata: { user_id: JSON.stringify({ device_id: "d", account_uuid: "", session_id: session }) },
          }),
      ...body,
    },
  };
}
