import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { tellInstance } from "../../../src/app/ask-instance.ts";
import { surveyStatus } from "../../../src/app/status/survey.ts";
import { DEFAULT_PROVIDERS_TEXT } from "../../../src/quota/providers.ts";
import { readInstances } from "../../../src/state/instances.ts";
import { readState } from "../../../src/state/state-file.ts";
import { GOOD, reply, responsesEvents, stream } from "../../helpers/answers.ts";
import { type RunningProxy, startConfiguredProxy } from "../../helpers/configured-proxy.ts";
import { SILENCE, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { waitUntil } from "../../helpers/wait.ts";

const LOCAL = { id: "local", kind: "sub2api_usage", domains: ["127.0.0.1"] };

async function ask(proxy: RunningProxy): Promise<string> {
  const body = JSON.stringify({ model: "gpt-5", stream: true, input: [] });
  return await (await fetch(`${proxy.codexUrl}/responses`, { method: "POST", body })).text();
}

async function refresh(proxy: RunningProxy): Promise<void> {
  for (const instance of await readInstances(proxy.home.paths.run)) await tellInstance(instance, "refresh");
}

describe("a running proxy", () => {
  test("writes the default providers once, and asks nobody that it does not know", async () => {
    await using relay = await startFakeUpstream([GOOD.responses()]);
    await using proxy = await startConfiguredProxy({ codex: [relay] });
    expect(readFileSync(proxy.home.paths.usageProviders, "utf8")).toBe(DEFAULT_PROVIDERS_TEXT);
    await ask(proxy);
    await refresh(proxy);
    expect(relay.requests.map(({ method }) => method)).toEqual(["POST"]);
  });

  test("recognises a relay by an answer's header, and asks it from then on", async () => {
    const spent = { code: true, data: { total_granted: 10, total_used: 10, total_available: 0 } };
    await using relay = await startFakeUpstream(({ target }) =>
      target === "/api/usage/token/"
        ? reply({ body: spent })
        : stream(responsesEvents({ text: "primary" }), { headers: { "x-new-api-version": "v1" } }),
    );
    await using backup = await startFakeUpstream([GOOD.responses({ text: "backup" })]);
    await using proxy = await startConfiguredProxy({ codex: [relay, backup] });
    expect(await ask(proxy)).toContain("primary");
    await refresh(proxy);
    const asked = relay.requests.at(-2);
    expect(asked?.target).toBe("/api/usage/token/");
    expect(asked?.fields).toContainEqual(["Authorization", "Bearer sk-test-upstream-1"]);
    expect(await ask(proxy)).toContain("backup");
    await proxy.stop();
    const host = new URL(relay.origin).host;
    expect(readState(proxy.home.paths.state)["relays"]?.[host]).toMatchObject({ kind: "newapi_token" });
  });

  test("reads the headers of refusals too", async () => {
    const headers = {
      "x-codex-primary-used-percent": "100",
      "x-codex-primary-window-minutes": "300",
      "x-codex-primary-reset-after-seconds": "600",
    };
    await using primary = await startFakeUpstream([reply({ status: 429, headers })]);
    await using backup = await startFakeUpstream([GOOD.responses({ text: "backup" })]);
    await using proxy = await startConfiguredProxy({
      codex: [primary, backup],
      usageProviders: { providers: [] },
    });
    expect(await ask(proxy)).toContain("backup");
    const facts = await surveyStatus(["codex"], { ...proxy.home, now: Date.now });
    expect(facts.services[0]?.upstreams[0]?.quota).toMatchObject([
      { source: "headers", window: "5h", used: 100, left: 0 },
    ]);
  });

  test("U35: answers while a lookup hangs, and takes the lookup along when it stops", async () => {
    await using relay = await startFakeUpstream(({ method }) =>
      method === "GET" ? [SILENCE] : GOOD.responses({ text: "at once" }),
    );
    const proxy = await startConfiguredProxy({ codex: [relay], usageProviders: { providers: [LOCAL] } });
    await waitUntil(() => relay.requests.some(({ method }) => method === "GET"));
    const started = performance.now();
    expect(await ask(proxy)).toContain("at once");
    expect(performance.now() - started).toBeLessThan(2_000);
    await proxy.stop();
    await relay.waitForClose();
    const asked = relay.requests.length;
    await proxy[Symbol.asyncDispose]();
    expect(relay.requests).toHaveLength(asked);
    expect(existsSync(proxy.home.paths.home)).toBe(false);
  });

  test("says once that the providers are broken, and goes on", async () => {
    await using relay = await startFakeUpstream([GOOD.responses({ text: "fine" })]);
    await using proxy = await startConfiguredProxy({ codex: [relay], usageProviders: { providers: [{}] } });
    expect(proxy.troubles).toEqual([expect.stringContaining("usage_providers.json:")]);
    expect(await ask(proxy)).toContain("fine");
  });
});
