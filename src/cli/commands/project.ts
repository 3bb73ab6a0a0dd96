// `ch project`: which rules of config.json hold for a directory, and why; sets and removes them.
import { isAbsolute, resolve } from "node:path";
import { surveyProject, surveyProjects } from "../../app/projects/survey.ts";
import { findRuleFile } from "../../app/projects/gate.ts";
import { createLiveConfig } from "../../app/live-config.ts";
import { UserError } from "../../base/errors.ts";
import { expandHome, findUserHome, showPath } from "../../base/paths.ts";
import { quoteWord } from "../../base/shell.ts";
import { CLIENT_NAME, SERVICES } from "../../base/service.ts";
import { loadConfig, updateConfig } from "../../config/file.ts";
import type { ParsedConfig } from "../../config/parse.ts";
import { findRule, planSetProject, planUnsetProject } from "../../config/project-edit.ts";
import { listAllowed } from "../../config/projects.ts";
import type { ProjectEntry } from "../../config/schema.ts";
import { similarNames } from "../../base/similar-names.ts";
import { findInstances } from "../../state/instances.ts";
import { JSON_ARG, usageError } from "../args.ts";
import { type Cli, defineCommand } from "../cli.ts";
import { readCurrentDirectory } from "../current-directory.ts";
import { splitRepeated } from "../flags.ts";
import { t, tell } from "../language.ts";

const showCommand = defineCommand({
  description: "show which project a directory belongs to, and why",
  examples: [
    ["ch project", "of this directory"],
    ["ch project show --path ~/work/acme --json", "of another one, for a script"],
  ],
  args: {
    path: { type: "string", valueHint: "DIR", description: "another directory than this one" },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const { env, out } = cli;
    const here = readCurrentDirectory(env);
    const directory =
      args.path === undefined ? here : resolve(here, expandHome(args.path, findUserHome(env)));
    await loadConfig(cli.paths.config);
    const { located, routes } = await surveyProject(directory, cli);
    const { isOtherTree, isTold, met, terms } = located;
    if (args.json === true) {
      return out.json({
        directory,
        is_told: isTold,
        project: terms?.rule.name ?? null,
        pattern: terms?.rule.pattern ?? null,
        met_at: met,
        is_other_worktree: isOtherTree,
        config: terms?.config ?? null,
        allow: terms?.allow ?? null,
        walled_by: terms?.walledBy?.pattern ?? null,
        filter: terms?.filter ?? null,
        models: terms?.models ?? null,
        routes: routes.map(({ problem, ...route }) => ({
          ...route,
          problem: problem === null ? null : problem,
        })),
      });
    }
    const shown = showPath(directory, env);
    if (terms === null) {
      out.line(isTold ? t`${shown}: no project` : t`${shown}: it cannot be told which project this is`);
      out.line(
        isTold
          ? t`  no rule of config.json means this directory`
          : t`  it is not there, or its .git leads nowhere, and no rule names its path`,
      );
    } else {
      out.line(t`${shown}: project ${terms.rule.name}`);
      out.line(t`  rule    ${terms.rule.pattern}`);
      if (isOtherTree && met !== null)
        out.line(t`  why     a worktree of the same repository as ${showPath(met, env)}`);
      else if (met !== null && met !== directory) out.line(t`  why     it leads to ${showPath(met, env)}`);
      if (terms.allow !== null) {
        const by =
          terms.walledBy === null || terms.walledBy === terms.rule ? "" : ` (${terms.walledBy.pattern})`;
        out.line(t`  wall    only ${nameAllowed(terms.allow)}${by}`);
      }
      if (terms.filter !== null) out.line(t`  filter  ${terms.filter}`);
      for (const [model, chain] of Object.entries(terms.models ?? {}))
        out.line(t`  model   ${model} -> ${chain.join(", ")}`);
    }
    for (const { config, inside, outside, problem, service } of routes) {
      const name = CLIENT_NAME[service];
      if (problem !== null) out.line(t`  ${name}: refused: ${tell(problem)}`);
      else out.line(t`  ${name}: config ${config ?? "-"}: ${inside.join(", ")}`);
      if (outside.length > 0) out.line(t`    never: ${outside.join(", ")}`);
    }
    const word = quoteWord(directory);
    const next =
      terms === null
        ? `ch project set ${word} --config NAME --allow NAME`
        : `ch routing explain --path ${word}`;
    out.note(`\n${t`Next: ${next}`}`);
  },
});

const listCommand = defineCommand({
  description: "list the rules for projects",
  examples: [
    ["ch project list", "with their configs and walls"],
    ["ch project list --json", "for a script"],
  ],
  args: JSON_ARG,
  async run(args, cli) {
    const { out } = cli;
    await loadConfig(cli.paths.config);
    const live = createLiveConfig(cli);
    const reports = surveyProjects(live, cli);
    const unknown = live.current().config.shell.unknown_project ?? null;
    if (args.json === true) {
      return out.json({
        unknown_project:
          unknown ?? (reports.some(({ rule }) => rule.entry.allow != null) ? "refuse" : "default"),
        projects: reports.map(({ hasConfig, isThere, rule, unknown: names }) => ({
          pattern: rule.pattern,
          project: rule.name,
          ...rule.entry,
          is_there: isThere,
          has_config: hasConfig,
          unknown_names: names,
        })),
      });
    }
    if (reports.length === 0) {
      out.note(t`there are no projects`);
      out.note(`  ch project set DIR --config NAME --allow NAME`);
      return;
    }
    out.table(
      [t`PROJECT`, t`RULE`, t`CONFIG`, t`WALL`],
      reports.map(({ isThere, rule }) => [
        rule.name,
        isThere ? rule.pattern : t`${rule.pattern} (not there)`,
        rule.entry.config ?? "-",
        rule.entry.allow == null ? "-" : nameAllowed(rule.entry.allow),
      ]),
    );
    out.note(`\n${t`Next: ch project`}`);
  },
});

const DIRECTORY_ARG = {
  dir: { type: "positional", required: true, description: "a directory, or a pattern in quotes" },
} as const;

const setCommand = defineCommand({
  description: "set the config, the wall or another rule of a project",
  examples: [
    [
      "ch project set ~/work/acme --config relay-a --allow relay-a",
      "its requests go there, and nowhere else",
    ],
    ["ch project set ~/private --config cheap", "another config, without a wall"],
  ],
  args: {
    ...DIRECTORY_ARG,
    config: { type: "string", valueHint: "NAME", description: "the config that its requests use" },
    allow: {
      type: "string",
      valueHint: "NAME",
      isRepeatable: true,
      description: "its wall: a config, NAME#N or a host; nothing goes anywhere else",
    },
    filter: { type: "string", valueHint: "FILE", description: "further redaction rules for it" },
  },
  async run(args, cli) {
    const { dir } = args;
    const pattern = readPattern(dir, cli);
    const allow = splitRepeated(args.allow).flatMap((names) => names.split(",").map((name) => name.trim()));
    const entry: ProjectEntry = {
      ...(args.config === undefined ? {} : { config: args.config }),
      ...(allow.length === 0 ? {} : { allow }),
      ...(args.filter === undefined ? {} : { filter: args.filter }),
    };
    if (Object.keys(entry).length === 0)
      throw usageError(t`nothing to set`, `ch project set ${quoteWord(dir)} --config NAME --allow NAME`);
    checkNames(await loadConfig(cli.paths.config), entry, cli);
    await updateConfig(cli.paths, planSetProject(pattern, entry), cli.now);
    const rule = findRule(await loadConfig(cli.paths.config), pattern);
    cli.out.note(t`set project ${rule?.name ?? pattern} (${rule?.pattern ?? pattern})`);
    await noteRunning(cli);
    const next = `ch project show --path ${quoteWord(dir)}`;
    cli.out.note(t`Next: ${next}`);
  },
});

const unsetCommand = defineCommand({
  description: "remove a project's rule, or a part of it",
  examples: [
    ["ch project unset ~/private", "the whole rule"],
    ["ch project unset ~/work/acme --allow", "its wall alone"],
  ],
  args: {
    ...DIRECTORY_ARG,
    config: { type: "boolean", description: "its config alone" },
    allow: { type: "boolean", description: "its wall alone" },
    filter: { type: "boolean", description: "its redaction rules alone" },
  },
  async run(args, cli) {
    const pattern = readPattern(args.dir, cli);
    const keys = (["config", "allow", "filter"] as const).filter((key) => args[key] === true);
    const rule = findRule(await loadConfig(cli.paths.config), pattern);
    await updateConfig(cli.paths, planUnsetProject(pattern, keys), cli.now);
    const name = rule?.name ?? pattern;
    if (keys.length === 0) cli.out.note(t`removed project ${name}`);
    else cli.out.note(t`project ${name}: removed ${keys.join(", ")}`);
    await noteRunning(cli);
    cli.out.note(t`Next: ch project list`);
  },
});

export const command = defineCommand({
  description: "which project a directory is, and the rules for projects",
  examples: [
    ["ch project", "the project of this directory, and why"],
    ["ch project set ~/work/acme --allow relay-a", "a wall: nothing of it goes anywhere else"],
  ],
  default: "show",
  subCommands: { show: showCommand, list: listCommand, set: setCommand, unset: unsetCommand },
});

function nameAllowed(allow: readonly string[]): string {
  return allow.length === 0 ? t`nothing` : allow.join(", ");
}

/** A directory as it is written in the file: from the home, with all below it. */
function readPattern(dir: string, { env }: Cli): string {
  if (/[*?[{]/.test(dir)) {
    if (isAbsolute(dir) || dir.startsWith("~/")) return dir;
    throw usageError(
      t`a pattern must begin with "/" or "~/"`,
      `ch project set '~/work/*/acme' --config NAME`,
    );
  }
  const full = resolve(readCurrentDirectory(env), expandHome(dir, findUserHome(env)));
  const shown = showPath(full, env);
  return shown === "/" ? "/**" : `${shown.replace(/[\\/]+$/, "")}/**`;
}

function checkNames(config: ParsedConfig, { allow, config: used, filter }: ProjectEntry, cli: Cli): void {
  const names = SERVICES.flatMap((service) => [...config.services[service].configs.keys()]);
  const suggest = (name: string): string => {
    const near = similarNames(name, names).map((one) => t`"${one}"`);
    const or = t` or `;
    return near.length === 0 ? "ch config list" : t`did you mean ${near.join(or)}?`;
  };
  if (used != null && !names.includes(used))
    throw new UserError(t`there is no config "${used}"`, { hint: suggest(used) });
  const live = createLiveConfig(cli);
  const all = SERVICES.flatMap((service) => live.listAll(service).map(({ upstream }) => upstream));
  const unknown = allow?.find((name) => listAllowed([name], all).length === 0);
  if (unknown !== undefined) {
    throw new UserError(t`"${unknown}" is no config, no upstream and no host of one`, {
      hint: suggest(unknown),
    });
  }
  if (filter == null) return;
  const path = findRuleFile(filter, cli);
  if (!Bun.file(path).size)
    throw new UserError(t`${path}: no such file`, { hint: t`write the rules first; docs/filter.md` });
}

async function noteRunning({ out, paths }: Cli): Promise<void> {
  const { running } = await findInstances(paths.run);
  const [first] = running;
  if (first !== undefined)
    out.note(t`  in use: the running ch (pid ${first.pid}) has it from the next request on`);
}
