// The other programs that `ch run` starts, as npm brings them: each has a turn through the proxy. Not in the suite, because
// they take 600 MB; `bun run test:newest` installs them.
import { expect, test } from "bun:test";
import { chmodSync, existsSync } from "node:fs";
import { join } from "node:path";
import { PROGRAMS } from "../../src/app/launch/programs.ts";
import { SERVICES, SERVICE_FACTS } from "../../src/base/service.ts";
import { GOOD, reply } from "../helpers/answers.ts";
import { PROGRAM } from "../helpers/cli.ts";
import { makeClientHome, MODULES, runClient } from "../helpers/client-process.ts";
import { type ReceivedRequest, startFakeUpstream } from "../helpers/fake-upstream.ts";

const TEXT = "an answer through the proxy";
/** What is typed for one prompt, where the model of a client's is not one of the program's own. */
const ARGS: Readonly<Record<string, Readonly<Record<"codex" | "claude", readonly string[]>>>> = {
  opencode: {
    codex: ["run", "-m", "openai/gpt-5", "say hi"],
    claude: ["run", "-m", "anthropic/claude-sonnet-4-5", "say hi"],
  },
  qwen: { codex: ["-p", "say hi"], claude: ["-p", "say hi"] },
  copilot: { codex: ["-p", "say hi"], claude: ["-p", "say hi"] },
};

const chunk = (choice: object): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-5", choices: [{ index: 0, ...choice }] })}\n\n`;
const chat = reply({
  headers: { "content-type": "text/event-stream" },
  body: `${chunk({ delta: { role: "assistant", content: TEXT } })}${chunk({ delta: {}, finish_reason: "stop" })}data: [DONE]\n\n`,
});

function answer({ target }: ReceivedRequest) {
  if (target.includes("/chat/completions")) return chat;
  return target.includes("/messages") ? GOOD.messages({ text: TEXT }) : GOOD.responses({ text: TEXT });
}

/** The words that start it, without a launcher that looks for updates. */
function startOf({ command, packageName }: (typeof PROGRAMS)[number]): string {
  const platform = `${process.platform}-${process.arch}`;
  const native = [`opencode-${platform}/bin/opencode`, `@github/copilot-${platform}/copilot`].find(
    (path) => path.endsWith(`/${command}`) && existsSync(join(MODULES, path)),
  );
  return native === undefined
    ? `exec node '${join(MODULES, packageName, "cli.js")}' "$@"`
    : `exec '${join(MODULES, native)}' "$@"`;
}

const turns = PROGRAMS.flatMap((program) =>
  SERVICES.filter((service) => program.ways[service] !== undefined).map(
    (service) => [program.command, service, program] as const,
  ),
);

test.each(turns)(
  "%s has a turn at %s's upstream, and the log has its name",
  async (command, service, program) => {
    await using upstream = await startFakeUpstream(answer);
    using home = makeClientHome();
    const baseUrl = upstream.origin + SERVICE_FACTS[service].basePath;
    const write = async (path: string, text: string): Promise<string> => {
      await Bun.write(join(home.path, path), text);
      return join(home.path, path);
    };
    const config = { upstreams: [{ base_url: baseUrl, auth: { auth_token: "key-of-the-relay" } }] };
    const file = await write(
      ".codex-helper/config.json",
      JSON.stringify({ [service]: { active: "main", configs: { main: config } } }),
    );
    chmodSync(file, 0o600);
    chmodSync(join(file, ".."), 0o700);
    chmodSync(await write(`bin/${command}`, `#!/bin/sh\n${startOf(program)}\n`), 0o755);
    const { code, stdout, stderr } = await runClient({
      command: [...PROGRAM, "run", "--", command, ...(ARGS[command]?.[service] ?? [])],
      home,
      env: { PATH: `${join(home.path, "bin")}:${process.env["PATH"] ?? ""}` },
    });
    expect({ code, stdout, stderr }).toMatchObject({ code: 0, stdout: expect.stringContaining(TEXT) });
    expect(upstream.requests.length).toBeGreaterThan(0);
    for (const request of upstream.requests.filter(({ method }) => method === "POST"))
      expect(JSON.stringify(request.fields)).toContain("key-of-the-relay");
    const log = await Bun.file(join(home.path, ".codex-helper/logs/requests.jsonl")).text();
    const [line = ""] = log.split("\n");
    expect(JSON.parse(line)).toMatchObject({ service, outcome: "ok", client: expect.stringMatching(/\/\d/) });
  },
);
