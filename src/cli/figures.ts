// Figures and names as they fit into a column of a terminal.
import { t } from "./language.ts";
import { isWhole, type Tally } from "../usage/tally.ts";

/** 950, 12.3k, 4.56M, 7.89G. */
export function formatTokens(tokens: number): string {
  if (tokens < 1000) return String(Math.round(tokens));
  if (tokens < 999_500) return `${(tokens / 1000).toPrecision(3)}k`;
  return tokens < 999.5e6 ? `${(tokens / 1e6).toPrecision(3)}M` : `${(tokens / 1e9).toFixed(2)}G`;
}

/** 85 ms, 1.2 s, 75 s. */
export function formatMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 9950 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}

/** 512 B, 80 KB, 1.2 MB. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const kilobytes = Math.round(bytes / 1024);
  return kilobytes < 1024 ? `${kilobytes} KB` : `${(bytes / 2 ** 20).toFixed(1)} MB`;
}

/** $0, $0.0042, $1.23, $4567. */
export function formatUsd(usd: number): string {
  if (usd === 0) return "$0";
  if (usd < 0.0001) return "<$0.0001";
  if (usd < 0.01) return `$${usd.toFixed(4)}`;
  return usd < 999.995 ? `$${usd.toFixed(2)}` : `$${Math.round(usd)}`;
}

/** $0, <$0.01, $0.41: where a line has no room for more. */
export function formatCents(usd: number): string {
  return usd > 0 && usd < 0.005 ? "<$0.01" : usd === 0 ? "$0" : formatUsd(Math.max(usd, 0.01));
}

/** "+": some of the requests have no price, or did not say what they used. */
export function showCost(tally: Tally): string {
  const { cost_usd: usd, unpriced_attempts, unpriced_requests } = tally;
  if (usd === null) return unpriced_requests + unpriced_attempts > 0 ? t`unpriced` : "-";
  return isWhole(tally, "cost") ? formatUsd(usd) : `${formatUsd(usd)}+`;
}

/** "+": some of the requests did not say what they used, or not all of it. */
export function showTokens(tally: Tally, tokens: number): string {
  return isWhole(tally, "tokens") ? formatTokens(tokens) : `${formatTokens(tokens)}+`;
}

/** What failed attempts cost, of those that said what they used. */
export function showFailedCost({ failed_attempts: count, ...tally }: Tally): string {
  if (count === 0) return "-";
  const { failed_attempts_cost_usd: usd, partial_attempts, unpriced_attempts } = tally;
  if (usd === null) return unpriced_attempts > 0 ? t`unpriced` : "?";
  return partial_attempts + unpriced_attempts > 0 ? `${formatUsd(usd)}+` : formatUsd(usd);
}

/** What the sums do not contain, and what of them the client never saw. */
export function noteUnknown(total: Tally): string[] {
  const { failed_attempts, failed_attempts_tokens, partial_requests, requests_without_usage } = total;
  return [
    ...(requests_without_usage > 0
      ? [t`requests that did not say what they used, not in the sums: ${requests_without_usage}`]
      : []),
    ...(partial_requests > 0
      ? [t`requests that said only a part of what they used: ${partial_requests}`]
      : []),
    ...(failed_attempts > 0
      ? [
          t`failed attempts that used tokens, in the sums: ${failed_attempts} (${formatTokens(failed_attempts_tokens)} tokens, cost ${showFailedCost(total)})`,
        ]
      : []),
  ];
}

export function showMs(ms: number | null): string {
  return ms === null ? "-" : formatMs(ms);
}

/** A path in at most so many columns: its end says more than its beginning. */
export function cutPath(path: string, columns: number): string {
  const width = Bun.stringWidth(path);
  if (width <= columns) return path;
  for (let from = width - columns + 1; from <= width; from += 1) {
    const end = Bun.sliceAnsi(path, from, width);
    // A wide character across the edge is kept whole.
    if (Bun.stringWidth(end) < columns) return `…${end}`;
  }
  return "…";
}
