// Gathers what `doctor` looks at, all at once, and repairs what is safe to repair. Sends no key and no request to an upstream.
import { chmodSync, statSync } from "node:fs";
import { UserError, errorCode } from "../../base/errors.ts";
import { describe } from "../../base/files.ts";
import { type Text, t } from "../../base/text.ts";
import { SERVICES } from "../../base/service.ts";
import { readSwitchStatus } from "../../clients/switch/status.ts";
import type { SwitchTarget } from "../../clients/client.ts";
import { switchOff } from "../../clients/switch/switch.ts";
import type { DoctorFacts, ExamineOptions, NetworkFacts } from "../../doctor/facts.ts";
import { removeDeadInstances } from "../../state/instances.ts";
import { collectClaudeFacts, collectCodexFacts } from "./examine-clients.ts";
import { collectFileFacts, listOpenFiles } from "./examine-files.ts";
import { collectMachineFacts } from "./examine-machine.ts";
import { collectServiceFacts, listEnabled } from "./examine-services.ts";
import { createLiveConfig, type LiveConfig } from "../live-config.ts";
import { type ReachTarget, reach } from "./reach.ts";
import { readSystemProxy } from "./system-proxy.ts";

/** A person waits for it. */
export const REACH_MS = 3_000;

/** Never throws for what the files hold. */
export async function collectFacts(options: ExamineOptions): Promise<DoctorFacts> {
  const { now, paths, services: wanted = SERVICES } = options;
  const live = createLiveConfig(options);
  const [files, services, codex, claude, machine, network] = await Promise.all([
    collectFileFacts({ live, paths }, now),
    Promise.all(wanted.map((service) => collectServiceFacts(service, live, options))),
    collectCodexFacts(options),
    collectClaudeFacts(options),
    collectMachineFacts(options),
    collectNetworkFacts(live, options),
  ]);
  return { files, services, codex, claude, machine, network };
}

/** Each address once, whoever uses it. */
async function collectNetworkFacts(live: LiveConfig, options: ExamineOptions): Promise<NetworkFacts> {
  const { services = SERVICES } = options;
  const upstreams = services.flatMap((service) => listEnabled(service, live, options));
  const targets = new Map<string, { readonly target: ReachTarget; readonly labels: Set<string> }>();
  for (const { upstream } of upstreams) {
    const { baseUrl, label, proxy } = upstream;
    const key = proxy === false ? new URL(baseUrl).origin : proxy;
    const known = targets.get(key) ?? { target: { url: baseUrl, proxy }, labels: new Set<string>() };
    targets.set(key, known);
    known.labels.add(label);
  }
  const reached = [...targets.values()].map(async ({ labels, target }) => ({
    labels: [...labels].join(", "),
    ...(await reach(target, { withinMs: REACH_MS, now: options.now })),
  }));
  return { systemProxy: await readSystemProxy(options.env), reached: await Promise.all(reached) };
}

export interface Repaired {
  readonly done: readonly Text[];
  /** What stood in the way, for each thing that is as it was. */
  readonly failed: readonly (Text | string)[];
}

/** What is safe: a client whose proxy died is put back, records of dead proxies go, our files are made private. */
export async function repair({ env, paths }: ExamineOptions): Promise<Repaired> {
  const done: Text[] = [];
  const failed: (Text | string)[] = [];
  const attempt = async (work: () => Promise<Text | null> | Text | null): Promise<void> => {
    try {
      const words = await work();
      if (words !== null) done.push(words);
    } catch (error) {
      if (!(error instanceof UserError) && errorCode(error) === undefined) throw error;
      failed.push(error instanceof UserError ? error.text : describe(error));
    }
  };
  for (const service of SERVICES) await attempt(() => putBack({ service, paths, env }));
  await attempt(() => removeRecords(paths.run));
  for (const path of listOpenFiles(paths)) await attempt(() => makePrivate(path));
  return { done, failed };
}

async function putBack(target: SwitchTarget): Promise<Text | null> {
  const { isOwnerDead } = await readSwitchStatus(target);
  const off = isOwnerDead ? await switchOff(target) : null;
  return off === null ? null : t`restored ${off.file}`;
}

async function removeRecords(run: string): Promise<Text | null> {
  const dead = await removeDeadInstances(run);
  return dead === 0 ? null : t`removed the records of dead proxies: ${dead}`;
}

function makePrivate(path: string): Text {
  try {
    chmodSync(path, statSync(path).isDirectory() ? 0o700 : 0o600);
  } catch (error) {
    const why = describe(error);
    throw new UserError(t`cannot make ${path} private: ${why}`, { cause: error });
  }
  return t`made ${path} private`;
}
