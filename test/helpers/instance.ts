import { type Instance, readInstances } from "../../src/state/instances.ts";

/** The record of the running proxy on a port. `run` is paths.run. */
export async function requireInstance(run: string, port: number): Promise<Instance> {
  const found = (await readInstances(run)).find((one) => one.port === port);
  if (found === undefined) throw new Error(`no proxy is recorded for port ${port}`);
  return found;
}
