// One refusal as test/drift holds it, and the request of a client that it is held against. test/drift/README.md says what each
// member means.
import { join } from "node:path";
import * as z from "zod/mini";
import type { Service } from "../../src/base/service.ts";
import { Traits } from "../../src/proxy/request-traits.ts";
import { checkSources, publicUrl, readCorpus } from "./corpus.ts";

const DRIFT = join(import.meta.dir, "../drift");

const schema = z.strictObject({
  client: z.enum(["codex", "claude"]),
  source: publicUrl,
  status: z.number(),
  body: z.unknown(),
  request: z.optional(
    z.strictObject({
      headers: z.optional(z.record(z.string(), z.string())),
      body: z.optional(z.record(z.string(), z.unknown())),
    }),
  ),
  expect: z.strictObject({ refused: z.array(z.string()), dropped: z.array(z.string()) }),
});

export interface DriftFile extends z.infer<typeof schema> {
  readonly file: string;
}

/** Every file of the corpus. Throws what is wrong with one, or with their sources. */
export async function readDriftFiles(): Promise<DriftFile[]> {
  const files = await readCorpus(DRIFT, readDriftFile);
  checkSources(files, ({ source }) => source);
  return files;
}

function readDriftFile(file: string, text: string): DriftFile {
  const read = schema.safeParse(JSON.parse(text));
  if (!read.success) throw new Error(`${file}: ${z.prettifyError(read.error)}`);
  return { file, ...read.data };
}

/** As a client sends it, with everything that one is known to send. */
export function makeDriftTraits({ client, request }: DriftFile): Traits {
  const { body, headers, path } = REQUESTS[client];
  return new Traits(
    "POST",
    path,
    new Headers({ ...headers, ...request?.headers }),
    new TextEncoder().encode(JSON.stringify({ ...body, ...request?.body })),
  );
}

interface DriftRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

const CACHED = { type: "ephemeral", ttl: "1h", scope: "global" };

const REQUESTS: Readonly<Record<Service, DriftRequest>> = {
  codex: {
    path: "/v1/responses",
    headers: { "user-agent": "codex_exec/0.171.0 (Debian 12)" },
    body: {
      model: "gpt-9",
      stream: true,
      store: false,
      input: [
        { type: "message", role: "user", content: [{ type: "input_text", text: "hi" }] },
        { type: "function_call", call_id: "call_1", name: "shell", arguments: "{}" },
      ],
      tools: [
        { type: "function", name: "shell", parameters: {} },
        { type: "web_search" },
        { type: "namespace", name: "functions", tools: [{ type: "custom", name: "exec" }] },
      ],
      tool_choice: "auto",
      parallel_tool_calls: false,
      reasoning: { effort: "low", context: "all_turns" },
      include: ["reasoning.encrypted_content"],
      prompt_cache_key: "k-1",
      text: { verbosity: "low" },
      client_metadata: { turn: "1" },
    },
  },
  claude: {
    path: "/v1/messages",
    headers: {
      "user-agent": "claude-cli/2.1.332 (external, cli)",
      "anthropic-beta": [
        "claude-code-20250219",
        "oauth-2025-04-20",
        "context-1m-2025-08-07",
        "context-management-2025-06-27",
        "prompt-caching-scope-2026-01-05",
        "prompt-caching-2024-07-31",
        "structured-outputs-2025-12-15",
        "token-efficient-tools-2025-02-19",
        "advisor-tool-2026-03-01",
        "effort-2025-11-24",
      ].join(","),
    },
    body: {
      model: "claude-x",
      stream: true,
      max_tokens: 9,
      system: [{ type: "text", text: "be brief", cache_control: CACHED }],
      messages: [
        { role: "user", content: [{ type: "text", text: "hi", cache_control: CACHED }] },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "...", signature: "s", cache_control: CACHED },
            { type: "tool_use", id: "toolu_1", name: "Bash", input: {}, text: "" },
          ],
        },
        { role: "system", content: [], output_config: { effort: "high" } },
      ],
      tools: [
        { name: "Bash", input_schema: {}, eager_input_streaming: true, input_examples: [] },
        { name: "Later", input_schema: {}, defer_loading: true },
      ],
      thinking: { type: "adaptive", display: "omitted" },
      context_management: { edits: [] },
      output_config: { effort: "medium" },
      metadata: { user_id: "u" },
    },
  },
};
