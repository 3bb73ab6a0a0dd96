// What `serve` says: at the start what is served and what was changed, at the end what was restored. Words for people.
import type { RunFacts } from "../app/serve/run-tally.ts";
import { CLIENTS } from "../clients/registry.ts";
import { formatCents } from "./figures.ts";
import type { Served } from "../app/serve/serve.ts";
import type { Switched } from "../app/serve/switching.ts";
import type { Env } from "../base/env.ts";
import type { SwitchReport } from "../app/status/switch-report.ts";
import { showSpan } from "../base/text.ts";
import type { Instance } from "../state/instances.ts";
import { showHost } from "../base/upstream.ts";
import type { Bootstrapped } from "../app/import/bootstrap.ts";
import { t, tell, tellList } from "./language.ts";
import { showPath } from "../base/paths.ts";
import {
  CLIENT_NAME,
  DEFAULT_PORT,
  SERVICE_FACTS,
  type Service,
  flagFor,
  makeProxyAddress,
} from "../base/service.ts";
import { showKey } from "../clients/client.ts";
import type { Healed, SwitchedOff } from "../clients/switch/switch.ts";

/** What a run of so many ms came to: "14 turns, 2 saved by failover, $0.41, 3 min". */
export function describeRun(facts: RunFacts, ms: number): string {
  const {
    cost_usd: usd,
    failed_requests: failed,
    is_cost_partial: isPartial,
    saved_by_failover: saved,
    turns,
  } = facts;
  const cost = usd === null ? (isPartial ? t`unpriced` : "") : `${formatCents(usd)}${isPartial ? "+" : ""}`;
  const parts = [
    turns === 1 ? t`1 turn` : t`${turns} turns`,
    t`${saved} saved by failover`,
    cost,
    tell(showSpan(ms)),
  ].filter((part) => part !== "");
  return failed === 0 ? tellList(parts) : t`${tellList(parts)}; requests that failed: ${failed}`;
}

/** "; sessions still open here: 1 (they will wait until ch is back)"; "" for none. */
export function describeLeftOpen(open: readonly OpenSessions[]): string {
  return open
    .filter(({ ids }) => ids.length > 0)
    .map(({ ids, service }) => {
      const what = CLIENTS[service].describeHeldSessions();
      return t`; sessions still open here: ${ids.length} (${what})`;
    })
    .join("");
}

interface OpenSessions {
  readonly service: Service;
  readonly ids: readonly string[];
}

/** What the first start of a service took over from its client. */
export function describeImported({ configs, service, skipped }: Bootstrapped): string[] {
  const names = configs.map(({ name }) => name);
  return [
    t`imported from ${CLIENT_NAME[service]}: ${tellList(names)} (ch config list)`,
    ...skipped.map((words) => t`  skipped: ${words}`),
  ];
}

/** Where it listens, and the order in which upstreams are asked. */
export function describeServed({ service, port, configName, upstreams }: Served): string[] {
  const order = upstreams.map(
    (upstream, place) => `  ${place + 1}. ${upstream.label}  ${showHost(upstream.baseUrl)}`,
  );
  const backup =
    upstreams.length > 1
      ? []
      : [t`  no failover: ch config add ${configName} --append --base-url URL${flagFor(service)}`];
  return [
    t`${CLIENT_NAME[service]} on http://127.0.0.1:${port}, config "${configName}"`,
    ...order,
    ...backup,
  ];
}

/** Which address to use where no client's file was changed. One with the client token is a secret: a switch writes it. */
export function describeUnswitched({ port, service }: Served, needsToken: boolean): string[] {
  const place = port === DEFAULT_PORT[service] ? "" : ` --port ${port}`;
  const use = needsToken
    ? t`  the address needs the client token; this writes it: ch switch on --${service}${place}`
    : t`  the base URL to use: ${makeProxyAddress(service, port)}`;
  return [use, t`  the client's files were not changed: ch run -- ${SERVICE_FACTS[service].command}`];
}

/** What was changed, where, and how it is undone. */
export function describeSwitched({ service, on }: Switched, env: Env): string[] {
  const keys = tellList(on.changes.map(({ path }) => showKey(path)));
  const file = showPath(on.file, env);
  return [
    keys === "" || !on.isWritten ? t`  ${file} already pointed here` : t`  set in ${file}: ${keys}`,
    on.owner.kind === "user"
      ? t`  kept after Ctrl+C; restore with: ch switch off --${service}`
      : t`  restored at Ctrl+C, or with: ch switch off --${service}`,
    ...on.overwritten.map(
      ({ path }) => t`  ${showKey(path)} was changed after the switch: that value will be restored`,
    ),
  ];
}

/** Everything that was asked for runs already. `now`: wall clock, ms. */
export function describeRunning(
  instances: readonly Instance[],
  reports: readonly SwitchReport[],
  now: number,
): string[] {
  return [
    ...instances.map(({ pid, port, service, since }) => {
      const span = tell(showSpan(now - since));
      return t`already running: ${CLIENT_NAME[service]} on port ${port} (pid ${pid}, for ${span})`;
    }),
    ...reports.map(({ service, status }) => {
      const isHere = status.isOn && !status.isRefused && instances.some(({ port }) => port === status.port);
      const { command } = SERVICE_FACTS[service];
      return isHere
        ? t`  just start: ${command}`
        : t`  not switched: ch run -- ${command}, or: ch switch on --${service}`;
    }),
    t`  see the requests: ch usage tail --follow`,
  ];
}

/** What an earlier `ch` left, and this one has restored. */
export function describeHealed({ file, pid, service }: Healed, env: Env): string {
  const client = CLIENT_NAME[service];
  const path = showPath(file, env);
  return pid === null
    ? t`${client}: ${path} was restored, whose writing had been interrupted`
    : t`${client} was left switched by a ch that was killed (pid ${pid}): ${path} was restored`;
}

export function describeRestored(off: SwitchedOff, env: Env): string[] {
  const file = showPath(off.file, env);
  const { leftBehind } = off;
  const elsewhere =
    leftBehind === null
      ? []
      : [
          t`restored in ${showPath(leftBehind.file, env)}, which ${file} led to: ${tellList(keysOf(leftBehind.keys, "restored"))}`,
        ];
  if (off.isFileRemoved)
    return [t`restored: ${file} was created by the switch and has been removed`, ...elsewhere];
  const restored = keysOf(off.keys, "restored");
  const kept = keysOf(off.keys, "changed");
  const unknown = keysOf(off.keys, "unknown");
  return [
    ...(restored.length > 0 ? [t`restored in ${file}: ${tellList(restored)}`] : []),
    ...(kept.length > 0
      ? [t`kept in ${file}, because it was changed after the switch: ${tellList(kept)}`]
      : []),
    ...(unknown.length > 0
      ? [t`still points at this proxy in ${file}: ${tellList(unknown)}; edit it by hand`]
      : []),
    ...elsewhere,
  ];
}

function keysOf(keys: SwitchedOff["keys"], wanted: SwitchedOff["keys"][number]["kind"]): string[] {
  return keys.filter(({ kind }) => kind === wanted).map(({ path }) => showKey(path));
}
