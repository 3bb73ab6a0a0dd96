// Who is told of an event: the user's command, notifications, and the log that runs. The caller waits for none of them.
import type { Env } from "../../base/env.ts";
import { type Text, t } from "../../base/text.ts";
import { resolveNotify } from "../../config/notify.ts";
import type { LogEntry } from "../../log/entry.ts";
import type { LiveConfig } from "../live-config.ts";
import { createEventHook } from "./event-hook.ts";
import { type AppEvent, type ToldEvent, tellEvent } from "./events.ts";
import type { Screen } from "./notice.ts";
import type { Notifier } from "./notifier.ts";

interface TellersOptions {
  readonly live: LiveConfig;
  readonly env: Env;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly screen: Screen;
  readonly onEvent: (event: ToldEvent) => void;
  readonly onTrouble: (words: Text) => void;
}

export function createTellers(options: TellersOptions) {
  const { live, now, onEvent } = options;
  const settings = () => resolveNotify(live.current().config.shell.notify);
  const hook = createEventHook({
    ...options,
    command: () => live.current().config.shell.hooks?.on_event ?? null,
  });
  /** Loaded with the first event that a person wants to be told of. */
  let notifier: Promise<Notifier> | null = null;
  return {
    note(event: AppEvent): void {
      const told = tellEvent(event, now());
      hook.send(told.json);
      if (settings() !== null) {
        notifier ??= import("./notifier.ts").then((module) =>
          module.createNotifier({ ...options, settings }),
        );
        void notifier.then((one) => one.note(told));
      }
      onEvent(told);
    },
    async stop(graceMs: number): Promise<void> {
      await Promise.all([hook.stop(graceMs), notifier?.then((one) => one.stop(graceMs))]);
    },
  };
}

/** Names of headers: a client with more is no client that we know. */
const MOST_TOLD = 50;

/** Each name once: every request of a client has the same ones. */
export function createHeldBackTeller(onTrouble: (words: Text) => void): (entry: LogEntry) => void {
  const told = new Set<string>();
  const fresh = (names: readonly string[] = []): string => {
    const some = names.filter((name) => !told.has(name)).slice(0, Math.max(0, MOST_TOLD - told.size));
    for (const name of some) told.add(name);
    return some.join(", ");
  };
  return ({ dropped, held_back }) => {
    const names = fresh(held_back);
    if (names !== "") onTrouble(t`held back from an upstream: ${names} (see: ch doctor)`);
    const left = fresh(dropped);
    if (left !== "") onTrouble(t`left out for an upstream that refuses it: ${left} (see: ch status)`);
  };
}
