// Runs the commands that print keys, one run at a time for each, and holds what they printed in memory for as long as it may be
// used. What a command prints is never shown; what it writes to its stderr, masked and to the user alone.
import type { Env } from "../../base/env.ts";
import { findExisting } from "../../base/home.ts";
import { findUserHome } from "../../base/paths.ts";
import { maskText } from "../../base/secrets.ts";
import { type ProgramRun, runProgram } from "../../base/run-program.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { type Text, inEnglish, t } from "../../base/text.ts";
import type { KeyRead, KeySource } from "../../base/upstream.ts";
import { programOf } from "../../config/key-command.ts";

export interface KeysOptions {
  readonly env: Env;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Told of a command that fails, once for each way in which it does, with what it said, masked. */
  readonly onTrouble?: ((words: Text) => void) | undefined;
}

export type KeyMemory = ReturnType<typeof createKeyMemory>;

const TIMEOUT_MS = 10_000;
/** A command that fails, or keeps giving a key that is refused, is left alone for as long as it took; each time for twice as long. */
const MOST_WAIT_MS = 60_000;
/** Fits into a header, whoever reads it (RFC 6750: visible ASCII). Tokens of a login have a few thousand characters. */
const KEY = /^[\u0021-\u007e]{1,8192}$/;
const MOST_SAID = 200;

interface Entry {
  running: Promise<KeyRead> | null;
  read: KeyRead | null;
  /** When the run ended that gave it, ms. */
  at: number;
  /** Runs in a row that gave nothing of use. */
  idleRuns: number;
  /** No run before, ms. */
  waitsUntil: number;
}

export function createKeyMemory({ env, now, onTrouble }: KeysOptions) {
  const entries = new Map<string, Entry>();
  const stopping = new AbortController();
  const told = new Set<string>();

  const run = async (source: KeySource, entry: Entry, refused: string | undefined): Promise<KeyRead> => {
    const began = performance.now();
    // Not the directory of whatever project ch was started in: what it holds could be run in the program's place.
    const cwd = findExisting(findUserHome(env));
    const options = { env, timeoutMs: TIMEOUT_MS, signal: stopping.signal, isRead: true, cwd };
    const before = entry.read?.kind === "key" ? entry.read.secret : null;
    const read = readOutput(source, await runProgram(source.words, "", options), before);
    const isOfUse = read.kind === "key" && read.secret !== refused;
    entry.idleRuns = isOfUse ? 0 : entry.idleRuns + 1;
    const waitMs = isOfUse ? 0 : (performance.now() - began) * 2 ** (entry.idleRuns - 1);
    Object.assign(entry, {
      running: null,
      read,
      at: now(),
      waitsUntil: now() + Math.min(MOST_WAIT_MS, waitMs),
    });
    if (read.kind === "none") tell(read);
    else told.clear();
    return read;
  };

  const tell = ({ said, why }: Extract<KeyRead, { kind: "none" }>): void => {
    const key = inEnglish(why);
    if (told.has(key) || stopping.signal.aborted) return;
    told.add(key);
    onTrouble?.(said === "" ? why : t`${why}: ${said}`);
  };

  return {
    /** See ReadKey. */
    async read(source: KeySource, refused?: string): Promise<KeyRead> {
      const entry = entries.getOrInsertComputed(JSON.stringify(source.words), () => ({
        running: null,
        read: null,
        at: 0,
        idleRuns: 0,
        waitsUntil: 0,
      }));
      if (entry.running !== null) return await entry.running;
      const { at, read, waitsUntil } = entry;
      const age = now() - at;
      const isUsable = read?.kind === "key" && read.secret !== refused && age >= 0 && age < source.ttlMs;
      // A clock that was set back must not hold a command up for ever.
      const isWaiting = now() < waitsUntil && waitsUntil - now() <= MOST_WAIT_MS;
      if (read !== null && (isUsable || (isWaiting && (read.kind === "none" || read.secret === refused))))
        return read;
      entry.running = run(source, entry, refused);
      return await entry.running;
    },
    problemOf({ words }: KeySource): Text | null {
      const read = entries.get(JSON.stringify(words))?.read;
      return read?.kind === "none" ? read.why : null;
    },
    stop: (): void => stopping.abort(),
  };
}

/** The first line with anything on it is the key, as in a password store, where notes may follow. */
function readOutput(
  source: KeySource,
  { problem, stderr, stdout }: ProgramRun,
  before: string | null,
): KeyRead {
  const program = programOf(source);
  const [secret = ""] = stdout
    .replace(/^\ufeff/, "")
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const fail = (words: Text): KeyRead => ({
    kind: "none",
    why: t`the command for its key (${program}) ${words}`,
    said: maskSaid(stderr, [stdout, before ?? ""]),
  });
  if (problem !== null) return fail(problem);
  if (secret === "") return fail(t`printed nothing`);
  return KEY.test(secret) ? { kind: "key", secret } : fail(t`printed something that cannot be a key`);
}

/** A tracing shell writes what it prints: whatever may be a key is taken out, be it in no form that is known. */
function maskSaid(stderr: string, secrets: readonly string[]): string {
  const words = secrets.flatMap((text) => text.split(/\s+/)).filter((word) => word.length >= 4);
  const known = words.toSorted((one, other) => other.length - one.length);
  const plain = known.reduce((text, word) => text.replaceAll(word, "…"), stderr);
  const masked = maskText(oneLine(plain)).replace(/[\w+~-]{16,}/g, (word) =>
    /\d/.test(word) && /[a-z]/i.test(word) ? "…" : word,
  );
  return masked.length > MOST_SAID ? `${masked.slice(0, MOST_SAID)} …` : masked;
}
