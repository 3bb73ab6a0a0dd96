// Has every balance of a service read now: by the proxies that run, and where none does, by this process.
import type { Service } from "../../base/service.ts";
import { writeDefaultProviders } from "../../quota/providers-file.ts";
import { readInstances } from "../../state/instances.ts";
import { tellInstance } from "../ask-instance.ts";
import { type LiveConfigOptions, createLiveConfig } from "../live-config.ts";
import { recallRouter } from "../router-state.ts";
import { createQuota } from "./quota.ts";

/** Two questions of 8 s each, at most. */
const REFRESH_MS = 20_000;

/** `onTrouble` hears what could not be kept. Throws UserError where a proxy does not do it. */
export async function refreshQuota(
  service: Service,
  context: LiveConfigOptions,
  onTrouble: (words: string) => void,
): Promise<void> {
  const instances = (await readInstances(context.paths.run)).filter((one) => one.service === service);
  if (instances.length > 0) {
    await Promise.all(instances.map((one) => tellInstance(one, "refresh", { waitMs: REFRESH_MS })));
    return;
  }
  writeDefaultProviders(context.paths);
  const live = createLiveConfig(context);
  const quota = createQuota({ ...context, live, onTrouble });
  quota.attach({ service, router: recallRouter(service, live, context) });
  await quota.refresh();
  await quota.stop();
}
