// Puts one service's proxy together behind its door. Answers nothing by itself but its own failures; what it starts, `stop` ends.
import { OpenList } from "../base/open-list.ts";
import { NO_OWNED_NAMES } from "../base/owned-names.ts";
import { ESTABLISHED, hexPort, listTcpSockets, readTcpTables } from "../base/tcp-table.ts";
import type { Upstream } from "../base/upstream.ts";
import { createConnections } from "./connections.ts";
import type { ProxyDeps, RunningRequest } from "./deps.ts";
import { type Door, openDoor } from "./door.ts";
import { makeAllowedHosts } from "./guard.ts";
import { handle } from "./handle.ts";
import { createLaneDoor } from "./lane-door.ts";
import { makeErrorResponse } from "./local-error.ts";
import { createSessionMemory } from "./session-memory.ts";
import type { Waits, WaitsOptions } from "./waiting.ts";

export interface ProxyOptions
  extends
    Pick<
      ProxyDeps,
      "filter" | "inFlight" | "own" | "record" | "refusals" | "router" | "routeState" | "service" | "uploads"
    >,
    Partial<
      Pick<
        ProxyDeps,
        | "budgets"
        | "clientToken"
        | "hasWalls"
        | "heartbeat"
        | "lanes"
        | "now"
        | "observeHeaders"
        | "owned"
        | "projects"
        | "readKey"
      >
    > {
  /** 0 for any free port. Without effect where there is a door. */
  readonly port: number;
  /** One that is open already. */
  readonly door?: Door;
  /** The client token may have been seen by others: where the system tells, only this user is answered. */
  readonly isForOneUser?: boolean;
  /** A request is held until a limit is reset. */
  readonly onWait?: WaitsOptions["onWait"];
  /** Sees each request of a conversation, with the port of the client's end of its connection. Cheap, and never throws. */
  readonly onSession?: (id: string, peerPort: () => number | undefined) => void;
  /** Of every config. Default: those of the active one. */
  readonly allUpstreams?: () => readonly Upstream[];
  /** Told about anything that answering a request threw: a bug of ours. */
  readonly onBug: (error: unknown) => void;
}

export type ProxyServer = ReturnType<typeof startProxy>;

/** Serves. Throws UserError when the port is in use. Nothing is switched or changed by it. */
export function startProxy({
  isForOneUser = false,
  onBug,
  onSession,
  onWait = () => {},
  port: wanted,
  door = openDoor(wanted),
  ...options
}: ProxyOptions) {
  const monotonic = (): number => performance.now();
  const connections = createConnections(monotonic);
  const activeUpstreams = (): readonly Upstream[] => {
    const state = options.routeState();
    return state.kind === "ready" ? state.route.upstreams : [];
  };
  const lanes = options.lanes ?? createLaneDoor({ now: Date.now });
  lanes.attach({ router: options.router, upstreams: options.allUpstreams ?? activeUpstreams });
  const { port, server } = door;
  const allowedHosts = makeAllowedHosts(port);
  let waits: Waits | null = null;
  let isStopping = false;
  const running = new OpenList<RunningRequest>();
  const deps: ProxyDeps = {
    running,
    heartbeat: {},
    observeHeaders: () => {},
    owned: () => NO_OWNED_NAMES,
    clientToken: null,
    now: Date.now,
    noteSession(id, request) {
      onSession?.(id, () => server.requestIP(request)?.port);
    },
    isTrustedPeer: (request) => !isForOneUser || isOwnConnection(server, request),
    ...options,
    instance: crypto.randomUUID(),
    allowedHosts: () => allowedHosts,
    monotonic,
    connections,
    lanes,
    memory: createSessionMemory(),
    async waits() {
      const { createWaits } = await import("./waiting.ts");
      waits ??= createWaits({ now: deps.now, monotonic, onWait });
      if (isStopping) waits.close();
      return waits;
    },
  };
  const fail = (error: unknown): Response => {
    onBug(error);
    return makeErrorResponse(deps.service, { status: 500, message: "codex-helper failed on this request" });
  };
  door.answerWith({ answer: (request) => handle(request, deps).catch(fail), fail });
  return {
    port,
    /** Those that wait for the reset of a limit; null where none ever did. */
    waits: () => waits,
    /** What each request that is being answered has come to, the oldest first. */
    running: running as Iterable<RunningRequest>,
    /** Takes no new connections, lets open requests finish for at most `graceMs`, then cuts them. */
    async stop(graceMs: number): Promise<void> {
      isStopping = true;
      waits?.close();
      const drained = server.stop();
      const timer = setTimeout(() => void server.stop(true), graceMs);
      await drained;
      clearTimeout(timer);
      await server.stop(true);
      connections.close();
    },
  };
}

/**
 * Does the other end of the connection belong to this user, or to root? Linux has the user of each socket in a table;
 * a connection that is not in it is nobody's. Elsewhere it cannot be told, and the answer is yes.
 */
function isOwnConnection(server: Bun.Server<undefined>, request: Request): boolean {
  if (process.platform !== "linux") return true;
  const peer = server.requestIP(request);
  if (peer === null) return false;
  const [local, remote] = [peer.port, server.port ?? 0].map((port) => `0100007F:${hexPort(port)}`);
  // One that its process has closed already counts as root's in that table, whoever opened it.
  const open = listTcpSockets(readTcpTables()).find(
    (one) =>
      one.state === ESTABLISHED && one.local.endsWith(local ?? "") && one.remote.endsWith(remote ?? ""),
  );
  return open?.uid === 0 || (open !== undefined && open.uid === process.getuid?.());
}
