// The nouns of routing: what an attempt came to (facts), what that means (verdict), what a router keeps and answers.
// Types only: every room above may import this file.
// Pure.
import type { Text } from "../base/text.ts";
import type { ErrorRule, StatusOverride, Upstream } from "../base/upstream.ts";

/** Why, as data: an id of reasons.ts and the values that its words name. */
export interface Reason {
  readonly rule: string;
  /** Of the upstream's answer; told before the words. */
  readonly status?: number | undefined;
  /** The upstream's, or the connection's; told after the words. */
  readonly code?: string | undefined;
  /** The reason that this one is about. */
  readonly cause?: Reason;
  readonly [value: string]: ReasonValue | undefined;
}

export type ReasonValue = string | number | Text | Reason | readonly Reason[];

/** The facts of one attempt that did not simply succeed. Made in proxy/, read by classify.ts; never thrown. */
export type AttemptOutcome =
  /** A whole answer with a status that is not 2xx (a 3xx too). `body` is at most 64 KB of its decoded text. */
  | { readonly kind: "status"; readonly status: number; readonly headers: Headers; readonly body: string }
  /** A 2xx whose content is a failure. `body` is the error event's data, the JSON text or the page's start. */
  | {
      readonly kind: "bad-content";
      readonly reason:
        | "error-event"
        | "json-error"
        | "html"
        /** No byte of content. */
        | "nothing"
        /** It finished, with no output and no output tokens counted. */
        | "empty"
        | "ended-early"
        | "malformed"
        /** Events for one that asked for a document, or a document for one that asked for events. */
        | "wrong-form"
        | "no-compaction";
      readonly status: number;
      readonly headers: Headers;
      readonly body: string;
    }
  /** The connection failed. `code` is Bun's error code; `sent` says whether the upstream can have seen the request. */
  | { readonly kind: "transport"; readonly code: string; readonly sent: "never" | "maybe" }
  | { readonly kind: "timeout"; readonly phase: "connect" | "first-byte" | "idle" }
  /** The outbound proxy before the upstream failed, or what it opened did. `proxy` is its host and port. */
  | {
      readonly kind: "outbound-proxy";
      readonly failed:
        /** It wants a user and password. */
        | "login"
        /** It opened no tunnel, or says that it did not get through. */
        | "refused"
        | "unreachable"
        /** No answer to CONNECT in time, or no TLS behind it. */
        | "silent"
        /** It broke a new connection, perhaps after the request. */
        | "lost"
        /** A page of its own in the place of an answer. */
        | "page";
      readonly proxy: string;
      /** The status, or the connection's code; null for silence. */
      readonly code: string | null;
    }
  /** After bytes went to the client: the stream broke, went silent, or ended without its terminal event. */
  | {
      readonly kind: "cut";
      readonly reason: "reset" | "idle" | "no-terminal-event" | "error-event";
      readonly body: string;
    }
  /** Could not be tried at all: `why` is one sentence for the user (a missing key, a refused proxy scheme). */
  | { readonly kind: "not-tried"; readonly why: Text | string };

/** A never sent, B refused by the server, C ambiguous, D never to be repeated. */
export type RetryClass = "A" | "B" | "C" | "D";

/** What a verdict does to the upstream's availability. */
export type Blame =
  | "none"
  /** One counted failure of the breaker. */
  | "failure"
  /** DNS, refused, no route: the lower threshold. */
  | "never-sent"
  /** The outbound proxy, for all upstreams behind it. */
  | "proxy"
  /** The same, unless it meanwhile led to another host: then it is this upstream that cannot be reached. */
  | "way"
  | "first-byte"
  /** A certificate error: opens at once. */
  | "tls"
  /** Rate limited until `until`. Not a failure. */
  | "cooldown"
  /** Quota gone until `until`. */
  | "exhausted"
  /** The credential is refused until `until` or until it changes. */
  | "auth-dead"
  /** Only the asked model is unknown or at capacity here, until `until`. */
  | "model";

export interface Verdict {
  /** Id of the classifier's row. */
  readonly rule: string;
  /** `next`: try another upstream if the retry class allows; `terminal`: the answer is the client's to see;
   *  `repair`: change the body (encrypted history) and ask the same upstream once more;
   *  `elsewhere`: try one other upstream, and if it says the same, this answer is the client's to see. */
  readonly next: "next" | "terminal" | "repair" | "elsewhere";
  readonly retryClass: RetryClass;
  readonly blame: Blame;
  /** Wall clock, ms; null where the blame has no expiry of its own. */
  readonly until: number | null;
  /** Where `until` comes from: "retry-after header", "resets_at in the body", "default 15 min". */
  readonly source: Reason;
  /** "429 usage limit reached". */
  readonly reason: Reason;
  /** It says something of the address and nothing of the key: no server there read the request, or none answered. */
  readonly isOfAddress: boolean;
  /** Set when a limit resets at a time the upstream itself named, uncapped: for the answer to the client. */
  readonly resetsAt: number | null;
  /** What of the request the upstream names as refused. Absent where it names nothing. */
  readonly refused?: readonly RefusedThing[];
  /** It takes no more at once: so many, where it says how many. */
  readonly atOnce?: { readonly stated: number | null };
  /** Its words, in lower case, to be held against another's. They may hold a key, and are not for people. */
  readonly said?: string;
}

/** A part of a request that an upstream does not take. */
export interface RefusedThing {
  readonly kind: "beta" | "field" | "header" | "tool";
  /** A value of `anthropic-beta` (`*`: one that is not named), a member's path with `*` for any element, a header's name in
   *  lower case, or the type of a tool. */
  readonly name: string;
}

/** What a refusal, and what was learned from earlier ones, is held against. Read only where there is something to hold. */
export interface RequestTraits {
  /** Method and path. */
  readonly endpoint: string;
  /** The client's name and version: "claude-cli/2.1.330". */
  readonly client: string;
  /** The values of its `anthropic-beta`. */
  readonly betas: readonly string[];
  readonly hasHeader: (name: string) => boolean;
  /** Its body, parsed; undefined where it is no JSON. */
  readonly json: unknown;
  /** Is it part of the request? A quick look. */
  readonly has: (thing: RefusedThing) => boolean;
}

export interface ClassifyContext {
  /** Wall clock, ms. */
  readonly now: number;
  readonly overrides: Readonly<Record<string, StatusOverride>>;
  readonly onError: readonly ErrorRule[];
  readonly settings: RoutingSettings;
  /** Can the request be changed so that this refusal does not apply: has it history of another account that is pointed at? */
  readonly canRepair: (refusal: Refusal) => boolean;
  /** What was refused; absent where only an answer is at hand. */
  readonly request?: RequestTraits;
  /** No upstream after one that is out of quota may be asked. */
  readonly stopsWhenSpent?: boolean;
}

/** What an upstream said with a refusal, in lower case. */
export interface Refusal {
  readonly codes: readonly string[];
  readonly text: string;
}

/** `routing` of config.json, in milliseconds. */
export interface RoutingSettings {
  readonly failureThreshold: number;
  readonly neverSentThreshold: number;
  readonly firstByteThreshold: number;
  readonly windowMs: number;
  readonly windowMinRequests: number;
  readonly windowFailureShare: number;
  readonly openMs: number;
  readonly openMaxMs: number;
  readonly lastUsableOpenMs: number;
  readonly lastUsableOpenMaxMs: number;
  readonly jitter: number;
  readonly authDeadMs: number;
  readonly exhaustedMs: number;
  readonly exhaustedMaxMs: number;
  readonly maxUpstreamsPerRequest: number;
  readonly ambiguous: "failover" | "never";
  /** After a refusal that no rule explains: ask others, and leave out what may be left out; ask others; or neither. */
  readonly drift: "adapt" | "failover" | "off";
  readonly returnAfterIdleMs: number;
}

/** How an upstream stands right now, in one word; `reason` and `until` go with it. */
export type Availability =
  | "ok"
  | "probing"
  | "open"
  | "cooling"
  | "exhausted"
  | "auth-dead"
  | "model-unknown"
  | "low"
  /** A wall of the request's project is before it. */
  | "walled"
  /** It takes no more requests at once. */
  | "full";

/**
 * A rule of the owner's by which an upstream is not asked for a request: whatever its health, and not as the last one left either.
 * A spent budget and a reserve that is kept are `exhausted`.
 */
export interface Bar {
  readonly availability: "exhausted" | "walled" | "full";
  readonly reason: Reason;
  /** Which rule it is: "your budget". */
  readonly source: Reason | null;
  /** Wall clock, ms. */
  readonly since: number | null;
  /** When it ends by itself; null where nothing says so. */
  readonly until: number | null;
  /** No upstream after this one is asked either. */
  readonly endsLine?: boolean;
}

/** What a bar depends on. Must be cheap: it is looked at several times a request. */
export type BarOf = (upstream: Upstream, request: PlanRequest) => Bar | undefined;

/** How an upstream is at one moment. Whatever is shown, decided or told of its state comes from here. Times: wall clock, ms. */
export interface Assessment {
  readonly availability: Availability;
  /** `probe`: as the one probe. */
  readonly allowed: "go" | "probe" | "no";
  readonly since: number | null;
  /** When the state ends by itself: the end that was stated, whole, else ours. Null where nothing says so. */
  readonly until: number | null;
  /** When a request may be tried, which can be earlier. Null where it may now. */
  readonly askAt: number | null;
  readonly reason: Reason;
  /** Where `until` comes from. */
  readonly source: Reason | null;
  /** Its quota was gone when it was last heard of, also while a probe finds out whether it still is. */
  readonly isExhausted: boolean;
  /** A rule of the owner's keeps it from being asked. */
  readonly isBarred?: true;
  /** That rule keeps the request from all that come after it too. */
  readonly endsLine?: true;
}

export interface Candidate {
  readonly upstream: Upstream;
  readonly availability: Availability;
  /** Why it has this place: "first in order", "429 usage limit reached". */
  readonly reason: Reason;
  /** For one that is avoided: when it may be asked again, wall clock in ms. Null for one that may be asked now. */
  readonly until: number | null;
  readonly view: Assessment;
  /** No usable upstream comes after it: it may take its time. */
  readonly isLastUsable: boolean;
}

export interface PlanRequest {
  /** Enabled upstreams of the active config, in the user's order. Another list means that the user changed it. */
  readonly upstreams: readonly Upstream[];
  /** The name of the project that it is from. Absent where none is told. */
  readonly project?: string | undefined;
  /** Which of the service's lines they are, where requests have others by their project. Absent for the usual one. */
  readonly line?: string | undefined;
  /** The only ones of them that can serve this request, in the order that suits it. Default: all. */
  readonly among?: readonly Upstream[];
  /** The key of the one to ask first, whatever the session is bound to: it alone may have what the request is about. */
  readonly first?: string | undefined;
  readonly model: string | null;
  readonly sessionId: string | null;
  /** Wall clock, ms. */
  readonly now: number;
  /** `stop`: an exhausted upstream hands nothing on to those after it. Default `continue`. */
  readonly onExhausted?: "continue" | "stop";
  /** It is no turn: whatever comes of it changes no availability, and binds no session. Default: it is one. */
  readonly isNeutral?: boolean;
  /** What was learned of refusals is held against it. Default: nothing is. */
  readonly traits?: RequestTraits;
  /** Of one that may be asked for several models, one after the other. Default: for this one alone. */
  readonly place?: PlaceInChain | undefined;
}

/** `first` and `middle` have another model to go to: no upstream is their last resort. All but `first` stand in for another. */
export type PlaceInChain = "first" | "middle" | "last";

/** Leave to make one attempt, given out by `admit`. The first call settles it; later ones do nothing, except that
 *  `begun` may come before an end. */
export interface Permit {
  /** The half-open probe: it must first see a bare connect succeed. */
  readonly isProbe: boolean;
  /** Absent for a request that is no turn. */
  readonly upstream?: Upstream;
  /** The answer has begun for real. Frees the probe and binds the session, long before a stream ends. */
  begun(): void;
  /** The answer was complete. */
  succeed(): void;
  fail(verdict: Verdict): void;
  /** A neutral end: the client left, or nothing was learned. */
  release(): void;
}

/** May this attempt go now? */
export type Admission =
  | { readonly kind: "go"; readonly permit: Permit }
  | {
      readonly kind: "blocked";
      /** When it may be asked again, wall clock in ms. */
      readonly until: number;
      readonly reason: Reason;
      readonly availability: Availability;
    };

/** What a user wants to hear of, as it happens. */
export type RouterEvent =
  /** A session, or the flow of new requests (`sessionId` null), is served by another upstream than before. */
  | {
      readonly kind: "hop";
      readonly from: Upstream;
      readonly to: Upstream;
      readonly sessionId: string | null;
      readonly reason: Reason;
    }
  | {
      readonly kind: "exhausted";
      readonly upstream: Upstream;
      /** Wall clock, ms; null where nobody said. */
      readonly until: number | null;
      readonly reason: Reason;
    }
  | { readonly kind: "recovered"; readonly upstream: Upstream }
  /** A request is held until a limit is reset (wall clock, ms); others may wait for the same. */
  | {
      readonly kind: "waiting";
      readonly upstream: Upstream;
      readonly until: number;
      readonly sessionId: string | null;
    }
  /** Requests wait for a place at it, where none did a while ago; or what it takes at once was learned from a refusal. */
  | LaneEvent<"queue">
  | LaneEvent<"limit-learned">
  /** No upstream of a service is usable. Sent once until one is again. */
  | { readonly kind: "all-down"; readonly upstreams: readonly Upstream[]; readonly reason: Reason };

export interface LaneEvent<Kind extends "queue" | "limit-learned" = "queue" | "limit-learned"> {
  readonly kind: Kind;
  readonly upstream: Upstream;
  readonly facts: LaneFacts;
}

/** The places at an upstream that takes only so many requests at once. */
export interface LaneFacts {
  readonly inUse: number;
  readonly limit: number;
  readonly waiting: number;
  /** The user's name for the limit that several share, or null. */
  readonly group: string | null;
  readonly source: "config" | "learned";
  /** When a learned limit ends, wall clock in ms. */
  readonly until: number | null;
}

/** A balance, as far as it matters for the order. Replaces what was noted before. */
export interface QuotaNote {
  readonly state: "ok" | "low" | "exhausted";
  /** Wall clock, ms, of the reading. */
  readonly at: number;
  /** When the balance comes back, wall clock in ms; null where nobody said. */
  readonly until: number | null;
  /** "$0.00 of $20.00 left". */
  readonly reason: Reason;
  /** Who says so: a balance that was read, the headers of answers, the user's budget. Default: a balance. */
  readonly source?: Reason;
}
