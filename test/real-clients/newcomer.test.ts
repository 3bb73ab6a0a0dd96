// Somebody who has a client, two relays with a key each, and nothing of ours: one command, the questions, and a turn that goes on
// when the first relay's quota is spent. No editor, no other command.
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { GOOD, reply } from "../helpers/answers.ts";
import { PROGRAM } from "../helpers/cli.ts";
import { type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { startAtTerminal } from "../helpers/pseudo-terminal.ts";
import { runClaudePrint } from "../helpers/real-claude.ts";
import { runCodexExec } from "../helpers/real-codex.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const ENTER = "\r";
const DOWN = "\u001b[B";

interface Relay extends AsyncDisposable {
  readonly upstream: FakeUpstream;
  spend(): void;
}

async function startRelay(name: string, key: string): Promise<Relay> {
  let isSpent = false;
  const upstream = await startFakeUpstream((request) => {
    if (request.header("authorization") !== `Bearer ${key}`) return reply({ status: 401 });
    if (isSpent)
      return reply({ status: 429, body: { error: { code: "insufficient_quota", message: "out of quota" } } });
    const answer = { text: `from ${name}` };
    return request.target.includes("/messages") ? GOOD.messages(answer) : GOOD.responses(answer);
  });
  return {
    upstream,
    spend() {
      isSpent = true;
    },
    [Symbol.asyncDispose]: () => upstream.close(),
  };
}

/** What each relay's page gives to copy, and one turn of the client. */
const CLIENTS = {
  codex: {
    file: (home: TempHome) => home.paths.codexConfig,
    copied: ({ baseUrl }: FakeUpstream) => baseUrl,
    run: (home: TempHome) => runCodexExec({ home, env: { NO_PROXY: "127.0.0.1" } }),
  },
  claude: {
    file: (home: TempHome) => home.paths.claudeSettings,
    copied: ({ origin }: FakeUpstream) => origin,
    run: (home: TempHome) => runClaudePrint({ home, env: { NO_PROXY: "127.0.0.1" } }),
  },
} as const;

test.each(["codex", "claude"] as const)("from nothing to a failover with own keys: %s", async (service) => {
  const { copied, file, run } = CLIENTS[service];
  await using first = await startRelay("the first", "sk-first-0123456789");
  await using second = await startRelay("the second", "sk-second-0123456789");
  using home = makeTempHome({ NO_PROXY: "127.0.0.1" });
  await using session = startAtTerminal([...PROGRAM, `--${service}`, "--port", `${freePort()}`], { home });
  await session.press(ENTER, "What should requests go to?");
  await session.press(copied(first.upstream) + ENTER, "Base URL, or paste");
  await session.press(ENTER, "The key for");
  await session.press(`sk-first-0123456789${ENTER}`, "Key for");
  await session.press(ENTER, "one small request");
  await session.press(DOWN + ENTER, "Add a backup");
  await session.press(copied(second.upstream) + ENTER, "Base URL, or paste");
  await session.press(ENTER, "The key for");
  await session.press(`sk-second-0123456789${ENTER}`, "Key for");
  await session.press(ENTER, "one small request");
  await session.press(ENTER, "Add one more backup?");
  await session.press(ENTER, "Which one first?");
  await session.press(ENTER, "Start now?");
  await session.waitFor("Press Ctrl+C to stop.");
  expect(await run(home)).toMatchObject({ code: 0, stdout: "from the first\n" });
  first.spend();
  expect(await run(home)).toMatchObject({ code: 0, stdout: "from the second\n" });
  await session.press("\u0003", "main#2");
  expect(await session.exited).toBe(130);
  // A table that a stored session names stays, and is not in use.
  const left = existsSync(file(home)) ? readFileSync(file(home), "utf8") : "";
  expect(left).not.toMatch(/^model_provider =|ANTHROPIC_BASE_URL/m);
});
