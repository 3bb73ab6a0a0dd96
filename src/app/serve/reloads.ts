// Which of our files changed while requests were served, and what that means for the next one: told once, when it is read.
// Requests are served by the last good version, so that nothing else would show a file that is broken.
import type { UserError } from "../../base/errors.ts";
import { CLIENT_NAME, type Service } from "../../base/service.ts";
import { type Text, inEnglish, joinTexts, t } from "../../base/text.ts";
import { type Upstream, showHost } from "../../base/upstream.ts";
import type { LiveFilter } from "../../filter/live-filter.ts";
import type { ListedConfig, LiveConfig, LiveRoute } from "../live-config.ts";
import type { LivePrices } from "../spend/live-prices.ts";

export interface ReloadsOptions {
  readonly live: LiveConfig;
  readonly filter: LiveFilter;
  readonly prices: LivePrices;
  readonly clientToken: string | null;
  readonly onTrouble: (words: Text | string) => void;
  /** Something that the person did is in force. */
  readonly onNotice: (words: Text) => void;
  /** config.json is another. */
  readonly onConfig: () => void;
}

export function createReloads(options: ReloadsOptions) {
  const { clientToken, filter, live, onConfig, onNotice, onTrouble, prices } = options;
  let told: readonly string[] = [];
  let config = live.current().config;
  let rules: number | null = null;
  const broken = new Set<string>();
  const routes: { readonly service: Service; readonly route: LiveRoute; listed: ListedConfig | null }[] = [];

  /** A file that was broken before, and is not now. */
  const noteRepair = (name: string, isBroken: boolean): boolean => {
    if (isBroken) broken.add(name);
    else if (broken.delete(name)) {
      onNotice(t`${name} is good again`);
      return true;
    }
    return false;
  };
  const lookAtConfig = (isRepaired: boolean): void => {
    const next = live.current().config;
    if (next === config) return;
    config = next;
    onConfig();
    const changes = routes.flatMap((one) => {
      const listed = one.route.listUpstreams();
      const before = one.listed;
      one.listed = listed;
      return describeChanges(before, listed).map((words) =>
        routes.length > 1 ? t`${CLIENT_NAME[one.service]}: ${words}` : words,
      );
    });
    if (changes.length > 0) onNotice(t`config.json: ${joinTexts(changes, ", ")}`);
    else if (!isRepaired) onNotice(t`config.json was read again`);
  };
  const lookAtRules = (): void => {
    const facts = filter.lastFacts();
    if (facts === null || facts.state === "broken" || facts.rules === rules) return;
    if (rules !== null) onNotice(t`filter.json: ${facts.rules} rules are in force`);
    rules = facts.rules;
  };

  return {
    /** A service that is served. */
    add(service: Service, route: LiveRoute): void {
      routes.push({ service, route, listed: route.listUpstreams() });
    },
    /** Costs a look at each file. */
    look(): void {
      const costs = prices.problem();
      const { problem } = live.current();
      const bad = filter.lastProblem();
      const isRepaired = noteRepair("config.json", problem !== null);
      noteRepair("filter.json", bad !== null);
      noteRepair("prices.json", costs !== null);
      lookAtConfig(isRepaired);
      lookAtRules();
      const hasToken = live.settings().demandsToken === (clientToken !== null);
      const { unknownKeys } = config;
      const isFine = problem === null && bad === null && costs === null && hasToken;
      if (isFine && unknownKeys.length === 0 && told.length === 0) return;
      const troubles = [
        ...unknownKeys,
        ...(problem === null ? [] : [t`${problem.text}; the last valid version stays in use`]),
        ...(bad === null ? [] : [describeRuleTrouble(bad)]),
        ...(costs === null ? [] : [costs.text]),
        ...(hasToken ? [] : [t`limits.client_token was changed: it takes effect when ch starts again`]),
      ];
      for (const words of troubles) if (!told.includes(inEnglish(words))) onTrouble(words);
      told = troubles.map(inEnglish);
    },
  };
}

function describeRuleTrouble({ hintText, text }: UserError): Text {
  return hintText === undefined ? t`${text}; see: ch filter check` : t`${text}; ${hintText}`;
}

/** What of the upstreams in use is another than before; nothing where only settings changed. */
function describeChanges(before: ListedConfig | null, after: ListedConfig | null): Text[] {
  if (after === null) return before === null ? [] : [t`no config is active now`];
  if (before?.configName !== after.configName) return [t`${after.configName} is active now`];
  const of = ({ entries }: ListedConfig, label: string) =>
    entries.find(({ upstream }) => upstream.label === label);
  const changed = after.entries.flatMap(({ isEnabled, upstream }): Text[] => {
    const { label } = upstream;
    const was = of(before, label);
    if (was === undefined) return [t`${label} was added (${showHost(upstream.baseUrl)})`];
    if (was.upstream.baseUrl !== upstream.baseUrl) return [t`${label} is ${showHost(upstream.baseUrl)} now`];
    if (was.isEnabled !== isEnabled) return [isEnabled ? t`${label} is enabled` : t`${label} is disabled`];
    if (was.upstream.key !== upstream.key) return [t`${label} has another key`];
    return isSame(was.upstream, upstream) ? [] : [t`${label} has other settings`];
  });
  const removed = before.entries.flatMap(({ upstream: { label } }) =>
    of(after, label) === undefined ? [t`${label} was removed`] : [],
  );
  return [...changed, ...removed];
}

function isSame(one: Upstream, other: Upstream): boolean {
  return Bun.deepEquals({ ...one, credential: null }, { ...other, credential: null });
}
