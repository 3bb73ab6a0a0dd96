// Beside ccusage, the tool most people count with: one home of both clients, made up so that the truth is known; what each
// says that was used, and how long that takes. `ch` counts from its own log, and from the clients' files (`usage coverage`).
// bun bench/ccusage.ts [ANSWERS]   (build first; installs a pinned ccusage from npm into a temporary cache)
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as z from "zod/mini";
import { type LogEntry, makeLogLine } from "../src/log/entry.ts";
import { makeSessionId, rolloutPath, transcriptPath } from "../test/helpers/session-files.ts";

const CCUSAGE = "ccusage@20.0.24";
const CACHE = join(tmpdir(), "codex-helper-bench-ccusage");
const ANSWERS = Number(process.argv[2] ?? 40_000);
const ROUNDS = 5;
const PER_SESSION = 100;
const PROGRAM = join(import.meta.dir, "../dist/codex-helper");
const START = Date.now() - 6 * 86_400_000;
const CWD = "/home/me/project";

/** US dollars a million, from the vendors' pages: not from any list. */
const RATES = {
  "gpt-5": { input: 1.25, cached: 0.125, written: 1.25, output: 10 },
  "claude-opus-5-5": { input: 4, cached: 0.2, written: 5, output: 20 },
} as const;

interface Counts {
  /** Everything read, cached or not. */
  input: number;
  cached: number;
  output: number;
  usd: number;
}
const NOTHING: Counts = { input: 0, cached: 0, output: 0, usd: 0 };

interface Answer {
  readonly at: number;
  readonly fresh: number;
  readonly cached: number;
  readonly written: number;
  readonly output: number;
}

function makeAnswer(index: number, at: number): Answer {
  return {
    at,
    fresh: 20 + ((index * 7919) % 9000),
    cached: (index * 104_729) % 150_000,
    written: (index * 31) % 4000,
    output: 10 + ((index * 1_299_709) % 3000),
  };
}

function addUp(truth: Counts, { cached, fresh, output, written }: Answer, model: keyof typeof RATES): void {
  const rates = RATES[model];
  truth.input += fresh + cached + written;
  truth.cached += cached;
  truth.output += output;
  truth.usd +=
    (fresh * rates.input + cached * rates.cached + written * rates.written + output * rates.output) / 1e6;
}

/** Writes the files of both clients and our log of the same answers; gives the truth by client. */
function makeHome(home: string): Readonly<Record<"codex" | "claude", Counts>> {
  const truth = { codex: { ...NOTHING }, claude: { ...NOTHING } };
  const log: string[] = [];
  const perClient = Math.floor(ANSWERS / 2);
  for (let first = 0; first < perClient; first += PER_SESSION) {
    const at = START + Math.floor(first / PER_SESSION) * 1_000_000;
    const answers = Array.from({ length: Math.min(PER_SESSION, perClient - first) }, (_, index) =>
      makeAnswer(first + index, at + index * 9000),
    );
    for (const answer of answers) {
      addUp(truth.claude, answer, "claude-opus-5-5");
      // Codex' input has no part that is written to a cache at a price of its own.
      addUp(truth.codex, { ...answer, fresh: answer.fresh + answer.written, written: 0 }, "gpt-5");
    }
    const [codex, claude] = [makeSessionId(at, 1), makeSessionId(at, 2)];
    put(rolloutPath(join(home, ".codex"), { id: codex, at }), makeRollout(codex, answers));
    put(transcriptPath(join(home, ".claude"), { id: claude, cwd: CWD }), makeTranscript(claude, answers));
    for (const answer of answers)
      log.push(makeLine("codex", codex, answer), makeLine("claude", claude, answer));
  }
  mkdirSync(join(home, "with-log/logs"), { recursive: true, mode: 0o700 });
  writeFileSync(join(home, "with-log/logs/requests.jsonl"), log.join(""));
  return truth;
}

function put(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}

const iso = (at: number): string => new Date(at).toISOString();
const linesOf = (records: readonly unknown[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join("");

/** Each count twice, as after an answer and when limits were read; totals grow. */
function makeRollout(id: string, answers: readonly Answer[]): string {
  const total = { input_tokens: 0, cached_input_tokens: 0, output_tokens: 0, total_tokens: 0 };
  const event = (at: number, type: string, payload: unknown) => ({ timestamp: iso(at), type, payload });
  const records = answers.flatMap((answer) => {
    const input = answer.fresh + answer.written + answer.cached;
    total.input_tokens += input;
    total.cached_input_tokens += answer.cached;
    total.output_tokens += answer.output;
    total.total_tokens += input + answer.output;
    const last = {
      input_tokens: input,
      cached_input_tokens: answer.cached,
      output_tokens: answer.output,
      reasoning_output_tokens: 0,
      total_tokens: input + answer.output,
    };
    const info = { total_token_usage: { ...total, reasoning_output_tokens: 0 }, last_token_usage: last };
    return [
      event(answer.at, "event_msg", { type: "token_count", info, rate_limits: null }),
      event(answer.at + 500, "event_msg", { type: "token_count", info, rate_limits: { primary: null } }),
    ];
  });
  const at = answers[0]?.at ?? START;
  return linesOf([
    event(at, "session_meta", {
      id,
      timestamp: iso(at),
      cwd: CWD,
      originator: "codex_cli_rs",
      cli_version: "0.98.0",
      source: "cli",
    }),
    event(at, "response_item", {
      type: "message",
      role: "user",
      content: [{ type: "input_text", text: "go on" }],
    }),
    event(at, "turn_context", { cwd: CWD, model: "gpt-5", approval_policy: "never" }),
    ...records,
  ]);
}

/** A record for each block of an answer: the first ones have what was known when it began. */
function makeTranscript(id: string, answers: readonly Answer[]): string {
  const common = {
    isSidechain: false,
    userType: "external",
    cwd: CWD,
    sessionId: id,
    version: "2.1.330",
    gitBranch: "main",
  };
  return linesOf(
    answers.flatMap(({ at, cached, fresh, output, written }, index) => {
      const usage = {
        input_tokens: fresh,
        cache_read_input_tokens: cached,
        cache_creation_input_tokens: written,
      };
      const block = (number: number, known: number, content: unknown) => ({
        ...common,
        type: "assistant",
        uuid: `${id}-${index}-${number}`,
        requestId: `req_${id}_${index}`,
        timestamp: iso(at + number),
        apiBlockIndex: number,
        message: {
          id: `msg_${id}_${index}`,
          type: "message",
          role: "assistant",
          model: "claude-opus-5-5",
          content: [content],
          usage: { ...usage, output_tokens: known },
        },
      });
      return [
        {
          ...common,
          type: "user",
          uuid: `${id}-${index}-u`,
          timestamp: iso(at - 1),
          message: { role: "user", content: "go on" },
        },
        block(0, 1, { type: "thinking", thinking: "well" }),
        block(1, 1, { type: "text", text: "here" }),
        block(2, output, { type: "tool_use", id: "t", name: "Bash", input: {} }),
      ];
    }),
  );
}

function makeLine(service: "codex" | "claude", session: string, answer: Answer): string {
  const { at, cached, fresh, output, written } = answer;
  const isClaude = service === "claude";
  const input = isClaude ? fresh : fresh + written + cached;
  const entry: LogEntry = {
    timestamp_ms: at - 3000,
    service,
    method: "POST",
    path: isClaude ? "/v1/messages" : "/v1/responses",
    status_code: 200,
    duration_ms: 3000,
    config_name: "main",
    upstream_base_url: "https://relay.example/v1",
    usage: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: fresh + written + cached + output,
      cached_input_tokens: cached,
      ...(isClaude && { cache_creation_tokens: written }),
    },
    id: `${service}${at}`,
    model: isClaude ? "claude-opus-5-5" : "gpt-5",
    session_id: session,
    outcome: "ok",
  };
  return makeLogLine(entry);
}

/** The program itself, without the script around it. Null where it cannot be installed. */
async function installCcusage(): Promise<string | null> {
  mkdirSync(CACHE, { recursive: true });
  if (!existsSync(join(CACHE, "package.json")))
    writeFileSync(join(CACHE, "package.json"), '{ "private": true }\n');
  const scope = join(CACHE, "node_modules/@ccusage");
  if (!existsSync(scope)) {
    const command = [process.execPath, "add", "--exact", CCUSAGE];
    await Bun.spawn(command, { cwd: CACHE, stdio: ["ignore", "ignore", "ignore"] }).exited;
  }
  const [platform] = existsSync(scope) ? readdirSync(scope) : [];
  if (platform === undefined) return null;
  const program = join(scope, platform, "bin/ccusage");
  if (!existsSync(program)) return null;
  chmodSync(program, 0o755);
  return program;
}

interface Result {
  readonly counts: Readonly<Record<"codex" | "claude", Counts>>;
  /** Of the fastest round, wall clock. */
  readonly ms: number;
}

async function measure(
  command: readonly string[],
  env: Record<string, string>,
  read: (json: unknown) => Result["counts"],
): Promise<Result> {
  let ms = Infinity;
  let output = "";
  for (let round = 0; round < ROUNDS; round += 1) {
    const startedAt = performance.now();
    const child = Bun.spawn([...command], { env, stdio: ["ignore", "pipe", "ignore"] });
    output = await new Response(child.stdout).text();
    await child.exited;
    ms = Math.min(ms, performance.now() - startedAt);
  }
  return { counts: read(JSON.parse(output)), ms };
}

const count = z.number();
const tally = z.object({
  all_input_tokens: count,
  cached_input_tokens: count,
  output_tokens: count,
  cost_usd: z.nullable(count),
});
const summarySchema = z.object({ rows: z.array(z.extend(tally, { key: z.nullable(z.string()) })) });
const coverageSchema = z.object({ clients: z.array(z.object({ service: z.string(), missing: tally })) });
const day = z.object({
  agents: z.array(
    z.object({
      agent: z.string(),
      inputTokens: count,
      cacheReadTokens: count,
      cacheCreationTokens: count,
      outputTokens: count,
      totalCost: count,
    }),
  ),
});
const ccusageSchema = z.object({ daily: z.array(day) });

const fromTally = (one: z.infer<typeof tally> | undefined): Counts => ({
  input: one?.all_input_tokens ?? 0,
  cached: one?.cached_input_tokens ?? 0,
  output: one?.output_tokens ?? 0,
  usd: one?.cost_usd ?? 0,
});

const READERS = {
  summary: (json: unknown) => {
    const { rows } = summarySchema.parse(json);
    return byClient((name) => fromTally(rows.find(({ key }) => key === name)));
  },
  coverage: (json: unknown) => {
    const { clients } = coverageSchema.parse(json);
    return byClient((name) => fromTally(clients.find(({ service }) => service === name)?.missing));
  },
  ccusage: (json: unknown) => {
    const agents = ccusageSchema.parse(json).daily.flatMap((one) => one.agents);
    return byClient((name) => {
      const counts = { ...NOTHING };
      for (const one of agents.filter(({ agent }) => agent === name)) {
        counts.input += one.inputTokens + one.cacheReadTokens + one.cacheCreationTokens;
        counts.cached += one.cacheReadTokens;
        counts.output += one.outputTokens;
        counts.usd += one.totalCost;
      }
      return counts;
    });
  },
} as const;

function byClient(read: (name: "codex" | "claude") => Counts): Result["counts"] {
  return { codex: read("codex"), claude: read("claude") };
}

const home = mkdtempSync(join(tmpdir(), "codex-helper-bench-"));
try {
  const truth = makeHome(home);
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: home,
    CODEX_HOME: join(home, ".codex"),
    CLAUDE_CONFIG_DIR: join(home, ".claude"),
    LANG: "C.UTF-8",
    NO_COLOR: "1",
  };
  const log = { ...env, CODEX_HELPER_HOME: join(home, "with-log") };
  const files = { ...env, CODEX_HELPER_HOME: join(home, "without-log") };
  const ccusage = await installCcusage();
  const results: [name: string, result: Result][] = [
    [
      "ch usage summary",
      await measure([PROGRAM, "usage", "summary", "--by", "service", "--json"], log, READERS.summary),
    ],
    [
      "ch usage coverage",
      await measure(
        [PROGRAM, "usage", "coverage", "--all", "--tokens", "--since", "30d", "--json"],
        files,
        READERS.coverage,
      ),
    ],
  ];
  if (ccusage === null) console.log(`${CCUSAGE} could not be installed from npm`);
  else
    results.push([
      "ccusage daily",
      await measure([ccusage, "daily", "--json", "--by-agent", "--offline"], env, READERS.ccusage),
    ]);
  const row = (name: string, cells: readonly string[]): void =>
    console.log([name.padEnd(18), ...cells.map((cell) => cell.padStart(13))].join(" "));
  const show = ({ cached, input, output, usd }: Counts): string[] => [
    ...[input, cached, output].map((tokens) => tokens.toLocaleString("en-US")),
    `$${usd.toFixed(2)}`,
  ];
  let isRight = true;
  for (const client of ["codex", "claude"] as const) {
    console.log(`\n${client}, ${Math.floor(ANSWERS / 2)} answers`);
    row("", ["input", "cached", "output", "cost", "ms", ""]);
    row("the truth", show(truth[client]));
    for (const [name, { counts, ms }] of results) {
      const isSame = show(counts[client]).join() === show(truth[client]).join();
      row(name, [...show(counts[client]), ms.toFixed(0), isSame ? "right" : "differs"]);
      if (name.startsWith("ch ") && !isSame) isRight = false;
    }
  }
  console.log(
    `\nms: of a run over both clients, the fastest of ${ROUNDS}; ccusage without network, so with its own prices`,
  );
  if (!isRight) process.exitCode = 1;
} finally {
  rmSync(home, { recursive: true, force: true });
}
