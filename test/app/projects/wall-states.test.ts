import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { serve } from "../../../src/app/serve/serve.ts";
import {
  chunk,
  EVENT_STREAM,
  FALSE_SUCCESS,
  head,
  RELAY_ERRORS,
  reply,
  responsesPrologue,
} from "../../helpers/answers.ts";
import { type Answer, FIN, RESET } from "../../helpers/fake-upstream.ts";
import {
  answerAny,
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

const fromAcme = (bench: WallBench, service: Service, session: string = newSession()): Promise<number> =>
  statusOf(bench, service, secretRequest(service, { session, cwds: [bench.at("work/acme")] }));
const from = (
  bench: WallBench,
  service: Service,
  directory: string,
  session: string = newSession(),
): Promise<number> =>
  statusOf(bench, service, secretRequest(service, { session, cwds: [bench.at(directory)] }));

const FAILURES: Readonly<Record<string, Answer>> = {
  ...Object.fromEntries(Object.entries(RELAY_ERRORS).map(([name, parts]) => [name, reply(parts)])),
  ...Object.fromEntries(Object.entries(FALSE_SUCCESS).map(([name, make]) => [name, make()])),
  "a refusal that no rule explains": reply({ status: 400, body: '{"error":{"message":"no such beta"}}' }),
  "an unknown model": reply({
    status: 404,
    body: '{"error":{"code":"model_not_found","message":"The model does not exist"}}',
  }),
  "a reset": [RESET],
  "a connection that is closed": [FIN],
  "a stream that is cut": [head(200, EVENT_STREAM), ...responsesPrologue().map(chunk), FIN],
};

describe("whatever fails, the wall holds", () => {
  for (const service of SERVICES)
    test(`${service}: each failure of all that is inside, again and again`, async () => {
      for (const [name, answer] of Object.entries(FAILURES)) {
        await using bench = await startWallBench();
        bench.inside.play([answer]);
        for (let count = 0; count < 4; count += 1) await fromAcme(bench, service);
        expect({ name, leaks: leaks(bench), asked: bench.inside.requests.length > 0 }).toEqual({
          name,
          leaks: [],
          asked: true,
        });
        // Others are served all the while.
        expect(
          await statusOf(
            bench,
            service,
            requestOf[service]({ session: newSession(), cwds: [bench.at("open")] }),
          ),
        ).toBe(200);
      }
    });

  test("the last answer names the wall, and what it leaves", async () => {
    await using bench = await startWallBench();
    await bench.inside.close();
    const answer = await bench.send(
      "codex",
      secretRequest("codex", { session: newSession(), cwds: [bench.at("work/acme")] }),
    );
    expect(answer.status).toBe(503);
    const text = await answer.text();
    expect(text).toContain("The wall of project acme leaves only main#2.");
    expect(leaks(bench)).toEqual([]);
    const [line] = await bench.proxy.logged(1);
    expect(line).toMatchObject({ project: "acme", outcome: "error" });
    expect(line?.error).toContain("main#2");
  });

  test("what is inside is switched off, or has no key: refused", async () => {
    for (const own of [{ enabled: false }, { auth: { auth_token_env: "NOT_SET" } }]) {
      await using bench = await startWallBench();
      const upstreams = [{ base_url: bench.outside.baseUrl }, { base_url: bench.inside.baseUrl, ...own }];
      const section = { active: "main", configs: { main: { upstreams } } };
      await bench.configure({ codex: section }, () => true);
      await bench.restart();
      expect(await fromAcme(bench, "codex")).toBeGreaterThanOrEqual(400);
      expect(bench.outside.requests.length + bench.inside.requests.length).toBe(0);
    }
  });

  test("nothing is inside: refused, with the wall's name", async () => {
    for (const allow of [[], ["nobody"]]) {
      await using bench = await startWallBench({ projects: { "~/work/acme": { allow } } });
      for (const service of SERVICES) {
        const answer = await bench.send(
          service,
          secretRequest(service, { session: newSession(), cwds: [bench.at("work/acme")] }),
        );
        expect(answer.status).toBe(REFUSED[service]);
        expect(await answer.text()).toContain("the wall of project acme leaves no upstream");
      }
      expect(bench.outside.requests.length + bench.inside.requests.length).toBe(0);
    }
  });
});

describe("a session that was behind a wall", () => {
  test("stays there after a restart, resumed elsewhere, its history a summary", async () => {
    await using bench = await startWallBench();
    for (const service of SERVICES) {
      const session = newSession();
      expect(await fromAcme(bench, service, session)).toBe(200);
      await bench.restart();
      expect(await from(bench, service, "open", session)).toBe(200);
      expect(await statusOf(bench, service, secretRequest(service, { session }))).toBe(200);
      expect(leaks(bench)).toEqual([]);
    }
    expect(bench.inside.requests.length).toBe(6);
  });

  test("stays there when its worktree is removed, or its repository moved", async () => {
    await using bench = await startWallBench({ unknown_project: "default" });
    for (const service of SERVICES) {
      const inTree = newSession();
      const inPlace = newSession();
      mkdirSync(bench.at("trees"), { recursive: true });
      expect(await from(bench, service, "trees/acme-fix", inTree)).toBe(200);
      expect(await fromAcme(bench, service, inPlace)).toBe(200);
      renameSync(bench.at("trees/acme-fix"), bench.at("trees/kept"));
      expect(await from(bench, service, "trees/acme-fix", inTree)).toBe(200);
      renameSync(bench.at("work/acme"), bench.at("work/away"));
      await bench.restart();
      expect(await from(bench, service, "trees/acme-fix", inTree)).toBe(200);
      expect(await fromAcme(bench, service, inPlace)).toBe(200);
      renameSync(bench.at("work/away"), bench.at("work/acme"));
      renameSync(bench.at("trees/kept"), bench.at("trees/acme-fix"));
    }
    expect(leaks(bench)).toEqual([]);
  });

  test("is known by its client's own file, and by the one that it was forked from", async () => {
    await using bench = await startWallBench();
    const [parent, fork, claude] = [newSession(), newSession(), newSession()];
    const day = new Date(Number.parseInt(parent.replaceAll("-", "").slice(0, 12), 16))
      .toISOString()
      .slice(0, 10);
    const rollout = (id: string, payload: object): void => {
      const meta = {
        id,
        timestamp: `${day}T10:00:00.000Z`,
        cwd: bench.at("open"),
        source: "exec",
        ...payload,
      };
      const line = { timestamp: `${day}T10:00:00.000Z`, type: "session_meta", payload: meta };
      bench.proxy.home.write(
        `.codex/sessions/${day.replaceAll("-", "/")}/rollout-${day}T10-00-00-${id}.jsonl`,
        `${JSON.stringify(line)}\n`,
      );
    };
    rollout(parent, { cwd: bench.at("work/acme") });
    rollout(fork, { forked_from_id: parent });
    bench.proxy.home.write(
      `.claude/projects/-open/${claude}.jsonl`,
      [bench.at("open"), bench.at("work/acme"), bench.at("open")]
        .map(
          (cwd) =>
            `${JSON.stringify({ type: "user", sessionId: claude, cwd, message: { role: "user", content: "x" } })}\n`,
        )
        .join(""),
    );
    expect(await from(bench, "codex", "open", parent)).toBe(200);
    expect(await from(bench, "codex", "open", fork)).toBe(200);
    expect(await from(bench, "claude", "open", claude)).toBe(200);
    expect(bench.inside.requests.length).toBe(3);
    expect(leaks(bench)).toEqual([]);
  });

  test("is known as soon as its file is there, for a title that came first", async () => {
    await using bench = await startWallBench();
    const session = newSession();
    const title = statusOf(bench, "claude", secretRequest("claude", { session }));
    const line = {
      type: "user",
      sessionId: session,
      cwd: bench.at("work/acme"),
      message: { role: "user", content: "x" },
    };
    bench.proxy.home.write(`.claude/projects/-work-acme/${session}.jsonl`, `${JSON.stringify(line)}\n`);
    expect(await title).toBe(200);
    expect(bench.inside.requests.length).toBe(1);
    expect(leaks(bench)).toEqual([]);
  });

  test("keeps both walls where it has met two", async () => {
    await using bench = await startWallBench({
      projects: {
        "~/work/acme": { allow: ["main#2"] },
        "~/open": { allow: ["main#1", "main#2"] },
        "~/plain": { allow: ["main#1"] },
      },
    });
    const session = newSession();
    expect(await from(bench, "codex", "open", session)).toBe(200);
    const before = bench.outside.requests.length;
    expect(await fromAcme(bench, "codex", session)).toBe(200);
    expect(await from(bench, "codex", "open", session)).toBe(200);
    expect(await from(bench, "codex", "plain", session)).toBe(400);
    expect(bench.outside.requests.length).toBe(before);
  });
});

describe("ch run", () => {
  test("its own directory is where a program is from that says nothing, and adds its wall to one that does", async () => {
    await using bench = await startWallBench();
    for (const [directory, inside] of [
      ["work/acme/sub", 2],
      ["open", 2],
    ] as const) {
      const serving = await serve({
        paths: bench.proxy.home.paths,
        env: bench.proxy.home.env,
        services: ["codex"],
        port: 0,
        command: "run",
        directory: bench.at(directory),
        onRequest: () => {},
        onTrouble: () => {},
      });
      const url = `http://127.0.0.1:${serving.served[0]?.port}/v1/responses`;
      for (const cwds of [[], [bench.at("open")]]) {
        const { body, headers } = requestOf.codex({ cwds });
        expect((await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).status).toBe(200);
      }
      expect(bench.inside.requests.length).toBe(inside);
      await serving.stop(0);
    }
    expect(bench.outside.requests.length).toBe(2);
  });

  test("a config of its own does not open the wall", async () => {
    await using bench = await startWallBench({ projects: { "~/work/acme": { allow: [] } } });
    const serving = await serve({
      paths: bench.proxy.home.paths,
      env: bench.proxy.home.env,
      services: ["claude"],
      port: 0,
      command: "run",
      configName: "main",
      directory: bench.at("work/acme"),
      onRequest: () => {},
      onTrouble: () => {},
    });
    const { body, headers, path } = secretRequest("claude", {
      session: newSession(),
      cwds: [bench.at("work/acme")],
    });
    const url = `http://127.0.0.1:${serving.served[0]?.port}${path}`;
    expect((await fetch(url, { method: "POST", headers, body: JSON.stringify(body) })).status).toBe(403);
    await serving.stop(0);
    expect(bench.outside.requests.length + bench.inside.requests.length).toBe(0);
  });
});

describe("while things change", () => {
  test("a link that leads elsewhere now is followed at once", async () => {
    await using bench = await startWallBench();
    for (const service of SERVICES) {
      symlinkSync(bench.at("open"), bench.at("current"));
      const open = requestOf[service]({ session: newSession(), cwds: [bench.at("current")] });
      expect(await statusOf(bench, service, open)).toBe(200);
      unlinkSync(bench.at("current"));
      symlinkSync(bench.at("work/acme"), bench.at("current"));
      expect(await from(bench, service, "current")).toBe(200);
      unlinkSync(bench.at("current"));
    }
    expect(leaks(bench)).toEqual([]);
    expect(bench.inside.requests.length).toBe(2);
  });

  test("a rule's own directory that is a link is followed at once, and a new directory seen", async () => {
    await using bench = await startWallBench({ projects: { "~/now": { allow: ["main#2"] } } });
    symlinkSync(bench.at("plain"), bench.at("now"));
    expect(await from(bench, "codex", "plain")).toBe(200);
    unlinkSync(bench.at("now"));
    symlinkSync(bench.at("open"), bench.at("now"));
    expect(await from(bench, "codex", "open")).toBe(200);
    rmSync(bench.at("now"));
    mkdirSync(bench.at("now/new"), { recursive: true });
    expect(await from(bench, "codex", "now/new")).toBe(200);
    expect(leaks(bench)).toEqual([]);
  });

  test("what a directory of projects links to is a project, what a repository links to is none", async () => {
    await using bench = await startWallBench({ projects: { "~/work/**": { allow: ["main#2"] } } });
    symlinkSync(bench.at("plain"), bench.at("work/linked"));
    symlinkSync(bench.at("open"), bench.at("work/acme/vendor"));
    expect(await from(bench, "codex", "plain")).toBe(200);
    expect(leaks(bench)).toEqual([]);
    expect(
      await statusOf(bench, "codex", requestOf.codex({ session: newSession(), cwds: [bench.at("open")] })),
    ).toBe(200);
    expect(bench.outside.requests.length).toBe(1);
  });

  test("a wall that is set while a request runs holds for its next attempt", async () => {
    for (const before of [{ projects: {} }, { projects: { "~/plain": { allow: ["main#2"] } } }]) {
      await using bench = await startWallBench(before);
      const asked = Promise.withResolvers<void>();
      // The first one in order is what will be inside; the other one is free until the wall is set.
      bench.outside.play(() => {
        asked.resolve();
        return fail();
      });
      const isSet = Promise.withResolvers<void>();
      async function* fail() {
        await isSet.promise;
        yield* reply({ status: 500 });
      }
      const running = fromAcme(bench, "codex");
      await asked.promise;
      await bench.configure(
        { projects: { "~/work/acme": { allow: ["main#1"] } } },
        ({ wall }) => wall === "acme",
      );
      isSet.resolve();
      expect(await running).toBeGreaterThanOrEqual(400);
      expect(bench.inside.requests.length).toBe(0);
    }
  });

  test("a broken config.json leaves the wall in force", async () => {
    await using bench = await startWallBench();
    expect(await fromAcme(bench, "codex")).toBe(200);
    for (const content of [
      "{",
      "",
      '{ "projects": { "work/acme": {} } }',
      '{ "projects": { "~/work/acme": { "alow": ["main#2"] } } }',
    ]) {
      writeFileSync(bench.proxy.home.paths.config, content);
      const query = new URLSearchParams({ path: bench.at("work/acme") }).toString();
      const status = `http://127.0.0.1:${bench.proxy.ports.codex}/__codex-helper`;
      for (let isSeen = false; !isSeen;) {
        const answer = (await (await fetch(`${status}/status`)).json()) as {
          readonly config_problem: unknown;
        };
        isSeen = answer.config_problem !== null;
      }
      const explained = (await (await fetch(`${status}/explain?${query}`)).json()) as {
        readonly wall?: string;
      };
      expect(explained.wall).toBe("acme");
      expect(await fromAcme(bench, "codex")).toBe(200);
    }
    expect(leaks(bench)).toEqual([]);
  });
});

describe("rules", () => {
  for (const [spelled, projects] of Object.entries({
    "with a slash": { "~/work/acme/": { allow: ["main#2"] } },
    "with one star": { "~/work/acme/*": { allow: ["main#2"] } },
    "from the root": { "HOME/work/acme": { allow: ["main#2"] } },
    "by a link": { "~/link/**": { allow: ["main#2"] } },
    "with a wildcard in the middle": { "~/*/ac{me,xx}": { allow: ["main#2"] } },
    above: { "~/work": { allow: ["main#2"] } },
    "by a worktree": { "~/trees/acme-fix": { allow: ["main#2"] } },
    "around one without a wall": { "~/work": { allow: ["main#2"] }, "~/work/acme": { config: "main" } },
    "by its config": { "~/work/acme": { config: "only", allow: ["only"] } },
    "by a config that is not the active one": { "~/work/acme": { allow: ["only"] } },
    "by the host": { "~/work/acme": { allow: ["INSIDE"] } },
  } as Readonly<Record<string, Readonly<Record<string, object>>>>))
    test(`a wall ${spelled}`, async () => {
      await using bench = await startWallBench();
      const host = new URL(bench.inside.origin).host;
      const own = { upstreams: [{ base_url: `${bench.inside.baseUrl}`, auth: { auth_token: "own" } }] };
      const written = JSON.stringify(projects)
        .replaceAll("HOME", bench.at(".").replace(/[/.]+$/, ""))
        .replaceAll("INSIDE", host);
      const section = (service: Service) => {
        const [first, second] = [bench.outside, bench.inside].map(({ baseUrl }, at) => ({
          base_url: baseUrl,
          auth: { auth_token: `sk-${service}-${at}` },
        }));
        return { active: "main", configs: { main: { upstreams: [first, second] }, only: own } };
      };
      await bench.configure(
        { projects: JSON.parse(written) as object, codex: section("codex"), claude: section("claude") },
        ({ wall }) => wall !== undefined,
      );
      await bench.restart();
      for (const service of SERVICES) {
        expect(await fromAcme(bench, service)).toBe(200);
        expect(await from(bench, service, "trees/acme-fix")).toBe(200);
      }
      expect(leaks(bench)).toEqual([]);
      expect(
        await statusOf(bench, "codex", requestOf.codex({ session: newSession(), cwds: [bench.at("open")] })),
      ).toBe(200);
      expect(bench.outside.requests.length).toBe(1);
    });

  test("what has no content goes where all walls allow, else it is answered here", async () => {
    await using one = await startWallBench();
    await using two = await startWallBench({
      projects: { "~/work/acme": { allow: ["main#2"] }, "~/plain": { allow: ["main#1"] } },
    });
    const models = { path: "/v1/models?client_version=0.171.0", headers: {}, body: {} };
    for (const [bench, asked] of [
      [one, 1],
      [two, 0],
    ] as const) {
      const answer = await bench.send("codex", models, "GET");
      expect(answer.status).toBe(200);
      expect(await answer.json()).toMatchObject({ models: [] });
      expect(bench.inside.requests.length).toBe(asked);
      expect(bench.outside.requests.length).toBe(0);
    }
    const count = {
      path: "/v1/messages/count_tokens",
      headers: { "content-type": "application/json" },
      body: { model: "m", messages: [] },
    };
    expect(await (await two.send("claude", count)).json()).toMatchObject({ input_tokens: 0 });
    expect((await two.send("codex", { ...models, path: "/v1/responses/resp_1" }, "GET")).status).toBe(400);
    expect((await two.send("claude", { ...models, path: "/v1/models/m" }, "GET")).status).toBe(403);
    expect(two.outside.requests.length + two.inside.requests.length).toBe(0);
  });

  test("unknown_project: what cannot be told goes its way only where that is said", async () => {
    await using bench = await startWallBench({ unknown_project: "default" });
    for (const service of SERVICES) {
      const before = bench.outside.requests.length;
      expect(await statusOf(bench, service, requestOf[service]({}))).toBe(200);
      expect(await statusOf(bench, service, requestOf[service]({ cwds: [bench.at("gone")] }))).toBe(200);
      expect(bench.outside.requests.length).toBe(before + 2);
      expect(await fromAcme(bench, service)).toBe(200);
    }
    expect(leaks(bench)).toEqual([]);
    // Without a wall nothing has to be told.
    await using open = await startWallBench({ projects: { "~/work/acme": { config: "main" } } });
    expect(await statusOf(open, "codex", requestOf.codex({}))).toBe(200);
  });

  test("a project's own redaction rules hold for it alone, and refuse where they cannot be read", async () => {
    await using bench = await startWallBench({ projects: { "~/work/acme": { filter: "acme.json" } } });
    const path = join(bench.proxy.home.paths.home, "acme.json");
    expect(await fromAcme(bench, "codex")).toBe(400);
    writeFileSync(path, JSON.stringify([{ op: "replace", source: SECRET, target: "[X]" }]));
    expect(await fromAcme(bench, "codex")).toBe(200);
    expect(bench.outside.requests.at(-1)?.text()).toContain("[X]");
    expect(leaks(bench)).toEqual([]);
    expect(await from(bench, "codex", "open")).toBe(200);
    expect(leaks(bench).length).toBe(1);
  });

  test("a rule for a part of a repository holds for that part, in its worktrees, too", async () => {
    await using bench = await startWallBench({ projects: { "~/work/acme/sub": { allow: ["main#2"] } } });
    const workspaces = [bench.at("work/acme")];
    const tree = [bench.at("trees/acme-fix")];
    mkdirSync(bench.at("trees/acme-fix/sub"), { recursive: true });
    for (const says of [
      { workspaces, cwds: [bench.at("work/acme/sub")] },
      { workspaces: tree, cwds: [bench.at("trees/acme-fix/sub")] },
    ])
      expect(await statusOf(bench, "codex", secretRequest("codex", { session: newSession(), ...says }))).toBe(
        200,
      );
    expect(bench.inside.requests.length).toBe(2);
    const whole = requestOf.codex({ session: newSession(), workspaces, cwds: workspaces });
    expect(await statusOf(bench, "codex", whole)).toBe(200);
    expect(bench.outside.requests.length).toBe(1);
  });

  test("what is explained of a session is what holds for it", async () => {
    await using bench = await startWallBench();
    const session = newSession();
    expect(await fromAcme(bench, "codex", session)).toBe(200);
    const explained = await fetch(
      `http://127.0.0.1:${bench.proxy.ports.codex}/__codex-helper/explain?session=${session}`,
    );
    expect(await explained.json()).toMatchObject({
      project: "acme",
      wall: "acme",
      places: [{ label: "main#2" }, { label: "main#1", standing: "walled" }],
    });
  });

  test("a project has its own config, its own chain of models, and a name in the log", async () => {
    await using bench = await startWallBench({
      projects: { "~/work/acme": { models: { "gpt-6.2-sol": ["cheap"] } } },
    });
    expect(await fromAcme(bench, "codex")).toBe(200);
    expect(bench.outside.requests.at(-1)?.json()).toMatchObject({ model: "cheap" });
    expect(await from(bench, "codex", "open")).toBe(200);
    expect(bench.outside.requests.at(-1)?.json()).toMatchObject({ model: "gpt-6.2-sol" });
    const lines = await bench.proxy.logged(2);
    expect(lines.map(({ project }) => project)).toEqual(["acme", undefined]);
  });
});

/** What may happen one after the other. */
const step = fc.oneof(
  fc.record({
    kind: fc.constant("inside" as const),
    fault: fc.constantFrom(...Object.keys(FAILURES), "good"),
  }),
  fc.record({
    kind: fc.constant("outside" as const),
    fault: fc.constantFrom(...Object.keys(FAILURES), "good"),
  }),
  fc.record({
    kind: fc.constant("ask" as const),
    service: fc.constantFrom(...SERVICES),
    session: fc.integer({ min: 0, max: 2 }),
    directory: fc.constantFrom("work/acme", "work/acme/sub", "trees/acme-fix", "link", null),
  }),
  fc.record({
    kind: fc.constant("other" as const),
    service: fc.constantFrom(...SERVICES),
    session: fc.integer({ min: 3, max: 5 }),
  }),
);

test("no state of failures routes over a wall", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 24 }), async (steps) => {
      await using bench = await startWallBench();
      const ids = Array.from({ length: 6 }, newSession);
      // A session that has no directory yet would be waited for.
      for (const service of SERVICES)
        for (const session of ids.slice(0, 3)) await fromAcme(bench, service, session);
      for (const one of steps) {
        if (one.kind === "ask") {
          const cwds = one.directory === null ? [] : [bench.at(one.directory)];
          await statusOf(
            bench,
            one.service,
            secretRequest(one.service, { session: ids[one.session] ?? "", cwds }),
          );
        } else if (one.kind === "other") {
          const open = requestOf[one.service]({ session: ids[one.session] ?? "", cwds: [bench.at("open")] });
          await statusOf(bench, one.service, open);
        } else {
          const fault = FAILURES[one.fault];
          bench[one.kind].play(fault === undefined ? answerAny : [fault]);
        }
        expect(leaks(bench)).toEqual([]);
      }
    }),
    { numRuns: 12 },
  );
}, 60_000);
