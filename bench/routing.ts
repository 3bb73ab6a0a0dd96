// A simulated day of routing: five upstreams, eight sessions, and what goes wrong in public reports. The real proxy, from the request
// to the log line; simulated are the clock, the upstreams and the client's retries.  bun bench/routing.ts [--seeds N] [--seed N]
// Prints turns that failed though an upstream could have answered, what the paid backup was asked, and what waiting was added; exits 1
// where more than one in a thousand turns failed so, or the backup was asked under "stop" after a plan had said that it was spent.
import { parseArgs } from "node:util";
import { createMemoryBudget } from "../src/base/memory-budget.ts";
import { OpenList } from "../src/base/open-list.ts";
import { NO_OWNED_NAMES } from "../src/base/owned-names.ts";
import { makeEmptyConfig } from "../src/config/parse.ts";
import { resolveSettings } from "../src/config/settings.ts";
import type { ProxyDeps } from "../src/proxy/deps.ts";
import { handle } from "../src/proxy/handle.ts";
import { createLaneDoor } from "../src/proxy/lane-door.ts";
import { createSessionMemory } from "../src/proxy/session-memory.ts";
import { createUploads } from "../src/proxy/uploads.ts";
import { createWaits } from "../src/proxy/waiting.ts";
import { createRouter } from "../src/routing/router.ts";
import { seededRandom } from "../test/helpers/routing.ts";
import { makeUpstream } from "../test/helpers/upstream.ts";
import {
  type Behaviour,
  DAY,
  type Day,
  makeDay,
  RELEASE_AT_H,
  RELEASE_FIELD,
  type Turn,
  UPSTREAMS,
} from "./routing-day.ts";
import { takeOverTime, type VirtualTime } from "./virtual-time.ts";

const SESSIONS = 8;
/** From the end of a turn to the next. */
const PAUSE_MS = 60_000;
/** Codex asks so often before it gives a turn up. */
const MAX_TRIES = 30;
const KEPT_THOUGHTS = 4;
const MAX_AVOIDABLE = 0.001;
const PROXY = "http://proxy.example:8080";
const START = Date.UTC(2026, 0, 5);

interface Result {
  turns: number;
  failed: number;
  /** Of those: an upstream could have answered at one of its tries. */
  avoidable: number;
  readonly why: Map<string, number>;
  paidAsked: number;
  /** After an upstream before it had said that its plan was spent, while it was. */
  paidAfterSpent: number;
  readonly addedMs: number[];
}

type OnExhausted = "continue" | "stop";

async function simulateDay(seed: number, onExhausted: OnExhausted): Promise<Result> {
  const time = takeOverTime(START);
  const world = new World(time, makeDay(seededRandom(seed)), seededRandom(seed + 1), onExhausted);
  const deps = makeDeps(time, world, onExhausted, seed);
  simulateConnect((host) => world.accepts(host));
  const result: Result = {
    turns: 0,
    failed: 0,
    avoidable: 0,
    why: new Map(),
    paidAsked: 0,
    paidAfterSpent: 0,
    addedMs: [],
  };
  const sessions = Array.from({ length: SESSIONS }, (_, number) =>
    runSession({ time, world, deps, result, number, random: seededRandom(seed * 100 + number) }),
  );
  await time.run();
  await Promise.all(sessions);
  return Object.assign(result, { paidAsked: world.paidAsked, paidAfterSpent: world.paidAfterSpent });
}

/** The upstreams, as the proxy reaches them. */
class World {
  paidAsked = 0;
  paidAfterSpent = 0;
  /** When the answer that was given last began, without any of the waits before it. */
  startMs = 0;
  readonly upstreams = UPSTREAMS.map(({ host, isBehindProxy, name }, index) =>
    makeUpstream({
      key: name,
      label: `main#${index + 1}`,
      position: index + 1,
      baseUrl: `http://${host}/v1`,
      credential: { kind: "bearer", secret: `sk-${index}` },
      proxy: isBehindProxy ? PROXY : false,
    }),
  );
  private readonly hasToldSpent = new Set<number>();
  private responses = 0;

  constructor(
    private readonly time: VirtualTime,
    private readonly day: Day,
    private readonly random: () => number,
    private readonly onExhausted: OnExhausted,
  ) {}

  get ms(): number {
    return this.time.now() - START;
  }

  /**
   * Could any upstream that the user allows answer a turn now, if need be without what it does not take? What was said last of a
   * plan counts until it answers.
   */
  couldAnswer(): boolean {
    const spent = UPSTREAMS.findIndex((_, place) => this.hasToldSpent.has(place));
    const reach = this.onExhausted === "stop" && spent >= 0 ? spent + 1 : UPSTREAMS.length;
    return UPSTREAMS.slice(0, reach).some((_, place) => this.day.stateAt(place, this.ms).kind === "ok");
  }

  readonly fetch = async (_url: string, init: RequestInit): Promise<Response> => {
    const authorization = new Headers(init.headers).get("authorization") ?? "";
    const place = Number(authorization.slice("Bearer sk-".length));
    const turn = readTurn(new TextDecoder().decode(init.body as Uint8Array));
    const behaviour = this.day.answerTo(place, this.ms, turn);
    this.notePaid(place);
    if (this.day.isSpent(place, this.ms) && behaviour.kind === "status") this.hasToldSpent.add(place);
    if (behaviour.kind === "ok") this.hasToldSpent.delete(place);
    const aborted = new Promise<never>((_, reject) =>
      init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))),
    );
    const startMs = this.day.startMs(place, this.ms, this.random());
    await Promise.race([aborted, this.time.sleep(behaviour.kind === "ok" ? startMs : 150)]);
    if (behaviour.kind === "silent") return await aborted;
    if (behaviour.kind === "error") throw Object.assign(new Error(behaviour.code), { code: behaviour.code });
    if (behaviour.kind === "status") return makeRefusal(behaviour);
    this.startMs = startMs;
    return makeAnswer((this.responses += 1), UPSTREAMS[place]?.account ?? "none");
  };

  private notePaid(place: number): void {
    if (UPSTREAMS[place]?.isPaid !== true) return;
    this.paidAsked += 1;
    const hasSpentBefore = [...this.hasToldSpent].some(
      (one) => one < place && this.day.isSpent(one, this.ms),
    );
    if (hasSpentBefore) this.paidAfterSpent += 1;
  }

  /** Does the address accept a connection? */
  accepts(host: string): boolean {
    const place = UPSTREAMS.findIndex((one) => one.host === host);
    const state = place < 0 ? null : this.day.stateAt(place, this.ms);
    return state === null || state.kind !== "error" || state.code !== "ECONNREFUSED";
  }
}

function makeRefusal({ body, headers, status }: Extract<Behaviour, { kind: "status" }>): Response {
  return typeof body === "string"
    ? new Response(body, { status, headers: { "content-type": "text/html", ...headers } })
    : Response.json(body, { status, headers: headers ?? {} });
}

function makeAnswer(number: number, account: string): Response {
  const id = `resp_${number}`;
  const thought = {
    type: "reasoning",
    id: `rs_${number}`,
    summary: [],
    encrypted_content: `${account}:rs_${number}`,
  };
  const events = [
    { type: "response.created", response: { id, status: "in_progress", output: [] } },
    { type: "response.output_item.done", output_index: 0, item: thought },
    { type: "response.output_text.delta", output_index: 1, delta: "done" },
    {
      type: "response.completed",
      response: { id, status: "completed", output: [thought], usage: { input_tokens: 9, output_tokens: 9 } },
    },
  ];
  const text = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join("");
  return new Response(text, { headers: { "content-type": "text/event-stream" } });
}

function readTurn(body: string): Turn {
  const thoughts = [...body.matchAll(/"encrypted_content":"([^"]+)"/g)].map(([, said = ""]) => said);
  return { thoughts, hasReleaseField: body.includes(`"${RELEASE_FIELD}"`) };
}

function makeDeps(time: VirtualTime, world: World, onExhausted: OnExhausted, seed: number): ProxyDeps {
  const settings = resolveSettings(makeEmptyConfig());
  const monotonic = (): number => performance.now();
  const connections = {
    fetch: () => world.fetch,
    together: () => null,
    sent() {},
    released() {},
    mayHaveBeenReused: () => false,
    noteHead() {},
    staleAfterMs: () => null,
    trustOf: () => Promise.resolve({ kind: "unusable", why: "" }),
    close() {},
  };
  const route = {
    configName: "main",
    upstreams: world.upstreams,
    ownedHeaders: new Set<string>(),
    routing: settings.routing,
    onExhausted,
    firstByteTotalMs: settings.firstByteTotalMs,
    limits: { maxBytes: settings.maxBodyBytes, uploadIdleMs: settings.uploadIdleMs },
  };
  return {
    service: "codex",
    instance: "bench",
    allowedHosts: () => new Set(["127.0.0.1"]),
    clientToken: null,
    isTrustedPeer: () => true,
    now: time.now,
    monotonic,
    routeState: () => ({ kind: "ready", route }),
    owned: () => NO_OWNED_NAMES,
    filter: (body) => ({ kind: "filtered", body, headers: {}, redactions: 0 }),
    router: createRouter({ settings: () => settings.routing, now: time.now, random: seededRandom(seed + 2) }),
    connections: connections as unknown as ProxyDeps["connections"],
    memory: createSessionMemory(),
    waits: () => Promise.resolve(createWaits({ now: time.now, monotonic, onWait() {} })),
    lanes: createLaneDoor({ now: time.now }),
    own: { token: "bench", read: {}, follow: {}, act: {} },
    heartbeat: { afterMs: 10 * DAY },
    observeHeaders() {},
    inFlight: { count: 0 },
    running: new OpenList(),
    uploads: createUploads(
      createMemoryBudget(() => 4_096),
      monotonic,
    ),
    refusals: { note() {} },
    record() {},
  };
}

interface Session {
  readonly time: VirtualTime;
  readonly world: World;
  readonly deps: ProxyDeps;
  readonly result: Result;
  readonly number: number;
  readonly random: () => number;
}

async function runSession({ deps, number, random, result, time, world }: Session): Promise<void> {
  let thoughts: string[] = [];
  const pause = (): Promise<void> => time.sleep(-Math.log(1 - random()) * PAUSE_MS);
  for (await pause(); world.ms < DAY; await pause()) {
    result.turns += 1;
    const turn: Turn = { thoughts, hasReleaseField: world.ms >= RELEASE_AT_H * 3_600_000 };
    const began = world.ms;
    const { couldHave, text, why } = await askLikeCodex(turn, { deps, number, time, world });
    if (text === null) {
      result.failed += 1;
      if (!couldHave) continue;
      result.avoidable += 1;
      result.why.set(why, (result.why.get(why) ?? 0) + 1);
      continue;
    }
    result.addedMs.push(world.ms - began - world.startMs);
    const said = /"encrypted_content":"([^"]+)"/.exec(text)?.[1] ?? "";
    thoughts = [...thoughts, said].slice(-KEPT_THOUGHTS);
    // The model goes on for a while.
    await time.sleep(5_000 + random() * 30_000);
  }
}

interface Turned {
  /** Null for a turn that was given up. */
  readonly text: string | null;
  readonly couldHave: boolean;
  readonly why: string;
}

async function askLikeCodex(
  turn: Turn,
  { deps, number, time, world }: Pick<Session, "deps" | "number" | "time" | "world">,
): Promise<Turned> {
  const body = JSON.stringify(makeBody(turn, number));
  let couldHave = false;
  let why = "";
  for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
    const request = new Request("http://127.0.0.1/v1/responses", {
      method: "POST",
      headers: {
        host: "127.0.0.1",
        "content-type": "application/json",
        "user-agent": "codex_cli_rs/0.171.0",
        "session-id": `session-${number}`,
      },
      body,
    });
    const response = await handle(request, deps);
    const text = await response.text().catch(() => "");
    if (response.ok && text.includes("response.completed")) return { text, couldHave, why };
    couldHave ||= world.couldAnswer();
    why = `${response.status} ${/"message":"(.{0,90})/.exec(text)?.[1] ?? text.slice(0, 90)}`;
    if (response.status < 500) break;
    const after = Number(response.headers.get("retry-after") ?? 0) * 1_000;
    await time.sleep(Math.max(after, 200 * 2 ** Math.min(tries, 6)));
  }
  return { text: null, couldHave, why };
}

function makeBody({ hasReleaseField, thoughts }: Turn, number: number): object {
  return {
    model: "gpt-5",
    stream: true,
    store: false,
    ...(hasReleaseField ? { [RELEASE_FIELD]: `session-${number}` } : {}),
    input: [
      { type: "message", role: "user", content: [{ type: "input_text", text: "go on" }] },
      ...thoughts.map((said) => ({
        type: "reasoning",
        id: said.slice(said.indexOf(":") + 1),
        summary: [],
        encrypted_content: said,
      })),
    ],
  };
}

/** A bare connect, as the proxy makes one before a probe. */
function simulateConnect(isAccepted: (host: string) => boolean): void {
  const connect = ({
    hostname,
    socket,
  }: {
    hostname: string;
    socket: { open: () => void };
  }): Promise<object> => {
    if (!isAccepted(hostname)) return Promise.reject(Object.assign(new Error(), { code: "ECONNREFUSED" }));
    socket.open();
    return Promise.resolve({ terminate() {} });
  };
  Object.assign(Bun, { connect });
}

function describe(
  name: string,
  { addedMs, avoidable, failed, paidAfterSpent, paidAsked, turns, why }: Result,
): void {
  const sorted = addedMs.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    `${((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1_000).toFixed(1)} s`;
  console.log(
    `${name.padEnd(9)} ${turns} turns, ${failed} failed, avoidable ${avoidable} (${((100 * avoidable) / turns).toFixed(3)} %); ` +
      `paid backup asked ${paidAsked} times, after a spent plan ${paidAfterSpent}; added wait median ${at(0.5)}, 99 % ${at(0.99)}, worst ${at(1)}`,
  );
  for (const [words, count] of [...why].toSorted(([, a], [, b]) => b - a).slice(0, 5))
    console.log(`            ${count} x ${words}`);
}

const { values } = parseArgs({
  options: { seed: { type: "string", default: "1" }, seeds: { type: "string", default: "1" } },
});
let hasMissed = false;
for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.seeds); seed += 1)
  for (const onExhausted of ["continue", "stop"] as const) {
    const result = await simulateDay(seed, onExhausted);
    describe(`${seed} ${onExhausted}`, result);
    hasMissed ||= result.avoidable > MAX_AVOIDABLE * result.turns;
    hasMissed ||= onExhausted === "stop" && result.paidAfterSpent > 0;
  }
process.exitCode = hasMissed ? 1 : 0;
