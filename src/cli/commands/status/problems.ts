// What `ch status` says below the upstreams: everything that is wrong, each once and the gravest first, and the one command
// to type next.
import type { Problem, RouteFacts, UpstreamFacts } from "../../../app/ask-instance.ts";
import type { ServiceFacts, StatusFacts } from "../../../app/status/survey.ts";
import type { SwitchReport } from "../../../app/status/switch-report.ts";
import { CLIENT_NAME, DEFAULT_PORT, flagFor } from "../../../base/service.ts";
import { showMoment } from "../../../base/text.ts";
import { showHost } from "../../../base/upstream.ts";
import { isReason } from "../../../routing/reasons.ts";
import type { LoggedError } from "../../../usage/today.ts";
import type { Cli } from "../../cli.ts";
import { t, tell, tellEither, tellList } from "../../language.ts";
import { describeError, tellReason } from "../../logged-error.ts";
import type { Colour } from "../../output.ts";
import { describeAlone } from "../../pool-words.ts";
import { describeIntruder, describeUnread } from "../../switch-words.ts";
import {
  describeFix,
  describeHealth,
  describeLearned,
  describeReserves,
  describeWaits,
  describeWhy,
} from "../../upstream-words.ts";

export interface Trouble {
  readonly words: string;
  /** What to type, or one short instruction. */
  readonly hint: string | null;
  readonly colour: Extract<Colour, "red" | "yellow" | "dim">;
  /** One upstream of several may have it while others answer. */
  readonly isOfUpstream?: true;
}

/** Our own files: two proxies read the same ones. */
export function listFileProblems({ services, ...own }: StatusFacts): Problem[] {
  const sources = [...services.flatMap(({ instances }) => instances), own];
  const problems = sources.flatMap((one) => [
    one.config_problem,
    one.filter_problem,
    one.quota_problem,
    one.prices_problem,
  ]);
  const byMessage = new Map(
    problems.flatMap((problem) => {
      if (problem === null) return [];
      // A proxy says it in English.
      const message = tellEither(problem.message_text, problem.message);
      return [[message, { ...problem, message }]];
    }),
  );
  return [...byMessage.values()];
}

const GRAVEST_FIRST: readonly Trouble["colour"][] = ["red", "yellow", "dim"];

export function listTroubles(
  facts: StatusFacts,
  reports: readonly SwitchReport[],
  { now }: Pick<Cli, "now">,
): Trouble[] {
  const { services } = facts;
  const around = [
    ...reports.flatMap(listClientTroubles),
    ...services.flatMap((service) => listProxyTroubles(service, now())),
  ];
  const all = [...around, ...services.flatMap((service) => listUpstreamTroubles(service, now()))];
  // What is wrong with a file is said as a warning.
  const told = new Set(listFileProblems(facts).map(({ message }) => message));
  const once = [...new Map(all.map((one) => [one.words, one])).values()].filter(
    ({ words }) => !told.has(words),
  );
  const sorted = GRAVEST_FIRST.flatMap((colour) => once.filter((one) => one.colour === colour));
  // How many are left to answer says how grave all of the upstreams' are.
  const [first, others] = [around.filter(({ colour }) => colour === "red"), services.flatMap(describeFew)];
  return [...new Set([...first, ...others, ...sorted])];
}

/** Who gets the client's requests instead of us, and what keeps them from us. */
function listClientTroubles(report: SwitchReport): Trouble[] {
  const { listener, overrides, service, status, tokenProblem } = report;
  const client = CLIENT_NAME[service];
  const off = `ch switch off --${service}`;
  const at = status.port ?? 0;
  const unread = describeUnread(report);
  const intruder = describeIntruder(report);
  const red = (words: string, hint: string | null): Trouble => ({ words, hint, colour: "red" });
  const problem = status.isInterrupted || status.isRefused ? status.problem : null;
  const isDeaf = intruder === null && unread === null && status.isOn && listener === null;
  const port = at === DEFAULT_PORT[service] ? "" : ` --port ${at}`;
  return [
    ...(intruder === null ? [] : [red(intruder, off)]),
    ...(tokenProblem === null ? [] : [red(`${client}: ${tell(tokenProblem.what)}`, tokenProblem.hint)]),
    ...(status.isOwnerDead && status.isOn
      ? [red(t`${client} points at port ${at}, switched by a ch that is no longer running`, off)]
      : isDeaf
        ? [red(t`${client} points at port ${at}, but nothing listens there`, `ch serve --${service}${port}`)]
        : []),
    ...(status.unfinished === null ? [] : [red(tell(status.unfinished.what), tell(status.unfinished.hint))]),
    ...(unread === null ? [] : [red(t`${client}: ${unread}`, null)]),
    ...(problem === null ? [] : [red(tell(problem), null)]),
    ...overrides.map(({ what, where }): Trouble => ({
      words: `${tell(where)} ${tell(what)}`,
      hint: null,
      colour: "yellow",
    })),
  ];
}

function listProxyTroubles(facts: ServiceFacts, now: number): Trouble[] {
  const { dead_instances: dead, instances, silent_instances: silent } = facts;
  return [
    ...silent.map(({ pid, port }): Trouble => ({
      words: t`the proxy on http://127.0.0.1:${port}, pid ${pid}, does not answer`,
      hint: null,
      colour: "red",
    })),
    ...dead.map(({ pid, port }): Trouble => ({
      words: t`a proxy ended unexpectedly (port ${port}, pid ${pid})`,
      hint: "ch doctor --fix",
      colour: "red",
    })),
    ...instances.flatMap(({ client_token: isLocked, pool, refusals, waiting }): Trouble[] => {
      const alone = describeAlone(pool, now);
      // Somebody tries, or a page is wrong: nothing was sent for any of these.
      const statuses = Object.entries(refusals?.by_status ?? {}).map(
        ([status, count]) => `${status} ×${count}`,
      );
      const last = showMoment(refusals?.last_at_ms ?? 0, now);
      const count = refusals?.count ?? 0;
      const words = t`requests turned away: ${count} (${statuses.join(", ")}), last at ${last}`;
      const wait = `ch routing wait${flagFor(facts.service)}`;
      return [
        ...describeWaits(waiting, now).map((words): Trouble => ({
          words: t`waiting: ${words}`,
          hint: wait,
          colour: "yellow",
          isOfUpstream: true,
        })),
        ...(count === 0 ? [] : [{ words, hint: null, colour: "yellow" as const }]),
        ...(alone === null ? [] : [{ words: alone, hint: "ch pool test", colour: "yellow" as const }]),
        ...(isLocked
          ? [{ words: t`answers only clients with the client token`, hint: null, colour: "dim" as const }]
          : []),
      ];
    }),
  ];
}

/** What keeps requests from being answered, then each upstream that is not ready, then what failed today and is not among it. */
function listUpstreamTroubles(facts: ServiceFacts, now: number): Trouble[] {
  const routes: readonly RouteFacts[] = facts.instances.length > 0 ? facts.instances : [facts];
  const upstreams = listUpstreams(facts);
  const lost = routes.flatMap(({ problem }): Trouble[] => {
    // That nothing is set up stands at the service.
    if (problem === null || !isSetUp(facts)) return [];
    const words = tellEither(problem.message_text, problem.message);
    return [{ words, hint: tellEither(problem.hint_text, problem.hint ?? "") || null, colour: "red" }];
  });
  const ill = upstreams.flatMap((upstream) => [
    ...describeIll(upstream, now),
    ...[
      ...describeLearned(upstream, now),
      // Those in force are told by its state and by the figures.
      ...describeReserves(upstream, now, ["stale", "unknown"]),
    ].map((words) => ({
      label: upstream.label,
      words,
      hint: null,
      colour: "dim" as const,
    })),
  ]);
  // Two keys of an address fail alike.
  const groups = Map.groupBy(ill, ({ colour, hint, label, words }) =>
    [words, hint?.replace(label, ""), colour].join("\n"),
  );
  const told = [...groups.values()].flatMap((group): Trouble[] => {
    const [first] = group;
    const labels = tellList(group.map(({ label }) => label));
    const { colour, hint, words } = first ?? { colour: "dim", hint: null, words: "" };
    return [{ words: t`${labels}: ${words}`, hint, colour, isOfUpstream: true }];
  });
  const text = told.map(({ words }) => words).join("\n");
  const labels = new Set(ill.map(({ label }) => label));
  return [...lost, ...told, ...listLastErrors(facts, { labels, text }, now)];
}

/** Something of the service is configured, or runs: else nobody uses it here, and what to type is how to begin. */
export function isSetUp({ instances, problem, upstreams }: ServiceFacts): boolean {
  return (
    upstreams.length > 0 ||
    instances.length > 0 ||
    !/^(?:ch|codex-helper) (?:config add|init)\b/.test(problem?.hint ?? "")
  );
}

/** How many can answer, where not all can. */
function describeFew(facts: ServiceFacts): Trouble[] {
  const { service } = facts;
  const upstreams = listUpstreams(facts);
  const able = upstreams.filter(canAnswer);
  const wanted = upstreams.filter(({ enabled }) => enabled);
  if (wanted.length === 0 || able.length === wanted.length) return [];
  const labels = tellList(able.map(({ label }) => label));
  if (able.length === 0)
    return [{ words: t`no upstream of ${CLIENT_NAME[service]} can answer now`, hint: null, colour: "red" }];
  return able.length === 1 ? [{ words: t`only ${labels} answers now`, hint: null, colour: "yellow" }] : [];
}

const ABLE: ReadonlySet<string> = new Set(["ok", "low", "probing"]);

function canAnswer({ enabled, problem, standing }: UpstreamFacts): boolean {
  return enabled && problem === null && ABLE.has(standing);
}

interface Ill extends Trouble {
  readonly label: string;
}

/** Why it is as it is; nothing where its line says all. */
function describeIll(upstream: UpstreamFacts, now: number): Ill[] {
  const { enabled, label, last_failure: last } = upstream;
  if (!enabled) return [];
  const why = describeWhy(upstream, now);
  if (canAnswer(upstream)) {
    if (upstream.standing === "probing")
      return [{ label, words: why, hint: describeFix(upstream), colour: "dim" }];
    if (last === null) return [];
    const words = t`last failure ${showMoment(last.at_ms, now)}: ${tellReason(last.reason_data, last.reason)}`;
    return [{ label, words, hint: null, colour: "dim" }];
  }
  if (why === "") return [];
  const { colour } = describeHealth(upstream, now);
  return [{ label, words: why, hint: describeFix(upstream), colour: colour === "red" ? "red" : "yellow" }];
}

interface Told {
  /** Whose troubles are said. */
  readonly labels: ReadonlySet<string>;
  readonly text: string;
}

/** "14:02 502 relay.example gpt-5: no upstream could answer", each kind once, with what is not said above. */
function listLastErrors({ today }: ServiceFacts, told: Told, now: number): Trouble[] {
  const kinds = Map.groupBy(today?.last_errors ?? [], ({ error, error_data: reason }) =>
    describeError({ error, reason: withoutTold(reason, told) }),
  );
  return [...kinds].flatMap(([words, [first]]): Trouble[] => {
    if (first === undefined || told.text.includes(words)) return [];
    return [{ words: describeFailure(first, words, now), hint: null, colour: "dim" }];
  });
}

/** That none could answer, without why each could not, where that is said of each. */
function withoutTold(reason: LoggedError["error_data"], { labels }: Told): LoggedError["error_data"] {
  if (reason?.rule !== "no-answer" || !Array.isArray(reason["stories"])) return reason;
  const stories: readonly unknown[] = reason["stories"];
  const isTold = (story: unknown): boolean => {
    if (!isReason(story)) return false;
    const { label, rule } = story;
    // A model may stand after it.
    return rule === "probe-tells" || (typeof label === "string" && labels.has(label.split(" ", 1)[0] ?? ""));
  };
  return stories.every(isTold) ? { rule: "no-upstream", client: reason["client"] } : reason;
}

function describeFailure(
  { at_ms, model, status_code, upstream_base_url, upstream_label }: LoggedError,
  words: string,
  now: number,
): string {
  const place = upstream_label ?? (upstream_base_url === null ? null : showHost(upstream_base_url));
  const facts = [tell(showMoment(at_ms, now)), status_code, place, model].filter((part) => part !== null);
  return t`${facts.join(" ")}: ${words}`;
}

/** By the gravest thing there is; null where all is well. */
export function nextCommand(
  facts: StatusFacts,
  reports: readonly SwitchReport[],
  troubles: readonly Trouble[],
): string | null {
  const { services } = facts;
  const robbed = reports.find(({ listener }) => listener?.kind === "other");
  if (robbed !== undefined) return `ch switch off --${robbed.service}`;
  const locked = reports.find(({ tokenProblem }) => tokenProblem !== null)?.tokenProblem;
  if (locked != null) return locked.hint;
  const isLeftOver =
    reports.some(({ status }) => status.isOwnerDead || status.isInterrupted) ||
    services.some(({ dead_instances: dead }) => dead.length > 0);
  if (isLeftOver) return "ch doctor --fix";
  const commands = troubles.filter(({ colour, hint }) => colour !== "dim" && isOwnLine(hint));
  const around = commands.find(({ isOfUpstream }) => isOfUpstream !== true)?.hint;
  if (around != null) return around;
  const broken = listFileProblems(facts).find(({ hint }) => isOwnLine(hint));
  if (broken !== undefined) return broken.hint;
  if (!services.some(isSetUp))
    return services.find(({ problem }) => problem?.hint != null)?.problem?.hint ?? null;
  const upstreams = services.flatMap(listUpstreams);
  const unable = upstreams.find((upstream) => upstream.enabled && !canAnswer(upstream));
  const isIdle = services.every(({ instances }) => instances.length === 0);
  if (isIdle && upstreams.some(canAnswer)) return "ch serve";
  return (
    commands[0]?.hint ?? (unable === undefined ? null : describeFix(unable)) ?? (isIdle ? "ch serve" : null)
  );
}

/** Of all its proxies, each once. */
function listUpstreams(facts: ServiceFacts): UpstreamFacts[] {
  const routes: readonly RouteFacts[] = facts.instances.length > 0 ? facts.instances : [facts];
  return [...new Map(routes.flatMap((one) => one.upstreams).map((one) => [one.label, one])).values()];
}

/** A command of ours, by whichever name it was called. */
function isOwnLine(hint: string | null): boolean {
  return hint !== null && /^(?:ch|codex-helper) /.test(hint);
}
