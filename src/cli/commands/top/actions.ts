// What the keys of the live view change, by the operations that commands have: an upstream enabled and disabled, a config made
// active, an upstream's state reset. Whatever writes a file is asked about first.
import { resetRoute } from "../../../app/status/survey.ts";
import { UserError } from "../../../base/errors.ts";
import { CLIENT_NAME, type Service, flagFor } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import { type Plan, planDisable, planEnable, planSetActive } from "../../../config/edit.ts";
import { loadConfig, updateConfig } from "../../../config/file.ts";
import { parseTarget } from "../../../config/name.ts";
import type { Cli } from "../../cli.ts";
import { t, tell } from "../../language.ts";
import type { ConfigRow, ProxyRow, Row, UpstreamRow } from "./model.ts";

export interface Action {
  /** To be answered with y; null where nothing has to be asked. */
  readonly question: string | null;
  /** Gives what was done. Throws UserError. */
  readonly run: () => Promise<string>;
}

type Act = (cli: Cli, row: Row | null, proxies: readonly ProxyRow[]) => Action | string;

/** By key. A text instead of an action: why there is nothing to do. */
export const ACTIONS: Readonly<Record<string, Act>> = {
  p: (cli, row, proxies) =>
    row?.kind === "upstream" ? makePause(cli, row, proxies) : t`select an upstream first`,
  r: (cli, row) => {
    if (row?.kind !== "upstream") return t`select an upstream first`;
    const { label } = row.facts;
    return {
      question: null,
      async run() {
        await resetRoute(row.service, label, cli);
        return t`${label}: nothing is held against it any more`;
      },
    };
  },
  a: (cli, row, proxies) =>
    row === null || row.kind === "request" ? t`select an upstream first` : makeActive(cli, row, proxies),
};

/** The same key undoes it. */
function makePause(cli: Cli, { facts, service }: UpstreamRow, proxies: readonly ProxyRow[]): Action {
  const { enabled, label } = facts;
  const plan: Plan = (config) => {
    const target = parseTarget(label);
    const entry = config.services[service].configs.get(target.name)?.entry.upstreams[
      (target.position ?? 1) - 1
    ];
    // Labels are places: what is there now may be another upstream than the one on the screen.
    if (entry?.base_url !== facts.base_url)
      throw new UserError(t`config.json has changed: ${label} is another upstream now`);
    return (enabled ? planDisable(service, target, null) : planEnable(service, target))(config);
  };
  const others = proxies
    .filter(({ instance }) => instance.service === service)
    .flatMap((proxy) => proxy.facts?.upstreams ?? [])
    .filter((one) => one.enabled && one.label !== label);
  const last = enabled && others.length === 0 ? t` It is the last one: requests will fail.` : "";
  return {
    question: enabled
      ? t`pause ${label} in config.json? y: yes, any other key: no.${last}`
      : t`use ${label} again, in config.json? y: yes, any other key: no`,
    async run() {
      await updateConfig(cli.paths, plan, cli.now);
      return enabled ? t`${label} is disabled; p enables it again` : t`${label} is enabled`;
    },
  };
}

function makeActive(cli: Cli, row: UpstreamRow | ConfigRow, proxies: readonly ProxyRow[]): Action | string {
  const { service } = row;
  const name = row.kind === "config" ? row.name : parseTarget(row.facts.label).name;
  const own = proxies.filter(({ instance }) => instance.service === service);
  if (own.some(({ facts }) => facts?.config_name === name)) return alreadyActive(name, service, own);
  return {
    question: t`make ${oneLine(name)} the config of ${CLIENT_NAME[service]}, in config.json? y: yes, any other key: no`,
    async run() {
      await updateConfig(cli.paths, planSetActive(service, name), cli.now);
      return t`${CLIENT_NAME[service]} uses ${name} from the next request on`;
    },
  };
}

function alreadyActive(name: string, service: Service, proxies: readonly ProxyRow[]): string {
  const isAlone = proxies.every(({ facts }) => facts?.config_name === name);
  return isAlone
    ? t`${name} is active; its order: ch config move ${name}#2 --to 1${flagFor(service)}`
    : t`${name} is in use already`;
}

/** The configs of all services, as config.json has them; none where it cannot be read. */
export async function listConfigs({ paths }: Cli, services: readonly Service[]): Promise<ConfigRow[]> {
  const config = await loadConfig(paths.config).catch(() => null);
  if (config === null) return [];
  return services.flatMap((service) =>
    [...config.services[service].configs.values()].map(({ entry, name }): ConfigRow => ({
      kind: "config",
      id: `config ${service} ${name}`,
      service,
      name,
      upstreams: entry.upstreams.length,
    })),
  );
}

/** An action's end in words. Never rejects but for bugs. */
export async function act({ run }: Action): Promise<string> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return t`error: ${tell(error.text)}`;
  }
}
