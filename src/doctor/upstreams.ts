// Checks of what requests are sent to: routes, keys, the network between here and there, clocks; and what one small request
// at an upstream came to: reachable, authorised, answers. Faults have the words of all screens.
// Pure.
import { type Check, type Finding, type Found, fail, info, ok, warn } from "../base/check.ts";
import { CLIENT_NAME } from "../base/service.ts";
import { type Text, inEnglish, t } from "../base/text.ts";
import { fixOf, needsPerson } from "../routing/fixes.ts";
import { HTTPS_PORT } from "../routing/network-faults.ts";
import { describe } from "../routing/reasons.ts";
import type { Reason } from "../routing/types.ts";
import type { DoctorFacts, FeatureFacts, Reached, Stage, TestRequestFacts, UpstreamFacts } from "./facts.ts";

/** Tokens and certificates are given some minutes by those who check them. */
const SKEW_MS = 120_000;
/** Of one upstream. */
const MOST_SEEN = 4;

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
    id: "credentials",
    about: "each upstream's key is set, preferably in a variable rather than in `config.json`",
    worst: "fail",
    run: ({ services }) =>
      services.flatMap(({ service, upstreams }) =>
        upstreams.map(({ hasLiteralKey, keyHint, label, unusable }): Found => {
          if (unusable !== null)
            return fail(t`${label}: ${unusable}`, keyHint ?? `ch config show ${label} --${service}`);
          if (!hasLiteralKey) return ok(t`${label}: the key is set`);
          return info(
            t`${label}: the key is stored in config.json`,
            t`use a variable instead: auth_token_env`,
          );
        }),
      ),
  },
  {
    id: "availability",
    about:
      "each upstream is ready: its quota, its key's standing, its circuit breaker; from the running proxy or the saved state",
    worst: "warn",
    run: ({ services }) =>
      services.flatMap(({ service, upstreams }) =>
        upstreams.flatMap(({ fixable, label, seen, state, unusable }): Found[] => {
          if (state === null || unusable !== null) return [];
          const { availability, reason, words } = state;
          if (availability === "ok") return [ok(t`${label}: ${words}`)];
          const times = seen.find((one) => isSame(one.reason, reason))?.count ?? 0;
          const why = describe(reason);
          const message =
            times > 1
              ? t`${label}: ${words}: ${why}, ${times} times in the last hour`
              : t`${label}: ${words}: ${why}`;
          if (availability === "low" || availability === "probing") return [info(message)];
          const hint = availability === "exhausted" ? `ch quota --${service}` : fixOf(reason, fixable);
          return [warn(message, hint ?? undefined)];
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
              `export HTTPS_PROXY=http://${systemProxy} NO_PROXY=127.0.0.1,localhost`,
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

/** What holds right now is said of its state. What time alone mends is none of these. */
function listSeen({ fixable, label, seen, state }: UpstreamFacts): Found[] {
  return seen
    .filter(({ reason }) => state === null || state.availability === "ok" || !isSame(reason, state.reason))
    .flatMap(({ count, isOver, reason }): Found[] => {
      const fix = fixOf(reason, fixable);
      if (fix === null) return [];
      const what = describe(reason);
      const message =
        count === 1
          ? t`${label}: ${what}, once in the last hour`
          : t`${label}: ${what}, ${count} times in the last hour`;
      return [isOver ? info(t`${message}; it is over`, fix) : warn(message, fix)];
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
    return warn(words, `unset ${variable}`);
  }
  if (unreadable !== null)
    return warn(t`${variable} names ${unreadable}, which cannot be read: it is ignored`);
  const isRead = (one: string): boolean => one !== "CODEX_CA_CERTIFICATE";
  if (isRead(variable) || all.some((other) => isRead(other.variable) && other.value === value))
    return ok(t`certificates may also be signed by what ${variable} names`);
  return warn(
    t`${variable} is read by Codex only, not by codex-helper`,
    `export NODE_EXTRA_CA_CERTS="$${variable}"`,
  );
}

function describeReached({ first, host, labels, proxy, stages, trustProblem }: Reached): Found {
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
function reasonOf({ error, host, isProxy, name }: Stage): Reason {
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

/** Three findings for each upstream, fewer where an earlier one makes the later ones moot. */
export function makeTestRequestFindings(facts: TestRequestFacts): Finding[] {
  const { asked, isOwnLogin, label, unusable } = facts;
  const reachable = { id: "probe-reachable", ...describeReached(facts.reached) };
  if (reachable.status === "fail") return [reachable];
  if (unusable !== null) {
    const say = unusable.isOnlyHere ? info : fail;
    return [reachable, { id: "probe-authorised", ...say(t`${label}: ${unusable.why}`, showCommand(facts)) }];
  }
  if (isOwnLogin || asked === null) {
    const message = t`${label}: it uses the client's own login, which is not tested here`;
    return [reachable, { id: "probe-authorised", ...info(message) }];
  }
  return [reachable, describeAuthorised(facts, asked), ...describeAnswer(facts, asked)];
}

/** Why a test request came to nothing; null where it answers, or nothing was asked. */
export function reasonOfFailure({ asked, reached }: TestRequestFacts): Reason | null {
  const last = reached.stages.at(-1);
  if (asked !== null) return asked.reason;
  return last === undefined || last.error === null ? null : reasonOf(last);
}

export function makeLearnedFinding(label: string, words: Text): Finding {
  return { id: "probe-learned", ...info(t`${label}: ${words}`) };
}

/** What a client's newest release needs, and what the upstream has of it. */
export function makeFeatureFindings({
  dropped,
  isAnswered,
  label,
  lacks,
  refused,
  takes,
}: FeatureFacts): Finding[] {
  const id = "probe-features";
  const has = takes.length === 0 ? "-" : takes.join(", ");
  const hasNot = lacks.length === 0 ? "-" : lacks.join(", ");
  const all = { id, ...info(t`${label}: takes ${has}; does not take ${hasNot}`) };
  if (!isAnswered) {
    const what = refused.length === 0 ? t`what the client's newest version sends` : refused.join(", ");
    return [all, { id, ...warn(t`${label}: refuses ${what}, which may not be left out`, "ch config list") }];
  }
  if (dropped.length === 0)
    return [all, { id, ...ok(t`${label}: takes the flags and fields of the client's newest version`) }];
  return [all, { id, ...info(t`${label}: is asked without ${dropped.join(", ")} from now on`) }];
}

type Asked = NonNullable<TestRequestFacts["asked"]>;

function describeAuthorised(facts: TestRequestFacts, { authorised, reason }: Asked): Finding {
  const id = "probe-authorised";
  const { label } = facts;
  if (authorised === "yes") return { id, ...ok(t`${label}: the key was accepted`) };
  if (authorised === "no" && reason !== null)
    return {
      id,
      ...fail(
        t`${label}: the key was refused: ${describe(reason)}`,
        fixOf(reason, facts.reached.first) ?? undefined,
      ),
    };
  return { id, ...info(t`${label}: the key could not be checked`) };
}

function describeAnswer({ label, model, reached, service }: TestRequestFacts, asked: Asked): Finding[] {
  const id = "probe-answers";
  const { answers, authorised, reason, usage, usd } = asked;
  if (authorised === "no") return [];
  const firstByteMs = Math.round(asked.firstByteMs);
  if (!answers && reason !== null) {
    const message = t`${label}: no answer from ${model}: ${describe(reason)}`;
    // Another model may do, unless something else is to blame.
    const probe = `ch doctor --probe ${label} --${service} --model MODEL`;
    const hint = needsPerson(reason) ? fixOf(reason, { ...reached.first, apiUrl: asked.apiUrl }) : probe;
    return [{ id, ...fail(message, hint ?? probe) }];
  }
  const input = usage?.input_tokens;
  const output = usage?.output_tokens;
  if (input === undefined || output === undefined)
    return [{ id, ...ok(t`${label}: ${model} answers, first output after ${firstByteMs} ms`) }];
  const tokens = t`${input} tokens in, ${output} out`;
  const price = `$${usd?.toFixed(6)}`;
  const cost = usd === null ? tokens : t`${tokens}, ${price} by list prices`;
  return [{ id, ...ok(t`${label}: ${model} answers, first output after ${firstByteMs} ms; cost: ${cost}`) }];
}

function showCommand({ label, service }: TestRequestFacts): string {
  return `ch config show ${label} --${service}`;
}
