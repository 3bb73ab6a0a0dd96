// The first start: where config.json has nothing for a service, its client's own providers are taken over.
import { onUserError } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import type { Import } from "../../clients/imported-config.ts";
import { loadConfig, updateConfig } from "../../config/file.ts";
import { hasUsable } from "../../config/resolve.ts";
import type { ImportOptions } from "./client-import.ts";

export interface Bootstrapped extends Import {
  readonly service: Service;
}

/**
 * What was taken over, for the first screen; null where the service has a config that can be used already.
 * `now` is the wall clock, ms. Throws UserError with what to type where there is nothing to take over.
 */
export async function bootstrap(options: ImportOptions, now: () => number): Promise<Bootstrapped | null> {
  const { paths, service } = options;
  const config = await loadConfig(paths.config);
  const section = config.services[service];
  if (hasUsable(section)) return null;
  const [{ findImport }, { placeImports, planImport }] = await Promise.all([
    import("./client-import.ts"),
    import("./import-plan.ts"),
  ]);
  const found = await findImport(options).catch(
    onUserError((error) => {
      // What waits for its activation can be used yet.
      if (section.configs.size > 0) return null;
      throw error;
    }),
  );
  if (found === null) return null;
  await updateConfig(paths, planImport(found.configs, "first"), now);
  return { service, configs: placeImports(found.configs, config).added, skipped: found.skipped };
}
