// What a service's viewers are told, as server-sent events: how things are, and what has happened. Loaded with the first viewer.
// A viewer is written to only when it has taken what came before, and gets the newest state then: one that is slow misses states
// in between, one that takes nothing for long is let go, and neither costs more than a few kilobytes here.
import { within } from "../../proxy/answer-body.ts";

export type Feed = ReturnType<typeof createFeed>;

export interface FeedOptions {
  /** How things are, in parts by name: each is sent when it has changed. */
  readonly look: () => Readonly<Record<string, object>>;
  /** The last viewer has left. */
  readonly onLeft: () => void;
  /** Default 250. */
  readonly everyMs?: number;
  /** A viewer that takes nothing for so long is let go. Default 15,000. */
  readonly stuckMs?: number;
}

/** A viewer that is slow misses the oldest. */
const MOST_ITEMS = 200;
/** Without news: shows each side that the other is there. */
const SIGN_OF_LIFE_MS = 10_000;
const SIGN_OF_LIFE = ": \n\n";

interface Item {
  readonly name: string;
  readonly data: object;
  text: string | undefined;
}

interface Viewer {
  /** What it has of each part. */
  readonly parts: Map<string, string>;
  /** The number of its next item. */
  next: number;
  writtenAt: number;
  /** Set while it waits for news. */
  wake: ((text: string | null) => void) | null;
}

export function createFeed({ everyMs = 250, look, onLeft, stuckMs = 15_000 }: FeedOptions) {
  const viewers = new Set<Viewer>();
  /** Put into words when they are written: of a flood most are not. */
  let items: Item[] = [];
  /** The number of the first item that is kept. */
  let firstItem = 0;
  let timer: Timer | null = null;

  const leave = (viewer: Viewer): void => {
    viewer.wake?.(null);
    if (!viewers.delete(viewer) || viewers.size > 0) return;
    clearInterval(timer ?? undefined);
    timer = null;
    onLeft();
  };
  const makeParts = (): ReadonlyMap<string, string> =>
    new Map(Object.entries(look()).map(([name, part]) => [name, makeEvent(name, part)]));

  /** All that the viewer has not been told yet; "" for nothing. */
  const newsFor = (viewer: Viewer, parts: ReadonlyMap<string, string>): string => {
    const from = viewer.next - firstItem;
    const at = Math.max(from, items.length - MOST_ITEMS);
    const missed = at - from;
    const fresh = items.slice(at).map((item) => (item.text ??= makeEvent(item.name, item.data)));
    viewer.next = firstItem + items.length;
    const changed = [...parts].filter(([name, text]) => viewer.parts.get(name) !== text);
    for (const [name, text] of changed) viewer.parts.set(name, text);
    const gap = missed === 0 ? [] : [makeEvent("missed", { count: missed })];
    return [...gap, ...changed.map(([, text]) => text), ...fresh].join("");
  };
  const tick = (): void => {
    const waiting = [...viewers].filter(({ wake }) => wake !== null);
    if (waiting.length === 0) return;
    const parts = makeParts();
    const now = performance.now();
    for (const viewer of waiting) {
      const news = newsFor(viewer, parts);
      if (news === "" && now - viewer.writtenAt < SIGN_OF_LIFE_MS) continue;
      viewer.writtenAt = now;
      viewer.wake?.(news === "" ? SIGN_OF_LIFE : news);
    }
  };
  /** Null: it is over. */
  const nextFor = (viewer: Viewer): Promise<string | null> => {
    if (!viewers.has(viewer)) return Promise.resolve(null);
    const { promise, resolve } = Promise.withResolvers<string | null>();
    viewer.wake = (text) => {
      viewer.wake = null;
      resolve(text);
    };
    return promise;
  };

  return {
    tell(name: string, data: object): void {
      items.push({ name, data, text: undefined });
      if (items.length < 2 * MOST_ITEMS) return;
      firstItem += items.length - MOST_ITEMS;
      items = items.slice(-MOST_ITEMS);
    },
    open(): ReadableStream {
      const viewer: Viewer = {
        parts: new Map(),
        next: firstItem + items.length,
        writtenAt: performance.now(),
        wake: null,
      };
      viewers.add(viewer);
      timer ??= setInterval(tick, everyMs).unref();
      return new ReadableStream({
        type: "direct",
        async pull(controller) {
          try {
            let text: string | null = newsFor(viewer, makeParts());
            while (text !== null) {
              const written: unknown = controller.write(text);
              if (typeof written === "object" && (await within(isTaken(written), stuckMs)) !== true) break;
              text = await nextFor(viewer);
            }
          } finally {
            const isStuck = viewers.has(viewer);
            leave(viewer);
            // A plain end would wait for what it does not take.
            if (isStuck) controller.close(new Error("stuck"));
            else await isTaken(controller.end());
          }
        },
        cancel: () => leave(viewer),
      });
    },
    /** Ends all of them. */
    close(): void {
      for (const viewer of viewers) leave(viewer);
    },
  };
}

function makeEvent(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** Never rejects: whoever has left takes nothing. */
const isTaken = (written: unknown): Promise<boolean> =>
  Promise.resolve(written).then(
    () => true,
    () => false,
  );
