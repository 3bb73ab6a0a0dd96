// Finds out of what kind an upstream is without asking it anything: by the host of a vendor, or by a header that a relay's
// software puts on every answer.
// Pure.
import type { RelayKind } from "./kinds.ts";

const VENDORS: Readonly<Record<string, RelayKind>> = {
  "openrouter.ai": "openrouter",
  "api.deepseek.com": "deepseek",
  "api.moonshot.cn": "moonshot",
  "api.moonshot.ai": "moonshot_ai",
};

/** new-api sets the second header too: the first decides. */
const HEADERS: readonly (readonly [header: string, kind: RelayKind])[] = [
  ["x-new-api-version", "newapi_token"],
  ["x-oneapi-request-id", "openai_billing"],
];

export function recogniseHost(host: string): RelayKind | null {
  return Object.hasOwn(VENDORS, host) ? (VENDORS[host] ?? null) : null;
}

export function recogniseHeaders(headers: Headers): RelayKind | null {
  return HEADERS.find(([name]) => headers.has(name))?.[1] ?? null;
}
