// Checks of the way from the clients to us: are they pointed here, does something go past us, are they there at all.
// Pure.
import { inEnglish, t } from "../base/text.ts";
import { CLIENT_NAME, SERVICE_FACTS, type Service } from "../base/service.ts";
import { type Check, type Found, ok } from "./check.ts";
import type { ServiceFacts } from "./facts.ts";

const flagOf = (service: Service): string => ` --${service}`;

export const CLIENT_CHECKS: readonly Check[] = [
  {
    id: "switch",
    about: "no client is left pointed at a proxy that is gone",
    worst: "fail",
    repair: "puts back what a proxy that was killed left in the client's file",
    run: ({ claude, codex, services }) => {
      // What keeps the client itself from reading its file is said by the checks of that file.
      const said = [codex.problem ?? "", ...claude.problems].map(inEnglish);
      return services
        .filter(({ switch: { problem } }) => problem === null || !said.includes(inEnglish(problem)))
        .map(describeSwitch);
    },
  },
  overrideCheck({
    id: "managed-config",
    of: "managed",
    about: "no file of the machine's administrator sends a client elsewhere",
  }),
  overrideCheck({ id: "profiles", of: "profile", about: "no profile (`codex -p`) goes past the proxy" }),
  overrideCheck({
    id: "project-settings",
    of: "project",
    about: "no `.claude` settings of this directory go past the proxy",
  }),
  overrideCheck({
    id: "cloud-endpoint",
    of: "cloud",
    about: "no variable sends Claude Code to a cloud's own endpoint",
  }),
  overrideCheck({
    id: "loopback-proxy",
    of: "outbound-proxy",
    about:
      "requests for 127.0.0.1 are not sent through an outbound proxy: both clients do so without NO_PROXY",
  }),
  {
    id: "foreign-proxy",
    about: "no other program on this machine has the client: two such tools undo one another's work",
    worst: "warn",
    repair: null,
    run: ({ services }) =>
      services.flatMap(({ foreignProxy, overrides, service }) =>
        overrides
          .filter(({ id }) => id === "other-proxy")
          .map(({ hint, what, where }): Found => {
            const name = foreignProxy === null ? "" : ` (${foreignProxy})`;
            return { status: "warn", message: t`${CLIENT_NAME[service]}: ${where} ${what}${name}`, hint };
          }),
      ),
  },
  {
    id: "other-tools",
    about: "programs on this machine that write the clients' files too",
    worst: "info",
    repair: null,
    run: ({ machine: { otherTools } }) =>
      otherTools.map(({ name, path }) => ({
        status: "info",
        message: t`${name} is installed here (${path}) and may change where the clients point`,
      })),
  },
  {
    id: "client-versions",
    about: "the clients are there, and of a version that this program was tried with",
    worst: "info",
    repair: null,
    run: ({ services }) =>
      services.filter(({ client, isUnused }) => client.path !== null || !isUnused).map(describeClient),
  },
];

function describeClient({ client: { path, version }, service }: ServiceFacts): Found {
  const { name, packageName, tried } = SERVICE_FACTS[service];
  const hint = `npm install -g ${packageName}@latest`;
  if (path === null) return { status: "info", message: t`${name} is not on PATH`, hint };
  if (version === null) return ok(t`${name} is installed (${path})`);
  const { from, to } = tried;
  if (compareVersions(version, from) < 0)
    return {
      status: "info",
      message: t`${name} ${version} is older than the oldest tested version (${from})`,
      hint,
    };
  if (compareVersions(version, to) > 0)
    return { status: "info", message: t`${name} ${version} is newer than the newest tested version (${to})` };
  return ok(t`${name} ${version} is a tested version`);
}

/** Below, at or above zero, as the first is older, the same or newer. What follows the numbers does not count. */
function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split(/[.+-]/).slice(0, 3).map(Number));
  const differences = [0, 1, 2].map((place) => (a?.[place] ?? 0) - (b?.[place] ?? 0));
  return differences.find((difference) => difference !== 0) ?? 0;
}

function describeSwitch({ isProxyThere, service, switch: state }: ServiceFacts): Found {
  const client = CLIENT_NAME[service];
  const { file, isOn, isOwnerDead, problem } = state;
  const port = state.port ?? 0;
  if (problem !== null)
    return { status: "warn", message: problem, hint: `ch switch status${flagOf(service)}` };
  if (!isOn) return ok(t`${client} is not switched`);
  if (isOwnerDead)
    return {
      status: "fail",
      message: t`${client} points at port ${port}, but the proxy that switched it is no longer running (${file})`,
      hint: "ch doctor --fix",
    };
  if (!isProxyThere)
    return {
      status: "fail",
      message: t`${client} points at port ${port}, where no proxy answers (${file})`,
      hint: t`ch serve --${service} --port ${port}, or: ch switch off --${service}`,
    };
  return ok(t`${client} points at the proxy on port ${port}`);
}

/** One check for each kind of thing that goes past the proxy. */
function overrideCheck({ about, id, of }: Readonly<Record<"id" | "of" | "about", string>>): Check {
  return {
    id,
    about,
    worst: "warn",
    repair: null,
    run: ({ services }) =>
      services.flatMap(({ overrides, service }) =>
        overrides
          .filter((override) => override.id === of)
          .map(({ hint, what, where }): Found => {
            const client = CLIENT_NAME[service];
            return { status: "warn", message: t`${client}: ${where} ${what}`, hint };
          }),
      ),
  };
}
