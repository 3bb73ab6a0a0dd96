// Relays that are behind the real clients' releases: they refuse a flag, a field, a type of tool. A backup answers; without one what
// may be left out is, and in the next turn at once.
import { expect, test } from "bun:test";
import { GOOD, reply } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type Answer, type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

type Service = "codex" | "claude";

interface Relay {
  readonly service: Service;
  /** What of the client's request it refuses; null where it takes it. */
  readonly refuses: (request: ReceivedRequest) => string | null;
  /** What the client is known to send, and the log then has as left out; null where nothing may be. */
  readonly dropped: readonly string[] | null;
}

const has = (request: ReceivedRequest, mark: string): boolean => request.text().includes(mark);

const RELAYS: Readonly<Record<string, Relay>> = {
  "a beta flag of Claude Code": {
    service: "claude",
    refuses: (request) =>
      request.header("anthropic-beta")?.includes("context-management-2025-06-27") === true
        ? "Unexpected value(s) `context-management-2025-06-27` for the `anthropic-beta` header."
        : null,
    dropped: ["context-management-2025-06-27", "context_management"],
  },
  "some beta flag of Claude Code": {
    service: "claude",
    refuses: (request) =>
      request.header("anthropic-beta")?.includes("advanced-tool-use") === true ? "invalid beta flag" : null,
    dropped: [],
  },
  "a field of Claude Code": {
    service: "claude",
    refuses: (request) =>
      has(request, '"output_config"') ? "output_config: Extra inputs are not permitted" : null,
    dropped: ["output_config.effort"],
  },
  "a field of Claude Code's tools": {
    service: "claude",
    refuses: (request) => {
      const { tools = [] } = request.json() as { tools?: readonly object[] };
      const place = tools.findIndex((tool) => "defer_loading" in tool);
      return place < 0 ? null : `tools.${place}.custom.defer_loading: Extra inputs are not permitted`;
    },
    dropped: ["tools.*.defer_loading"],
  },
  "two fields of Codex": {
    service: "codex",
    refuses: (request) =>
      has(request, '"prompt_cache_key"')
        ? "Unknown parameter: 'prompt_cache_key'."
        : has(request, '"client_metadata"')
          ? "Unsupported parameter: client_metadata"
          : null,
    dropped: ["prompt_cache_key", "client_metadata"],
  },
  "a type of tool of Codex that it runs itself": {
    service: "codex",
    refuses: (request) => (has(request, '"type":"namespace"') ? "Unknown tool type: namespace" : null),
    dropped: null,
  },
  "a type of tool of Codex that the vendor runs": {
    service: "codex",
    refuses: (request) => (has(request, '"type":"web_search"') ? "Unsupported tool type: web_search" : null),
    dropped: ["tool web_search"],
  },
};

const good = { codex: GOOD.responses, claude: GOOD.messages };

const answerOf =
  ({ refuses, service }: Relay) =>
  (request: ReceivedRequest): Answer => {
    const message = request.method === "POST" ? refuses(request) : null;
    if (message === null) return good[service]({ text: "from the relay" });
    return reply({ status: 400, body: { error: { type: "invalid_request_error", message } } });
  };

const posts = (upstream: { readonly requests: readonly ReceivedRequest[] }): number =>
  upstream.requests.filter(({ method }) => method === "POST").length;

for (const [what, relay] of Object.entries(RELAYS)) {
  const { service } = relay;
  // The model has the tool that is meant.
  const args = ["exec", "--skip-git-repo-check", ...(what.endsWith("vendor runs") ? ["-m", "gpt-5"] : [])];
  const turn = (proxy: { readonly codexUrl: string; readonly claudeUrl: string }) =>
    service === "codex"
      ? runCodexExec({ baseUrl: proxy.codexUrl, args })
      : runClaudePrint({ baseUrl: proxy.claudeUrl });

  test.concurrent(
    `a relay that refuses ${what}: a backup answers, and the next turn goes there at once`,
    async () => {
      await using first = await startFakeUpstream(answerOf(relay));
      await using backup = await startFakeUpstream([good[service]({ text: "from the backup" })]);
      await using proxy = await startConfiguredProxy({ [service]: [first, backup] });
      for (let n = 0; n < 2; n += 1) {
        const { code, stdout } = await turn(proxy);
        expect([code, stdout]).toEqual([0, "from the backup\n"]);
      }
      expect([posts(first), posts(backup)]).toEqual([1, 2]);
    },
    60_000,
  );

  if (relay.dropped === null) continue;
  test.concurrent(
    `a relay that refuses ${what}: without a backup it is left out, in the next turn at once`,
    async () => {
      await using only = await startFakeUpstream(answerOf(relay));
      await using proxy = await startConfiguredProxy({ [service]: [only] });
      const first = await turn(proxy);
      expect([first.code, first.stdout]).toEqual([0, "from the relay\n"]);
      const before = posts(only);
      expect(before).toBeGreaterThan(1);
      const second = await turn(proxy);
      expect([second.code, second.stdout, posts(only)]).toEqual([0, "from the relay\n", before + 1]);
      const lines = await proxy.logged(2);
      for (const line of lines)
        expect(line).toMatchObject({
          outcome: "ok",
          dropped: expect.arrayContaining([...(relay.dropped ?? [])]),
        });
    },
    60_000,
  );
}
