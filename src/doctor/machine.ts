// Checks of what runs on this machine: proxies of ours, alive and dead, and the ports they want.
// Pure.
import { type Text, t } from "../base/text.ts";
import { CLIENT_NAME } from "../base/service.ts";
import { VERSION } from "../base/version.ts";
import { type Check, type Found, ok } from "./check.ts";
import type { PortState, ServiceFacts } from "./facts.ts";

export const MACHINE_CHECKS: readonly Check[] = [
  {
    id: "instances",
    about: "each proxy that runs answers, and is of this version; those that were killed left nothing",
    worst: "warn",
    repair: "removes the records of proxies that have died",
    run: ({ machine: { deadInstances, instances } }) => [
      ...instances.map(({ pid, port, service, version }): Found => {
        const client = CLIENT_NAME[service];
        if (version === null)
          return {
            status: "warn",
            message: t`the proxy for ${client} on port ${port} (pid ${pid}) does not answer`,
            hint: `kill ${pid}`,
          };
        if (version !== VERSION)
          return {
            status: "info",
            message: t`the proxy for ${client} on port ${port} (pid ${pid}) has version ${version}, this is ${VERSION}`,
            hint: t`restart it: ch serve`,
          };
        return ok(t`a proxy for ${client} runs on port ${port} (pid ${pid})`);
      }),
      ...(deadInstances === 0
        ? []
        : [
            {
              status: "info",
              message: t`proxies that ended without cleaning up: ${deadInstances}`,
              hint: "ch doctor --fix",
            } satisfies Found,
          ]),
    ],
  },
  {
    id: "port",
    about: "each service's usual port is free or ours, and not reserved by the system",
    worst: "warn",
    repair: null,
    run: ({ services }) => services.map(describePort),
  },
];

function describePort({ isUnused, port: { number, state }, service }: ServiceFacts): Found {
  const client = CLIENT_NAME[service];
  if (state.kind === "free" || state.kind === "ours")
    return ok(t`port ${number} for ${client}'s proxy is free or used by codex-helper`);
  return {
    status: isUnused ? "info" : "warn",
    message: describeTaken(state, { client, number }),
    hint: `ch serve --${service} --port ${number + 10}`,
  };
}

function describeTaken(
  state: Extract<PortState, { kind: "taken" | "reserved" }>,
  { client, number }: { readonly client: string; readonly number: number },
): Text {
  if (state.kind === "reserved") return t`port ${number} for ${client}'s proxy is reserved by the system`;
  return state.by === null
    ? t`port ${number} for ${client}'s proxy is in use by another program`
    : t`port ${number} for ${client}'s proxy is in use by ${state.by}`;
}
