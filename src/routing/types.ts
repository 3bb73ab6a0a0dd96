// The nouns of routing: what an attempt came to (facts), what that means (verdict), what a router keeps and answers.
// Types only: every room above may import this file.
// Pure.
import type { Service } from "../base/service.ts";
import type { StatusOverride, Upstream } from "../base/upstream.ts";

/** The facts of one attempt that did not simply succeed. Made in proxy/, read by classify.ts; never thrown. */
export type AttemptOutcome =
  /** A whole answer with a status that is not 2xx (a 3xx too). `body` is at most 64 KB of its decoded text. */
  | { readonly kind: "status"; readonly status: number; readonly headers: Headers; readonly body: string }
  /** A 2xx whose content is a failure. `body` is the error event's data, the JSON text or the page's start. */
  | {
      readonly kind: "bad-content";
      readonly reason:
        "error-event" | "json-error" | "html" | "empty" | "ended-early" | "malformed" | "no-compaction";
      readonly status: number;
      readonly headers: Headers;
      readonly body: string;
    }
  /** The connection failed. `code` is Bun's error code; `sent` says whether the upstream can have seen the request. */
  | { readonly kind: "transport"; readonly code: string; readonly sent: "never" | "maybe" }
  | { readonly kind: "timeout"; readonly phase: "connect" | "first-byte" }
  /** After bytes went to the client: the stream broke, went silent, or ended without its terminal event. */
  | {
      readonly kind: "cut";
      readonly reason: "reset" | "idle" | "no-terminal-event" | "error-event";
      readonly body: string;
    }
  /** Could not be tried at all: `why` is one sentence for the user (a missing key, a refused proxy scheme). */
  | { readonly kind: "not-tried"; readonly why: string };

/** FAULTS 4: A never sent, B refused by the server, C ambiguous, D never to be repeated. */
export type RetryClass = "A" | "B" | "C" | "D";

/** What a verdict does to the upstream's standing. */
export type Blame =
  | "none"
  /** One counted failure of the breaker. */
  | "failure"
  /** DNS, refused, no route: the lower threshold. */
  | "never-sent"
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
   *  `repair`: change the body (encrypted history) and ask the same upstream once more. */
  readonly next: "next" | "terminal" | "repair";
  readonly retryClass: RetryClass;
  readonly blame: Blame;
  /** Wall clock, ms; null where the blame has no expiry of its own. */
  readonly until: number | null;
  /** Where `until` comes from: "retry-after header", "resets_at in the body", "default 15 min". */
  readonly source: string;
  /** Words for people: "429 usage limit reached". */
  readonly reason: string;
  /** Set when a limit resets at a time the upstream itself named, uncapped: for the answer to the client. */
  readonly resetsAt: number | null;
}

export interface ClassifyContext {
  readonly service: Service;
  /** Wall clock, ms. */
  readonly now: number;
  readonly overrides: Readonly<Record<string, StatusOverride>>;
  readonly settings: RoutingSettings;
  /** True when the request carries history bound to an account (encrypted reasoning, previous_response_id, signatures). */
  readonly hasBoundHistory: boolean;
}

/** `routing` of config.json, in milliseconds. SPEC 3.1 gives the defaults, FAULTS 3 the reasons. */
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
  readonly returnAfterIdleMs: number;
}

/** How an upstream stands right now, in one word; `reason` and `until` go with it. */
export type Standing =
  "ok" | "probing" | "open" | "cooling" | "exhausted" | "auth-dead" | "model-unknown" | "low";

export interface Candidate {
  readonly upstream: Upstream;
  readonly standing: Standing;
  /** Why it has this place, in words: "primary", "session stays here", "exhausted until 16:40 (429 ...)". */
  readonly reason: string;
}

export interface PlanRequest {
  /** Enabled upstreams of the active config, in the user's order. */
  readonly upstreams: readonly Upstream[];
  readonly model: string | null;
  readonly sessionId: string | null;
  /** Wall clock, ms. */
  readonly now: number;
}

/** May this attempt go now? `probe`: it is the half-open trial and must first see a bare connect succeed. */
export type Admission =
  | { readonly kind: "go" }
  | { readonly kind: "probe" }
  | {
      readonly kind: "blocked";
      readonly until: number;
      readonly reason: string;
      readonly standing: Standing;
    };
