// Follows the proxies that run, also those that start and end meanwhile: each tells how it is and what happens there as
// server-sent events of its own pages. Asks nothing twice; one that is silent is said to be so, and followed again.
import { type FSWatcher, watch } from "node:fs";
import { type JsonRecord, isRecord, parseJson } from "../../base/json-value.ts";
import { createSseSplitter } from "../../base/sse.ts";
import { type Text, isText } from "../../base/text.ts";
import type { Service } from "../../base/service.ts";
import type { Paths } from "../../base/paths.ts";
import { type LogRecord, readRecord } from "../../log/record.ts";
import { type Instance, findInstances } from "../../state/instances.ts";
import {
  type InstanceFacts,
  type RunningPart,
  followInstance,
  instanceSchema,
  runningSchema,
} from "../ask-instance.ts";
import type { ToldEvent } from "./events.ts";

/** What is heard of one proxy. */
export type ProxyNews =
  | { readonly kind: "proxy"; readonly facts: InstanceFacts }
  | { readonly kind: "running"; readonly part: RunningPart }
  /** A request that has ended. `line`: as the log has it. */
  | { readonly kind: "request"; readonly record: LogRecord; readonly line: object }
  | { readonly kind: "event"; readonly event: ToldEvent }
  /** `at`: wall clock, ms. */
  | { readonly kind: "notice" | "trouble"; readonly at: number; readonly words: Text | string }
  /** Of what happened so much was not told: there was too much of it. */
  | { readonly kind: "missed"; readonly count: number }
  /** Its process runs, and does not answer; or it is of a version that cannot be followed. */
  | { readonly kind: "silent" }
  | { readonly kind: "gone" };

export interface WatchOptions {
  readonly paths: Pick<Paths, "run">;
  /** Default: all. */
  readonly services?: readonly Service[];
  readonly onNews: (instance: Instance, news: ProxyNews) => void;
}

/** The directory of records tells of a change; where it does not, it is looked at so often. */
const LOOK_EVERY_MS = 2_000;
const SETTLE_MS = 30;
/** A proxy says something every 10 s. */
const SILENT_MS = 25_000;
const AGAIN_MS = 1_000;
const MOST_EVENT_BYTES = 16 * 2 ** 20;

/** Resolves when those that run now are known. */
export async function watchProxies({ onNews, paths, services }: WatchOptions) {
  const followed = new Map<string, AbortController>();
  let isStopped = false;
  let watcher: FSWatcher | null = null;
  let settling: Timer | undefined;

  const follow = async (instance: Instance, key: string): Promise<void> => {
    const end = new AbortController();
    followed.set(key, end);
    const hear = (news: ProxyNews): void => {
      if (!end.signal.aborted) onNews(instance, news);
    };
    await listen(instance, end.signal, hear);
    if (end.signal.aborted) return;
    // It has ended, or dropped us because we took nothing for long.
    hear({ kind: "silent" });
    await Bun.sleep(AGAIN_MS);
    followed.delete(key);
    await look();
  };
  const look = async (): Promise<number> => {
    const { running } = await findInstances(paths.run);
    if (isStopped) return 0;
    const wanted = running.filter(({ service }) => services?.includes(service) ?? true);
    const there = new Map(wanted.map((instance) => [keyOf(instance), instance]));
    for (const [key, instance] of known) {
      if (there.has(key)) continue;
      known.delete(key);
      followed.get(key)?.abort();
      followed.delete(key);
      onNews(instance, { kind: "gone" });
    }
    for (const [key, instance] of there) {
      known.set(key, instance);
      if (!followed.has(key)) void follow(instance, key);
    }
    return there.size;
  };
  const known = new Map<string, Instance>();
  const lookSoon = (): void => {
    clearTimeout(settling);
    settling = setTimeout(() => void look(), SETTLE_MS);
  };
  try {
    watcher = watch(paths.run, { persistent: false }, lookSoon);
    watcher.on("error", () => watcher?.close());
  } catch {
    // It is not there yet, or the system has no watches left.
  }
  const looking = setInterval(() => void look(), LOOK_EVERY_MS);
  const found = await look();
  return {
    /** So many run now. */
    found,
    stop(): void {
      isStopped = true;
      clearInterval(looking);
      clearTimeout(settling);
      watcher?.close();
      for (const end of followed.values()) end.abort();
    },
  };
}

function keyOf({ pid, port, service, since }: Instance): string {
  return `${service} ${pid} ${port} ${since}`;
}

/** Until it ends, falls silent, or `signal` aborts. Never rejects. */
async function listen(
  instance: Instance,
  signal: AbortSignal,
  hear: (news: ProxyNews) => void,
): Promise<void> {
  const own = new AbortController();
  signal.addEventListener("abort", () => own.abort());
  let timer: Timer | undefined;
  const rearm = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => own.abort(), SILENT_MS);
  };
  try {
    const stream = await followInstance(instance, "watch", own.signal);
    if (stream === null) return;
    const splitter = createSseSplitter({ maxEventBytes: MOST_EVENT_BYTES });
    rearm();
    for await (const chunk of stream) {
      rearm();
      for (const { data, event } of splitter.push(chunk)) {
        const news = readNews(event, parseJson(data));
        if (news !== null) hear(news);
      }
      if (splitter.overflow) return;
    }
  } catch {
    // It ended, or we did.
  } finally {
    clearTimeout(timer);
    own.abort();
  }
}

/** Null for what a newer version may say. */
function readNews(name: string | null, data: unknown): ProxyNews | null {
  return name !== null && isRecord(data) && Object.hasOwn(READ, name) ? (READ[name]?.(data) ?? null) : null;
}

const READ: Readonly<Record<string, (data: JsonRecord) => ProxyNews | null>> = {
  proxy(data) {
    const facts = instanceSchema.safeParse(data).data;
    return facts === undefined ? null : { kind: "proxy", facts };
  },
  running(data) {
    const part = runningSchema.safeParse(data).data;
    return part === undefined ? null : { kind: "running", part };
  },
  request(line) {
    const record = readRecord(line);
    return record === null ? null : { kind: "request", record, line };
  },
  event: (event) => (isToldEvent(event) ? { kind: "event", event } : null),
  notice: (data) => readSaid("notice", data),
  trouble: (data) => readSaid("trouble", data),
  missed: ({ count }) => (typeof count === "number" ? { kind: "missed", count } : null),
};

function readSaid(kind: "notice" | "trouble", { timestamp_ms: at, words }: JsonRecord): ProxyNews | null {
  const isSaid = isText(words) || typeof words === "string";
  return typeof at === "number" && isSaid ? { kind, at, words } : null;
}

function isToldEvent(data: JsonRecord): data is JsonRecord & ToldEvent {
  const { at, json, labels, words } = data;
  const isNamed = Array.isArray(labels) && labels.every((label) => typeof label === "string");
  return isNamed && isText(words) && typeof at === "number" && isRecord(json);
}
