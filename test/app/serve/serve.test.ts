import { inEnglish } from "../../../src/base/text.ts";
import { describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, rmSync, statSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { askInstance, tellInstance, instanceSchema } from "../../../src/app/ask-instance.ts";
import { type Serving, serve } from "../../../src/app/serve/serve.ts";
import { type Instance, readInstances } from "../../../src/state/instances.ts";
import { readState } from "../../../src/state/state-file.ts";
import { GOOD, reply } from "../../helpers/answers.ts";
import { startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { makeTempHome, type TempHome } from "../../helpers/temp-home.ts";
import { requireInstance } from "../../helpers/instance.ts";
import { waitUntil } from "../../helpers/wait.ts";

const SPENT = reply({ status: 402, body: { error: { message: "pay first" } } });

interface Desk extends AsyncDisposable {
  readonly serving: Serving;
  readonly port: number;
  /** Its record: only who has it is told everything. */
  instance(): Promise<Instance>;
  readonly events: readonly string[];
  readonly troubles: readonly string[];
}

async function startDesk(home: TempHome): Promise<Desk> {
  const events: string[] = [];
  const troubles: string[] = [];
  const serving = await serve({
    paths: home.paths,
    env: home.env,
    services: ["codex"],
    port: 0,
    onRequest: () => {},
    onTrouble: (words) => troubles.push(inEnglish(words)),
    onEvent: ({ labels, words }) => events.push(`${labels[0] ?? ""} ${inEnglish(words)}`.trim()),
  });
  const port = serving.served[0]?.port ?? 0;
  const instance = () => requireInstance(home.paths.run, port);
  return { serving, port, instance, events, troubles, [Symbol.asyncDispose]: () => serving.stop(0) };
}

function configure(home: TempHome, urls: readonly string[], rest: object = {}): void {
  const upstreams = urls.map((base_url) => ({ base_url, auth: { auth_token: "sk-very-secret-token" } }));
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } }, ...rest });
}

async function ask(port: number, session = "s-1"): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "session-id": session },
    body: '{"model":"m","stream":true,"input":[]}',
  });
  return await response.text();
}

function countRequests(home: TempHome): number {
  return readFileSync(home.paths.requestsLog, "utf8").trimEnd().split("\n").length;
}

test("what was learned of an upstream and a session survives a restart", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT]);
  await using backup = await startFakeUpstream([GOOD.responses(), GOOD.responses()]);
  configure(home, [primary.baseUrl, backup.baseUrl]);
  {
    await using desk = await startDesk(home);
    await ask(desk.port);
  }
  expect(statSync(home.paths.state).mode & 0o777).toBe(0o600);
  expect(readFileSync(home.paths.state, "utf8")).not.toContain("sk-very-secret-token");
  expect(Object.keys(readState(home.paths.state)["sessions"] ?? {})).toEqual(["codex|s-1"]);
  await using desk = await startDesk(home);
  await ask(desk.port);
  expect([primary.requests.length, backup.requests.length]).toEqual([1, 2]);
});

test("two processes keep what the other has learned", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  configure(home, [upstream.baseUrl]);
  const one = await startDesk(home);
  const two = await startDesk(home);
  await ask(one.port, "s-1");
  await ask(two.port, "s-2");
  await Promise.all([one.serving.stop(0), two.serving.stop(0)]);
  const sessions = Object.keys(readState(home.paths.state)["sessions"] ?? {});
  expect(sessions.toSorted()).toEqual(["codex|s-1", "codex|s-2"]);
});

test("a state file that cannot be written is said once, and requests go on", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream(() => GOOD.responses({ text: "hello" }));
  configure(home, [upstream.baseUrl]);
  home.write(".codex-helper/state.json/in-the-way", "");
  const desk = await startDesk(home);
  expect(await ask(desk.port)).toContain("hello");
  await desk.serving.stop(0);
  expect(desk.troubles).toEqual([expect.stringContaining("the state of the upstreams cannot be saved")]);
});

test("an instance is found while it runs, tells its state without secrets, and is gone after", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT]);
  await using backup = await startFakeUpstream(() => GOOD.responses());
  configure(home, [primary.baseUrl, backup.baseUrl]);
  {
    await using desk = await startDesk(home);
    await ask(desk.port);
    const [instance, ...others] = await readInstances(home.paths.run);
    expect(others).toEqual([]);
    expect(instance).toMatchObject({ pid: process.pid, service: "codex", port: desk.port });
    const facts = instanceSchema.parse(await askInstance(await desk.instance(), "status"));
    expect(JSON.stringify(facts)).not.toContain("sk-very-secret-token");
    expect(JSON.stringify(facts)).not.toContain(instance?.token ?? "");
    expect(facts).toMatchObject({
      config_name: "main",
      problem: null,
      upstreams: [
        { label: "main#1", standing: "exhausted", usage_exhausted: true, requests: 1, failures: 1 },
        { label: "main#2", standing: "ok", usage_exhausted: false, requests: 1, sessions: 1 },
      ],
    });
  }
  expect(await readInstances(home.paths.run)).toEqual([]);
});

test("10,000 requests of a web page leave two lines in the log, and its own page counts them", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  configure(home, [upstream.baseUrl]);
  {
    await using desk = await startDesk(home);
    await ask(desk.port);
    await waitUntil(() => countRequests(home) === 1);
    const url = `http://127.0.0.1:${desk.port}/${"a".repeat(10_000)}`;
    const page = async (): Promise<void> => {
      for (let index = 0; index < 250; index += 1) {
        const answer = await fetch(url, { headers: { origin: "https://page.example" } });
        expect(answer.status).toBe(403);
        await answer.text();
      }
    };
    await Promise.all(Array.from({ length: 40 }, page));
    const facts = instanceSchema.parse(await askInstance(await desk.instance(), "status"));
    expect(facts.refusals).toMatchObject({ count: 10_000, by_status: { 403: 10_000 } });
    expect(countRequests(home)).toBe(2);
  }
  const lines = readFileSync(home.paths.requestsLog, "utf8").trimEnd().split("\n");
  expect(lines.map((line) => JSON.parse(line).refusals)).toEqual([undefined, 1, 9_999]);
  expect(statSync(home.paths.requestsLog).size).toBeLessThan(6_000);
});

test("a reset needs the token of the run, and forgets what is held against the one upstream", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT, GOOD.responses({ text: "paid" })]);
  await using backup = await startFakeUpstream(() => GOOD.responses());
  configure(home, [primary.baseUrl, backup.baseUrl]);
  await using desk = await startDesk(home);
  await ask(desk.port);
  const [instance] = await readInstances(home.paths.run);
  if (instance === undefined) throw new Error("no instance");
  const guess = tellInstance({ ...instance, token: "guess" }, "reset").catch(String);
  expect(await guess).toContain("does not answer");
  await tellInstance(instance, "reset", { query: { upstream: "main#2" } });
  expect(Object.keys(readState(home.paths.state)["health"] ?? {})).toHaveLength(1);
  await tellInstance(instance, "reset", { query: { upstream: "main#1" } });
  expect(readState(home.paths.state)["health"]).toEqual({});
  expect(await ask(desk.port, "s-new")).toContain("paid");
});

test("a hop and a spent quota are one line each, and JSON for the command of the user's", async () => {
  using home = makeTempHome();
  await using primary = await startFakeUpstream([SPENT]);
  await using backup = await startFakeUpstream(() => GOOD.responses());
  const seen = join(home.path, "seen");
  configure(home, [primary.baseUrl, backup.baseUrl], { hooks: { on_event: `cat >> ${seen}` } });
  await using desk = await startDesk(home);
  await ask(desk.port);
  expect(desk.events).toEqual([
    expect.stringMatching(/^main#1 spent until [^:]+:\d\d \(402 payment required/),
    expect.stringMatching(/^main#1 -> main#2: 402 payment required/),
  ]);
  const lines = await waitUntil(async () => {
    const text = await Bun.file(seen)
      .text()
      .catch(() => "");
    return text.split("\n").length > 2 ? text.trim().split("\n") : null;
  });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { event: "exhausted", service: "codex", upstream: { label: "main#1", base_url: primary.baseUrl } },
    { event: "hop", from: { label: "main#1" }, to: { label: "main#2" }, session_id: null },
  ]);
});

test("a file of ours that breaks is told of once, and again when it breaks again", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  configure(home, [upstream.baseUrl]);
  await using desk = await startDesk(home);
  const told = `${home.paths.config}:1:2: missing "}"; the last valid version stays in use`;
  const problem = async () =>
    instanceSchema.parse(await askInstance(await desk.instance(), "status")).config_problem;
  for (const count of [1, 2]) {
    home.write(".codex-helper/config.json", "{");
    await waitUntil(problem);
    await ask(desk.port);
    await ask(desk.port);
    await waitUntil(() => desk.troubles.length === count);
    configure(home, [upstream.baseUrl]);
    await waitUntil(async () => (await problem()) === null);
    await ask(desk.port);
    await waitUntil(() => countRequests(home) === 3 * count);
  }
  expect(desk.troubles).toEqual([told, told]);
});

test("of 500 requests while config.json is saved in place again and again, each has its answer", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream(() => GOOD.responses());
  configure(home, [upstream.baseUrl]);
  await using desk = await startDesk(home);
  const text = readFileSync(home.paths.config, "utf8");
  const statuses = new Map<number, number>();
  let left = 500;
  const turns = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const answer = await fetch(`http://127.0.0.1:${desk.port}/v1/responses`, {
        method: "POST",
        body: '{"model":"m","stream":true,"input":[]}',
      });
      await answer.text();
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
    }
  };
  const asking = Promise.all([turns(), turns(), turns(), turns()]);
  const isBroken = async () =>
    instanceSchema.parse(await askInstance(await desk.instance(), "status")).config_problem !== null;
  // As a program does that saves in place. Each state is waited for until the proxy has seen it.
  while (left > 0) {
    for (const share of [0, 0.5, 1]) {
      writeFileSync(home.paths.config, text.slice(0, Math.ceil(text.length * share)));
      await waitUntil(async () => (await isBroken()) === share < 1);
    }
  }
  await asking;
  expect([...statuses]).toEqual([[200, 500]]);
  expect(desk.troubles.filter((words) => !words.endsWith("the last valid version stays in use"))).toEqual([]);
});

test.each(["config.json", "usage_providers.json"] as const)(
  "%s that is removed stays in force as it was, which status and the screen say",
  async (name) => {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    configure(home, [upstream.baseUrl]);
    const path = home.write(".codex-helper/usage_providers.json", { providers: [] });
    await using desk = await startDesk(home);
    const isConfig = name === "config.json";
    rmSync(isConfig ? home.paths.config : path);
    const facts = async () => instanceSchema.parse(await askInstance(await desk.instance(), "status"));
    const problem = async () => (await facts())[isConfig ? "config_problem" : "quota_problem"]?.message;
    await waitUntil(problem);
    expect(await problem()).toContain(`${name} was removed`);
    expect(await facts()).toMatchObject({
      config_name: "main",
      problem: null,
      upstreams: [{ label: "main#1" }],
    });
    expect(await ask(desk.port)).toContain("response.completed");
    if (isConfig) {
      await waitUntil(() => desk.troubles.length > 0);
      const told = `${home.paths.config} was removed; the last valid version stays in use`;
      expect(desk.troubles).toEqual([told]);
    }
    configure(home, [upstream.baseUrl]);
    home.write(".codex-helper/usage_providers.json", { providers: [] });
    await waitUntil(async () => (await problem()) === undefined);
  },
);

const PLANTED: Readonly<Record<string, (path: string) => void>> = {
  "a pipe": (path) => expect(Bun.spawnSync(["mkfifo", path]).exitCode).toBe(0),
  "an endless device": (path) => symlinkSync("/dev/zero", path),
  "a directory": (path) => mkdirSync(path),
  "100 MB": (path) => {
    writeFileSync(path, "", { mode: 0o600 });
    truncateSync(path, 100_000_000);
  },
};

describe.each(process.platform === "win32" ? [] : Object.keys(PLANTED))("%s in the place of", (what) => {
  const plant = (home: TempHome, path: string): void => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    rmSync(path, { force: true });
    PLANTED[what]?.(path);
  };

  test.each(["state.json", "usage_providers.json", "prices.json", "logs/requests.jsonl"])(
    "%s keeps no request from its answer, from the start and while running",
    async (name) => {
      using home = makeTempHome();
      await using upstream = await startFakeUpstream(() => GOOD.responses());
      configure(home, [upstream.baseUrl]);
      const path = join(home.paths.home, name);
      plant(home, path);
      {
        await using desk = await startDesk(home);
        expect(await ask(desk.port)).toContain("response.completed");
      }
      rmSync(path, { recursive: true, force: true });
      await using desk = await startDesk(home);
      plant(home, path);
      expect(await ask(desk.port)).toContain("response.completed");
    },
  );

  test("config.json is one error at the start, and keeps the last good version while running", async () => {
    using home = makeTempHome();
    await using upstream = await startFakeUpstream(() => GOOD.responses());
    plant(home, home.paths.config);
    const refused = await startDesk(home).catch((error: unknown) => error);
    expect(String(refused)).toContain(home.paths.config);
    rmSync(home.paths.config, { recursive: true });
    configure(home, [upstream.baseUrl]);
    await using desk = await startDesk(home);
    plant(home, home.paths.config);
    const problem = async () =>
      instanceSchema.parse(await askInstance(await desk.instance(), "status")).config_problem;
    await waitUntil(problem);
    expect(await ask(desk.port)).toContain("response.completed");
    await waitUntil(() => desk.troubles.some((words) => words.startsWith(home.paths.config)));
  });
});
