// Looks at what runs and what is installed on this machine, for `doctor`. Starts nothing but a question to our own proxies.
import { readdirSync, readFileSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Env, readVariable } from "../../base/env.ts";
import { lookAt, readTextOrNull } from "../../base/files.ts";
import { isRecord, parseRecord } from "../../base/json-value.ts";
import { isUnknownHeader } from "../../base/header-names.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { t } from "../../base/text.ts";
import { compareVersions } from "../../base/version.ts";
import type { Service } from "../../base/service.ts";
import type { Text } from "../../base/text.ts";
import { CLIENTS } from "../../clients/registry.ts";
import type { ExamineOptions, MachineFacts, PortState, ServiceFacts } from "../../doctor/facts.ts";
import { readLogBackward } from "../../log/reader.ts";
import { endpointOf } from "../../proxy/endpoints.ts";
import { findInstances } from "../../state/instances.ts";
import { type Problem, askInstance, instanceSchema } from "../ask-instance.ts";
import { describeStranger, findPortOwner, lookAtListener, tryPort } from "../port-owner.ts";

/** Programs that write the clients' files, by the directory of their settings in the user's home. */
const OTHER_TOOLS: readonly (readonly [name: string, directory: string])[] = [
  ["cc-switch", ".cc-switch"],
  ["claude-code-router", ".claude-code-router"],
];
/** Where such programs listen unless told otherwise. */
const KNOWN_PORTS: Readonly<Record<number, string>> = {
  15721: "cc-switch",
  3456: "claude-code-router",
  8317: "CLIProxyAPI",
  4000: "LiteLLM",
  4141: "copilot-api",
};

export async function collectMachineFacts({ env, paths }: ExamineOptions): Promise<MachineFacts> {
  const { dead, running } = await findInstances(paths.run);
  const home = readVariable(env, "HOME") ?? readVariable(env, "USERPROFILE");
  return {
    instances: await Promise.all(
      running.map(async (instance) => {
        const { pid, port, service } = instance;
        const facts = await askInstance(instance, "status");
        const version = isRecord(facts) && "version" in facts ? String(facts["version"]) : null;
        const { prices_problem, quota_problem } = instanceSchema.safeParse(facts).data ?? {};
        return {
          pid,
          port,
          service,
          version,
          pricesProblem: wordsOf(prices_problem ?? null),
          providersProblem: wordsOf(quota_problem ?? null),
          descriptors: countDescriptors(pid),
        };
      }),
    ),
    deadInstances: dead.length,
    otherTools: OTHER_TOOLS.map(([name, directory]) => ({ name, path: join(home ?? "", directory) })).filter(
      ({ path }) => home !== undefined && lookAt(path)?.isDirectory() === true,
    ),
  };
}

/** From Linux's /proc. */
function countDescriptors(pid: number): { used: number; limit: number } | null {
  try {
    const used = readdirSync(`/proc/${pid}/fd`).length;
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, "utf8"))?.[1];
    return limit === undefined ? null : { used, limit: Number(limit) };
  } catch {
    return null;
  }
}

function wordsOf(problem: Problem | null): Text | string | null {
  return problem === null ? null : (problem.message_text ?? problem.message);
}

/** The client's program on the search path, and its version as its package has it: asking it would take a second. */
export async function findClient(service: Service, env: Env, log: string): Promise<ServiceFacts["client"]> {
  const { command, packageName, tried } = CLIENTS[service];
  const path = Bun.which(command, { PATH: readVariable(env, "PATH") ?? "" });
  const nothing = { path, version: null, untested: [] };
  if (path === null) return nothing;
  try {
    const version = findVersion(realpathSync(path), packageName);
    const isNewer = version !== null && compareVersions(version, tried.to) > 0;
    return { path, version, untested: isNewer ? await findUntested(service, log) : [] };
  } catch {
    return nothing;
  }
}

/** How many of the last requests are looked at. */
const MOST_REQUESTS = 20_000;
const MOST_NAMES = 8;

/** What the versions of a client that are newer than the tested ones sent and nothing here knows. */
async function findUntested(service: Service, log: string): Promise<readonly string[]> {
  const { agent, tried } = CLIENTS[service];
  const found = new Set<string>();
  let left = MOST_REQUESTS;
  for await (const entries of readLogBackward(log)) {
    for (const { raw, record } of entries) {
      const { client = "", method = "", path = "" } = record;
      const version = client.slice(client.lastIndexOf("/") + 1);
      if (record.service !== service || !agent.test(client) || compareVersions(version, tried.to) <= 0)
        continue;
      if (endpointOf(method, path).id === "other") found.add(`${method} ${path}`);
      const held = raw.includes('"held_back"') ? parseRecord(raw)?.["held_back"] : [];
      for (const name of Array.isArray(held) ? held : [])
        if (typeof name === "string" && isUnknownHeader(name)) found.add(name);
    }
    left -= entries.length;
    if (left <= 0 || found.size >= MOST_NAMES) break;
  }
  return [...found].slice(0, MOST_NAMES).map(oneLine);
}

/** From the file upwards, the package's own manifest; platform packages of the same scope count. */
function findVersion(file: string, packageName: string): string | null {
  for (let directory = dirname(file); directory !== dirname(directory); directory = dirname(directory)) {
    const manifest = join(directory, "package.json");
    const found = parseRecord(readTextOrNull(manifest) ?? "");
    const { name, version } = found ?? {};
    if (typeof name === "string" && name.startsWith(packageName) && typeof version === "string")
      return version;
  }
  return null;
}

/** Who has the port of a service. */
export async function lookAtPort(port: number, run: string): Promise<PortState> {
  const owner = await lookAtListener(port, run);
  if (owner === null) {
    const kind = await tryPort(port);
    return kind === "taken" ? { kind, by: t`another program` } : { kind };
  }
  return owner.kind === "ours" ? { kind: "ours" } : { kind: "taken", by: describeStranger(owner) };
}

/** The name of another program by its usual port, else of what listens there. */
export async function nameProgramAt(port: number, run: string): Promise<string | null> {
  const known = KNOWN_PORTS[port];
  if (known !== undefined) return known;
  const owner = await findPortOwner(port, run);
  return owner.kind === "other" && owner.program !== null ? `${owner.program}, pid ${owner.pid}` : null;
}
