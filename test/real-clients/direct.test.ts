import { describe, expect, test } from "bun:test";
import { FALSE_SUCCESS, GOOD, reply } from "../helpers/answers.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

describe("without the proxy in between", () => {
  test("Codex answers from a scripted upstream", async () => {
    await using upstream = await startFakeUpstream([GOOD.responses({ text: "hello from the relay" })]);
    const codex = await runCodexExec({ baseUrl: upstream.baseUrl });
    expect(codex).toMatchObject({ code: 0, stdout: "hello from the relay\n" });
    expect(upstream.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      "POST /v1/responses",
    ]);
  });

  test("Claude Code answers from a scripted upstream", async () => {
    await using upstream = await startFakeUpstream([GOOD.messages({ text: "hello from the relay" })]);
    const claude = await runClaudePrint({ baseUrl: upstream.origin });
    expect(claude).toMatchObject({ code: 0, stdout: "hello from the relay\n" });
    expect(upstream.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      "POST /v1/messages?beta=true",
    ]);
  });

  // Why the proxy has to fail over by itself: the client's own way out of these is to give up.
  test("Codex gives a turn up at the first 429 that names no time, and asks again after an early end", async () => {
    await using limited = await startFakeUpstream([reply({ status: 429 })]);
    await using broken = await startFakeUpstream([FALSE_SUCCESS["an early end"](), GOOD.responses()]);
    const [dead, alive] = await Promise.all([
      runCodexExec({ baseUrl: limited.baseUrl }),
      runCodexExec({ baseUrl: broken.baseUrl }),
    ]);
    expect({ code: dead.code, posts: limited.requests.length }).toEqual({ code: 1, posts: 1 });
    expect({ code: alive.code, posts: broken.requests.length }).toEqual({ code: 0, posts: 2 });
  });
});
