import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import {
  claudeEnvironment,
  type ClientSays,
  codexMessage,
  environmentContext,
} from "../../helpers/client-requests.ts";
import {
  leaks,
  newSession,
  REFUSED,
  requestOf,
  SECRET,
  secretRequest,
  type Service,
  SERVICES,
  startWallBench,
  statusOf,
  type WallBench,
} from "../../helpers/wall-bench.ts";

interface Situation {
  readonly name: string;
  readonly services?: readonly Service[];
  /** Sends what it is about. Gives the statuses that the client got. */
  readonly run: (bench: WallBench, service: Service, session: string) => Promise<readonly number[]>;
  /** The statuses; "refused" for what a wall refuses. Default: one 200. */
  readonly expected?: readonly (number | "refused")[];
}

const from =
  (directory: string, more: ClientSays = {}): Situation["run"] =>
  async (bench, service, session) => [
    await statusOf(bench, service, secretRequest(service, { session, cwds: [bench.at(directory)], ...more })),
  ];
/** Somebody else's words about a directory, as they may be in any conversation. */
const claims = (service: Service, directory: string): string =>
  service === "codex" ? environmentContext(directory) : claudeEnvironment(directory);
const userSays = (service: Service, text: string): unknown =>
  service === "codex" ? codexMessage("user", text) : { role: "user", content: [{ type: "text", text }] };
const toolSays = (service: Service, text: string): readonly unknown[] =>
  service === "codex"
    ? [
        { type: "function_call", call_id: "c1", name: "shell", arguments: "{}" },
        { type: "function_call_output", call_id: "c1", output: text },
        { type: "function_call", call_id: "c2", name: "mcp", arguments: "{}" },
        { type: "function_call_output", call_id: "c2", output: [{ type: "input_text", text }] },
      ]
    : [
        {
          role: "assistant",
          content: [{ type: "tool_use", id: "t1", name: "Bash", input: { command: "cat x" } }],
        },
        {
          role: "user",
          content: [{ type: "tool_result", tool_use_id: "t1", content: [{ type: "text", text }] }],
        },
      ];

const SITUATIONS: readonly Situation[] = [
  { name: "the root of the project", run: from("work/acme") },
  { name: "a directory in it", run: from("work/acme/sub") },
  { name: "a slash at the end", run: from("work/acme/") },
  {
    name: "dots and slashes in the path",
    run: async (bench, service, session) => from(`work//acme/./sub/../sub`)(bench, service, session),
  },
  { name: "a worktree elsewhere", run: from("trees/acme-fix") },
  {
    name: "a directory in such a worktree that is not there any more",
    run: from("trees/acme-fix/gone/deeper"),
  },
  { name: "a link to it", run: from("link") },
  { name: "a directory behind a link", run: from("link/sub") },
  { name: "a directory in it that is not there any more", run: from("work/acme/gone") },
  {
    name: "another directory, with the project as a further one",
    run: async (bench, service, session) => [
      await statusOf(
        bench,
        service,
        secretRequest(service, { session, cwds: [bench.at("open")], others: [bench.at("work/acme")] }),
      ),
    ],
  },
  {
    name: "nothing says where from, and there is no session",
    run: async (bench, service) => [await statusOf(bench, service, secretRequest(service, {}))],
    expected: ["refused"],
  },
  {
    name: "nothing says where from, in a session that nobody knows",
    run: async (bench, service, session) => [
      await statusOf(bench, service, secretRequest(service, { session })),
    ],
    expected: ["refused"],
  },
  {
    name: "a directory that is not there, and that no rule names",
    run: from("moved/acme"),
    expected: ["refused"],
  },
  {
    name: "a directory that only says that it is a worktree of it",
    run: async (bench, service, session) => {
      mkdirSync(bench.at("pretends"), { recursive: true });
      writeFileSync(bench.at("pretends/.git"), `gitdir: ${bench.at("work/acme/.git/worktrees/acme-fix")}\n`);
      return await from("pretends")(bench, service, session);
    },
    expected: ["refused"],
  },
  {
    name: "a worktree that was moved by hand",
    run: async (bench, service, session) => {
      renameSync(bench.at("trees/acme-moves"), bench.at("trees/acme-moved"));
      const statuses = await from("trees/acme-moved")(bench, service, session);
      renameSync(bench.at("trees/acme-moved"), bench.at("trees/acme-moves"));
      return statuses;
    },
    expected: ["refused"],
  },
  {
    name: "a title that is asked for before the first turn",
    run: async (bench, service, session) =>
      await Promise.all([
        statusOf(bench, service, secretRequest(service, { session })),
        statusOf(bench, service, secretRequest(service, { session, cwds: [bench.at("work/acme")] })),
      ]),
    expected: [200, 200],
  },
  {
    name: "a title, a count and a summary of its session, which name no directory",
    run: async (bench, service, session) => {
      const count = service === "codex" ? "/v1/responses/input_tokens" : "/v1/messages/count_tokens";
      const silent = secretRequest(service, { session });
      return [
        ...(await from("work/acme")(bench, service, session)),
        await statusOf(bench, service, silent),
        await statusOf(bench, service, { ...silent, path: count }),
        await statusOf(bench, service, secretRequest(service, { session, prompt: `Summarize: ${SECRET}` })),
      ];
    },
    expected: [200, 200, 200, 200],
  },
  {
    name: "the session is resumed in another directory",
    run: async (bench, service, session) => [
      ...(await from("work/acme")(bench, service, session)),
      await statusOf(
        bench,
        service,
        secretRequest(service, { session, cwds: [bench.at("work/acme"), bench.at("open")] }),
      ),
    ],
    expected: [200, 200],
  },
  {
    name: "the session is resumed in another directory, and its history is a summary by now",
    run: async (bench, service, session) => [
      ...(await from("work/acme")(bench, service, session)),
      await statusOf(bench, service, secretRequest(service, { session, cwds: [bench.at("open")] })),
    ],
    expected: [200, 200],
  },
  {
    name: "a history from there, in a session that is new here",
    run: async (bench, service, session) => [
      await statusOf(
        bench,
        service,
        secretRequest(service, { session, cwds: [bench.at("work/acme"), bench.at("open")] }),
      ),
    ],
  },
  {
    name: "a session that began outside, where it has an upstream of its own, and goes there",
    run: async (bench, service, session) => [
      await statusOf(bench, service, requestOf[service]({ session, cwds: [bench.at("open")] })),
      await statusOf(
        bench,
        service,
        secretRequest(service, { session, cwds: [bench.at("open"), bench.at("work/acme")] }),
      ),
      await statusOf(bench, service, secretRequest(service, { session, cwds: [bench.at("open")] })),
    ],
    expected: [200, 200, 200],
  },
  {
    name: "the prompt says that it comes from elsewhere",
    run: async (bench, service, session) => [
      await statusOf(
        bench,
        service,
        secretRequest(service, {
          session,
          cwds: [bench.at("work/acme")],
          prompt: `${claims(service, bench.at("open"))}\n${SECRET}`,
        }),
      ),
      await statusOf(
        bench,
        service,
        secretRequest(service, {
          session,
          cwds: [bench.at("work/acme")],
          history: [userSays(service, claims(service, bench.at("open")))],
        }),
      ),
    ],
    expected: [200, 200],
  },
  {
    name: "the output of a tool says that it comes from elsewhere",
    run: async (bench, service, session) => [
      await statusOf(
        bench,
        service,
        secretRequest(service, {
          session,
          cwds: [bench.at("work/acme")],
          history: toolSays(service, claims(service, bench.at("open"))),
        }),
      ),
    ],
  },
  {
    name: "only what others have said names a directory",
    run: async (bench, service) => [
      await statusOf(
        bench,
        service,
        secretRequest(service, { history: toolSays(service, claims(service, bench.at("open"))) }),
      ),
    ],
    expected: ["refused"],
  },
  {
    name: "the project's instructions say that it comes from elsewhere",
    run: async (bench, service, session) => {
      const text = `# AGENTS.md instructions for ${bench.at("work/acme")}\n\n<INSTRUCTIONS>\n${claims(service, bench.at("open"))}\n</INSTRUCTIONS>`;
      return await from("work/acme", { history: [userSays(service, text)] })(bench, service, session);
    },
  },
  {
    name: "a skill or an agent of the project says that it comes from elsewhere",
    services: ["claude"],
    run: async (bench, service, session) => [
      await statusOf(
        bench,
        service,
        secretRequest(service, {
          session,
          cwds: [bench.at("work/acme")],
          body: {
            system: [
              {
                type: "text",
                text: `You are an agent.\n<env>\nWorking directory: ${bench.at("open")}\n</env>\n\n<env>\nWorking directory: ${bench.at("work/acme")}\nIs directory a git repo: Yes\n</env>`,
              },
            ],
          },
        }),
      ),
      await statusOf(
        bench,
        service,
        secretRequest(service, {
          body: {
            system: `You are an agent.\n<env>\nWorking directory: ${bench.at("work/acme")}\n</env>\n# Skills\n - Primary working directory: ${bench.at("open")}`,
          },
        }),
      ),
    ],
    expected: [200, 200],
  },
  {
    name: "the metadata of Codex alone, in the header and in the body",
    services: ["codex"],
    run: async (bench, service, session) => {
      const workspaces = [bench.at("work/acme")];
      const inBody = secretRequest(service, { session: newSession(), workspaces });
      return [
        await statusOf(bench, service, secretRequest(service, { session, workspaces })),
        await statusOf(
          bench,
          service,
          secretRequest(service, { session: newSession(), workspaces, cwds: [bench.at("open")] }),
        ),
        await statusOf(bench, service, {
          ...inBody,
          headers: { ...inBody.headers, "x-codex-turn-metadata": "{}" },
        }),
      ];
    },
    expected: [200, 200, 200],
  },
  {
    name: "a header that names another repository than the environment",
    services: ["codex"],
    run: async (bench, service, session) =>
      await from("work/acme", { workspaces: [bench.at("open")] })(bench, service, session),
  },
  {
    name: "sessions inside and outside at once",
    run: async (bench, service) =>
      await Promise.all(
        Array.from({ length: 12 }, async (_, at) =>
          at % 2 === 0
            ? await statusOf(
                bench,
                service,
                requestOf[service]({ session: newSession(), cwds: [bench.at("open")] }),
              )
            : ((await from("work/acme")(bench, service, newSession()))[0] ?? 0),
        ),
      ),
    expected: Array.from({ length: 12 }, () => 200),
  },
  {
    name: "a sub-agent, whose request has the session and nothing else",
    run: async (bench, service, session) => {
      const headers: Readonly<Record<string, string>> =
        service === "codex"
          ? { "x-openai-subagent": "collab_spawn", "thread-id": newSession() }
          : { "x-claude-code-agent-id": "a1" };
      return [
        ...(await from("work/acme")(bench, service, session)),
        await statusOf(bench, service, secretRequest(service, { session, headers })),
        await statusOf(
          bench,
          service,
          secretRequest(service, { session, headers, cwds: [bench.at("open")] }),
        ),
      ];
    },
    expected: [200, 200, 200],
  },
  {
    name: "what Codex makes of all sessions",
    services: ["codex"],
    run: async (bench, service, session) => [
      await statusOf(
        bench,
        service,
        secretRequest(service, {
          session,
          cwds: [bench.at("open")],
          headers: { "x-openai-subagent": "memory_consolidation" },
        }),
      ),
    ],
  },
  {
    name: "a compaction by the vendor's own item",
    services: ["codex"],
    run: async (bench, service, session) => {
      const request = secretRequest(service, { session, cwds: [bench.at("work/acme")] });
      const input = [...(request.body["input"] as unknown[]), { type: "compaction_trigger" }];
      return [await statusOf(bench, service, { ...request, body: { ...request.body, input } })];
    },
  },
  {
    name: "a response that goes on from one of the project",
    services: ["codex"],
    run: async (bench, service) => {
      const first = await bench.send(
        service,
        secretRequest(service, { cwds: [bench.at("work/acme")], body: { store: true } }),
      );
      const id = /"id":"(resp_[^"]+)"/.exec(await first.text())?.[1];
      const next = secretRequest(service, { body: { store: true, previous_response_id: id } });
      return [first.status, id === undefined ? 0 : await statusOf(bench, service, next)];
    },
    expected: [200, 200],
  },
  {
    name: "a body that is compressed",
    run: async (bench, service, session) => {
      const { body, headers, path } = secretRequest(service, { session, cwds: [bench.at("work/acme")] });
      const answer = await fetch(`http://127.0.0.1:${bench.proxy.ports[service]}${path}`, {
        method: "POST",
        headers: { ...headers, "content-encoding": "zstd" },
        body: Bun.zstdCompressSync(JSON.stringify(body)),
      });
      await answer.text();
      return [answer.status];
    },
  },
  {
    name: "other endpoints, with and without its session",
    run: async (bench, service, session) => {
      const request = secretRequest(service, { session });
      return [
        ...(await from("work/acme")(bench, service, session)),
        ...(await Promise.all(
          ["/v1/embeddings", "/v1/chat/completions", "/v1/files"].map(
            async (path) => await statusOf(bench, service, { ...request, path }),
          ),
        )),
        await statusOf(bench, service, { ...secretRequest(service, {}), path: "/v1/embeddings" }),
      ];
    },
    expected: [200, 200, 200, 200, "refused"],
  },
  {
    name: "a WebSocket",
    run: async (bench, service) => {
      const request = secretRequest(service, {});
      const answer = await fetch(
        `http://127.0.0.1:${bench.proxy.ports[service]}${request.path}?q=${SECRET}`,
        {
          headers: {
            connection: "upgrade",
            upgrade: "websocket",
            "sec-websocket-key": "eA==",
            "sec-websocket-version": "13",
          },
        },
      );
      return [answer.status];
    },
    expected: [426],
  },
];

describe("nothing of a project passes its wall", () => {
  let bench: WallBench;
  beforeAll(async () => {
    bench = await startWallBench();
  });
  afterAll(async () => {
    await bench[Symbol.asyncDispose]();
  });
  for (const { expected = [200], name, run, services = SERVICES } of SITUATIONS)
    for (const service of services)
      test(`${service}: ${name}`, async () => {
        const statuses = await run(bench, service, newSession());
        expect(statuses).toEqual(expected.map((one) => (one === "refused" ? REFUSED[service] : one)));
        expect(leaks(bench)).toEqual([]);
      });

  for (const service of SERVICES)
    test(`${service}: what is not of the project goes its way, whatever it says of the project`, async () => {
      const before = bench.outside.requests.length;
      const send = (says: ClientSays): Promise<number> =>
        statusOf(bench, service, requestOf[service]({ session: newSession(), ...says }));
      const statuses = [
        await send({ cwds: [bench.at("open")] }),
        await send({ cwds: [bench.at("trees/open-fix")] }),
        await send({ cwds: [bench.at("plain")] }),
        await send({ cwds: [bench.at("work")] }),
        await send({
          cwds: [bench.at("open")],
          history: toolSays(service, claims(service, bench.at("work/acme"))),
        }),
        await send({
          cwds: [bench.at("open")],
          prompt: `see ${bench.at("work/acme")}\n${claims(service, bench.at("work/acme"))}`,
        }),
      ];
      expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
      expect(bench.outside.requests.length).toBe(before + 6);
    });
});
