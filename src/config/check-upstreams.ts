// Looks at the upstreams of one config for what the schema cannot say: addresses, credentials, headers, doubles.
// Pure.
import type { JSONPath } from "../base/jsonc-parser.ts";
import type { Service } from "../base/service.ts";
import { t } from "../base/language.ts";
import { readBaseUrl } from "./base-url.ts";
import { checkAuth } from "./check-auth.ts";
import { checkProxyUrl } from "./outbound-proxy.ts";
import type { UpstreamEntry } from "./schema.ts";

export interface Remark {
  /** Below `upstreams`. */
  readonly path: JSONPath;
  readonly words: string;
}

export interface UpstreamsCheck {
  /** The first thing that makes the config unusable, or null. */
  readonly problem: Remark | null;
  readonly warnings: readonly Remark[];
}

export function checkUpstreams(upstreams: readonly UpstreamEntry[], service: Service): UpstreamsCheck {
  const warnings: Remark[] = [];
  const seen = new Map<string, number>();
  for (const [index, upstream] of upstreams.entries()) {
    const base = readBaseUrl(upstream.base_url);
    const baseAt = [index, "base_url"];
    if (base.kind === "bad") return { problem: { path: baseAt, words: base.problem }, warnings };
    if (base.warning !== undefined) warnings.push({ path: baseAt, words: base.warning });

    const auth = checkAuth({
      auth: upstream.auth ?? {},
      baseUrl: base.url,
      tags: upstream.tags ?? {},
      service,
    });
    const inAuth = ({ key, words }: { key: string; words: string }): Remark => ({
      path: [index, "auth", key],
      words,
    });
    if (auth.problem !== null) return { problem: inAuth(auth.problem), warnings };
    warnings.push(...auth.warnings.map(inAuth));

    const proxy = typeof upstream.proxy === "string" ? checkProxyUrl(upstream.proxy) : null;
    if (proxy !== null) return { problem: { path: [index, "proxy"], words: proxy }, warnings };

    const identity = JSON.stringify([base.url, upstream.auth ?? null, upstream.models ?? null]);
    const twin = seen.get(identity);
    if (twin !== undefined)
      warnings.push({ path: [index], words: t`is the same upstream as number ${twin + 1}` });
    else seen.set(identity, index);
  }
  return { problem: null, warnings };
}
