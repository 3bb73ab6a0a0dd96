// Checks of what requests are sent to: routes, keys, plans, the network between here and there, clocks. Faults have the words of all
// screens.
// Pure.
import { type Check, type Found, fail, info, ok, warn } from "../base/check.ts";
import { CLIENT_NAME } from "../base/service.ts";
import { inEnglish, joinTexts, showSpan, t } from "../base/text.ts";
import { inShell } from "../base/shell.ts";
import { fixOf, needsPerson } from "../routing/fixes.ts";
import { HTTPS_PORT } from "../routing/network-faults.ts";
import { describe } from "../routing/reasons.ts";
import type { Reason } from "../routing/types.ts";
import type { DoctorFacts, Reached, Stage, UpstreamFacts } from "./facts.ts";

/** Tokens and certificates are given some minutes by those who check them. */
const SKEW_MS = 120_000;
/** Of one upstream. */
const MOST_SEEN = 4;
/** It may be asked: nothing is held against it. */
const USABLE: ReadonlySet<string> = new Set(["ok", "low", "probing"]);

export const UPSTREAM_CHECKS: readonly Check<DoctorFacts>[] = [
  {
    id: "route",
    about: "each service in use has a usable upstream",
    worst: "fail",
    run: ({ services }) =>
      services.map(({ configName, isUnused, routeProblem, service, upstreams }): Found => {
        const client = CLIENT_NAME[service];
        const count = upstreams.length;
        if (routeProblem === null)
          return ok(t`${client} uses config ${configName ?? ""}, upstreams: ${count}`);
        if (isUnused) return info(t`${client} is not set up here`, routeProblem.hint);
        return fail(routeProblem.message, routeProblem.hint);
      }),
  },
  {
    id: "backup",
    about: "the active config has a second upstream to fail over to",
    worst: "info",
    run: ({ services }) =>
      services.flatMap(({ configName, service, upstreams }): Found[] => {
        const client = CLIENT_NAME[service];
        if (configName === null || upstreams.length === 0) return [];
        if (upstreams.length > 1) return [ok(t`${client} has more than one upstream to fail over to`)];
        return [
          info(
            t`${client} has a single upstream: there is no failover`,
            `ch config add ${configName} --append --base-url URL --auth-token-env NAME --${service}`,
          ),
        ];
      }),
  },
  {
    id: "model-chains",
    about: "models that stand in for one another (`models` of a config) are different ones at some upstream",
    worst: "warn",
    run: ({ services }) =>
      services.flatMap(({ configName, idleChains }): Found[] =>
        idleChains.map((model) =>
          warn(
            t`config ${configName ?? ""}: "${model}" has no other model to go to, every upstream is asked for the same one`,
            "ch config edit",
          ),
        ),
      ),
  },
  {
    id: "reserves",
    about:
      "what `keep` leaves to you of a plan is known from its balance or its answers: else nothing is kept",
    worst: "warn",
    run: ({ services }) =>
      services.flatMap(({ service, upstreams }) =>
        upstreams.flatMap(({ label, reserves }) =>
          reserves.map(({ name, state }): Found => {
            const hint = `ch quota refresh --${service}`;
            if (state === "unknown")
              return warn(
                t`${label}: nothing tells what is left of ${name}: none of it is kept for you`,
                hint,
              );
            if (state === "stale")
              return info(
                t`${label}: what is left of ${name} was read too long ago: none of it is kept`,
                hint,
              );
            return ok(t`${label}: what is left of ${name} is known`);
          }),
        ),
      ),
  },
  {
    id: "shared-limits",
    about: "a `limit_group` is shared by several upstreams, which agree on its limit",
    worst: "info",
    run: ({ limitGroups }) =>
      limitGroups.map(({ labels, limits, name }): Found => {
        const [smallest] = limits;
        const all = labels.join(", ");
        if (labels.length < 2)
          return info(t`limit_group ${name}: only ${all} has it, it shares nothing`, "ch config edit");
        if (smallest === undefined)
          return info(t`limit_group ${name} (${all}): no max_concurrent, it is learned from refusals`);
        if (limits.length > 1)
          return info(
            t`limit_group ${name} (${all}): the smallest of its limits counts, ${smallest}`,
            "ch config edit",
          );
        return ok(t`limit_group ${name} (${all}): ${smallest} at once`);
      }),
  },
  {
    id: "credentials",
    about:
      "each upstream's key is set, preferably in a password manager or a variable rather than in `config.json`",
    worst: "fail",
    run: ({ services }) =>
      services.flatMap(({ service, upstreams }): Found[] => [
        ...upstreams.flatMap(({ keyHint, label, unusable }) =>
          unusable === null
            ? []
            : [fail(t`${label}: ${unusable}`, keyHint ?? `ch config show ${label} --${service}`)],
        ),
        ...upstreams.filter(({ unusable }) => unusable === null).map(describeKey),
      ]),
  },
  {
    id: "availability",
    about:
      "each upstream is ready: its quota, its key's standing, its circuit breaker; from the running proxy or the saved state",
    worst: "warn",
    run: ({ services }) =>
      services.flatMap(({ upstreams }) =>
        upstreams.flatMap(({ label, seen, state, unusable }): Found[] => {
          if (state === null || unusable !== null) return [];
          const { availability, fix, reason, words } = state;
          if (availability === "ok") return [ok(t`${label}: ${words}`)];
          const times = seen.find((one) => isSame(one.reason, reason))?.count ?? 0;
          const why = describe(reason);
          const message =
            times > 1
              ? t`${label}: ${words}: ${why}, ${times} times in the last hour`
              : t`${label}: ${words}: ${why}`;
          const say = availability === "low" || availability === "probing" ? info : warn;
          return [say(message, fix ?? undefined)];
        }),
      ),
  },
  {
    id: "seen",
    about:
      "what requests met at each upstream in the last hour: refused keys, web pages, missing paths, refused features, dead ways, spent quotas; from the log, whether a proxy runs or not",
    worst: "warn",
    run: ({ services }) =>
      services.flatMap(({ upstreams }) =>
        upstreams.flatMap((one) => [...listSeen(one), ...listLearned(one)]),
      ),
  },
  {
    id: "outbound-proxy",
    about: "upstreams that are reached through an outbound proxy, and where it is set",
    worst: "info",
    run: ({ services }) =>
      services.flatMap(({ upstreams }) =>
        upstreams.flatMap(({ label, outbound }): Found[] => {
          if (outbound === null) return [];
          const { host, source } = outbound;
          return [info(t`${label} is reached through the proxy ${host} (${source})`)];
        }),
      ),
  },
  {
    id: "system-proxy",
    about: "the desktop's proxy setting, which is not used unless a variable sets it too",
    worst: "info",
    run: ({ network: { systemProxy } }) =>
      systemProxy === null
        ? []
        : [
            info(
              t`the desktop uses the proxy ${systemProxy}; requests to upstreams do not`,
              inShell().setAll({ HTTPS_PROXY: `http://${systemProxy}`, NO_PROXY: "127.0.0.1,localhost" }),
            ),
          ],
  },
  {
    id: "reachable",
    about:
      "each upstream's name resolves, its port answers and its certificate is valid; sends no request and no key",
    worst: "fail",
    run: ({ network }) => network.reached.map(describeReached),
  },
  {
    id: "trust",
    about: "variables that name certificate authorities are read here, and their files can be",
    worst: "warn",
    run: ({ network: { trust } }) => trust.map((one) => describeTrust(one, trust)),
  },
  {
    id: "clock",
    about: "this machine's clock agrees with the upstreams': tokens and certificates depend on it",
    worst: "warn",
    run: ({ network }) => {
      const skews = network.reached.flatMap(({ clockAheadMs, host }) =>
        clockAheadMs === null ? [] : [{ host, clockAheadMs }],
      );
      // One upstream with a wrong clock is its own affair; where they disagree with us together, we are wrong.
      const least = skews.toSorted((a, b) => Math.abs(a.clockAheadMs) - Math.abs(b.clockAheadMs))[0];
      if (least === undefined) return [];
      const { clockAheadMs, host } = least;
      if (Math.abs(clockAheadMs) < SKEW_MS) return [ok(t`the clock agrees with the upstreams'`)];
      const minutes = Math.round(Math.abs(clockAheadMs) / 60_000);
      const message =
        clockAheadMs > 0
          ? t`this machine's clock is ${minutes} min behind that of ${host}`
          : t`this machine's clock is ${minutes} min ahead of that of ${host}`;
      return [warn(message, t`set the clock by the network: timedatectl set-ntp true`)];
    },
  },
];

function describeKey({ keyCommand, keyRecipe, label, literalKeyMs }: UpstreamFacts): Found {
  if (keyCommand !== null) {
    const { failure, fix, isFineThere, program, tookMs } = keyCommand;
    if (failure === null) return ok(t`${label}: ${program} prints its key (${Math.round(tookMs)} ms)`);
    return isFineThere
      ? warn(t`${label}: ${failure}; the running proxy has had a key from it`, fix)
      : fail(t`${label}: ${failure}`, fix);
  }
  if (literalKeyMs === null) return ok(t`${label}: the key is set`);
  const hint =
    keyRecipe === null ? t`use a variable instead: auth_token_env` : joinTexts([...keyRecipe], "\n");
  return info(t`${label}: the key is stored in config.json, for ${showSpan(literalKeyMs)} or longer`, hint);
}

/** What holds right now is said of its state. What time alone mends is none of these. */
function listSeen({ fixable, label, seen, state }: UpstreamFacts): Found[] {
  return seen
    .filter(({ reason }) => state === null || USABLE.has(state.availability) || !isSame(reason, state.reason))
    .flatMap(({ count, reason, since }): Found[] => {
      const fix = fixOf(reason, fixable);
      if (fix === null) return [];
      const what = describe(reason);
      const message =
        count === 1
          ? t`${label}: ${what}, once in the last hour`
          : t`${label}: ${what}, ${count} times in the last hour`;
      if (since === "answered") return [info(t`${message}; it has answered since`, fix)];
      return [since === null ? warn(message, fix) : info(t`${message}; config.json was changed since`, fix)];
    })
    .slice(0, MOST_SEEN);
}

function listLearned({ fixable: { label, service }, state }: UpstreamFacts): Found[] {
  return (state?.learned ?? []).map(({ client, reason }) => {
    const words = t`${label}: ${describe(reason)}`;
    const hint = `ch doctor --probe ${label} --${service} --features`;
    return info(client === "" ? words : t`${words} (${client})`, hint);
  });
}

/** Said in the same words: a state may be about the same failure as the log. */
function isSame(one: Reason, other: Reason): boolean {
  return inEnglish(describe(one)) === inEnglish(describe(other.cause ?? other));
}

function describeTrust(
  { unreadable, value, variable }: DoctorFacts["network"]["trust"][number],
  all: DoctorFacts["network"]["trust"],
): Found {
  if (variable === "NODE_TLS_REJECT_UNAUTHORIZED") {
    if (value !== "0") return ok(t`certificates are checked`);
    const words = t`${variable} is 0: no certificate is checked, and anyone on the way can read your keys`;
    return warn(words, inShell().unset(variable));
  }
  if (unreadable !== null)
    return warn(t`${variable} names ${unreadable}, which cannot be read: it is ignored`);
  const isRead = (one: string): boolean => one !== "CODEX_CA_CERTIFICATE";
  if (isRead(variable) || all.some((other) => isRead(other.variable) && other.value === value))
    return ok(t`certificates may also be signed by what ${variable} names`);
  return warn(
    t`${variable} is read by Codex only, not by codex-helper`,
    inShell().set("NODE_EXTRA_CA_CERTS", { variable }),
  );
}

export function describeReached({ first, host, labels, proxy, stages, trustProblem }: Reached): Found {
  if (trustProblem !== undefined) return fail(t`${labels}: ${trustProblem}`, "ch config edit");
  const last = stages.at(-1);
  const spent = stages.reduce((sum, { tookMs }) => sum + Math.round(tookMs), 0);
  if (last === undefined || last.error === null) {
    const passed = stages.map(
      ({ isProxy, name }) => `${isProxy && name !== "connect" ? "proxy " : ""}${name.toUpperCase()}`,
    );
    const way = passed.join(", ");
    return proxy === null
      ? ok(t`${labels}: ${host} is reachable (${way}; ${spent} ms)`)
      : ok(t`${labels}: ${host} is reachable through the proxy ${proxy} (${way}; ${spent} ms)`);
  }
  const where = t`${labels} (${host})`;
  // Not every front answers a HEAD without a key.
  if (last.name === "http" && !last.isProxy && last.error !== HTTPS_PORT)
    return warn(
      t`${where}: accepts connections, but does not answer a HEAD request (${last.error})`,
      hintFor(last),
    );
  const reason = reasonOf(last);
  const found = t`${where}: ${describe(reason)}`;
  if (last.isProxy || needsPerson(reason)) return fail(found, fixOf(reason, first) ?? undefined);
  return fail(found, proxy === null ? hintFor(last) : `curl -v -x http://${proxy} https://${host}`);
}

/** As the proxy would tell of a request that ended there. By stage: the cause is a different one in each. */
export function reasonOf({ error, host, isProxy, name }: Stage): Reason {
  const code = error ?? "";
  const isLate = code === "timeout";
  if (isProxy) {
    const rule =
      code === "407"
        ? "proxy-login"
        : name === "dns" || name === "tcp"
          ? "proxy-unreachable"
          : isLate || name === "tls"
            ? "proxy-silent"
            : "proxy-refused";
    return { rule, proxy: host, code };
  }
  if (name === "dns") return { rule: "dns", code };
  return isLate ? { rule: "connect-timeout", code: name.toUpperCase() } : { rule: "never-sent", code };
}

/** What shows more of it. */
function hintFor({ host, name }: Stage): string {
  if (name === "dns") return `nslookup ${host.replace(/:\d+$/, "")}`;
  if (name === "tcp") return `curl -v telnet://${host}`;
  return name === "http" ? `curl -vI https://${host}` : `curl -v https://${host}`;
}
