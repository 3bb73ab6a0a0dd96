// Whether the clients point at the proxy: the switch itself, who listens on its port, and what overrides it.
import { onUserError } from "../../base/errors.ts";
import { DEFAULT_PORT, type Service, makeProxyAddress } from "../../base/service.ts";
import type { ClientFiles } from "../../clients/client.ts";
import type { Override } from "../../clients/override.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { loadConfig } from "../../config/file.ts";
import { makeEmptyConfig } from "../../config/parse.ts";
import { lookAtListener } from "../port-owner.ts";
import { type SwitchStatus, readSwitchStatus } from "../../clients/switch/status.ts";

export interface SwitchReportOptions extends Omit<ClientFiles, "systemDirectory"> {
  readonly service: Service;
  /** Where the machine's own files of the clients are. */
  readonly systemDirectories?: Readonly<Partial<Record<Service, string>>>;
}

export type SwitchReport = Awaited<ReturnType<typeof makeSwitchReport>>;

/** Never throws for what the client's files hold. */
export async function makeSwitchReport(options: SwitchReportOptions) {
  const status = await readSwitchStatus(options);
  const { service } = options;
  const [listener, overrides, relays] = await Promise.all([
    status.port === null ? null : lookAtListener(status.port, options.paths.run),
    listOverrides(options, status),
    listRelayHosts(options),
  ]);
  const isOwnRelay = ({ rival }: Override): boolean => rival !== undefined && relays.includes(rival.host);
  return {
    service,
    status,
    /** Who gets the client's requests; null when it is not switched, or nobody does. */
    listener,
    overrides: overrides.filter((one) => !isOwnRelay(one)),
  };
}

/** A relay of the user's own on this machine is no rival: without us the client goes there by itself. */
async function listRelayHosts({ paths, service }: SwitchReportOptions): Promise<readonly string[]> {
  // What is wrong with the file is said elsewhere.
  const config = await loadConfig(paths.config).catch(onUserError(() => makeEmptyConfig()));
  return [...config.services[service].configs.values()].flatMap(({ entry }) =>
    entry.upstreams.flatMap(({ base_url }) => URL.parse(base_url)?.host ?? []),
  );
}

async function listOverrides(
  { service, paths, env, cwd, systemDirectories = {} }: SwitchReportOptions,
  { port }: SwitchStatus,
): Promise<readonly Override[]> {
  const ports = [DEFAULT_PORT[service], ...(port === null ? [] : [port])];
  const ownAddresses = ports.map((one) => makeProxyAddress(service, one));
  const isOwnAddress = (baseUrl: string): boolean => ownAddresses.includes(baseUrl);
  const files = { paths, env, cwd, systemDirectory: systemDirectories[service] };
  // The file's problem is in the status already.
  return await CLIENTS[service].listOverrides(files, isOwnAddress).catch(onUserError(() => []));
}
