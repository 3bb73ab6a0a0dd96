// Says what a failed attempt means: what to do next, whom to blame and for how long, and whether the request may be sent again
// without doing harm (RFC 9110 9.2.2). Looks rows up, holds none.
// Pure.
import { maskText } from "../base/secrets.ts";
import { oneLine } from "../base/terminal-text.ts";
import type { Upstream } from "../base/upstream.ts";
import { refusedBy, RULES, UNKNOWN } from "./classify-rules.ts";
import { readAtOnce } from "./at-once.ts";
import { findOwnRule } from "./own-rules.ts";
import type { UntilTime } from "./rule.ts";
import { makeSignal, type Signal } from "./signal.ts";
import type {
  AttemptOutcome,
  Blame,
  ClassifyContext,
  Reason,
  RetryClass,
  RoutingSettings,
  Verdict,
} from "./types.ts";

/** A wait that is longer than this is no rate limit but a spent quota. */
const LONGEST_COOLDOWN_MS = 3_600_000;
const SHORTEST_COOLDOWN_MS = 1_000;

/** The verdict on an attempt at an upstream. A request cannot be repaired unless it is said. Never throws. */
export function classifyAttempt(
  outcome: AttemptOutcome,
  upstream: Upstream,
  context: Pick<ClassifyContext, "now" | "settings"> & Partial<ClassifyContext>,
): Verdict {
  return classify(outcome, {
    canRepair: () => false,
    overrides: upstream.onStatus,
    onError: upstream.onError,
    ...context,
  });
}

/** The verdict on one attempt. Never throws, whatever an upstream sent. */
export function classify(outcome: AttemptOutcome, context: ClassifyContext): Verdict {
  const signal = makeSignal(outcome, context);
  const own = findOwnRule(signal);
  const rule = own ?? RULES.find((row) => row.matches(signal)) ?? UNKNOWN;
  const until = rule.until.find(signal);
  const blame = weigh(rule.blame, until, context.now);
  const isCut = outcome.kind === "cut";
  const refused = rule.id === "drift" ? refusedBy(signal) : [];
  const atOnce = rule.id === "concurrency" ? readAtOnce(signal) : null;
  const next = isCut ? "terminal" : nextOf(rule, outcome, context);
  return {
    ...(refused.length === 0 ? {} : { refused }),
    ...(atOnce === null ? {} : { atOnce }),
    ...(next === "elsewhere" ? { said: signal.facts.message } : {}),
    rule: rule.id,
    next,
    retryClass: isCut ? "D" : rule.retryClass,
    blame,
    until: cap(until.atMs, blame, context),
    source: until.source,
    reason: reasonOf(signal, own?.reason ?? rule.id),
    isOfAddress: "isOfAddress" in rule && rule.isOfAddress?.(signal) === true,
    resetsAt: until.isStated ? until.atMs : null,
  };
}

/** What a failed attempt says of the key: what was refused for another reason had an accepted one. */
export function isKeyAccepted(outcome: AttemptOutcome, { blame }: Verdict): "yes" | "no" | "unknown" {
  if (blame === "auth-dead") return "no";
  if (blame === "exhausted" || blame === "cooldown" || blame === "model") return "yes";
  return outcome.kind === "status" && (outcome.status === 400 || outcome.status === 422) ? "yes" : "unknown";
}

/** Where the user wants no second opinion, a refusal is the client's to see. One inside a 200 goes on as ever. */
function nextOf(
  { next }: Pick<Verdict, "next">,
  outcome: AttemptOutcome,
  context: ClassifyContext,
): Verdict["next"] {
  if (next !== "elsewhere" || context.settings.drift !== "off") return next;
  const isPathMissing = outcome.kind === "status" && [404, 405, 410, 426, 501].includes(outcome.status);
  return outcome.kind === "status" && !isPathMissing ? "terminal" : "next";
}

/** A long wait is exhaustion, whatever it is called. */
function weigh(blame: Blame, until: UntilTime, now: number): Blame {
  const isLong = until.isStated && until.atMs !== null && until.atMs - now > LONGEST_COOLDOWN_MS;
  return blame === "cooldown" && isLong ? "exhausted" : blame;
}

function cap(atMs: number | null, blame: Blame, { now, settings }: ClassifyContext): number | null {
  if (atMs === null) return null;
  if (blame === "cooldown") return Math.max(atMs, now + SHORTEST_COOLDOWN_MS);
  return Math.min(atMs, now + settings.exhaustedMaxMs);
}

/** Only codes of the upstream are repeated: its words may hold a key. */
function reasonOf({ facts, headers, outcome }: Signal, rule: string): Reason {
  if (outcome.kind === "not-tried") return { rule, why: outcome.why };
  if (outcome.kind === "transport") return { rule, code: outcome.code };
  if (outcome.kind === "outbound-proxy")
    return { rule, proxy: outcome.proxy, code: outcome.code ?? undefined };
  return {
    rule,
    status: outcome.kind === "status" ? outcome.status : undefined,
    code: facts.codes.find((candidate) => CODE.test(candidate) && !PLAIN.has(candidate)),
    ...(rule === "redirect" ? findTarget(headers) : {}),
  };
}

const LONGEST_TARGET = 80;

/** Who answered for the upstream shows by where it sends us: a login page, another scheme or path. */
export function findTarget(headers: Headers): { readonly to?: string } {
  const location = headers.get("location")?.replace(/[?#].*$/s, "") ?? "";
  const url = URL.parse(location, "http://here.invalid");
  if (location === "" || url === null) return {};
  const to = url.host === "here.invalid" ? url.pathname : url.origin + url.pathname;
  return { to: maskText(oneLine(to)).slice(0, LONGEST_TARGET) };
}

/** Short words without a digit: a relay that repeats a key in the place of a code does not get it through. */
const CODE = /^(?=.{3,60}$)[a-z]{1,20}(?:[_.-][a-z]{1,20})*$/;
/** Codes that say nothing. */
const PLAIN = new Set(["error", "failed", "response.failed"]);

export interface ReplayRequest {
  /** Of its answers the upstream keeps nothing, or only what it is asked to keep. */
  readonly isRepeatable: boolean;
  readonly facts: {
    /** The upstream keeps the answer. */
    readonly store: boolean;
    /** The upstream works on without the connection. */
    readonly background: boolean;
  };
  readonly settings: Pick<RoutingSettings, "ambiguous">;
}

/**
 * A: never sent. B: refused before any work. Both are always safe. C: may have been done; safe only where nothing is kept, so
 * that the worst is an answer billed twice, and where the user has not said `ambiguous: "never"`. D: never.
 */
export function mayRepeat(retryClass: RetryClass, { facts, isRepeatable, settings }: ReplayRequest): boolean {
  if (retryClass !== "C") return retryClass !== "D";
  return settings.ambiguous === "failover" && isRepeatable && !facts.background && !facts.store;
}
