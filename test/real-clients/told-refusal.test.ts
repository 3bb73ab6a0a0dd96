import { describe, expect, test } from "bun:test";
import { messagesError, messagesPrologue, responsesPrologue, sse, stream } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

describe("a request's own fault that an error event tells is shown at once", () => {
  test("by Codex, which passes over such an event itself", async () => {
    const error = {
      type: "invalid_request_error",
      code: "invalid_image",
      message: "the image cannot be read",
    };
    await using upstream = await startFakeUpstream(() =>
      stream([...responsesPrologue(), sse("error", { type: "error", error })]),
    );
    await using proxy = await startConfiguredProxy({ codex: [upstream] });
    const { code, stderr } = await runCodexExec({ baseUrl: proxy.codexUrl });
    expect(code).toBe(1);
    expect(stderr).toContain("the image cannot be read");
    expect(upstream.requests.length).toBe(1);
  });

  test("by Claude Code", async () => {
    await using upstream = await startFakeUpstream(() =>
      stream([...messagesPrologue(), messagesError("invalid_request_error", "prompt is too long: 9 > 8")]),
    );
    await using proxy = await startConfiguredProxy({ claude: [upstream] });
    const { code, stdout } = await runClaudePrint({ baseUrl: proxy.claudeUrl });
    expect(code).toBe(1);
    expect(stdout).toContain("Prompt is too long");
    expect(upstream.requests.length).toBe(1);
  });
});
