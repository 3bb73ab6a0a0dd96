// Whether a client points at the proxy, for people and for scripts.
import { type PortOwner, describeStranger } from "../app/port-owner.ts";
import type { SwitchReport } from "../app/status/switch-report.ts";
import type { Env } from "../base/env.ts";
import { asCalled, inEnglish } from "../base/text.ts";
import { t, tell, tellList } from "./language.ts";
import { showPath, showPathsIn } from "../base/paths.ts";
import { CLIENT_NAME, DEFAULT_PORT, makeProxyAddress } from "../base/service.ts";
import { showKey } from "../clients/client.ts";

export function describeSwitch(report: SwitchReport, env: Env): string[] {
  const { service, status, overrides } = report;
  const hindrances = overrides.flatMap(({ where, what, hint }) => [
    `  ${showPath(tell(where), env)} ${tell(what)}`,
    `    ${tell(hint)}`,
  ]);
  const on = status.isOn ? describePoint(report) : t`not switched`;
  const point = describeUnread(report) ?? on;
  return [
    t`${CLIENT_NAME[service]}: ${point}`,
    ...(status.problem === null ? [] : [`  ${showPathsIn(tell(status.problem), env)}`]),
    ...(status.unfinished === null
      ? []
      : [`  ${showPathsIn(tell(status.unfinished.what), env)}`, `    ${tell(status.unfinished.hint)}`]),
    ...(status.isOn ? describeOn(report, env) : []),
    ...hindrances,
    ...report.others.flatMap(({ command, file, port }) => [
      t`  also switched, to port ${port}: ${showPath(file, env)}`,
      `    ${command}`,
    ]),
  ];
}

/** Of a client that does not read its file, whatever that says; else null. */
export function describeUnread({ service, status }: SwitchReport): string | null {
  return status.isRefused ? t`not switched: ${CLIENT_NAME[service]} does not take its file as it is` : null;
}

function describePoint({ service, status }: SwitchReport): string {
  return status.port === null ? t`switched` : t`switched, to ${makeProxyAddress(service, status.port)}`;
}

/** Who gets the client's requests and key instead of us; null where nobody does. */
export function describeIntruder({ listener, service, status }: SwitchReport): string | null {
  if (listener?.kind !== "other") return null;
  const [client, stranger] = [CLIENT_NAME[service], tell(describeStranger(listener))];
  return t`${stranger} listens on port ${status.port ?? 0}, not codex-helper: it receives ${client}'s requests and key`;
}

function describeOn(report: SwitchReport, env: Env): string[] {
  const { listener, service, status } = report;
  const { file, keys, owner, isOwnerDead, port } = status;
  const intruder = describeIntruder(report);
  const off = asCalled(`ch switch off --${service}`);
  const at = port === null || port === DEFAULT_PORT[service] ? "" : ` --port ${port}`;
  return [
    t`  in ${showPath(file, env)}: ${tellList(keys.map(({ path }) => showKey(path)))}`,
    ...(isOwnerDead && owner?.kind === "process"
      ? [
          t`  the ch that switched it (pid ${owner.pid}) is no longer running`,
          t`    ${off}, or keep using it: ch serve --${service}`,
        ]
      : []),
    ...(owner?.kind === "process" && !isOwnerDead
      ? [t`  restored by the running ch (pid ${owner.pid}) when it stops`]
      : []),
    ...(owner?.kind === "user" ? [t`  restore with: ${off}`] : []),
    ...(owner === null ? [t`  switched by an unknown program; restore with: ${off}`] : []),
    ...(intruder === null ? [] : [`  ${intruder}`, `    ${off}`]),
    ...(report.tokenProblem === null
      ? []
      : [`  ${showPathsIn(tell(report.tokenProblem.what), env)}`, `    ${report.tokenProblem.hint}`]),
    ...(listener === null && !isOwnerDead ? [t`  nothing listens there: ch serve --${service}${at}`] : []),
  ];
}

/** Stable names: fields are only ever added. */
export function makeSwitchJson(report: SwitchReport): object {
  const { service, status, listener, overrides, tokenProblem } = report;
  const { owner } = status;
  return {
    service,
    switched: status.isOn && !status.isRefused,
    port: status.port,
    file: status.file,
    keys: status.keys.map(({ path }) => showKey(path)),
    owner:
      owner?.kind === "process" ? { kind: "process", pid: owner.pid, alive: !status.isOwnerDead } : owner,
    /** Null when the client is not switched. */
    listening: status.port === null ? null : listener !== null,
    listener: listener === null ? null : makeListenerJson(listener),
    problem: status.problem,
    unfinished:
      status.unfinished === null
        ? null
        : { what: inEnglish(status.unfinished.what), hint: inEnglish(status.unfinished.hint) },
    client_token_problem: tokenProblem === null ? null : inEnglish(tokenProblem.what),
    overrides: overrides.map(({ id, where, what, hint }) => ({ id, where, what, hint })),
    others: report.others,
  };
}

function makeListenerJson(listener: PortOwner): object {
  const ours = listener.kind === "ours";
  const { pid } = listener;
  return ours ? { ours, pid } : { ours, pid, program: listener.program, user: listener.user };
}
