// Checks of what is on this machine: the clients' way to us and what goes past us, other programs, our own proxies, ports.
// Pure.
import { type Check, type Found, fail, info, ok, warn } from "../base/check.ts";
import { CLIENT_NAME, SERVICE_FACTS } from "../base/service.ts";
import { type Text, inEnglish, isText, t } from "../base/text.ts";
import { VERSION, compareVersions } from "../base/version.ts";
import type { DoctorFacts, MachineFacts, PortState, ServiceFacts } from "./facts.ts";

export const CLIENT_CHECKS: readonly Check<DoctorFacts>[] = [
  {
    id: "switch",
    about: "no client points at a proxy that is no longer running",
    worst: "fail",
    repair: "restores the client's file after a proxy was killed",
    run: ({ services }) => services.filter((one) => !isSaidByClient(one)).map(describeSwitch),
  },
  {
    id: "other-homes",
    about: "clients that are switched under another CODEX_HOME or CLAUDE_CONFIG_DIR than this one",
    worst: "info",
    run: ({ services }) =>
      services.flatMap(({ others, service }) =>
        others.map(({ command, file, port }) =>
          info(t`${CLIENT_NAME[service]} is also switched, to port ${port}, in ${file}`, command),
        ),
      ),
  },
  {
    id: "client-token",
    about: "with `limits.client_token`, each switched client has the token, and only you can read it",
    worst: "fail",
    run: ({ services }) =>
      services.flatMap(({ service, tokenProblem }) =>
        tokenProblem === null
          ? []
          : [fail(t`${CLIENT_NAME[service]}: ${tokenProblem.what}`, tokenProblem.hint)],
      ),
  },
  overrideCheck("managed", {
    id: "managed-config",
    about: "no file of the machine's administrator makes a client bypass the proxy",
  }),
  overrideCheck("profile", { id: "profiles", about: "no profile (`codex -p`) bypasses the proxy" }),
  overrideCheck("project", {
    id: "project-settings",
    about: "no `.claude` settings of this directory bypass the proxy",
  }),
  overrideCheck("home", {
    id: "client-home",
    about:
      "CODEX_HOME and CLAUDE_CONFIG_DIR, if set, do not depend on the current directory: no client expands a `~`",
  }),
  overrideCheck("cloud", {
    id: "cloud-endpoint",
    about: "no variable sends Claude Code to a cloud provider's endpoint",
  }),
  overrideCheck("outbound-proxy", {
    id: "loopback-proxy",
    about:
      "requests to 127.0.0.1 do not go through an outbound proxy: in both clients they do without NO_PROXY",
  }),
  overrideCheck("other-proxy", {
    id: "foreign-proxy",
    about:
      "no other program on this machine has switched the client: two such tools overwrite each other's changes",
  }),
  {
    id: "own-headers",
    about:
      "headers and parameters that a client's own files add: only the relay they were written for gets them",
    worst: "info",
    run: ({ services }) =>
      services.flatMap(({ owned, service }) =>
        owned.map(({ host, names, owner }) => {
          const client = CLIENT_NAME[service];
          const list = names.join(", ");
          return host === null
            ? info(
                t`${client} adds ${list} to its requests; no upstream gets them: the relay of ${owner} is not known`,
                '"headers_allowed": ["NAME"]',
              )
            : info(t`${client} adds ${list} to its requests; only ${host} gets them (${owner})`);
        }),
      ),
  },
  {
    id: "other-tools",
    about: "programs on this machine that also write the clients' files",
    worst: "info",
    run: ({ machine: { otherTools } }) =>
      otherTools.map(({ name, path }) =>
        info(t`${name} is installed here (${path}) and may change where the clients point`),
      ),
  },
  {
    id: "client-versions",
    about: "the clients are installed, in a tested version or one that sent nothing untested",
    worst: "info",
    run: ({ services }) =>
      services.filter(({ client, isUnused }) => client.path !== null || !isUnused).map(describeClient),
  },
];

export const MACHINE_CHECKS: readonly Check<DoctorFacts>[] = [
  {
    id: "instances",
    about: "each running proxy answers and has this version; no records of killed ones are left",
    worst: "warn",
    repair: "removes the records of dead proxies",
    run: ({ machine: { deadInstances, instances } }) => [
      ...instances.map(describeInstance),
      ...instances.flatMap(describeDescriptors),
      ...(deadInstances === 0
        ? []
        : [info(t`proxies that ended without cleaning up: ${deadInstances}`, "ch doctor --fix")]),
    ],
  },
  {
    id: "port",
    about: "each service's default port is free or used by codex-helper, and not reserved by the system",
    worst: "warn",
    run: ({ services }) => services.map(describePort),
  },
];

/** One check for each kind of thing that goes past the proxy. */
function overrideCheck(kind: string, row: Readonly<Record<"id" | "about", string>>): Check<DoctorFacts> {
  return {
    ...row,
    worst: "warn",
    run: ({ services }) =>
      services.flatMap(({ overrides, service }) =>
        overrides
          .filter(({ id }) => id === kind)
          .map(({ hint, rivalName, what, where }) => {
            const client = CLIENT_NAME[service];
            const name = rivalName === null ? "" : ` (${rivalName})`;
            return warn(t`${client}: ${where} ${what}${name}`, hint);
          }),
      ),
  };
}

/** What keeps a client from reading its own file is said by the client's checks. */
function isSaidByClient({
  clientFindings,
  switch: { isRefused, problem, unfinished },
}: ServiceFacts): boolean {
  if (unfinished !== null) return false;
  if (isRefused && clientFindings.some(({ status }) => status === "fail")) return true;
  return problem !== null && clientFindings.some(({ message }) => inEnglish(message) === inEnglish(problem));
}

function describeSwitch({ listener, service, switch: state }: ServiceFacts): Found {
  const client = CLIENT_NAME[service];
  const { file, isOn, isOwnerDead, problem, unfinished } = state;
  const port = state.port ?? 0;
  if (unfinished !== null) return fail(unfinished.what, unfinished.hint);
  if (problem !== null) return warn(problem, `ch switch status --${service}`);
  if (!isOn) return ok(t`${client} is not switched`);
  if (isText(listener))
    return fail(
      t`${client} points at port ${port}, where ${listener} listens, not codex-helper: it receives ${client}'s requests and key (${file})`,
      `ch switch off --${service}`,
    );
  if (isOwnerDead)
    return fail(
      t`${client} points at port ${port}, but the proxy that switched it is no longer running (${file})`,
      "ch doctor --fix",
    );
  if (listener === "none")
    return fail(
      t`${client} points at port ${port}, where no proxy answers (${file})`,
      t`ch serve --${service} --port ${port}, or: ch switch off --${service}`,
    );
  return ok(t`${client} points at the proxy on port ${port}`);
}

function describeClient({ client: { path, untested, version }, service }: ServiceFacts): Found {
  const { name, packageName, tried } = SERVICE_FACTS[service];
  const hint = `npm install -g ${packageName}@latest`;
  if (path === null) return info(t`${name} is not on PATH`, hint);
  if (version === null) return ok(t`${name} is installed (${path})`);
  const { from, to } = tried;
  if (compareVersions(version, from) < 0)
    return info(t`${name} ${version} is older than the oldest tested version (${from})`, hint);
  if (compareVersions(version, to) <= 0) return ok(t`${name} ${version} is a tested version`);
  // A number alone is no news: clients have a new one every few days.
  if (untested.length === 0)
    return ok(t`${name} ${version} sent nothing that was not tested with ${to}, the newest tested version`);
  const list = untested.join(", ");
  return info(
    t`${name} ${version} is newer than the newest tested version (${to}) and sends what was not tested: ${list}`,
  );
}

function describeInstance({ pid, port, service, version }: MachineFacts["instances"][number]): Found {
  const client = CLIENT_NAME[service];
  if (version === null)
    return warn(t`the proxy for ${client} on port ${port} (pid ${pid}) does not answer`, `kill ${pid}`);
  if (version !== VERSION)
    return info(
      t`the proxy for ${client} on port ${port} (pid ${pid}) has version ${version}, this is ${VERSION}`,
      t`restart it: ch serve`,
    );
  return ok(t`a proxy for ${client} runs on port ${port} (pid ${pid})`);
}

/** Without any left no connection can be opened: requests get a 503, and no upstream is blamed. */
function describeDescriptors({ descriptors, pid, port }: MachineFacts["instances"][number]): Found[] {
  if (descriptors === null || descriptors.used < 0.8 * descriptors.limit) return [];
  const { limit, used } = descriptors;
  return [
    warn(
      t`the proxy on port ${port} (pid ${pid}) has ${used} files and connections open, of at most ${limit}`,
      t`raise the limit before it is started: ulimit -n 4096`,
    ),
  ];
}

function describePort({ isUnused, port: { number, state }, service }: ServiceFacts): Found {
  const client = CLIENT_NAME[service];
  if (state.kind === "free" || state.kind === "ours")
    return ok(t`port ${number} for ${client}'s proxy is free or used by codex-helper`);
  const say = isUnused ? info : warn;
  return say(describeTaken(state, client, number), `ch serve --${service} --port ${number + 10}`);
}

function describeTaken(
  state: Extract<PortState, { kind: "taken" | "reserved" }>,
  client: string,
  number: number,
): Text {
  if (state.kind === "reserved") return t`port ${number} for ${client}'s proxy is reserved by the system`;
  return t`port ${number} for ${client}'s proxy is in use by ${state.by}`;
}
