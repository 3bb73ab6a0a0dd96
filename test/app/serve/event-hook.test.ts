import { inEnglish } from "../../../src/base/text.ts";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { createEventHook } from "../../../src/app/serve/event-hook.ts";
import { makeTempHome } from "../../helpers/temp-home.ts";
import { waitUntil } from "../../helpers/wait.ts";

test("a command that fails or hangs is reported once, and the next ones still run", async () => {
  using home = makeTempHome();
  const troubles: string[] = [];
  const seen = join(home.path, "seen");
  let command: string | null = "exit 3";
  const hook = createEventHook({
    command: () => command,
    env: home.env,
    onTrouble: (words) => troubles.push(inEnglish(words)),
    timeoutMs: 100,
  });
  hook.send({ n: 1 });
  hook.send({ n: 2 });
  command = "exec sleep 60";
  hook.send({ n: 3 });
  command = null;
  hook.send({ n: 4 });
  command = `cat >> ${seen}; echo done >> ${seen}`;
  hook.send({ n: 5 });
  await waitUntil(async () =>
    (
      await Bun.file(seen)
        .text()
        .catch(() => "")
    ).includes("done"),
  );
  await hook.stop();
  expect(await Bun.file(seen).text()).toBe('{"n":5}\ndone\n');
  expect(troubles).toEqual([
    "hooks.on_event exited with code 3; this is reported once",
    "hooks.on_event did not finish within 0.1 s; this is reported once",
  ]);
});

test("after the end nothing is started, and of a flood only so much is kept", async () => {
  using home = makeTempHome();
  const seen = join(home.path, "seen");
  const hook = createEventHook({
    command: () => `cat >> ${seen}`,
    env: home.env,
    onTrouble: (words) => {
      throw new Error(inEnglish(words));
    },
  });
  for (let n = 0; n < 100; n += 1) hook.send({ n });
  await waitUntil(() => Bun.file(seen).exists());
  await hook.stop();
  hook.send({ n: "late" });
  const lines = (await Bun.file(seen).text()).trim().split("\n");
  expect(lines.length).toBeLessThanOrEqual(20);
  expect(lines.join()).not.toContain("late");
});
