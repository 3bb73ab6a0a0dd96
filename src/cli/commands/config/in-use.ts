// Whether requests use a config, and from when on what was changed in it counts.
import type { Service } from "../../../base/service.ts";
import { loadConfig } from "../../../config/file.ts";
import { chooseConfig } from "../../../config/resolve.ts";
import { findInstances } from "../../../state/instances.ts";
import type { Cli } from "../../cli.ts";
import { t } from "../../language.ts";

/** Says that a running proxy has the change, where the config is in use there. */
export async function noteUse(cli: Cli, service: Service, name: string): Promise<void> {
  const chosen = chooseConfig((await loadConfig(cli.paths.config)).services[service], service);
  if ("kind" in chosen || chosen.name !== name) return;
  const { running } = await findInstances(cli.paths.run);
  const pid = running.find((one) => one.service === service)?.pid;
  if (pid !== undefined)
    cli.out.note(t`  in use: the running ch (pid ${pid}) has it from the next request on`);
}
