import { expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { GOOD } from "../helpers/answers.ts";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { startFakeUpstream } from "../helpers/fake-upstream.ts";

/** As an editor does it that replaces nothing: the file is empty, then half, then whole. */
async function saveInPlace(path: string, text: string, pieces: number): Promise<void> {
  const fd = openSync(path, "w");
  await setImmediate();
  try {
    const length = Math.ceil(text.length / pieces);
    for (let at = 0; at < text.length; at += length) {
      writeSync(fd, text.slice(at, at + length));
      await setImmediate();
    }
  } finally {
    closeSync(fd);
  }
}

test.each(["config.json", "usage_providers.json", "prices.json"])(
  "500 requests are answered while %s is saved in place all the time",
  async (name) => {
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    await using proxy = await startConfiguredProxy({
      codex: [{ base_url: upstream.baseUrl, budget_usd: { day: 1_000 } }],
      usageProviders: { providers: [] },
    });
    proxy.home.write(".codex-helper/prices.json", [{ model: "*", input: 1, output: 1 }]);
    const path = `${proxy.home.paths.home}/${name}`;
    const text = readFileSync(path, "utf8");
    const ask = async (): Promise<number> => {
      const body = '{"model":"gpt-5","stream":true,"input":[]}';
      const answer = await fetch(`${proxy.codexUrl}/responses`, { method: "POST", body });
      await answer.text();
      return answer.status;
    };
    // It has read the file once.
    expect(await ask()).toBe(200);
    let isOver = false;
    const saving = (async (): Promise<number> => {
      let count = 0;
      for (; !isOver; count += 1) await saveInPlace(path, text, 1 + (count % 7));
      return count;
    })();
    const statuses: number[] = [];
    const askMany = async (): Promise<void> => {
      for (let index = 0; index < 50; index += 1) statuses.push(await ask());
    };
    await Promise.all(Array.from({ length: 10 }, askMany));
    isOver = true;
    expect(await saving).toBeGreaterThan(10);
    expect(statuses.filter((status) => status !== 200)).toEqual([]);
    expect(statuses).toHaveLength(500);
  },
);
