// Which events become notifications, and when: one a minute and kind at most, none in quiet hours. What comes meanwhile is counted
// in the next one. Never in a request's way; loaded with the first event where `notify` is set.
import type { Env } from "../../base/env.ts";
import { type Text, t } from "../../base/text.ts";
import { type EventKind, type NotifySettings, isQuiet } from "../../config/notify.ts";
import { TELL_TIMEOUT_MS, createTellLine } from "./event-hook.ts";
import type { ToldEvent } from "./events.ts";
import { type Screen, makeNotice, sendNotice } from "./notice.ts";

export type Notifier = ReturnType<typeof createNotifier>;

export interface NotifierOptions {
  /** Those of config.json as it is now; null where none are wanted. */
  readonly settings: () => NotifySettings | null;
  readonly env: Env;
  readonly screen: Screen;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Told of the first failure of a way, once. */
  readonly onTrouble: (words: Text) => void;
  /** Does the work later, and gives back what prevents it. Default: a timer. */
  readonly later?: (work: () => void, ms: number) => () => void;
}

export const APART_MS = 60_000;

/** Of one kind: what was not told yet. */
interface Heap {
  readonly kind: EventKind;
  events: { readonly first: ToldEvent; readonly last: ToldEvent; readonly count: number } | null;
  /** Until then nothing of the kind is told. */
  cancel: (() => void) | null;
}

export function createNotifier({ env, later = waitFor, now, onTrouble, screen, settings }: NotifierOptions) {
  const line = createTellLine(TELL_TIMEOUT_MS);
  const heaps = new Map<EventKind, Heap>();
  let blamed: string | null = null;

  const send = async (events: NonNullable<Heap["events"]>, signal: AbortSignal): Promise<void> => {
    const via = settings()?.via;
    if (via === undefined) return;
    // Behind the answers that are being given, not between them.
    await new Promise((resolve) => setImmediate(resolve));
    const { problem } = await sendNotice(makeNotice(events), via, { env, screen, signal });
    const way = JSON.stringify(via);
    if (problem === null || signal.aborted || blamed === way) return;
    blamed = way;
    onTrouble(t`notify: ${problem}; this is reported once`);
  };
  const tell = (heap: Heap): void => {
    heap.cancel = null;
    const { events } = heap;
    if (events === null) return;
    const { on = [], quiet = null } = settings() ?? {};
    if (!on.includes(heap.kind)) heap.events = null;
    else {
      if (quiet === null || !isQuiet(quiet, now())) {
        heap.events = null;
        line.add((signal) => send(events, signal));
      }
      heap.cancel = later(() => tell(heap), APART_MS);
    }
  };
  return {
    /** Returns at once. */
    note(event: ToldEvent): void {
      if (settings()?.on.includes(event.kind) !== true) return;
      const { kind } = event;
      const heap = heaps.getOrInsertComputed(kind, () => ({ kind, events: null, cancel: null }));
      const { count, first } = heap.events ?? { count: 0, first: event };
      heap.events = { first, last: event, count: count + 1 };
      if (heap.cancel === null) tell(heap);
    },
    /** Takes nothing more, and tells nothing that waits. What is being told may go on for `graceMs`. */
    async stop(graceMs: number): Promise<void> {
      for (const { cancel } of heaps.values()) cancel?.();
      heaps.clear();
      await line.stop(graceMs);
    },
  };
}

function waitFor(work: () => void, ms: number): () => void {
  const timer = setTimeout(work, ms).unref();
  return () => clearTimeout(timer);
}
