// Whether the clients point at the proxy: the switch itself, who listens on its port, and what overrides it.
import { quoteWord } from "../../base/shell.ts";
import { dirname } from "node:path";
import { onUserError } from "../../base/errors.ts";
import { DEFAULT_PORT, type Service, isOwnAddress, makeProxyAddress } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import type { ClientFiles } from "../../clients/client.ts";
import { type Override, listRelativeHome } from "../../clients/override.ts";
import { CLIENTS } from "../../clients/registry.ts";
import { loadConfig } from "../../config/file.ts";
import { type ParsedConfig, makeEmptyConfig } from "../../config/parse.ts";
import { resolveSettings } from "../../config/settings.ts";
import { readClientToken } from "../../state/client-token.ts";
import { isReadByOthers } from "../../clients/switch/client-file.ts";
import { lookAtListener } from "../port-owner.ts";
import { type SwitchStatus, listOtherSwitches, readSwitchStatus } from "../../clients/switch/status.ts";

export interface SwitchReportOptions extends Omit<ClientFiles, "systemDirectory"> {
  readonly service: Service;
  /** Where it has been read already. */
  readonly config?: ParsedConfig;
  /** Where the machine's own files of the clients are. */
  readonly systemDirectories?: Readonly<Partial<Record<Service, string>>>;
}

export type SwitchReport = Awaited<ReturnType<typeof makeSwitchReport>>;

/** Never throws for what the client's files hold. */
export async function makeSwitchReport(options: SwitchReportOptions) {
  const status = await readSwitchStatus(options);
  const { service } = options;
  // What is wrong with the file is said elsewhere.
  const config =
    options.config ?? (await loadConfig(options.paths.config).catch(onUserError(() => makeEmptyConfig())));
  const relays = listRelayHosts(config, service);
  const [listener, overrides] = await Promise.all([
    status.port === null ? null : lookAtListener(status.port, options.paths.run),
    listOverrides(options, status),
  ]);
  const demandsToken =
    (listener?.kind === "ours" && listener.demandsToken) || resolveSettings(config).demandsToken;
  const isOwnRelay = ({ rival }: Override): boolean => rival !== undefined && relays.includes(rival.host);
  return {
    service,
    status,
    /** Who gets the client's requests; null when it is not switched, or nobody does. */
    listener,
    overrides: overrides.filter((one) => !isOwnRelay(one)),
    /** The same client with another home. */
    others: await listOtherSwitches(options, status.file),
    tokenProblem: demandsToken && status.isOn ? await findTokenProblem(options, status) : null,
  };
}

/** A relay of the user's own on this machine is no rival: without us the client goes there by itself. */
function listRelayHosts(config: ParsedConfig, service: Service): readonly string[] {
  return [...config.services[service].configs.values()].flatMap(({ entry }) =>
    entry.upstreams.flatMap(({ base_url }) => URL.parse(base_url)?.host ?? []),
  );
}

/** Why the client is refused although it is switched, or its token is no secret; and what to type. */
async function findTokenProblem(
  { paths, service }: SwitchReportOptions,
  { clientToken, file }: SwitchStatus,
): Promise<{ readonly what: Text; readonly hint: string } | null> {
  const current = await readClientToken(paths).catch(onUserError(() => null));
  if (current === null || clientToken !== current) {
    const what = t`its address lacks the current client token (limits.client_token): its requests are refused`;
    return { what, hint: `ch switch on --${service}` };
  }
  if (!isReadByOthers(file)) return null;
  return { what: t`other users can read the client token in ${file}`, hint: `chmod go-r ${quoteWord(file)}` };
}

async function listOverrides(
  { service, paths, env, cwd, systemDirectories = {} }: SwitchReportOptions,
  { file, port }: SwitchStatus,
): Promise<readonly Override[]> {
  const ports = [DEFAULT_PORT[service], ...(port === null ? [] : [port])];
  const ownAddresses = ports.map((one) => makeProxyAddress(service, one));
  const isOurs = (baseUrl: string): boolean => isOwnAddress(service, baseUrl, ownAddresses);
  const files = { paths, env, cwd, systemDirectory: systemDirectories[service] };
  // The file's problem is in the status already.
  const found = await CLIENTS[service].listOverrides(files, isOurs).catch(onUserError(() => []));
  return [...listRelativeHome(service, dirname(file), { env, platform: process.platform }), ...found];
}
