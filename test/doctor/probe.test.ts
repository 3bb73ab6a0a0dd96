import { describe, expect, test } from "bun:test";
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { GOOD, USED, reply } from "../helpers/answers.ts";
import { PROGRAM, runCli, startCli } from "../helpers/cli.ts";
import { type Answer, RESET, type FakeUpstream, startFakeUpstream } from "../helpers/fake-upstream.ts";
import { freePort } from "../helpers/free-port.ts";
import { runAtTerminal } from "../helpers/pseudo-terminal.ts";
import { makeTempHome, type TempHome } from "../helpers/temp-home.ts";

const KEY = "sk-probe-secret-value";

interface Check {
  readonly id: string;
  readonly status: string;
  readonly message: string;
  readonly hint?: string;
}

/** Answers the question for the time, and what follows as the script says. */
function startProbed(answer: Answer): Promise<FakeUpstream> {
  return startFakeUpstream((request) => (request.method === "HEAD" ? reply({ status: 404 }) : answer));
}

function configure(home: TempHome, service: "codex" | "claude", baseUrl: string): void {
  home.write(".codex-helper/config.json", {
    [service]: { configs: { main: { upstreams: [{ base_url: baseUrl, auth: { auth_token: KEY } }] } } },
  });
}

async function probe(home: TempHome, ...args: readonly string[]): Promise<{ code: number; checks: Check[] }> {
  const { code, stderr, stdout } = await runCli(["doctor", "--probe", "--yes", "--json", ...args], { home });
  expect(stdout + stderr).not.toContain(KEY);
  return { code, checks: (JSON.parse(stdout) as { checks: Check[] }).checks };
}

const ERROR = (message: string, code: string) => ({ error: { message, type: code, code } });

/** What the upstream does, and what is said of it: [id, status] for each finding. */
const CASES: readonly (readonly [
  name: string,
  answer: Answer,
  expected: readonly (readonly [string, string])[],
])[] = [
  [
    "it answers",
    GOOD.responses(),
    [
      ["authorised", "ok"],
      ["answers", "ok"],
    ],
  ],
  [
    "it refuses the key",
    reply({ status: 401, body: ERROR("no", "invalid_api_key") }),
    [["authorised", "fail"]],
  ],
  [
    "its quota is gone",
    reply({ status: 429, body: ERROR("pay", "insufficient_quota") }),
    [
      ["authorised", "ok"],
      ["answers", "fail"],
    ],
  ],
  [
    "it does not know the model",
    reply({ status: 404, body: ERROR("The model `m` does not exist", "model_not_found") }),
    [
      ["authorised", "ok"],
      ["answers", "fail"],
    ],
  ],
  [
    "it answers with a web page",
    reply({ headers: { "content-type": "text/html" }, body: "<html>hello</html>" }),
    [
      ["authorised", "info"],
      ["answers", "fail"],
    ],
  ],
  [
    "it breaks off",
    [RESET],
    [
      ["authorised", "info"],
      ["answers", "fail"],
    ],
  ],
];

test.each([...CASES])("%s", async (_name, answer, expected) => {
  using home = makeTempHome();
  await using upstream = await startProbed(answer);
  configure(home, "codex", upstream.baseUrl);
  const { checks, code } = await probe(home);
  expect(checks.map(({ id, status }) => [id, status])).toEqual(
    [["reachable", "ok"], ...expected].map(([id = "", status = ""]) => [`probe-${id}`, status]),
  );
  expect(code).toBe(expected.some(([, status]) => status === "fail") ? 1 : 0);
});

test("one small request is sent, with the key, for the model that was used last", async () => {
  using home = makeTempHome();
  await using upstream = await startProbed(GOOD.responses());
  configure(home, "codex", upstream.baseUrl);
  home.write(
    ".codex-helper/logs/requests.jsonl",
    `${JSON.stringify({ timestamp_ms: 1, service: "codex", model: "gpt-used" })}\n`,
  );
  const { checks } = await probe(home, "main#1");
  const sent = upstream.requests.filter(({ method }) => method === "POST");
  expect(sent.map(({ target }) => target)).toEqual(["/v1/responses"]);
  expect(sent[0]?.header("authorization")).toBe(`Bearer ${KEY}`);
  expect(sent[0]?.json()).toMatchObject({ model: "gpt-used", max_output_tokens: 16, store: false });
  const answer = checks.find(({ id }) => id === "probe-answers");
  expect(answer?.message).toMatch(
    new RegExp(
      `gpt-used answers, first output after \\d+ ms; cost: ${USED.input} tokens in, ${USED.output} out`,
    ),
  );
});

test("Claude Code's upstreams are asked in their own way, and --model names another model", async () => {
  using home = makeTempHome();
  await using upstream = await startProbed(GOOD.messages());
  configure(home, "claude", upstream.origin);
  const { checks } = await probe(home, "--claude", "--model", "claude-haiku-4-5");
  expect(checks.map(({ status }) => status)).toEqual(["ok", "ok", "ok"]);
  expect(checks.at(-1)?.message).toMatch(/cost: \d+ tokens in, \d+ out, \$0\.0\d+ by list prices$/);
  const sent = upstream.requests.filter(({ method }) => method === "POST");
  expect(sent[0]).toMatchObject({ target: "/v1/messages" });
  expect(sent[0]?.header("anthropic-version")).toBe("2023-06-01");
  expect(sent[0]?.json()).toMatchObject({ model: "claude-haiku-4-5", max_tokens: 1 });
});

test("--features finds out what of a new version is taken, and leaves out what is refused from then on", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream((request) => {
    if (request.method === "HEAD" || request.target.endsWith("/compact")) return reply({ status: 404 });
    if (request.target.endsWith("/models")) return reply({ body: { data: [] } });
    if (request.header("upgrade") !== null) return reply({ status: 426 });
    if (request.header("content-encoding") === "zstd") return GOOD.responses();
    for (const name of ["prompt_cache_key", "verbosity"])
      if (request.text().includes(`"${name}"`))
        return reply({ status: 400, body: ERROR(`Unknown parameter: '${name}'.`, "unknown_parameter") });
    return GOOD.responses();
  });
  configure(home, "codex", upstream.baseUrl);
  home.write("bin/package.json", { name: "@openai/codex", version: "9.9.9" });
  home.write("bin/codex", "#!/bin/sh\n");
  chmodSync(join(home.path, "bin/codex"), 0o755);
  const env = { PATH: `${join(home.path, "bin")}:${process.env["PATH"]}` };
  const port = String(freePort());
  await using serving = startCli(["serve", "--codex", "--no-switch", "--port", port], { home });
  await serving.waitFor(/on http/);
  const run = (...more: string[]) => runCli(["doctor", "--probe", "--yes", "--json", ...more], { home, env });
  const { stdout } = await run("--features");
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  expect(checks.filter(({ id }) => id === "probe-features").map(({ message }) => message)).toEqual([
    "main#1: takes models, stream, tools, zstd; does not take WebSocket, compact",
    "main#1: is asked without prompt_cache_key, text.verbosity from now on",
  ]);
  expect((await run()).stdout).toContain("asked without prompt_cache_key, text.verbosity (codex_exec/9.9.9)");
  const before = upstream.requests.length;
  const turn = await fetch(`http://127.0.0.1:${port}/v1/responses`, {
    method: "POST",
    headers: { "user-agent": "codex_exec/9.9.9 (Debian)" },
    body: '{"model":"m","stream":true,"input":[],"prompt_cache_key":"k","text":{"verbosity":"low"}}',
  });
  expect([turn.status, upstream.requests.length - before]).toEqual([200, 1]);
  expect(upstream.requests.at(-1)?.text()).toBe('{"model":"m","stream":true,"input":[]}');
});

test("--features knows a relay that takes no tools", async () => {
  using home = makeTempHome();
  await using upstream = await startFakeUpstream((request) => {
    if (request.method !== "POST" || request.target.includes("count_tokens")) return reply({ status: 404 });
    if (request.text().includes('"tools"'))
      return reply({ status: 400, body: ERROR("tools are not supported here", "invalid_request_error") });
    return GOOD.messages();
  });
  configure(home, "claude", upstream.origin);
  const { checks } = await probe(home, "--claude", "--model", "m", "--features");
  expect(checks.find(({ id }) => id === "probe-features")?.message).toBe(
    "main#1: takes stream, zstd; does not take count_tokens, models, tools",
  );
});

test("where nothing listens, no more than a connection is tried", async () => {
  using home = makeTempHome();
  configure(home, "codex", `http://127.0.0.1:${freePort()}/v1`);
  const { checks, code } = await probe(home);
  expect(checks).toMatchObject([{ id: "probe-reachable", status: "fail" }]);
  expect(code).toBe(1);
});

test("a client's own login is not sent", async () => {
  using home = makeTempHome();
  await using upstream = await startProbed(GOOD.responses());
  const entry = {
    base_url: upstream.baseUrl,
    auth: { client: true },
    tags: { imported_origin: upstream.origin },
  };
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams: [entry] } } } });
  const { checks } = await probe(home);
  expect(checks.map(({ id, status }) => [id, status])).toEqual([
    ["probe-reachable", "ok"],
    ["probe-authorised", "info"],
  ]);
  expect(upstream.requests.map(({ method }) => method)).toEqual(["HEAD"]);
});

test("without somebody to ask, and without --yes, nothing is sent", async () => {
  using home = makeTempHome();
  await using upstream = await startProbed(GOOD.responses());
  configure(home, "codex", upstream.baseUrl);
  const { code, stderr, stdout } = await runCli(["doctor", "--probe", "main"], { home });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toContain("Each costs about 30 tokens");
  expect(stderr).toContain("ch doctor --probe main --yes");
  expect(upstream.connections).toEqual([]);
});

test("a person is asked first, and may say no", async () => {
  using home = makeTempHome();
  await using upstream = await startProbed(GOOD.responses());
  configure(home, "codex", upstream.baseUrl);
  const ask = (keys: string) =>
    runAtTerminal([...PROGRAM, "doctor", "--probe"], { home, type: { after: /Send them\?/, keys } });
  const refused = await ask("n\r");
  expect({ code: refused.code, requests: upstream.requests.length }).toEqual({ code: 0, requests: 0 });
  const agreed = await ask("y\r");
  expect(agreed.code).toBe(0);
  expect(agreed.screen).toContain("the key was accepted");
  expect(upstream.requests.map(({ method }) => method)).toEqual(["HEAD", "POST"]);
});

test("a name that is none, and words that go with --probe alone, are refused with what to type", async () => {
  using home = makeTempHome();
  configure(home, "codex", "http://127.0.0.1:9/v1");
  const unknown = await runCli(["doctor", "--probe", "mian", "--yes"], { home });
  expect(unknown).toMatchObject({ code: 1, stderr: expect.stringContaining("ch config list") });
  for (const [args, hint] of [
    [["main#1"], "ch doctor --probe main#1"],
    [["--yes"], "ch doctor --probe"],
  ] as const) {
    const { code, stderr } = await runCli(["doctor", ...args], { home });
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(hint) });
  }
});

test("a model whose price changes by date costs what it does today", async () => {
  using home = makeTempHome();
  await using upstream = await startProbed(GOOD.responses());
  configure(home, "codex", upstream.baseUrl);
  const { checks } = await probe(home, "--model", "gpt-5.6");
  const answers = checks.find(({ id }) => id.endsWith("answers"));
  expect(answers).toMatchObject({ status: "ok", message: expect.stringContaining("$") });
});

/** A relay's site with its API at one path: pages elsewhere, and JSON to whoever asks there without a key. */
const startSite = (api: string, elsewhere: Answer): Promise<FakeUpstream> =>
  startFakeUpstream((request) => {
    if (request.target.startsWith(api))
      return reply({ status: 401, body: ERROR("no key", "invalid_api_key") });
    return elsewhere;
  });
const PAGE = reply({ headers: { "content-type": "text/html" }, body: "<!doctype html><title>Relay</title>" });
const MISSING = reply({ status: 404, headers: { "content-type": "text/html" }, body: "<h1>Not found</h1>" });
const LOGIN = reply({ status: 302, headers: { location: "/login" } });

describe("where it is no API that answers, the base URL is suggested and not a model", () => {
  const SITES: readonly (readonly [
    title: string,
    service: "codex" | "claude",
    path: string,
    api: string,
    elsewhere: Answer,
    words: RegExp,
    suggested: string,
  ])[] = [
    ["a page, the API below it", "codex", "/team", "/team/v1/", PAGE, /answered with a web page/, "/team/v1"],
    ["a page, the API at the root", "codex", "/panel/v1", "/v1/", PAGE, /answered with a web page/, "/v1"],
    ["a missing path", "codex", "/api", "/openai/v1/", MISSING, /404 does not serve this path/, "/openai/v1"],
    ["a login", "codex", "/v1", "/api/v1/", LOGIN, /302 answered with a redirect to \/login/, "/api/v1"],
    ["a page to Claude Code", "claude", "/console", "/api/v1/", PAGE, /answered with a web page/, "/api"],
    ["a page to Claude Code at the root", "claude", "", "/claude/v1/", PAGE, /a web page/, "/claude"],
  ];
  test.each([...SITES])("%s", async (_title, service, path, api, elsewhere, words, suggested) => {
    await using site = await startSite(api, elsewhere);
    using home = makeTempHome();
    configure(home, service, site.origin + path);
    const { checks, code } = await probe(home, `--${service}`);
    const flag = service === "codex" ? "" : " --claude";
    expect(code).toBe(1);
    expect(checks.find(({ id }) => id === "probe-answers")).toMatchObject({
      status: "fail",
      message: expect.stringMatching(words),
      hint: `ch config set main#1 --base-url ${site.origin}${suggested}${flag}`,
    });
    // The key went to the address that is configured, once.
    const keyed = site.requests.filter(({ fields }) => JSON.stringify(fields).includes(KEY));
    expect(keyed).toHaveLength(1);
  });

  test("a host without any API", async () => {
    await using site = await startFakeUpstream(() => PAGE);
    using home = makeTempHome();
    configure(home, "codex", `${site.origin}/v1`);
    const { checks } = await probe(home);
    expect(checks.at(-1)?.hint).toBe("ch config set main#1 --base-url URL");
  });

  test("a model that is not there is still a model's fault", async () => {
    await using upstream = await startProbed(
      reply({ status: 404, body: ERROR("no such model", "model_not_found") }),
    );
    using home = makeTempHome();
    configure(home, "codex", upstream.baseUrl);
    const { checks } = await probe(home);
    expect(checks.at(-1)?.hint).toBe("ch doctor --probe main#1 --codex --model MODEL");
  });
});
