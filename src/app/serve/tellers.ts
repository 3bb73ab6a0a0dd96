// Who is told of an event: the user's command, notifications, and the log that runs. The caller waits for none of them.
import type { Env } from "../../base/env.ts";
import type { Text } from "../../base/text.ts";
import { resolveNotify } from "../../config/notify.ts";
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
