// From cc-switch's providers to configs of ours: the failover queue as one config, every other provider as its own.
// What cannot work here is left out with the reason.
// Pure.
import { UserError } from "../../base/errors.ts";
import { type Text, t } from "../../base/text.ts";
import type { Service } from "../../base/service.ts";
import { isOnThisMachine } from "../../config/base-url.ts";
import type { AuthEntry, UpstreamEntry } from "../../config/schema.ts";
import {
  CC_SWITCH_SERVICES,
  type CcSwitchProvider,
  type ProviderFacts,
  formatOf,
  isCloud,
  isManaged,
  makeForeignExtras,
  readFacts,
} from "./cc-switch-provider.ts";
import {
  CC_SWITCH_KEY,
  type Import,
  type ImportedConfig,
  nameConfig,
  problemOfUpstream,
} from "../imported-config.ts";

/** The end of an address that is one endpoint, not a base. */
const ENDPOINT = /\/(?:responses|messages|chat\/completions)\/?$/;

/** `providers` are in cc-switch's own order. */
export function importCcSwitch(providers: readonly CcSwitchProvider[]): Import {
  const skipped: (Text | string)[] = [];
  const configs = CC_SWITCH_SERVICES.flatMap((service) =>
    importService(
      providers.filter((provider) => provider.service === service),
      service,
      skipped,
    ),
  );
  return { configs, skipped };
}

function importService(
  providers: readonly CcSwitchProvider[],
  service: Service,
  skipped: (Text | string)[],
): ImportedConfig[] {
  const usable = providers.flatMap((provider) => {
    const upstreams = makeUpstreams(provider, skipped);
    return upstreams.length === 0 ? [] : [{ provider, upstreams }];
  });
  const waiting = usable.filter(({ provider }) => provider.isQueued);
  const queue = waiting.length > 1 ? waiting : [];
  const failover: ImportedConfig = {
    service,
    name: "failover",
    alias: t`cc-switch's failover queue`,
    upstreams: queue.flatMap(({ upstreams }) => upstreams),
    from: t`cc-switch's failover queue`,
  };
  const single = usable
    .filter((one) => !queue.includes(one))
    .map(({ provider: { name, isCurrent }, upstreams }) => ({
      isCurrent,
      config: { service, ...nameConfig(name), upstreams, from: t`cc-switch's provider "${name}"` },
    }));
  const queued = { isCurrent: queue.some(({ provider }) => provider.isCurrent), config: failover };
  return [...(queue.length === 0 ? [] : [queued]), ...single]
    .toSorted((one, other) => Number(other.isCurrent) - Number(one.isCurrent))
    .map(({ config }) => config);
}

/** One for each address; none, with a word in `skipped`, where the provider cannot be used here. */
function makeUpstreams(provider: CcSwitchProvider, skipped: (Text | string)[]): UpstreamEntry[] {
  const skip = (why: Text | string): UpstreamEntry[] => {
    skipped.push(t`"${provider.name}": ${why}`);
    return [];
  };
  try {
    const facts = readFacts(provider);
    const problem = whyNot(provider, facts);
    if (problem !== null) return skip(problem);
    const extras = makeForeignExtras(provider, facts);
    const auth = authOf(provider, facts);
    const addresses = [...new Set([facts.baseUrl, ...provider.endpoints].map(withoutSlashes))];
    return addresses.flatMap((baseUrl) => {
      const isWhole = provider.meta["isFullUrl"] === true;
      const upstream = { base_url: isWhole ? baseUrl.replace(ENDPOINT, "") : baseUrl, auth, ...extras };
      const unusable = isOnThisMachine(baseUrl)
        ? t`its address is on this machine`
        : problemOfUpstream(upstream, provider.service);
      return unusable === null ? [upstream] : skip(unusable);
    });
  } catch (error) {
    if (error instanceof UserError) return skip(error.text);
    throw error;
  }
}

/** In the order in which a person would think of it. */
function whyNot(provider: CcSwitchProvider, facts: ProviderFacts): Text | null {
  const { service, meta, category } = provider;
  const { baseUrl, key, wireFormat } = facts;
  if (isManaged(provider)) return t`cc-switch signs in to that account itself`;
  if (isCloud(provider, baseUrl)) return t`it is a cloud provider's endpoint (such as Bedrock)`;
  if (category === "official" || (baseUrl === "" && key === null)) {
    return t`the vendor's login (ch config import --from ${service})`;
  }
  if (baseUrl === "") return t`it has no address`;
  if (key === CC_SWITCH_KEY) return t`its key is a placeholder of cc-switch's proxy`;
  if (isOnThisMachine(baseUrl)) return t`its address is on this machine`;
  if (wireFormat !== formatOf(service).wireFormat) return t`it uses another API format (${wireFormat})`;
  if (key === null && facts.keyVariable === null) return t`it has no key`;
  if (meta["isFullUrl"] === true && !ENDPOINT.test(baseUrl))
    return t`its address is a single endpoint; no base URL can be derived from it`;
  return null;
}

function authOf(provider: CcSwitchProvider, { key, keyVariable }: ProviderFacts): AuthEntry {
  if (key === null) return keyVariable === null ? {} : { auth_token_env: keyVariable };
  return formatOf(provider.service).authOf(key, provider);
}

function withoutSlashes(url: string): string {
  return url.trim().replace(/\/+$/, "");
}
