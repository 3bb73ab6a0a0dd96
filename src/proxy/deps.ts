// What one proxy needs from the rest of the program, as values and functions handed in by app/.
// Types only.
// Pure.
import type { Service } from "../base/service.ts";
import type { Text } from "../base/text.ts";
import type { OpenList } from "../base/open-list.ts";
import type { OwnedNames } from "../base/owned-names.ts";
import type { ModelChains, ReadKey, Upstream } from "../base/upstream.ts";
import type { FilteredRequest } from "../filter/live-filter.ts";
import type { LogEntry } from "../log/entry.ts";
import type { Router } from "../routing/router.ts";
import type { Reason, RoutingSettings } from "../routing/types.ts";
import type { LocalError } from "./local-error.ts";
import type { Endpoint } from "./endpoints.ts";
import type { Connections } from "./connections.ts";
import type { RefusedRequest } from "./guard.ts";
import type { LaneDoor } from "./lane-door.ts";
import type { OwnRoutes } from "./own-routes.ts";
import type { BodyLimits } from "./read-body.ts";
import type { SessionMemory } from "./session-memory.ts";
import type { Uploads } from "./uploads.ts";
import type { Waits } from "./waiting.ts";

/** Where requests of a service go right now; read anew for each request. */
export type RouteState =
  | { readonly kind: "ready"; readonly route: Route }
  /** No upstream can be named: why, and what to type. */
  | { readonly kind: "unset"; readonly message: Text | string; readonly hint: string };

export interface Route {
  readonly configName: string;
  /** The enabled upstreams in the user's order. Never empty. */
  readonly upstreams: readonly Upstream[];
  /** Lower-case header names that any upstream of the service sets. */
  readonly ownedHeaders: ReadonlySet<string>;
  readonly routing: RoutingSettings;
  readonly onExhausted: "continue" | "stop";
  /** What requests are asked as, where the client's model is not all. */
  readonly models?: ModelChains | undefined;
  /** How long a request may be held until a limit is reset, ms; undefined where none is. */
  readonly waitMs?: number | undefined;
  /** Longest sum of waits for response headers, ms. */
  readonly firstByteTotalMs: number;
  readonly limits: BodyLimits;
}

/** A request of which it is asked where it is from. */
export interface PlacedRequest {
  readonly method: string;
  /** Without the client token. */
  readonly path: string;
  readonly endpoint: Endpoint;
  readonly headers: Headers;
  /** Decoded, and as the client sent it. */
  readonly body: Uint8Array;
  readonly sessionId: string | null;
  /** The response that it goes on from, or is about. Looked for when it is asked for. */
  readonly previousResponse: () => string | null;
  readonly signal: AbortSignal;
}

/** What keeps a project's requests from upstreams. */
export interface Wall {
  /** Whose it is; null where there is none. */
  readonly name: string | null;
  /** By config.json as it is at this moment: asked again before each attempt. */
  readonly permits: (upstream: Upstream) => boolean;
  /** An answer has this id: what goes on from it has the request's history. */
  readonly noteResponse: (id: string) => void;
}

export type Placement =
  | {
      readonly kind: "placed";
      /** Its upstreams are those within the wall. */
      readonly route: Route;
      /** Which of the service's lines of upstreams it is. Absent for the usual one. */
      readonly line: string | undefined;
      /** Null for a request of no project. */
      readonly project: string | null;
      readonly wall: Wall;
      /** Files of redaction rules that hold besides. */
      readonly filters: readonly string[];
    }
  | { readonly kind: "refused"; readonly project: string | null; readonly error: LocalError }
  /** No upstream may be asked, and none has to be. */
  | { readonly kind: "answered"; readonly body: object };

/** Of one service. */
export interface Projects {
  readonly place: (request: PlacedRequest) => Placement | Promise<Placement>;
  /**
   * What holds for the next request from a directory, or of a session. Nothing is noted. Undefined where nothing is known of the
   * session, and no directory is named.
   */
  readonly look: (directory: string | null, sessionId: string | null) => DirectoryView | undefined;
}

export interface DirectoryView {
  readonly placement: Placement;
  /** What the wall keeps a request from, of those that would be asked without it. */
  readonly outside: readonly Upstream[];
}

/** What a budget needs to know of a request. */
export interface BudgetQuestion {
  readonly method: string;
  readonly path: string;
  /** Of its body, decoded. */
  readonly bytes: number;
  readonly model: string | null;
  /** As this upstream is asked for it. */
  readonly upstreamModel: string | null;
  readonly sessionId: string | null;
  /** The rule of config.json for its directory. */
  readonly project?: string | undefined;
  readonly signal: AbortSignal;
}

/** Room in the budgets for one answer. Must be ended, whatever happens. */
export interface Room {
  readonly upstream: Upstream;
  /** What it is expected to use, for the log, where nobody says what it did. */
  readonly estimate: LogEntry["estimate"];
  /** With the line that is in the log; null where nothing can have been used. Later calls do nothing. */
  end(entry: LogEntry | null): void;
}

export interface NoRoom {
  readonly reason: Reason;
  /** No upstream after it is asked either. */
  readonly endsLine: boolean;
  /** Answers in flight may need what is left. */
  readonly isForNow: boolean;
}

export interface BudgetGate {
  /** Undefined where no budget is concerned. */
  readonly reserve: (
    upstream: Upstream,
    ask: BudgetQuestion,
  ) => Room | NoRoom | undefined | Promise<Room | NoRoom>;
}

/** A request that is being answered. */
export interface RunningRequest {
  /** What is known of it by now, with stable names. Costs as much as a look at the end of its answer. */
  look(): RunningFacts;
}

/** Times are wall clock in ms. */
export interface RunningFacts {
  /** The id that its line in the log will have. */
  readonly id: string;
  readonly started_at_ms: number;
  readonly path: string;
  readonly model: string | null;
  readonly session_id: string | null;
  readonly project: string | null;
  readonly client: string | null;
  readonly agent: string | null;
  /** Label of the upstream that is asked, or answers; null before there is one. */
  readonly upstream: string | null;
  /** "waiting": for an upstream's first word. */
  readonly state: "waiting" | "answering";
  /** From its start to the first byte for the client. */
  readonly ttfb_ms: number | null;
  /** Output so far, judged by what has passed; null where that is not known. */
  readonly output_tokens_estimate: number | null;
  /** Those that have failed. */
  readonly attempts: readonly {
    readonly upstream: string;
    readonly status_code: number | null;
    readonly error: string;
    readonly reason: Reason;
    readonly duration_ms: number;
  }[];
}

export interface ProxyDeps {
  readonly service: Service;
  /** This process and port, for loop detection. */
  readonly instance: string;
  readonly allowedHosts: () => ReadonlySet<string>;
  /** What clients must have in their address; null where anybody on this machine is answered. */
  readonly clientToken: string | null;
  /** May this one know the token? Asked only where there is one. */
  readonly isTrustedPeer: (request: Request) => boolean;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Monotonic clock, ms. */
  readonly monotonic: () => number;
  readonly routeState: () => RouteState;
  /** What the client's own files add to its requests, as they are now. A promise where they have to be read. */
  readonly owned: () => OwnedNames | Promise<OwnedNames>;
  /** `more`: files of rules that hold besides. `sessionId` is asked where a rule restores. */
  readonly filter: (
    body: Uint8Array,
    headers: Headers,
    more?: readonly string[],
    sessionId?: () => string | null,
  ) => FilteredRequest;
  /** Undefined while config.json has no projects. A promise where it has to be loaded. */
  readonly projects?: () => Projects | Promise<Projects> | undefined;
  /** Has any project a wall, as config.json is now? */
  readonly hasWalls?: () => boolean;
  readonly router: Router;
  /** Absent where nobody counts. */
  readonly budgets?: BudgetGate;
  readonly connections: Connections;
  /** Asked where an upstream's key is printed by a command, and for no other. */
  readonly readKey?: ReadKey;
  readonly lanes: LaneDoor;
  readonly memory: SessionMemory;
  readonly own: OwnRoutes;
  /** When a waiting client gets its first sign of life, and how often from then on, ms. Default: as its program needs it. */
  readonly heartbeat: { readonly afterMs?: number; readonly everyMs?: number };
  /** Sees the headers of each answer of an upstream, before it is judged. Cheap, and never throws. */
  readonly observeHeaders: (upstream: Upstream, headers: Headers) => void;
  /** Those that wait for the reset of a limit; made with the first. */
  readonly waits: () => Promise<Waits>;
  /** Requests open right now in the whole process; shared by all its services. */
  readonly inFlight: { count: number };
  /** The requests of this service that are being answered, for whoever looks. */
  readonly running: OpenList<RunningRequest>;
  /** The bodies that are being read, and what all requests hold in memory; shared by all services of the process. */
  readonly uploads: Uploads;
  /** Counts the requests that the guard turns away. */
  readonly refusals: { readonly note: (request: RefusedRequest) => void };
  /** Sees each request of a conversation. Cheap, and never throws. */
  readonly noteSession?: (id: string, request: Request) => void;
  /** Takes the one log line of a finished request. Never throws. */
  readonly record: (entry: LogEntry) => void;
}
