// Placeholder.
// Pure.
import type { RetryClass, RoutingSettings } from "./types.ts";
export function mayRepeat(retryClass: RetryClass, request: { path: string; facts: { store: boolean; background: boolean; api: string }; settings: RoutingSettings }): boolean {
  return retryClass === "A" || retryClass === "B" || (retryClass === "C" && !request.facts.store);
}
