// `ch routing`: the order that the next request would take, and a fresh start for upstreams that are left alone.
import { resolve } from "node:path";
import { createLiveConfig } from "../../app/live-config.ts";
import { listKeys } from "../../app/status/targets.ts";
import { resetRoute, stopWaits, surveyRoute, surveyWaits } from "../../app/status/survey.ts";
import { UserError } from "../../base/errors.ts";
import { expandHome, findUserHome } from "../../base/paths.ts";
import { oneLine } from "../../base/terminal-text.ts";
import { showMoment, showSpan, type Text, t as text } from "../../base/text.ts";
import { describeState } from "../../routing/availability-words.ts";
import { nameOfThing, rowOf, rowOfPath } from "../../routing/droppable.ts";
import { describe } from "../../routing/reasons.ts";
import type { Availability, RefusedThing, Verdict } from "../../routing/types.ts";
import { t, tell } from "../language.ts";
import { CLIENT_NAME, type Service, flagFor } from "../../base/service.ts";
import { noSuchPosition } from "../../config/edit.ts";
import { loadConfig } from "../../config/file.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { JSON_ARG, SERVICE_ARGS, usageError } from "../args.ts";
import { type Cli, defineCommand, readFileOrInput } from "../cli.ts";
import {
  describeChain,
  describeConcurrency,
  describeFix,
  describeLearned,
  describeWhy,
  showHealth,
} from "../upstream-words.ts";
import { readCurrentDirectory } from "../current-directory.ts";
import { alignRows, wrapWords } from "../layout.ts";
import { chooseService, findTarget } from "./config/target.ts";

const explainCommand = defineCommand({
  description: "show the order of upstreams for the next request; sends nothing",
  examples: [
    ["ch routing explain", "for a new session of the default service"],
    ["ch routing explain --model gpt-5 --session ID", "for a model, in a session"],
    ["ch routing explain --path ~/work/acme", "for a request from there, by the rules for its project"],
    ["ch routing explain --response answer.txt", "what an answer would be taken for, and why"],
  ],
  args: {
    model: { type: "string", valueHint: "MODEL", description: "the model that the client requests" },
    session: { type: "string", valueHint: "ID", description: "a session that may be bound to an upstream" },
    path: {
      type: "string",
      valueHint: "DIR",
      description: "where the request comes from. Default: here, or where the session is",
    },
    response: {
      type: "string",
      valueHint: "FILE|-",
      description: "an upstream's answer, with its head or without: which rule takes it",
    },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const { out } = cli;
    const config = await loadConfig(cli.paths.config);
    const service = chooseService(args, config);
    if (args.response !== undefined) return await explainResponse(args.response, service, args.json, cli);
    const given = args.path === undefined ? null : resolve(expandHome(args.path, findUserHome(cli.env)));
    // A session has a directory of its own.
    const isHere = given === null && args.session === undefined && config.projects.length > 0;
    const directory = isHere ? readCurrentDirectory(cli.env) : given;
    const question = { model: args.model ?? null, sessionId: args.session ?? null, directory };
    const { explanation, isRunning } = await surveyRoute(service, question, cli);
    const { config_name, max_upstreams, places, problem, project, wall } = explanation;
    if (args.json === true) return out.json({ service, is_running: isRunning, ...explanation });
    if (problem !== null) throw new UserError(problem.message, { hint: problem.hint ?? undefined });
    out.line(t`${CLIENT_NAME[service]}, config ${config_name ?? "-"}`);
    if (project != null)
      out.line(wall === undefined ? t`project ${project}` : t`project ${project}, behind a wall`);
    else if (given !== null) out.line(t`no project: no rule of config.json means this directory`);
    if (explanation.chain !== undefined) out.line(describeChain(explanation.chain));
    if (!isRunning) out.note(t`no proxy is running: shown from config.json and state.json`);
    const now = cli.now();
    for (const [index, place] of places.entries()) {
      out.line(`${String(index + 1).padStart(2)}  ${place.label}  ${showHealth(out, place, now)}`);
      const model = place.upstream_model === null ? [] : [t`model ${place.upstream_model}`];
      const why = [describeWhy(place, now), ...model].join(t`; `);
      const others = [describeConcurrency(place, now), ...describeLearned(place, now)];
      for (const words of [why, ...others].filter((line, index) => index === 0 || line !== ""))
        for (const line of wrapWords(words, out.width - 4)) out.line(`    ${out.paint("dim", line)}`);
      const fix = describeFix(place);
      if (fix !== null) out.line(`    ${fix}`);
    }
    if (places.length > max_upstreams) out.note(t`A request tries at most ${max_upstreams} of them.`);
    out.note(`\n${t`Next: ch status`}`);
  },
});

async function explainResponse(file: string, service: Service, asJson: boolean | undefined, cli: Cli) {
  const { judgeResponse, judgedAsJson } = await import("../../app/status/judge-response.ts");
  const answer = new TextDecoder().decode(await readFileOrInput(cli, file));
  const name = file === "-" ? t`standard input` : file;
  if (answer.trim() === "") throw new UserError(t`${name} is empty`);
  const judged = judgeResponse(answer, service, cli);
  const { out } = cli;
  if (asJson === true) return out.json({ service, ...judgedAsJson(judged) });
  const { codes, judgements, status, words } = judged;
  if (judgements.length === 0) return out.line(t`This is an answer, no failure: no rule takes it.`);
  if (status === null) out.note(t`There is no status line: taken for an error inside a 200.`);
  const now = cli.now();
  for (const [index, { labels, verdict }] of judgements.entries()) {
    if (index > 0) out.line("");
    const rows = [
      [t`upstreams`, labels.join(", ")],
      [t`rule`, verdict.rule],
      [t`reason`, tell(describe(verdict.reason))],
      [t`seen`, [status ?? "", ...codes, words === "" ? "" : `"${oneLine(words)}"`].join("  ").trim()],
      [t`refuses`, (verdict.refused ?? []).map(describeRefused).join(", ")],
      [t`then`, tell(verdict.refused === undefined ? NEXT_WORDS[verdict.next] : DRIFT_WORDS)],
      [t`counted as`, describeBlame(verdict, now)],
      [t`time from`, verdict.blame === "none" ? "" : tell(describe(verdict.source))],
    ].filter(([, value]) => value !== "");
    for (const [title = "", value = ""] of rows) {
      const blanks = " ".repeat(Math.max(0, 10 - Bun.stringWidth(title)));
      const [first = "", ...others] = wrapWords(value, out.width - 12);
      out.line(`${out.paint("dim", title)}${blanks}  ${first}`);
      for (const line of others) out.line(`${" ".repeat(12)}${line}`);
    }
  }
  out.note(`\n${t`Nothing was sent. The rules, in their order: docs/failover.md`}`);
}

const NEXT_WORDS: Readonly<Record<Verdict["next"], Text>> = {
  next: text`the next upstream`,
  terminal: text`the client sees it`,
  repair: text`the same upstream, with the request repaired`,
  elsewhere: text`one other upstream; if it says the same, the client sees it`,
};
const DRIFT_WORDS = text`the next upstreams; if none takes it, the same one without what may be left out`;

function describeRefused(thing: RefusedThing): string {
  const name = nameOfThing(thing);
  const row = thing.kind === "field" ? rowOfPath(thing.name) : rowOf(thing);
  return row !== undefined || thing.name === "*" ? t`${name} (may be left out)` : name;
}

const STANDING: Readonly<Partial<Record<Verdict["blame"], Availability>>> = {
  exhausted: "exhausted",
  cooldown: "cooling",
  "auth-dead": "auth-dead",
  model: "model-unknown",
};

function describeBlame({ blame, until }: Verdict, now: number): string {
  if (blame === "none") return t`nothing`;
  const standing = STANDING[blame];
  return standing === undefined
    ? t`one failure`
    : tell(describeState({ availability: standing, until }, now));
}

const resetCommand = defineCommand({
  description: "reset the state of upstreams",
  examples: [
    ["ch routing reset main#2", "make one upstream available again"],
    ["ch routing reset --all --claude", "all upstreams of Claude Code"],
    ["ch routing reset main#2 --everywhere", "on all machines of the pool"],
  ],
  args: {
    name: { type: "positional", required: false, description: "NAME (a whole config) or NAME#N" },
    all: { type: "boolean", description: "every upstream of the service" },
    everywhere: { type: "boolean", description: "on every machine of the pool, too" },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const config = await loadConfig(cli.paths.config);
    const service = chooseService(args, config);
    const flag = flagFor(service);
    if (args.name === undefined && args.all !== true) {
      throw usageError(
        t`name an upstream or a config, or use --all`,
        `ch routing reset ${exampleTarget(config, service)}${flag}\nch routing reset --all${flag}`,
      );
    }
    if (args.name !== undefined && args.all === true) {
      throw usageError(
        t`--all means every upstream: do not give a name`,
        `ch routing reset ${args.name}${flag}`,
      );
    }
    if (args.name !== undefined) checkTarget(config, service, args.name);
    const told = await resetRoute(service, args.name ?? null, cli);
    if (args.everywhere === true) {
      const { resetEverywhere } = await import("../../app/share/visit.ts");
      await resetEverywhere(cli, service, listKeys(createLiveConfig(cli), service, args.name ?? null));
    }
    const what = args.name ?? t`every upstream of ${CLIENT_NAME[service]}`;
    const where = told === 0 ? t`no proxy is running; state.json was updated` : t`running proxies: ${told}`;
    cli.out.line(t`${what}: state reset (${where})`);
    if (args.everywhere === true) cli.out.line(t`the machines of the pool were told`);
    cli.out.note(t`Next: ch routing explain`);
  },
});

const waitCommand = defineCommand({
  description: "show the requests that wait for a reset, or end their wait",
  examples: [
    ["ch routing wait", "which sessions wait, for what and until when"],
    ["ch routing wait --stop", "give them their answer now"],
  ],
  args: {
    stop: { type: "boolean", description: "end all waits: the clients are told the limit" },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const { out } = cli;
    const service = chooseService(args, await loadConfig(cli.paths.config));
    const { isRunning, waits } = await surveyWaits(service, cli);
    if (args.stop === true && waits.length > 0) await stopWaits(service, cli);
    if (args.json === true)
      return out.json({ service, is_running: isRunning, stopped: args.stop === true, waiting: waits });
    if (waits.length === 0)
      return out.line(isRunning ? t`No request waits for a reset.` : t`no proxy is running`);
    if (args.stop === true) return out.line(t`ended: ${waits.length}`);
    const now = cli.now();
    const rows = waits.map(({ model, session_id: session, since_ms: since, until_ms: until, upstream }) => [
      session?.slice(0, 8) ?? "-",
      model ?? "-",
      upstream,
      until === null ? t`no end known` : t`until ${showMoment(until, now)}`,
      out.paint("dim", t`for ${showSpan(now - since)}`),
    ]);
    for (const row of alignRows(rows, out.width)) out.line(row);
    out.note(`\n${t`Next: ch routing wait --stop`}${flagFor(service)}`);
  },
});

export const command = defineCommand({
  description: "show the order of upstreams, reset their state, end waits",
  examples: [
    ["ch routing explain", "which upstream is next, and why"],
    ["ch routing reset main#2", "reset the state of an upstream"],
  ],
  default: "explain",
  subCommands: { explain: explainCommand, reset: resetCommand, wait: waitCommand },
});

/** Of the user's own: a second upstream where there is one, else a config. */
function exampleTarget(config: ParsedConfig, service: Service): string {
  const configs = [...config.services[service].configs.values()];
  const [first] = configs;
  const many = configs.find(({ entry }) => entry.upstreams.length > 1);
  return many === undefined ? (first?.name ?? "NAME") : `${many.name}#2`;
}

/** Throws UserError, with near names, for what does not exist. */
function checkTarget(config: ParsedConfig, service: Service, text: string): void {
  const { name, position } = findTarget(config, service, text);
  const count = config.services[service].configs.get(name)?.entry.upstreams.length ?? 0;
  if (position !== null && position > count) throw noSuchPosition(name, position, count, flagFor(service));
}
