import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chunk, EVENT_STREAM, GOOD, head, messagesEvents, responsesEvents } from "../helpers/answers.ts";
import { makeClientHome } from "../helpers/client-process.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { type Answer, RESET, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";
import { elapse, waitUntil } from "../helpers/wait.ts";

describe("an answer that breaks off in the middle is the client's to ask for again", () => {
  test("a tool call that Codex had already seen runs once, and what it gave is in the next question", async () => {
    using home = makeClientHome();
    const marker = join(home.path, "marker");
    const shellCommand = [`echo ran >> ${marker}`];
    const script = (_request: unknown, n: number): Answer => {
      if (n > 1) return GOOD.responses({ text: "done" });
      return (async function* () {
        yield head(200, EVENT_STREAM);
        // The call is complete, the answer is not.
        yield* responsesEvents({ shellCommand }).slice(0, -1).map(chunk);
        await waitUntil(() => existsSync(marker), { what: "the tool's effect" });
        yield RESET;
      })();
    };
    await using upstream = await startFakeUpstream(script);
    await using backup = await startFakeUpstream([GOOD.responses({ text: "of the backup" })]);
    await using proxy = await startConfiguredProxy({ codex: [upstream, backup] });
    const args = ["exec", "--skip-git-repo-check", "-m", "gpt-5"];
    const codex = await runCodexExec({ baseUrl: proxy.codexUrl, home, args });
    expect(codex).toMatchObject({ code: 0, stdout: "done\n" });
    expect(readFileSync(marker, "utf8")).toBe("ran\n");
    expect(upstream.requests.length).toBe(2);
    expect(upstream.requests[1]?.text()).toContain("function_call_output");
    expect(backup.requests).toEqual([]);
    expect((await proxy.logged(2)).map(({ outcome }) => outcome)).toEqual(["cut", "ok"]);
  });

  test("Claude Code asks again after a cut, and never sees two answers in one", async () => {
    const script = (_request: unknown, n: number): Answer => {
      if (n > 1) return GOOD.messages({ text: "the whole answer" });
      return (async function* () {
        yield head(200, EVENT_STREAM);
        yield* messagesEvents({ text: "half an answer" }).slice(0, -3).map(chunk);
        await elapse(50);
        yield RESET;
      })();
    };
    await using upstream = await startFakeUpstream(script);
    await using proxy = await startConfiguredProxy({ claude: [upstream] });
    const claude = await runClaudePrint({ baseUrl: proxy.claudeUrl });
    expect(claude).toMatchObject({ code: 0, stdout: "the whole answer\n" });
    expect((await proxy.logged(2)).map(({ outcome }) => outcome)).toEqual(["cut", "ok"]);
  });
});
