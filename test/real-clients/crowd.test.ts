import { expect, test } from "bun:test";
import { startConfiguredProxy } from "../helpers/configured-proxy.ts";
import { startCrowd } from "../helpers/crowd.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";

const FIVE = [1, 2, 3, 4, 5] as const;

test("ten clients of both kinds on one account that takes two: all are answered, and none is refused", async () => {
  await using crowd = startCrowd({ takes: 2 });
  crowd.endBy(300);
  const account = { limit_group: "account", queue_secs: 60 };
  await using proxy = await startConfiguredProxy({
    codex: [{ base_url: crowd.baseUrl, max_concurrent: 2, ...account }],
    claude: [{ base_url: crowd.origin, ...account }],
  });
  const results = await Promise.all([
    ...FIVE.map(() => runCodexExec({ baseUrl: proxy.codexUrl })),
    ...FIVE.map(() => runClaudePrint({ baseUrl: proxy.claudeUrl })),
  ]);
  expect(results.map(({ code, stdout }) => `${code} ${stdout.trim()}`)).toEqual(
    Array.from({ length: 10 }, () => "0 hi"),
  );
  expect([crowd.most, crowd.refused]).toEqual([2, 0]);
}, 180_000);

test("ten of Codex on one that says nothing of its limit: it is learned, and no client sees a refusal", async () => {
  await using crowd = startCrowd({ takes: 2 });
  crowd.endBy(2_000);
  await using proxy = await startConfiguredProxy({ codex: [{ base_url: crowd.baseUrl }] });
  const results = await Promise.all([...FIVE, ...FIVE].map(() => runCodexExec({ baseUrl: proxy.codexUrl })));
  expect(results.map(({ code, stdout }) => `${code} ${stdout.trim()}`)).toEqual(
    Array.from({ length: 10 }, () => "0 hi"),
  );
  const lines = await proxy.logged(10);
  expect(lines.map(({ status_code: status }) => status)).toEqual(Array.from({ length: 10 }, () => 200));
  expect(crowd.most).toBe(2);
}, 180_000);
