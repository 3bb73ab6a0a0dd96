// An audit in words: "consistent", "differs: ...", "not enough data (n of m)", and the figures behind each.
import type { AuditedUpstream } from "../app/audit/log-audit.ts";
import { type Text, t as text } from "../base/text.ts";
import type { Check, Finding } from "../usage/audit/checks.ts";
import type { Strip } from "../usage/availability.ts";
import { formatMs, formatUsd } from "./figures.ts";

export const CHECK_NAMES: Readonly<Record<Check, Text>> = {
  model: text`model`,
  input: text`input tokens`,
  large: text`large requests`,
  output: text`output tokens`,
  cache: text`cache`,
  charge: text`charged`,
};

export const STATE_NAMES: Readonly<Record<Finding["state"], Text>> = {
  consistent: text`consistent`,
  differs: text`differs`,
  unknown: text`not enough data`,
};

const OF: Readonly<Record<Finding["of"], Text>> = {
  answers: text`answered requests`,
  sessions: text`sessions`,
  stretches: text`stretches between readings of the balance`,
  upstreams: text`other upstreams with the same models`,
};

const times = (value: number): string => value.toFixed(2);
const percent = (value: unknown): string => `${Math.round(Number(value) * 100)} %`;
/** "1.21 times (1.17-1.25)" */
const showRatio = ([middle, low, high]: NonNullable<Finding["ratio"]>): string =>
  `${times(middle)} (${times(low)}-${times(high)})`;

export function describeFinding(finding: Finding): Text {
  const { count, needed, of, state, values } = finding;
  if (state === "unknown") {
    if (values["why"] === "others") return text`not enough data (the balance is used from elsewhere, too)`;
    if (values["why"] === "uneven") return text`not enough data (the balance goes down unevenly)`;
    return text`not enough data (${count} of ${needed}): ${OF[of]}`;
  }
  const proof = describeProof(finding);
  if (state === "consistent") return text`consistent: ${proof}`;
  return finding.confidence === "high"
    ? text`differs: ${proof}`
    : text`differs: ${proof}, moderate confidence`;
}

function describeProof({ check, count, ratio, state, values }: Finding): Text {
  const ranged = ratio === null ? "" : showRatio(ratio);
  switch (check) {
    case "model":
      return state === "differs"
        ? text`${values["others"] ?? 0} of ${count} answers name another model (${values["named"] ?? ""})`
        : text`${count} of ${count} answers name what was asked for`;
    case "input":
      return text`${ranged} times the others' tokens for the same bytes, ${count} sessions`;
    case "large":
      return text`${ranged} times the others' tokens for large requests, ${count} sessions`;
    case "output":
      return text`${ranged} times the others' tokens for the same text, ${count} sessions`;
    case "cache":
      return text`${percent(values["read_share"])} of stable beginnings read from the cache, others ${percent(values["pool_read_share"])}, ${count} answers`;
    case "charge":
      return values["why"] === "cache"
        ? text`${ranged} times the computed cost, as if nothing came from the cache, ${count} stretches`
        : text`${ranged} times the computed cost, ${count} stretches`;
  }
}

/** What else is known of it, a line each. */
export function describeEvidence({ check, values }: Finding): Text[] {
  if (check === "cache" && values["breaks"] !== undefined) {
    const usd = values["breaks_usd"];
    return [
      usd === undefined
        ? text`${values["breaks"]} of ${values["stable"] ?? 0} answers broke the cache`
        : text`${values["breaks"]} of ${values["stable"] ?? 0} answers broke the cache, for about ${formatUsd(Number(usd))} more`,
    ];
  }
  if (check === "charge" && values["charged_usd"] !== undefined)
    return [
      text`the balance went down by ${formatUsd(Number(values["charged_usd"]))}, computed are ${formatUsd(Number(values["computed_usd"]))}; stretches with a top-up or a reset are left out`,
    ];
  if ((check === "input" || check === "large" || check === "output") && values["pool"] !== undefined)
    return [text`beside ${values["pool"]} other upstreams, for the same model, client and project`];
  return [];
}

/** First byte, speed and the like; nothing of them is judged. */
export function listFigures({ drift, figures, strip }: AuditedUpstream): Text[] {
  const {
    cut_rate: cut,
    output_tokens_per_second: speed,
    refusals,
    ttfb_p50_ms: half,
    ttfb_p95_ms: most,
  } = figures;
  const told = Object.entries(refusals)
    .slice(0, 5)
    .map(([rule, count]) => `${rule} ${count}`);
  return [
    ...(half === null || most === null ? [] : [text`first byte ${formatMs(half)}, p95 ${formatMs(most)}`]),
    ...(speed === null ? [] : [text`${Math.round(speed)} tokens/s`]),
    ...(cut === null ? [] : [text`cut ${(cut * 100).toFixed(1)} %`]),
    ...(strip === null || strip.asked === 0
      ? []
      : [text`up ${((100 * strip.fine) / strip.asked).toFixed(1)} %`]),
    ...(told.length === 0 ? [] : [text`refusals: ${told.join(", ")}`]),
    ...(drift.length === 0 ? [] : [text`refuses of new clients: ${drift.length}`]),
  ];
}

/** A sign a period, oldest first: it answered, failed at times, failed, its quota was spent, or it was not asked. */
export function makeStrip(strip: Strip | null, columns: number): string {
  if (strip === null) return "";
  return strip.cells
    .slice(-columns)
    .map((cell) => {
      const { failing = 0, fine = 0, spent = 0 } = cell ?? {};
      if (failing + fine + spent === 0) return "·";
      if (spent > fine + failing) return "$";
      return failing === 0 ? "█" : failing < fine ? "▓" : "░";
    })
    .join("");
}
