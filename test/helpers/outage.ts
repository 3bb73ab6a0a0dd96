// A real client in a throw-away home behind the real program, while every upstream is down for a time: does its turn survive?
import { existsSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import type { Service } from "../../src/base/service.ts";
import { GOOD, reply, USED } from "./answers.ts";
import { PROGRAM } from "./cli.ts";
import { endGroup } from "./client-process.ts";
import { type Answer, RESET, startFakeUpstream } from "./fake-upstream.ts";
import { freePort } from "./free-port.ts";
import { makeCodexConfig } from "./real-codex.ts";
import { makeTempHome, type TempHome } from "./temp-home.ts";
import { waitUntil, within } from "./wait.ts";

/** What the upstreams do while they are down. */
export const MANNERS = ["503", "500", "529", "429", "reset", "refused"] as const;

export interface Outage {
  readonly service: Service;
  /** The client's own program. */
  readonly binary: string;
  /** At a terminal, or `codex exec` and `claude -p`. */
  readonly mode: "interactive" | "print";
  readonly through: "serve" | "run";
  /** One manner for each upstream. */
  readonly manners: readonly (typeof MANNERS)[number][];
  readonly outageMs: number;
  /** Default: as configured when nothing is. */
  readonly routing?: Readonly<Record<string, number>>;
  /** How long after the outage the turn may still wait. Default: 120 s. */
  readonly patienceMs?: number;
}

export interface Survival {
  readonly survived: boolean;
  /** Of the client; null for one that was ended by us: at a terminal it stays. */
  readonly code: number | null;
  /** From the client's start to the answer on its screen, or to the client's end. */
  readonly secs: number;
  /** Turns that the client asked for, as the log has them. */
  readonly tries: number;
  /** The client's screen told why: it named us and an upstream's reason. */
  readonly isTold: boolean;
  readonly screen: string;
}

const ANSWER = "THE-OUTAGE-IS-OVER";
const WHOLE_MESSAGE = {
  id: "msg_1",
  type: "message",
  role: "assistant",
  model: "claude-opus-5-5",
  content: [{ type: "text", text: ANSWER }],
  stop_reason: "end_turn",
  stop_sequence: null,
  usage: { input_tokens: USED.input, output_tokens: USED.output },
};
const LONGEST_START_MS = 60_000;

function fail(manner: (typeof MANNERS)[number]): Answer {
  if (manner === "reset") return [RESET];
  if (manner === "529")
    return reply({
      status: 529,
      body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
    });
  return reply({ status: Number(manner), body: { error: { message: "down for a while", type: "error" } } });
}

function succeed(service: Service, isStream: boolean): Answer {
  if (service === "codex") return GOOD.responses({ text: ANSWER });
  return isStream ? GOOD.messages({ text: ANSWER }) : reply({ body: WHOLE_MESSAGE });
}

/** Runs one client through one outage, which begins before the client and lasts from its first request on. */
export async function surviveOutage(outage: Outage): Promise<Survival> {
  const { service } = outage;
  using home = makeTempHome({
    NO_PROXY: "127.0.0.1",
    TERM: "xterm-256color",
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
    DISABLE_AUTOUPDATER: "1",
  });
  await using relays = await startRelays(outage);
  const port = freePort();
  writeHome(home, { outage, port, relayPorts: relays.ports });
  const args = [...PROGRAM, "serve", `--${service}`, "--no-switch", "--port", `${port}`];
  const serve = outage.through === "serve" ? startQuietly(args, home) : null;
  try {
    if (serve !== null)
      await waitUntil(() => isListening(port), { deadlineMs: LONGEST_START_MS, what: "the proxy" });
    const client = startClient(outage, home);
    await waitUntil(() => readTurns(home).length > 0, {
      deadlineMs: LONGEST_START_MS,
      what: "a failed turn",
    });
    setTimeout(() => void relays.recover(), outage.outageMs);
    const seen = await client;
    const tries = readTurns(home).length;
    return { ...seen, tries, isTold: /ch \(codex-helper\):.{0,80}main#1: \S/.test(textOf(seen.screen)) };
  } finally {
    if (serve !== null) {
      endGroup(serve.pid);
      await serve.exited;
    }
  }
}

async function startRelays({ manners, service }: Outage) {
  let isDown = true;
  const script =
    (manner: Outage["manners"][number]) =>
    (request: { text(): string }): Answer =>
      isDown ? fail(manner) : succeed(service, request.text().includes('"stream":true'));
  const started = await Promise.all(
    manners.map(async (manner) => {
      if (manner !== "refused") return await startFakeUpstream(script(manner));
      return { port: freePort(), close: async () => {} };
    }),
  );
  const late: AsyncDisposable[] = [];
  return {
    ports: started.map(({ port }) => port),
    async recover() {
      isDown = false;
      for (const [place, { port }] of started.entries())
        if (manners[place] === "refused") late.push(await startFakeUpstream(script("503"), { port }));
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map((relay) => relay.close()));
      for (const relay of late) await relay[Symbol.asyncDispose]();
    },
  };
}

function writeHome(
  home: TempHome,
  { outage, port, relayPorts }: { outage: Outage; port: number; relayPorts: readonly number[] },
): void {
  const { routing = {}, service } = outage;
  const origin = (at: number): string => `http://127.0.0.1:${at}`;
  const path = service === "codex" ? "/v1" : "";
  const upstreams = relayPorts.map((relay, place) => ({
    base_url: `${origin(relay)}${path}`,
    auth: { auth_token: `sk-relay-${place + 1}` },
  }));
  home.write(".codex-helper/config.json", {
    version: 1,
    routing,
    [service]: { active: "main", configs: { main: { upstreams } } },
  });
  home.write(
    ".codex/config.toml",
    `${makeCodexConfig(`${origin(port)}/v1`)}
[notice]
hide_full_access_warning = true
[projects.${JSON.stringify(home.path)}]
trust_level = "trusted"
`,
  );
  const env = { ANTHROPIC_BASE_URL: origin(port), ANTHROPIC_AUTH_TOKEN: "placeholder" };
  home.write(".claude/settings.json", { env, theme: "dark" });
  const trusted = { hasTrustDialogAccepted: true, hasCompletedProjectOnboarding: true };
  home.write(".claude.json", {
    hasCompletedOnboarding: true,
    theme: "dark",
    projects: { [home.path]: trusted },
  });
}

function makeCommand({ binary, mode, service, through }: Outage): readonly string[] {
  const args = {
    codex: { print: ["exec", "--skip-git-repo-check"], interactive: ["--no-daemon"] },
    claude: { print: ["-p"], interactive: [] },
  }[service][mode];
  return [...(through === "run" ? [...PROGRAM, "run", "--"] : []), binary, ...args, "say hi"];
}

/** The client's end, or at a terminal the answer on its screen. */
async function startClient(outage: Outage, home: TempHome): Promise<Omit<Survival, "isTold" | "tries">> {
  const { mode, outageMs, patienceMs = 120_000 } = outage;
  const startedAt = performance.now();
  let screen = "";
  const answered = Promise.withResolvers<null>();
  const decoder = new TextDecoder();
  const read = (bytes: Uint8Array): void => {
    screen += decoder.decode(bytes, { stream: true });
    if (screen.includes(ANSWER)) answered.resolve(null);
  };
  const shared = { cwd: home.path, env: home.env } as const;
  const command = [...makeCommand(outage)];
  const child =
    mode === "interactive"
      ? Bun.spawn(command, {
          ...shared,
          terminal: {
            cols: 160,
            rows: 40,
            data(terminal, bytes) {
              read(bytes);
              // Where the cursor is, and what the terminal can do: clients wait for the answers.
              const asked = Buffer.from(bytes).toString("latin1");
              if (asked.includes("\u001b[6n")) terminal.write("\u001b[1;1R");
              if (asked.includes("\u001b[c")) terminal.write("\u001b[?1;2c");
            },
          },
        })
      : Bun.spawn(command, { ...shared, stdin: "ignore", stdout: "pipe", stderr: "pipe", detached: true });
  const outputs = [child.stdout, child.stderr].filter((output) => output instanceof ReadableStream);
  const readings = outputs.map(async (output) => {
    for await (const bytes of output) read(bytes);
  });
  const ended = child.exited.then(async (code) => {
    await Promise.all(readings);
    return code;
  });
  try {
    const ends = mode === "interactive" ? [ended, answered.promise] : [ended];
    const code = await within(Promise.race(ends), {
      deadlineMs: LONGEST_START_MS + outageMs + patienceMs,
      what: `the end of ${command.join(" ")}; its screen: ${screen.slice(-2_000)}`,
    }).catch(() => null);
    return { survived: screen.includes(ANSWER), code, secs: (performance.now() - startedAt) / 1_000, screen };
  } finally {
    if (mode === "print") endGroup(child.pid);
    else child.kill("SIGKILL");
    await child.exited;
    child.terminal?.close();
  }
}

/** The words alone. Programs at a terminal move the cursor where others write a blank. */
function textOf(screen: string): string {
  // eslint-disable-next-line no-control-regex
  return screen.replace(/\u001b\[[\d;?]*[A-Za-z]/g, " ").replace(/\s+/g, " ");
}

/** The log's lines of turns. */
function readTurns(home: TempHome): readonly string[] {
  const path = join(home.path, ".codex-helper/logs/requests.jsonl");
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => /"path":"[^"]*\/(?:responses|messages)"/.test(line));
}

function startQuietly(command: readonly string[], home: TempHome): Bun.Subprocess {
  return Bun.spawn([...command], {
    cwd: home.path,
    env: home.env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "ignore",
    detached: true,
  });
}

async function isListening(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ port, host: "127.0.0.1" });
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  const is = await promise;
  socket.destroy();
  return is;
}
