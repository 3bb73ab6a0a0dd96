// `ch statusline` as it is used: one line for Claude Code, a prompt or a bar, with as little loaded as possible. Whatever is wrong,
// it prints no error, waits for nothing for long, and ends with 0.
import { constants, fstatSync, read } from "node:fs";
import { findLineFacts } from "../../app/status/line-facts.ts";
import { type Env, readVariable } from "../../base/env.ts";
import { EXIT, errorCode } from "../../base/errors.ts";
import { type JsonRecord, isRecord, parseRecord } from "../../base/json-value.ts";
import { resolvePaths } from "../../base/paths.ts";
import { PIPING_SERVICE, SERVICES, SERVICE_FACTS, type Service } from "../../base/service.ts";
import { startOf } from "../../base/start.ts";
import { withoutSigns } from "../../base/terminal-text.ts";
import { languageOf, useDictionary } from "../language.ts";
import { makeHarmless, makeJson, paintText } from "../output.ts";
import { type Terminal, hasUnicode } from "../terminal.ts";
import { USUAL_FORMAT, listFields, listUnknownFields, makeLine } from "./fields.ts";

export interface LineArgs {
  readonly service?: Service | undefined;
  readonly format?: string | undefined;
  readonly isPlain?: boolean;
  readonly isJson?: boolean;
  /** Another command, whose lines go first. */
  readonly wrapped?: string | undefined;
}

/** Null for words that a person has to be told of. */
export function readLineArgs(argv: readonly string[]): LineArgs | null {
  const args: { -readonly [K in keyof LineArgs]: LineArgs[K] } = {};
  for (let at = 0; at < argv.length; at += 1) {
    const [flag, inline] = splitFlag(argv[at] ?? "");
    const value = (): string | undefined => inline ?? argv[(at += 1)];
    const named = SERVICES.find((service) => flag === SERVICE_FACTS[service].flag);
    if (named !== undefined) {
      if (args.service !== undefined) return null;
      args.service = named;
    } else if (flag === "--plain") args.isPlain = true;
    else if (flag === "--json") args.isJson = true;
    else if (flag === "--format") args.format = value();
    else if (flag === "--wrap") args.wrapped = value();
    else return null;
  }
  return args;
}

function splitFlag(word: string): readonly [string, string?] {
  const equals = word.indexOf("=");
  return word.startsWith("--") && equals > 0 ? [word.slice(0, equals), word.slice(equals + 1)] : [word];
}

/** Prints it. Null where a person at a terminal has to be told of a mistake. */
export async function printStatusline(args: LineArgs, env: Env, terminal: Terminal): Promise<number | null> {
  const { columns } = terminal.stdout;
  if (columns !== undefined && listUnknownFields(args.format ?? "").length > 0) return null;
  let text: string;
  try {
    text = await makeText(args, env, terminal);
  } catch {
    // In a status line there is no place for it; `ch doctor` says what is wrong.
    text = "";
  }
  if (text !== "") terminal.stdout.write(`${text}\n`);
  return EXIT.ok;
}

/** Claude Code indents the line on both sides. */
const CLIENT_MARGIN = 4;

async function makeText(args: LineArgs, env: Env, terminal: Terminal): Promise<string> {
  const input = await readInput();
  const client = parseInput(input) ?? {};
  const isClient = Object.keys(client).length > 0;
  const others = args.wrapped === undefined ? Promise.resolve("") : runOther(args.wrapped, input, env);
  const own = makeOwn(args, client, { env, terminal, isClient }).catch(() => "");
  return [await others, await own].filter((one) => one !== "").join("\n");
}

interface Around {
  readonly env: Env;
  readonly terminal: Terminal;
  readonly isClient: boolean;
}

async function makeOwn(
  { format = USUAL_FORMAT, isJson, isPlain, service }: LineArgs,
  client: JsonRecord,
  { env, isClient, terminal }: Around,
): Promise<string> {
  const isChinese = isJson !== true && languageOf(env) === "zh";
  useDictionary(isChinese ? (await import("./zh-line.json")).default : null);
  const { stdout } = terminal;
  const now = Date.now();
  const { session_id: session } = client;
  const asked = service ?? (isClient ? PIPING_SERVICE : undefined);
  const found = await findLineFacts({
    paths: resolvePaths(env),
    service: asked,
    session: typeof session === "string" && session.length <= MOST_ID ? session : null,
    address: asked === PIPING_SERVICE ? env["ANTHROPIC_BASE_URL"] : undefined,
    now,
  });
  if (isJson === true)
    return makeJson({ running: found.kind === "running", ...listFields({ found, client, now }) });
  // What shows it is no terminal to us, and has colours.
  const hasColours =
    isPlain !== true && (stdout.hasColours || (isClient && readVariable(env, "NO_COLOR") === undefined));
  const width = Math.max(
    1,
    isClient && stdout.columns === undefined ? stdout.width - CLIENT_MARGIN : stdout.width,
  );
  const line = makeLine(
    { found, client, now },
    { format, width, paint: (colour, words) => paintText(hasColours, colour, words) },
  );
  const shown = makeHarmless(line, hasColours).replace(/[\r\n\t]/g, " ");
  return hasUnicode(env) ? shown : withoutSigns(shown);
}

const MOST_ID = 200;
const MOST_INPUT_BYTES = 4 * 2 ** 20;
/** Who pipes something in begins soon, and is done soon. */
const FIRST_BYTES_MS = 300;
const ALL_BYTES_MS = 800;
const AGAIN_MS = 2;

/** What is piped in, as far as it comes in time: a pipe may stay open for ever. */
async function readInput(): Promise<string> {
  try {
    const { mode } = fstatSync(0);
    const kind = mode & constants.S_IFMT;
    // A terminal, /dev/null: nothing of a client's.
    if (kind === constants.S_IFCHR || kind === constants.S_IFDIR) return "";
  } catch {
    return "";
  }
  const startedAt = performance.now();
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < MOST_INPUT_BYTES) {
    const left = (text === "" ? FIRST_BYTES_MS : ALL_BYTES_MS) - (performance.now() - startedAt);
    if (left <= 0) break;
    const bytes = await Promise.race([readSome(), passes(left)]);
    if (bytes === null) break;
    if (bytes === "again") {
      await Bun.sleep(AGAIN_MS);
      continue;
    }
    if (bytes.length === 0) break;
    text += decoder.decode(bytes, { stream: true });
    // Whoever keeps the pipe open need not be waited for.
    if (text.trimEnd().endsWith("}") && parseInput(text) !== null) break;
  }
  return text;
}

/** A wait that keeps no process alive. */
async function passes(ms: number): Promise<null> {
  const { promise, resolve } = Promise.withResolvers<null>();
  setTimeout(resolve, ms, null).unref();
  return await promise;
}

async function readSome(): Promise<Uint8Array | "again"> {
  const buffer = new Uint8Array(64 * 1024);
  const { promise, resolve } = Promise.withResolvers<Uint8Array | "again">();
  read(0, buffer, 0, buffer.length, null, (error, count) => {
    if (error === null) resolve(buffer.subarray(0, count));
    else resolve(errorCode(error) === "EAGAIN" ? "again" : buffer.subarray(0, 0));
  });
  return await promise;
}

function parseInput(text: string): JsonRecord | null {
  if (!text.includes("{")) return null;
  try {
    const client = parseRecord(text);
    return isRecord(client) ? client : null;
  } catch {
    return null;
  }
}

/** A status line that takes longer is not waited for. */
const OTHER_MS = 2_000;
const MOST_OTHER_CHARS = 8_192;

/** The lines of the command that was there before; "" where it fails, or is too slow. */
async function runOther(command: string, input: string, env: Env): Promise<string> {
  const shell = shellOf(env);
  try {
    const child = Bun.spawn({
      ...startOf([...shell, command], env),
      env,
      stdin: new Blob([input]),
      stdout: "pipe",
      stderr: "ignore",
      detached: true,
    });
    const ended = Promise.all([readStart(child.stdout), child.exited]);
    const result = await Promise.race([ended, passes(OTHER_MS)]);
    if (result === null) {
      endGroup(child.pid);
      return "";
    }
    const [output, code] = result;
    return code === 0 ? output.trimEnd() : "";
  } catch {
    return "";
  }
}

/** The one that Claude Code runs it with. */
function shellOf(env: Env): readonly string[] {
  if (process.platform !== "win32") return ["/bin/sh", "-c"];
  const isGitBash = env["MSYSTEM"] !== undefined;
  return isGitBash ? ["bash.exe", "-c"] : ["powershell.exe", "-NoProfile", "-Command"];
}

async function readStart(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream)
    if (text.length < MOST_OTHER_CHARS) text += decoder.decode(bytes, { stream: true });
  return text.slice(0, MOST_OTHER_CHARS);
}

function endGroup(pid: number): void {
  try {
    process.kill(process.platform === "win32" ? pid : -pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
