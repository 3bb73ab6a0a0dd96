// Placeholder until the table lands.
// Pure.
import type { AttemptOutcome, ClassifyContext, Verdict } from "./types.ts";

export function classify(outcome: AttemptOutcome, context: ClassifyContext): Verdict {
  const base = { until: null, source: "default", resetsAt: null } as const;
  if (outcome.kind === "transport") return { ...base, rule: "transport", next: "next", retryClass: outcome.sent === "never" ? "A" : "C", blame: outcome.sent === "never" ? "never-sent" : "failure", reason: outcome.code };
  if (outcome.kind === "timeout") return { ...base, rule: "timeout", next: "next", retryClass: "C", blame: "first-byte", reason: outcome.phase };
  if (outcome.kind === "not-tried") return { ...base, rule: "not-tried", next: "next", retryClass: "A", blame: "auth-dead", until: context.now + 1000, reason: outcome.why };
  if (outcome.kind === "cut") return { ...base, rule: "cut", next: "terminal", retryClass: "D", blame: "failure", reason: outcome.reason };
  if (outcome.kind === "bad-content") return { ...base, rule: outcome.reason, next: "next", retryClass: "B", blame: "failure", reason: outcome.reason };
  const { status } = outcome;
  if (status === 429) return { ...base, rule: "429", next: "next", retryClass: "B", blame: "cooldown", until: context.now + 10_000, reason: "429" };
  if ([401, 402, 403].includes(status)) return { ...base, rule: String(status), next: "next", retryClass: "B", blame: "auth-dead", until: context.now + 300_000, reason: String(status) };
  if (status === 408 || status >= 500 || status < 400) return { ...base, rule: String(status), next: "next", retryClass: "C", blame: "failure", reason: String(status) };
  return { ...base, rule: String(status), next: "terminal", retryClass: "D", blame: "none", reason: String(status) };
}
