// Loads the session formats of the clients that are asked for, and of no other.
import type { Paths } from "../../base/paths.ts";
import { SERVICES, type Service } from "../../base/service.ts";
import { CLIENTS } from "../../clients/registry.ts";
import type { SessionFormat } from "../../sessions/session.ts";

export async function loadFormats(
  paths: Paths,
  services: readonly Service[] = SERVICES,
): Promise<readonly SessionFormat[]> {
  return await Promise.all(services.map(async (service) => await CLIENTS[service].loadSessionFormat(paths)));
}
