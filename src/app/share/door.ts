// The way into a pool for a running proxy: where config.json has no `share` nothing of it is loaded, and what changes there holds from
// then on.
import { onUserError } from "../../base/errors.ts";
import { type Text, showMoment, t } from "../../base/text.ts";
import type { Lookup } from "../../quota/lookup.ts";
import type { Turn } from "../../quota/poller.ts";
import type { Budget } from "../../config/budgets.ts";
import type { Count } from "../../quota/budget.ts";
import type { SpendSource } from "./spend.ts";
import type { Pool, PoolClient, PoolFacts, PoolOptions } from "./pool.ts";

export interface PoolDoorOptions extends Pick<PoolOptions, "env" | "live" | "now" | "paths"> {
  readonly onTrouble: (words: Text | string) => void;
  readonly onNotice: (words: Text) => void;
}

export type PoolDoor = ReturnType<typeof createPoolDoor>;

export function createPoolDoor(options: PoolDoorOptions) {
  const { live, now, onNotice, onTrouble } = options;
  const clients: PoolClient[] = [];
  let pool: Pool | null = null;
  let setting = "null";
  let onBalance: PoolOptions["onBalance"] = () => {};
  let source: SpendSource | null = null;
  let onSpent = (): void => {};
  let aloneSince: number | null = null;
  let queue: Promise<void> = Promise.resolve();

  const change = async (): Promise<void> => {
    const { share } = live.current().config.shell;
    const next = JSON.stringify(share ?? null);
    if (next === setting) return pool?.meetAgain();
    setting = next;
    await pool?.stop();
    pool = null;
    if (share == null) return;
    const { joinPool } = await import("./pool.ts");
    const onState: PoolOptions["onState"] = ({ kind, since, why }) => {
      if (kind === "alone") {
        aloneSince ??= since;
        onTrouble(t`the pool ${share.namespace} cannot be used: ${why ?? ""}; this machine goes on alone`);
      } else if (aloneSince !== null) {
        onNotice(
          t`the pool ${share.namespace} is shared again, alone since ${showMoment(aloneSince, now())}`,
        );
        aloneSince = null;
      }
    };
    pool = await joinPool({
      ...options,
      share,
      clients,
      onState,
      onBalance: (...read) => onBalance(...read),
      source,
      onSpent: () => onSpent(),
    });
  };

  return {
    attach: (client: PoolClient): void => void clients.push(client),
    /** config.json is another, or is read for the first time. Returns at once. */
    look(): void {
      queue = queue.then(change).catch(onUserError(({ text }) => onTrouble(text)));
    },
    /** Null without a pool. */
    facts: (): PoolFacts | null => pool?.facts() ?? null,
    /** From now on what `counted` says is told, and `heard` is called when others have spent something. */
    onSpent(counted: SpendSource, heard: () => void): void {
      source = counted;
      onSpent = heard;
    },
    /** This machine may have spent something. */
    noteSpent: (): void => pool?.spend?.note(),
    /** With what the others have spent. */
    join: (budget: Budget, own: Count, limit: number): Count => pool?.spend?.join(budget, own, limit) ?? own,
    usedByOthers: (budget: Budget): number => pool?.spend?.usedByOthers(budget) ?? 0,
    /** It was met, or cannot be in that time. */
    async met(ms: number): Promise<void> {
      await queue;
      await pool?.settled(ms);
    },
    /** From now on `heard` is called for each balance that another machine has read. */
    onBalance(heard: PoolOptions["onBalance"]): void {
      onBalance = heard;
    },
    /** May this process ask for a balance now? Null without a pool. */
    turnOf: (lookup: Lookup, isForced: boolean): Promise<Turn> | null =>
      live.current().config.shell.share == null
        ? null
        : queue.then(() => pool?.turnOf(lookup, isForced) ?? { kind: "go", done() {} }),
    /** These upstreams were reset here, or all of the config. */
    noteReset: (keys: readonly string[] | null): void => pool?.noteReset(keys),
    async stop(): Promise<void> {
      await queue;
      await pool?.stop();
    },
  };
}
