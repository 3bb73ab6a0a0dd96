import { expect, test } from "bun:test";
import {
  chunk,
  EVENT_STREAM,
  GOOD,
  head,
  LAST_CHUNK,
  messagesError,
  messagesEvents,
  messagesPrologue,
  responsesEvents,
  responsesPrologue,
  sse,
  stream,
} from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type Answer, type ReceivedRequest, startFakeUpstream, type Step } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";
import { elapse } from "../helpers/wait.ts";

const HTML = { headers: { "content-type": "text/html; charset=UTF-8" } };
const isPost = ({ method }: { readonly method: string }): boolean => method === "POST";

test.concurrent(
  "events that are labelled as a page reach both clients",
  async () => {
    await using forCodex = await startFakeUpstream([stream(responsesEvents({ text: "of a page" }), HTML)]);
    await using forClaude = await startFakeUpstream([stream(messagesEvents({ text: "of a page" }), HTML)]);
    await using proxy = await startConfiguredProxy({ codex: [forCodex], claude: [forClaude] });
    const [codex, claude] = await Promise.all([
      runCodexExec({ baseUrl: proxy.codexUrl }),
      runClaudePrint({ baseUrl: proxy.claudeUrl }),
    ]);
    expect([codex.code, codex.stdout]).toEqual([0, "of a page\n"]);
    expect([claude.code, claude.stdout]).toEqual([0, "of a page\n"]);
    for (const upstream of [forCodex, forClaude]) expect(upstream.requests.filter(isPost).length).toBe(1);
  },
  60_000,
);

test.concurrent(
  "a turn that ends silently after a tool's result ends for Codex, too",
  async () => {
    const usage = { input_tokens: 900, output_tokens: 3, total_tokens: 903 };
    const response = { id: "resp_2", object: "response", status: "completed", output: [], usage };
    const end = sse("response.completed", { type: "response.completed", response });
    const script = (_request: unknown, n: number): Answer =>
      n === 1 ? GOOD.responses({ shellCommand: ["true"] }) : stream([...responsesPrologue(), end]);
    await using upstream = await startFakeUpstream(script);
    await using backup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
    await using proxy = await startConfiguredProxy({ codex: [upstream, backup] });
    const args = ["exec", "--skip-git-repo-check", "-m", "gpt-5"];
    const codex = await runCodexExec({ baseUrl: proxy.codexUrl, args });
    expect([codex.code, upstream.requests.length, backup.requests.length]).toEqual([0, 2, 0]);
    expect(upstream.requests[1]?.text()).toContain("function_call_output");
    expect((await proxy.logged(2)).map(({ outcome }) => outcome)).toEqual(["ok", "ok"]);
  },
  60_000,
);

test.concurrent(
  "Claude Code's stream: false is answered, where the only upstream sends events all the same",
  async () => {
    const script = (request: ReceivedRequest): Answer =>
      request.text().includes('"stream":true')
        ? stream([...messagesEvents({ text: "half" }).slice(0, 4), messagesError("api_error")])
        : GOOD.messages({ text: "assembled" });
    await using upstream = await startFakeUpstream(script);
    await using proxy = await startConfiguredProxy({ claude: [upstream] });
    const claude = await runClaudePrint({ baseUrl: proxy.claudeUrl });
    expect([claude.code, claude.stdout]).toEqual([0, "assembled\n"]);
  },
  60_000,
);

test.concurrent(
  "an upstream that only keeps the line warm is left for the next one, before either client has seen a word",
  async () => {
    const warm = (prologue: readonly string[]) =>
      async function* (): AsyncGenerator<Step> {
        yield head(200, EVENT_STREAM);
        yield* prologue.map(chunk);
        for (let n = 0; n < 400; n += 1) {
          yield chunk(": PING\n\n");
          await elapse(50);
        }
        yield LAST_CHUNK;
      };
    await using codexWarm = await startFakeUpstream(warm(responsesPrologue()));
    await using claudeWarm = await startFakeUpstream(warm(messagesPrologue()));
    await using codexBackup = await startFakeUpstream([GOOD.responses({ text: "from the backup" })]);
    await using claudeBackup = await startFakeUpstream([GOOD.messages({ text: "from the backup" })]);
    await using proxy = await startConfiguredProxy({
      codex: [codexWarm, codexBackup],
      claude: [claudeWarm, claudeBackup],
      settings: { timeouts: { idle_secs: 1 } },
    });
    const [codex, claude] = await Promise.all([
      runCodexExec({ baseUrl: proxy.codexUrl }),
      runClaudePrint({ baseUrl: proxy.claudeUrl }),
    ]);
    expect([codex.code, codex.stdout]).toEqual([0, "from the backup\n"]);
    expect([claude.code, claude.stdout]).toEqual([0, "from the backup\n"]);
    for (const upstream of [codexWarm, claudeWarm]) expect(upstream.requests.filter(isPost).length).toBe(1);
  },
  60_000,
);
