// The connection to the engine: every command has a limit of time, and what does not answer is given up and opened anew. Nothing of
// it is waited for by a request. Bun's client neither subscribes again after a reconnect nor says why it could not connect, so that
// each connection here is a new one (docs/sharing.md says what was measured).
import { RedisClient } from "bun";
import { UserError, errorText } from "../../base/errors.ts";
import { type Text, isText, t } from "../../base/text.ts";
import type { Address } from "./address.ts";
import { findEngineProblem } from "./engine-problem.ts";
import type { Script } from "./layout.ts";

export interface EngineOptions {
  /** Asked before each connection: a password may be another by then. Throws UserError. */
  readonly address: () => Promise<Address>;
  readonly channel: string;
  /** The first thing on a new connection, and every few seconds from then on: what it throws is why this machine is alone. */
  readonly greet: (link: Link, isNew: boolean) => Promise<void>;
  readonly onMessage: (text: string) => void;
  /** It is shared from now on, or alone. */
  readonly onState: (state: EngineState) => void;
  /** Wall clock, ms. */
  readonly now: () => number;
}

export interface EngineState {
  readonly kind: "connecting" | "shared" | "alone";
  /** Wall clock, ms. */
  readonly since: number;
  /** Why it is alone. */
  readonly why: Text | string | null;
  /** Of the last greeting. */
  readonly roundTripMs: number | null;
}

/** One connection. */
export interface Link {
  /** Rejects with EngineError. */
  readonly send: (command: string, words: readonly string[]) => Promise<unknown>;
  readonly run: (
    script: Script,
    keys: readonly string[],
    words: readonly (string | number)[],
  ) => Promise<unknown>;
}

export class EngineError extends Error {
  constructor(readonly words: Text | string) {
    super("engine");
  }
}

const CONNECT_MS = 3_000;
const COMMAND_MS = 2_000;
/** Between two greetings, and after one that was refused. */
const EVERY_MS = 5_000;
const AGAIN_MS = 1_000;
const RETRY = { leastMs: 250, mostMs: 15_000 };
const OPTIONS = { autoReconnect: false, enableOfflineQueue: false, connectionTimeout: CONNECT_MS } as const;

export function createEngine(options: EngineOptions) {
  const { address, channel, greet, now, onMessage, onState } = options;
  let state: EngineState = { kind: "connecting", since: now(), why: null, roundTripMs: null };
  let link: Link | null = null;
  let isStopped = false;
  let end = (): void => {};
  /** Ends the pause before the next try, or the connection. */
  let wake = (): void => {};
  const settled = Promise.withResolvers<void>();

  const note = (
    kind: EngineState["kind"],
    why: EngineState["why"] = null,
    roundTripMs: number | null = null,
  ): void => {
    const isSame = state.kind === kind;
    state = { kind, since: isSame ? state.since : now(), why, roundTripMs: roundTripMs ?? state.roundTripMs };
    settled.resolve();
    if (!isSame) onState(state);
  };
  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      timer.unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  /** As long as the connection holds. */
  const serve = async (): Promise<void> => {
    const connection = await connect(await address(), channel, onMessage);
    end = connection.close;
    let isNew = true;
    try {
      for (;;) {
        const began = performance.now();
        try {
          await greet(connection.link, isNew);
          isNew = false;
          link = connection.link;
          note("shared", null, performance.now() - began);
        } catch (error) {
          if (!(error instanceof EngineError)) throw error;
          // What it refuses it may take later, and then all has to be told again.
          isNew = true;
          link = null;
          note("alone", error.words);
        }
        if (isStopped) return;
        await Promise.race([pause(link === null ? AGAIN_MS : EVERY_MS), connection.closed]);
        wake();
        if (isStopped) return;
        await connection.check();
      }
    } finally {
      link = null;
      connection.close();
    }
  };
  const keep = async (): Promise<void> => {
    let waitMs = RETRY.leastMs;
    while (!isStopped) {
      try {
        await serve();
      } catch (error) {
        if (!(error instanceof EngineError) && !(error instanceof UserError)) throw error;
        if (state.kind === "shared") waitMs = RETRY.leastMs;
        note("alone", error instanceof EngineError ? error.words : errorText(error));
      }
      if (isStopped) break;
      await pause(waitMs * (0.75 + Math.random() / 2));
      waitMs = Math.min(RETRY.mostMs, waitMs * 2);
    }
  };
  const running = keep();

  return {
    state: () => state,
    /** Null while alone. */
    link: () => link,
    /** Something was refused: greets it again, to know why. */
    doubt: (): void => wake(),
    /** It is known whether the engine can be reached, or the time is over. */
    settled: (ms: number): Promise<void> => Promise.race([settled.promise, Bun.sleep(ms)]),
    async stop(): Promise<void> {
      isStopped = true;
      wake();
      end();
      await running;
    },
  };
}

/** Throws EngineError. */
export async function connect(
  to: Address,
  channel: string | null,
  onMessage: (text: string) => void = () => {},
) {
  const problem = await findEngineProblem(to);
  if (problem !== null) throw new EngineError(problem);
  const options = { ...OPTIONS, ...(to.ca === null ? {} : { tls: { ca: to.ca } }) };
  const client = new RedisClient(to.url, options);
  const ear = channel === null ? null : new RedisClient(to.url, options);
  const gone = Promise.withResolvers<void>();
  const clients = ear === null ? [client] : [client, ear];
  /** Why it is closed. */
  let reason: Text | null = null;
  const close = (why: unknown = null): void => {
    reason ??= isText(why) ? why : t`the engine closed the connection`;
    for (const one of clients) one.close();
    gone.resolve();
  };
  for (const one of clients) one.onclose = () => close();
  /** What does not answer in time will not answer any more. */
  const within = async <T>(work: Promise<T>): Promise<T> => {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      close(t`the engine did not answer within ${COMMAND_MS / 1_000} s`);
      reject(new EngineError(reason ?? ""));
    }, COMMAND_MS);
    work.catch(() => {});
    try {
      return await Promise.race([work, promise]);
    } catch (error) {
      throw error instanceof EngineError ? error : new EngineError(describeRefusal(error));
    } finally {
      clearTimeout(timer);
    }
  };
  const send: Link["send"] = (command, words) => within(client.send(command, [...words]));
  const link: Link = {
    send,
    async run({ lua, sha }, keys, words) {
      const rest = [String(keys.length), ...keys, ...words.map(String)];
      try {
        return await send("EVALSHA", [sha, ...rest]);
      } catch (error) {
        if (!(error instanceof EngineError) || error.words !== UNKNOWN_SCRIPT) throw error;
        return await send("EVAL", [lua, ...rest]);
      }
    },
  };
  try {
    await Promise.all(clients.map((one) => one.connect()));
    if (ear !== null && channel !== null) await within(ear.subscribe(channel, onMessage));
  } catch (error) {
    close();
    if (error instanceof EngineError) throw error;
    throw new EngineError((await findEngineProblem(to)) ?? t`${to.shown} answers again`);
  }
  return {
    link,
    close,
    closed: gone.promise,
    /** Does it still hold, and the subscription with it? Throws EngineError. */
    async check(): Promise<void> {
      if (reason !== null) throw new EngineError(reason);
      if (ear !== null) await within(ear.send("PING", []));
    },
  };
}

const UNKNOWN_SCRIPT = "NOSCRIPT";

/** What the engine answers to a command, by its first word. */
const REFUSALS: Readonly<Record<string, Text | string>> = {
  NOSCRIPT: UNKNOWN_SCRIPT,
  OOM: t`the engine has no memory left`,
  READONLY: t`the engine only reads: it is a replica`,
  NOPERM: t`the engine's user may not do that: docs/sharing.md has its ACL line`,
  NOAUTH: t`the engine wants a password`,
  WRONGPASS: t`the engine refuses the password`,
  LOADING: t`the engine is still loading its data`,
  MASTERDOWN: t`the engine is a replica without its primary`,
  MISCONF: t`the engine cannot write to its disk and takes no changes`,
  NOREPLICAS: t`the engine has too few replicas and takes no changes`,
  MOVED: t`the engine is a cluster, which is not supported`,
  CROSSSLOT: t`the engine is a cluster, which is not supported`,
  CLUSTERDOWN: t`the engine is a cluster, which is not supported`,
  BUSY: t`the engine is busy with another script`,
};

/** An error of Bun's client or of the engine. Its own words may name a key, and are not shown. */
export function describeRefusal(error: unknown): Text | string {
  const words = error instanceof Error ? error.message : "";
  const found = /(?:^|[^A-Z])([A-Z]{3,12})\b/.exec(words)?.[1] ?? "";
  const kind = Object.keys(REFUSALS).find((name) => words.includes(name)) ?? found;
  if (/connection/i.test(words)) return t`the engine closed the connection`;
  return (
    REFUSALS[kind] ??
    (kind === "" ? t`the engine refused a command` : t`the engine refused a command (${kind})`)
  );
}
