// Where at a host the API is, for an address that gave a web page or knows no such path: a few usual places are asked with an empty
// request, without a key. Never throws.
import { SERVICE_FACTS } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { joinTargetUrl } from "../../proxy/target-url.ts";

const WITHIN_MS = 4_000;
/** How an API answers a request without a key or a body; a missing path is none of these. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 422]);

/** The base URL that answers like an API, the nearest first; null where none does. Throws nothing. */
export async function findApi(upstream: Upstream): Promise<string | null> {
  const isApi = await Promise.all(
    listPlaces(upstream).map(async (baseUrl) => [baseUrl, await answers({ ...upstream, baseUrl })] as const),
  );
  return isApi.find(([, is]) => is)?.[0] ?? null;
}

function listPlaces({ baseUrl, service }: Upstream): string[] {
  const { basePath } = SERVICE_FACTS[service];
  const { origin } = new URL(baseUrl);
  const below = baseUrl.endsWith("/v1") ? [] : [baseUrl + basePath];
  const places = [...below, ...CLIENTS[service].apiPlaces.map((prefix) => origin + prefix + basePath)];
  return [...new Set(places)].filter((place) => place !== baseUrl);
}

async function answers({ baseUrl, proxy, service }: Upstream): Promise<boolean> {
  const { headers, path } = CLIENTS[service].testRequest;
  const url = joinTargetUrl({ service, baseUrl, path, search: "", query: {} });
  if (url === null) return false;
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: "{}",
      redirect: "manual",
      proxy,
      signal: AbortSignal.timeout(WITHIN_MS),
    });
    const text = (await response.text()).trimStart();
    return REFUSALS.has(response.status) && text.startsWith("{");
  } catch {
    return false;
  }
}
