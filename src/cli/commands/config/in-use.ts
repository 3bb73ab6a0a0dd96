// Whether requests use a config, and from when on what was changed in it counts. One that is active counts as in use.
import { type Service, flagFor } from "../../../base/service.ts";
import { loadConfig } from "../../../config/file.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import { chooseConfig } from "../../../config/resolve.ts";
import { findInstances } from "../../../state/instances.ts";
import { findCredential } from "../../../config/check-upstreams.ts";
import type { UpstreamEntry } from "../../../config/schema.ts";
import { createClientSecrets } from "../../../app/client-secrets.ts";
import { askRunning, describeLack } from "../../../app/status/running.ts";
import { readVariable } from "../../../base/env.ts";
import type { NeededKey } from "../../../base/upstream.ts";
import type { Cli } from "../../cli.ts";
import { t, tell } from "../../language.ts";

/** The config that requests use now; null where there is none. */
export function nameInUse(config: ParsedConfig, service: Service): string | null {
  const chosen = chooseConfig(config.services[service], service);
  return "kind" in chosen ? null : chosen.name;
}

/** Says that a running proxy has the change, where the config is in use. True where one runs. */
export async function noteUse(cli: Cli, service: Service, name: string): Promise<boolean> {
  if (nameInUse(await loadConfig(cli.paths.config), service) !== name) return false;
  const { running } = await findInstances(cli.paths.run);
  const pid = running.find((one) => one.service === service)?.pid;
  if (pid === undefined) return false;
  cli.out.note(t`  in use: the running ch (pid ${pid}) has it from the next request on`);
  return true;
}

/** After a change that may have taken the config in use away: which one is used now, as `ch config list` has it. */
export async function noteOther(cli: Cli, service: Service, before: string | null): Promise<void> {
  const chosen = chooseConfig((await loadConfig(cli.paths.config)).services[service], service);
  if ("kind" in chosen) {
    if (before !== null) cli.out.note(`${tell(chosen.message)}\n  ${chosen.hint}`);
  } else if (chosen.name !== before) {
    cli.out.note(t`"${chosen.name}" is the only config left, and in use now`);
    if (!(await noteUse(cli, service, chosen.name))) cli.out.note(`  ch serve${flagFor(service)}`);
  }
}

/**
 * Warns of upstreams whose key is in a variable that nobody set: the running proxy decides where there is one, else this terminal.
 * True where this terminal has all of them.
 */
export async function warnOfVariables(
  { env, now, out, paths }: Cli,
  service: Service,
  upstreams: readonly { readonly label: string; readonly entry: UpstreamEntry }[],
): Promise<boolean> {
  const named = upstreams.flatMap(({ entry: { auth }, label }) => {
    const written = findCredential(auth);
    if (written?.from !== "variable") return [];
    const { kind, variable } = written;
    return [{ label, service, variable, kind }];
  });
  if (named.length === 0) return true;
  const running = await askRunning(service, { paths });
  const secrets = createClientSecrets(paths, now);
  const isHere = ({ variable }: NeededKey): boolean =>
    (readVariable(env, variable) ?? secrets.read(service, variable)) !== undefined;
  for (const key of named) {
    const lack = running === null ? null : describeLack(running, key);
    if (lack !== null) out.warn(tell(lack));
    else if (running === null && !isHere(key))
      out.warn(t`the variable ${key.variable} is not set here: it must be set where \`ch serve\` runs`);
  }
  return named.every(isHere);
}
