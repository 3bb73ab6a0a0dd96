// `ch config list` and `ch config show`: what is configured, with every secret masked.
import { showHost } from "../../../base/upstream.ts";
import { existsSync } from "node:fs";
import { createClientSecrets } from "../../../app/client-secrets.ts";
import { readVariable } from "../../../base/env.ts";
import { noSuchPosition } from "../../../config/edit.ts";
import { loadConfig } from "../../../config/file.ts";
import { chooseConfig } from "../../../config/resolve.ts";
import { UserError } from "../../../base/errors.ts";
import type { InstanceFacts, UpstreamState } from "../../../app/ask-instance.ts";
import { surveyConfigs } from "../../../app/status/survey.ts";
import { describeFix, showHealth } from "../../upstream-words.ts";
import { askRunning, describeLack, hasVariable } from "../../../app/status/running.ts";
import { findInstances } from "../../../state/instances.ts";
import { t, tell } from "../../language.ts";
import { showPath } from "../../../base/paths.ts";
import { JSON_ARG, SERVICE_ARGS, type ServiceFlags } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { wrapWords } from "../../layout.ts";
import { describeChain } from "../../upstream-words.ts";
import {
  type ConfigView,
  type UpstreamView,
  type ViewContext,
  describeCredential,
  describeState,
  viewConfigs,
} from "./describe.ts";
import { chooseService, findTarget } from "./target.ts";

export const listCommand = defineCommand({
  description: "list the configs of a service",
  examples: [
    ["ch config list", "configs of the default service"],
    ["ch config list --claude --json", "configs of Claude Code, as JSON"],
  ],
  args: { ...SERVICE_ARGS, ...JSON_ARG },
  async run(args, cli) {
    const context = await readContext(cli, args);
    const { config, service } = context;
    const views = viewConfigs(context);
    if (args.json === true) {
      const { active } = config.services[service];
      return cli.out.json({
        path: cli.paths.config,
        service,
        active,
        configs: views,
        warnings: config.warnings,
      });
    }
    for (const warning of config.warnings) cli.out.warn(tell(warning));
    if (views.length > 0) printList(cli, views);
    if (views.some(({ is_active }) => is_active)) return;
    const why = chooseConfig(config.services[service], service);
    if ("kind" in why) cli.out.note(`${tell(why.message)}\n  ${why.hint}`);
  },
});

export const showCommand = defineCommand({
  description: "show a config or one of its upstreams",
  examples: [
    ["ch config show", "the active config"],
    ["ch config show main#2 --json", "its second upstream, as JSON"],
  ],
  args: {
    name: {
      type: "positional",
      required: false,
      description: "NAME or NAME#N; default: the active config",
    },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const context = await readContext(cli, args);
    const { view, position } = findView(context, args.name);
    const upstreams = position === null ? view.upstreams : view.upstreams.slice(position - 1, position);
    const states = await surveyConfigs(context.service, cli);
    if (args.json === true) {
      const all = upstreams.map((one) => ({ ...one, ...makeStateJson(states.get(one.target)) }));
      return cli.out.json(position === null ? { service: context.service, ...view, upstreams: all } : all[0]);
    }
    const title = [cli.out.paint("bold", view.name), view.alias, view.is_active ? t`active` : null];
    cli.out.line(title.filter((part) => part !== null).join("  "));
    if (view.on_exhausted === "stop")
      cli.out.line(t`when its quota is exhausted, no other upstream takes over`);
    for (const [model, models] of Object.entries(view.models))
      cli.out.line(describeChain({ model, models: [...models], in_use: null }));
    if (view.wait !== null) cli.out.line(t`at a limit of all upstreams requests wait up to ${view.wait}`);
    for (const upstream of upstreams)
      printUpstream(cli, upstream, { ...context, state: states.get(upstream.target) });
  },
});

/** As `ch status --json` has them. */
function makeStateJson(state: UpstreamState | undefined): object {
  if (state === undefined) return {};
  const { fix, reason, source, standing, until_ms } = state;
  return { standing, until_ms, source, reason, fix };
}

interface Context extends ViewContext {
  /** What the running proxy says of itself. */
  readonly running: InstanceFacts | null;
}

async function readContext(cli: Cli, args: ServiceFlags): Promise<Context> {
  const { config: path, run } = cli.paths;
  const config = await loadConfig(path);
  if (!existsSync(path) && (await findInstances(run)).running.length > 0) {
    const problem = t`${showPath(path, cli.env)} was removed`;
    cli.out.warn(t`${problem}; the last valid version stays in use`);
  }
  const service = chooseService(args, config);
  const secrets = createClientSecrets(cli.paths, cli.now);
  const running = await askRunning(service, cli);
  return {
    config,
    service,
    running,
    isSetThere: (name) => (running === null ? null : hasVariable(running, name)),
    readVariable: (name) => readVariable(cli.env, name) ?? secrets.read(service, name),
  };
}

function findView(context: ViewContext, text: string | undefined) {
  const { config, service } = context;
  const active = chooseConfig(config.services[service], service);
  if (text === undefined && "kind" in active) throw new UserError(active.message, { hint: active.hint });
  const target =
    text === undefined && !("kind" in active)
      ? { name: active.name, position: null }
      : findTarget(config, service, text ?? "");
  const view = viewConfigs(context).find(({ name }) => name === target.name);
  if (view === undefined || view.problem !== null) {
    throw new UserError(view?.problem ?? t`there is no config "${target.name}"`, { hint: "ch config edit" });
  }
  if (target.position !== null && target.position > view.upstreams.length) {
    throw noSuchPosition(view.name, target.position, view.upstreams.length);
  }
  return { view, position: target.position };
}

function printList({ out, now }: Cli, views: readonly ConfigView[]): void {
  const widthOf = (texts: readonly string[]): number =>
    Math.max(...texts.map((text) => Bun.stringWidth(text)));
  const names = widthOf([t`NAME`, ...views.map(({ name }) => name)]);
  const aliases = widthOf([t`ALIAS`, ...views.map(({ alias }) => alias ?? "")]);
  const room = out.isTerminal ? out.width - names - aliases - 7 : Infinity;
  const rows = views.map((view) => {
    const hosts = view.upstreams.map((upstream) => {
      const state = describeState(upstream, now());
      return showHost(upstream.base_url) + (state === "" ? "" : ` (${state})`);
    });
    const name = view.is_active ? out.paint("green", view.name) : view.name;
    const what = view.problem === null ? listWhole(hosts, room) : out.paint("red", t`cannot be used`);
    return [view.is_active ? "*" : "", name, view.alias ?? "", what];
  });
  out.table(["", t`NAME`, t`ALIAS`, t`UPSTREAMS`], rows);
}

/** As many as there is room for, none of them cut. */
function listWhole(hosts: readonly string[], room: number): string {
  for (let count = hosts.length; count > 1; count -= 1) {
    const rest = hosts.length - count;
    const line = [...hosts.slice(0, count), ...(rest === 0 ? [] : [t`${rest} more`])].join(", ");
    if (Bun.stringWidth(line) <= room) return line;
  }
  return hosts.length > 1 ? `${hosts[0]}, ${t`${hosts.length - 1} more`}` : (hosts[0] ?? "");
}

function printUpstream(
  { out, now }: Cli,
  view: UpstreamView,
  { running, service, state: health }: Context & { readonly state: UpstreamState | undefined },
): void {
  const state = describeState(view, now());
  out.line(`${view.target}  ${view.base_url}${state === "" ? "" : `  ${out.paint("yellow", state)}`}`);
  const facts: [string, object | string | number | null][] = [
    [t`key`, describeCredential(view.credential)],
    ["tags", view.tags],
    ["models", view.models],
    ["headers", view.headers],
    ["query", view.query],
    ["proxy", view.proxy === false ? t`none` : view.proxy],
    ["tls_ca", view.tls_ca],
    ["timeouts", view.timeouts],
    ["on_status", view.on_status],
    ["on_error", Object.fromEntries(view.on_error.map(describeErrorRule))],
    ["cost_multiplier", view.cost_multiplier === 1 ? null : view.cost_multiplier],
    ["budget_usd", view.budget_usd],
    ["budget", view.budget.map(describeMap).join("; ") || null],
    ["keep", view.keep],
    ["max_concurrent", view.max_concurrent],
    ["limit_group", view.limit_group],
    ["queue_secs", view.queue_secs],
    ["privacy", view.privacy],
  ];
  const printFact = (name: string, text: string): void => {
    const blanks = " ".repeat(Math.max(0, 15 - Bun.stringWidth(name)));
    if (text !== "") out.line(`  ${out.paint("dim", name)}${blanks}  ${text}`);
  };
  if (health !== undefined) {
    printFact(t`state`, showHealth(out, health, now()));
    printFact(t`to fix it`, describeFix(health) ?? "");
  }
  for (const [name, value] of facts)
    printFact(name, typeof value === "object" ? describeMap(value ?? {}) : String(value));
  const { kind, variable } = view.credential;
  if (running === null || variable === null || (kind !== "bearer" && kind !== "api-key")) return;
  const lack = describeLack(running, { variable, kind, label: view.target, service });
  if (lack === null) return;
  for (const line of wrapWords(tell(lack), out.width - 2)) out.line(`  ${out.paint("red", line)}`);
}

function describeErrorRule({
  match,
  status,
  until,
  verdict,
}: UpstreamView["on_error"][number]): [string, string] {
  return [`${status ?? ""} "${match}"`.trim(), `${verdict} ${until ?? ""}`.trim()];
}

function describeMap(map: object): string {
  return Object.entries(map)
    .filter(([, value]) => value !== null)
    .map(
      ([key, value]: [string, unknown]) =>
        `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`,
    )
    .join(", ");
}
