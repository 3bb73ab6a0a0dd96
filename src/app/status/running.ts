// The process that serves a service: what it has and sees, where one runs. A proxy keeps the environment that it was started with,
// so that what a command sees in its own says nothing of it.
import { describeProcess } from "../../base/process-identity.ts";
import type { Service } from "../../base/service.ts";
import type { Text } from "../../base/text.ts";
import type { NeededKey } from "../../base/upstream.ts";
import { describeVariable } from "../../config/resolve.ts";
import { findInstances } from "../../state/instances.ts";
import { type InstanceFacts, askInstance, instanceSchema } from "../ask-instance.ts";
import type { LiveConfigOptions } from "../live-config.ts";

/** What the oldest proxy of a service says of itself; null where none runs or answers. */
export async function askRunning(
  service: Service,
  { paths }: Pick<LiveConfigOptions, "paths">,
): Promise<InstanceFacts | null> {
  for (const instance of (await findInstances(paths.run)).running) {
    if (instance.service !== service) continue;
    const facts = instanceSchema.safeParse(await askInstance(instance, "status")).data;
    if (facts !== undefined) return facts;
  }
  return null;
}

/** Has it the variable? Null where it does not know it: of an older version, or named in no config. */
export function hasVariable({ variables }: Pick<InstanceFacts, "variables">, name: string): boolean | null {
  return variables.find((one) => one.name === name)?.is_set ?? null;
}

interface Key extends NeededKey {
  readonly label: string;
  readonly service: Service;
}

/** That it lacks the key of an upstream, and what to do about it; null where it has it, or does not say. */
export function describeLack(running: InstanceFacts, { kind, label, service, variable }: Key): Text | null {
  if (hasVariable(running, variable) !== false) return null;
  return describeVariable(variable, null, { kind, label, service, holder: () => describeProcess(running) });
}
