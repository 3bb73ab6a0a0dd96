import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { reply, sse, stream } from "../../helpers/answers.ts";
import { type CliResult, runCli } from "../../helpers/cli.ts";
import { type Answer, type ReceivedRequest, startFakeUpstream } from "../../helpers/fake-upstream.ts";
import { type TempHome, makeTempHome } from "../../helpers/temp-home.ts";

const KEY = "sk-bench-secret-value";
let home: TempHome;
beforeEach(() => {
  home = makeTempHome();
});
afterEach(() => home[Symbol.dispose]());

interface Relay {
  readonly model?: string;
  /** Tokens from the cache, for a beginning that was there before. */
  readonly cached?: number;
}

/** Answers turns, and knows beginnings again. */
function startRelay({ cached = 4_500, model = "gpt-5.5" }: Relay = {}) {
  const known = new Set<string>();
  return startFakeUpstream((request) =>
    request.method === "POST" ? answer(request) : reply({ status: 404 }),
  );

  function answer(request: ReceivedRequest): Answer {
    if (request.header("content-encoding") !== null || !request.target.endsWith("/responses"))
      return reply({ status: 404, body: { error: { message: "no such path" } } });
    const { instructions } = request.json() as { readonly instructions: string };
    const isKnown = known.has(instructions);
    known.add(instructions);
    const usage = {
      input_tokens: 5_000,
      input_tokens_details: { cached_tokens: isKnown ? cached : 0 },
      output_tokens: 200,
      total_tokens: 5_200,
    };
    const response = { id: "r", model, status: "completed", usage };
    return stream([
      sse("response.created", { type: "response.created", response: { id: "r", model } }),
      sse("response.output_text.delta", { type: "response.output_text.delta", delta: "1 2 3" }),
      sse("response.completed", { type: "response.completed", response }),
    ]);
  }
}

function configure(...urls: readonly string[]): void {
  const upstreams = urls.map((base_url) => ({ base_url, auth: { auth_token: KEY } }));
  home.write(".codex-helper/config.json", { codex: { configs: { main: { upstreams } } } });
}

async function bench(...args: readonly string[]): Promise<CliResult> {
  const result = await runCli(["bench", "--model", "gpt-5.5", ...args], { home });
  expect(result.stdout + result.stderr).not.toContain(KEY);
  return result;
}

test("puts upstreams beside each other: speed, cache, model, what they take", async () => {
  await using good = await startRelay();
  await using other = await startRelay({ cached: 0, model: "gpt-5.5-mini" });
  await using refuses = await startFakeUpstream(() =>
    reply({ status: 401, body: { error: { message: "no", code: "invalid_api_key" } } }),
  );
  configure(good.baseUrl, other.baseUrl, refuses.baseUrl);
  const { code, stderr, stdout } = await bench("--rounds", "2", "--yes");
  expect(code).toBe(0);
  expect(stderr).toMatch(
    /^These are asked 2 times each, with their keys:\n {2}main#1 +http:\/\/127\.0\.0\.1/,
  );
  expect(stderr).toMatch(/A round is about 5,000 tokens in and 300 out: about \$\d+\.\d+ in all\./);
  const rows = stdout.split("\n").map((line) => line.trim().split(/ {2,}/));
  expect(rows[0]).toEqual(["upstream", "first byte", "tok/s", "cached", "cost", "failed", "model"]);
  expect(rows[1]?.[0]).toBe("main#1");
  expect(rows[1]?.slice(3)).toEqual(["90%", expect.stringMatching(/^\$/), "0", "gpt-5.5"]);
  expect(rows[2]?.slice(3)).toEqual(["0%", expect.stringMatching(/^\$/), "0", "gpt-5.5-mini, not gpt-5.5"]);
  // None where all came at once.
  expect(rows[1]?.[2]).toMatch(/^(?:-|\d+)$/);
  expect(stdout).toMatch(/^main#3: .*key/m);
  expect(stdout).toMatch(/^main#1: takes stream, tools, refuses .*zstd/m);
  // Told apart from what an earlier run left in a cache.
  const beginnings = [...good.requests, ...other.requests].flatMap((request) => {
    if (request.method !== "POST" || !request.text().includes("from 1 to 100")) return [];
    return [(request.json() as { readonly instructions: string }).instructions];
  });
  expect([beginnings.length, new Set(beginnings).size]).toEqual([4, 2]);
  // No health is changed by it, and the log has none of it.
  expect(() => readFileSync(home.paths.requestsLog)).toThrow("ENOENT");
});

test("gives a script every round, and asks only what is named, once", async () => {
  await using first = await startRelay();
  await using second = await startRelay();
  configure(first.baseUrl, second.baseUrl);
  const { code, stdout } = await bench("main#2", "main#2", "--rounds", "3", "--yes", "--json");
  expect(code).toBe(0);
  const { upstreams } = JSON.parse(stdout) as { readonly upstreams: readonly Record<string, unknown>[] };
  expect(upstreams).toHaveLength(1);
  expect(upstreams[0]).toMatchObject({
    label: "main#2",
    model: "gpt-5.5",
    served_model: "gpt-5.5",
    cached_share: 0.9,
    failed_rounds: 0,
    rounds: [{ cached_share: 0 }, { cached_share: 0.9 }, { cached_share: 0.9 }],
    problem: null,
    features: { lacks: expect.arrayContaining(["zstd"]) },
  });
  expect(first.requests).toHaveLength(0);
});

test("sends nothing without a yes, and says what to type", async () => {
  await using relay = await startRelay();
  configure(relay.baseUrl);
  const { code, stderr } = await bench("main#1", "--rounds", "2");
  expect(code).toBe(1);
  expect(stderr).toContain("nothing was sent");
  expect(stderr).toContain("ch bench main#1 --rounds 2 --model gpt-5.5 --yes");
  expect(relay.requests).toHaveLength(0);
  // Of both services, each says whose it is.
  const upstreams = [{ base_url: relay.baseUrl, auth: { auth_token: KEY } }];
  const both = { configs: { main: { upstreams } } };
  home.write(".codex-helper/config.json", { codex: both, claude: both });
  const asked = (await bench()).stderr;
  expect(asked).toMatch(/^ {2}main#1 Codex +http/m);
  expect(asked).toMatch(/^ {2}main#1 Claude Code +http/m);
  expect((await bench("--rounds", "1")).stderr).toContain("These are asked once each, with their keys:");
  const none = await bench("nobody", "--yes");
  expect([none.code, none.stderr.split("\n")[0]]).toEqual([1, 'error: there is no upstream "nobody"']);
  for (const rounds of ["0", "21", "x"]) expect((await bench("--rounds", rounds, "--yes")).code).toBe(2);
});

test("where none answers it ends with 1, and says why of each", async () => {
  configure("http://127.0.0.1:1/v1");
  const { code, stdout } = await bench("--yes");
  expect(code).toBe(1);
  expect(stdout).toMatch(/^main#1: /);
  expect(stdout).not.toContain("tok/s");
});
