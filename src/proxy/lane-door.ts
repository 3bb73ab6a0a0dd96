// The door to lanes.ts: opened by the first upstream that takes only so many requests at once. Until then it costs nothing.
import type { Upstream } from "../base/upstream.ts";
import type { Router } from "../routing/router.ts";
import type { LaneFacts, RouterEvent } from "../routing/types.ts";
import type { Lanes } from "./lanes.ts";

/** One service of the process. */
interface LaneClient {
  readonly router: Pick<Router, "openOf" | "watchSettled">;
  /** Those that requests use now. */
  readonly upstreams: () => readonly Upstream[];
}

export type LaneDoor = ReturnType<typeof createLaneDoor>;

interface LaneDoorOptions {
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Hears of queues for places, and of limits that were learned. */
  readonly onEvent?: ((event: RouterEvent) => void) | undefined;
}

export function createLaneDoor({ now, onEvent = () => {} }: LaneDoorOptions) {
  const clients: LaneClient[] = [];
  let opening: Promise<Lanes> | null = null;
  let current: Lanes | null = null;

  const make = ({ createLanes }: typeof import("./lanes.ts")): Lanes => {
    const lanes = createLanes({
      now,
      openOf: (key) => clients.reduce((sum, { router }) => sum + router.openOf(key), 0),
      upstreams: () => clients.flatMap(({ upstreams }) => upstreams()),
      onChange: onEvent,
    });
    for (const { router } of clients) router.watchSettled(lanes.settled);
    current = lanes;
    return lanes;
  };

  return {
    /** Services that share a limit share the door. */
    attach(client: LaneClient): void {
      clients.push(client);
      if (current !== null) client.router.watchSettled(current.settled);
    },
    /** Must a request have a place before it is sent there? */
    guards: ({ lane }: Upstream): boolean => current !== null || lane !== null,
    open: (): Promise<Lanes> => (opening ??= import("./lanes.ts").then(make)),
    /** Null where it has no limit, or nothing has asked for a place yet. */
    factsOf(upstream: Upstream): LaneFacts | null {
      if (current !== null) return current.factsOf(upstream);
      const { lane } = upstream;
      if (lane?.limit == null) return null;
      const { group, limit } = lane;
      return { inUse: 0, waiting: 0, limit, group, source: "config", until: null };
    },
    forget: (key?: string): void => current?.forget(key),
  };
}
