// Checks of what requests are sent to: routes, keys, the network between here and there, and the clocks.
// Pure.
import { type Text, t } from "../base/text.ts";
import { CLIENT_NAME, type Service } from "../base/service.ts";
import { type Check, type Found, ok } from "./check.ts";
import type { Reached, Stage } from "./facts.ts";

const flagOf = (service: Service): string => ` --${service}`;
/** Tokens and certificates are given some minutes by those who check them. */
const SKEW_MS = 120_000;

export const UPSTREAM_CHECKS: readonly Check[] = [
  {
    id: "route",
    about: "each service in use has an upstream to ask",
    worst: "fail",
    repair: null,
    run: ({ services }) =>
      services.map(({ configName, isUnused, routeProblem, service, upstreams }): Found => {
        const client = CLIENT_NAME[service];
        const count = upstreams.length;
        if (routeProblem === null)
          return ok(t`${client} uses config ${configName ?? ""}, upstreams: ${count}`);
        if (isUnused)
          return { status: "info", message: t`${client} is not set up here`, hint: routeProblem.hint };
        return { status: "fail", ...routeProblem };
      }),
  },
  {
    id: "backup",
    about: "the active config has a second upstream to fail over to",
    worst: "info",
    repair: null,
    run: ({ services }) =>
      services.flatMap(({ configName, service, upstreams }): Found[] => {
        const client = CLIENT_NAME[service];
        if (configName === null || upstreams.length === 0) return [];
        if (upstreams.length > 1) return [ok(t`${client} has more than one upstream to fail over to`)];
        return [
          {
            status: "info",
            message: t`${client} has a single upstream: there is no failover`,
            hint: `ch config add ${configName} --append --base-url URL --auth-token-env NAME${flagOf(service)}`,
          },
        ];
      }),
  },
  {
    id: "credentials",
    about: "each upstream's key is there, and rather named than written down",
    worst: "fail",
    repair: null,
    run: ({ services }) =>
      services.flatMap(({ service, upstreams }) =>
        upstreams.map(({ hasLiteralKey, label, unusable }): Found => {
          if (unusable !== null)
            return {
              status: "fail",
              message: t`${label}: ${unusable}`,
              hint: `ch config show ${label}${flagOf(service)}`,
            };
          if (!hasLiteralKey) return ok(t`${label}: the key is set`);
          return {
            status: "info",
            message: t`${label}: the key is stored in config.json`,
            hint: t`use a variable instead: auth_token_env`,
          };
        }),
      ),
  },
  {
    id: "outbound-proxy",
    about: "upstreams that are asked through an outbound proxy, and who named it",
    worst: "info",
    repair: null,
    run: ({ services }) =>
      services.flatMap(({ upstreams }) =>
        upstreams.flatMap(({ label, outbound }): Found[] => {
          if (outbound === null) return [];
          const { host, source } = outbound;
          return [{ status: "info", message: t`${label} is reached through the proxy ${host} (${source})` }];
        }),
      ),
  },
  {
    id: "system-proxy",
    about: "the desktop's own proxy setting, which is not used where no variable names it",
    worst: "info",
    repair: null,
    run: ({ network: { systemProxy } }) =>
      systemProxy === null
        ? []
        : [
            {
              status: "info",
              message: t`the desktop uses the proxy ${systemProxy}; requests to upstreams do not`,
              hint: `export HTTPS_PROXY=http://${systemProxy} NO_PROXY=127.0.0.1,localhost`,
            },
          ],
  },
  {
    id: "reachable",
    about: "each upstream's name is found, its port answers, its certificate is good; no request, no key",
    worst: "fail",
    repair: null,
    run: ({ network }) => network.reached.map(describeReached),
  },
  {
    id: "clock",
    about: "this machine's clock agrees with the upstreams': tokens and certificates depend on it",
    worst: "warn",
    repair: null,
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
      return [{ status: "warn", message, hint: t`set the clock by the network: timedatectl set-ntp true` }];
    },
  },
];

export function describeReached({ host, isOutboundProxy, labels, stages }: Reached): Found {
  const last = stages.at(-1);
  const spent = stages.reduce((sum, { tookMs }) => sum + Math.round(tookMs), 0);
  if (last === undefined || last.error === null) {
    const passed = stages.map(({ name }) => name.toUpperCase()).join(", ");
    return ok(t`${labels}: ${host} is reachable (${passed}; ${spent} ms)`);
  }
  const why = describeFailure(last, host);
  return {
    status: "fail",
    message: t`${labels}: ${why}`,
    hint: isOutboundProxy
      ? t`check HTTPS_PROXY, or set "proxy": false for this upstream`
      : hintFor(last, host),
  };
}

/** The three ways apart: each is somebody else's to mend. */
function describeFailure({ error, name }: Stage, host: string): Text {
  const code = error ?? "";
  if (name === "dns")
    return code === "timeout"
      ? t`the DNS lookup of ${host} timed out`
      : t`DNS cannot resolve ${host} (${code})`;
  if (name === "tcp")
    return code === "timeout"
      ? t`${host} does not answer: no TCP connection within 3 s`
      : t`${host} refuses the TCP connection (${code})`;
  return code === "timeout"
    ? t`${host} accepts connections, but not a TLS handshake`
    : t`${host} fails the TLS handshake (${code})`;
}

function hintFor({ name }: Stage, host: string): string {
  if (name === "dns") return `nslookup ${withoutPort(host)}`;
  if (name === "tcp") return `curl -v telnet://${host}`;
  return `curl -v https://${host}`;
}

function withoutPort(host: string): string {
  return host.replace(/:\d+$/, "");
}
