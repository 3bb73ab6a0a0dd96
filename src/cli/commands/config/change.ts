// The commands that change configs that are there: remove, rename, set-active, move, enable, disable.
import { basename } from "node:path";
import { t } from "../../language.ts";
import { UserError } from "../../../base/errors.ts";
import { readText } from "../../../base/files.ts";
import { showPath } from "../../../base/paths.ts";
import { CLIENT_NAME, DEFAULT_SERVICE, type Service, flagFor } from "../../../base/service.ts";
import { showMoment } from "../../../base/text.ts";
import {
  type Plan,
  planDisable,
  planEnable,
  planMove,
  planRemove,
  planRename,
  planSetActive,
} from "../../../config/edit.ts";
import { loadConfig, updateConfig } from "../../../config/file.ts";
import { findHolders, purgeBackups } from "../../../config/kept-secrets.ts";
import { formatTarget, parseTarget } from "../../../config/name.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import { chooseConfig } from "../../../config/resolve.ts";
import { inShell } from "../../../base/shell.ts";
import { SERVICE_ARGS, type ServiceFlags, readWholeNumber, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { cutColumns } from "../../layout.ts";
import { nameInUse, noteOther, noteUse } from "./in-use.ts";
import { chooseService, findName, findTarget, findUpstream, parseName } from "./target.ts";

const TARGET_ARG = {
  name: { type: "positional", required: true, description: "NAME, or NAME#N for one of its upstreams" },
} as const;
const NAME_ARG = { name: { type: "positional", required: true, description: "NAME of a config" } } as const;
const MOST_UPSTREAMS = 64;

export const removeCommand = defineCommand({
  description: "remove a config or one of its upstreams",
  examples: [
    ["ch config remove old", "a config with all its upstreams"],
    ["ch config remove main#2", "its second upstream"],
    ["ch config remove old --purge-backups", "and the earlier versions of the file that hold its key"],
  ],
  args: {
    ...TARGET_ARG,
    ...SERVICE_ARGS,
    "purge-backups": { type: "boolean", description: "remove the backups that hold its key, too" },
  },
  async run(args, cli) {
    let used: string | null = null;
    const before = (await readText(cli.paths.config)) ?? "";
    const service = await change(cli, args, (one, config) => {
      used = nameInUse(config, one);
      return planRemove(one, findTarget(config, one, args.name));
    });
    const holders = findHolders(cli.paths, { before, after: (await readText(cli.paths.config)) ?? "" });
    const backups = showPath(cli.paths.backups, cli.env);
    if (args["purge-backups"] === true) {
      purgeBackups(holders);
      cli.out.note(t`removed ${args.name}, and the backups that held its key: ${holders.backups.length}`);
    } else {
      cli.out.note(t`removed ${args.name}; a backup of the file is in ${backups}`);
      tellKept(cli, holders.backups);
    }
    for (const path of holders.others) cli.out.warn(t`its key is also in ${showPath(path, cli.env)}`);
    await noteOther(cli, service, used);
  },
});

/** With what to type: the command cannot be given again, because the config is gone. */
function tellKept({ env, out, paths }: Cli, kept: readonly string[]): void {
  if (kept.length === 0) return;
  out.warn(t`its key is still in ${kept.length} of the backups in ${showPath(paths.backups, env)}`);
  out.note(t`  remove them (--purge-backups does it at once):`);
  const { chain, enter, remove } = inShell();
  out.note(`    ${chain([enter(paths.backups), remove(kept.map((path) => basename(path)))])}`);
}

export const renameCommand = defineCommand({
  description: "rename a config",
  examples: [
    ["ch config rename main work", "an active config stays active"],
    ["ch config rename main work --claude", "a config of Claude Code"],
  ],
  args: {
    ...NAME_ARG,
    to: { type: "positional", required: true, description: "the new name" },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    await change(cli, args, (service, config) =>
      planRename(service, findName(config, service, args.name), parseName(args.to)),
    );
    cli.out.note(t`${args.name} is now ${args.to}`);
  },
});

export const setActiveCommand = defineCommand({
  description: "choose the config that requests use",
  examples: [
    ["ch config set-active work", "from the next request on, also in a running proxy"],
    ["ch config set-active --claude", "choose from a list, for Claude Code"],
  ],
  args: {
    name: { type: "positional", required: false, description: "NAME of a config; none: choose from a list" },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const name = args.name ?? (await pickConfig(cli, args));
    const service = await change(cli, args, (one, config) => planSetActive(one, findName(config, one, name)));
    cli.out.note(t`${CLIENT_NAME[service]} uses ${name} from the next request on`);
    await noteUse(cli, service, name);
  },
});

/** From a list with the state of each. Throws UserError where nobody can choose, or there is nothing to choose from. */
async function pickConfig(cli: Cli, args: ServiceFlags): Promise<string> {
  const config = await loadConfig(cli.paths.config);
  const service = chooseService(args, config);
  const { configs } = config.services[service];
  const used = nameInUse(config, service);
  if (configs.size === 0) {
    const none = chooseConfig(config.services[service], service);
    throw "kind" in none ? new UserError(none.message, { hint: none.hint }) : new Error("no config is one");
  }
  if (!cli.isInteractive) {
    const lines = [...configs.keys()].map((one) => `ch config set-active ${one}${flagFor(service)}`);
    throw usageError(t`NAME is missing`, lines.join("\n"));
  }
  const [{ surveyConfigs }, { askAtTerminal }, { describeHealth }] = await Promise.all([
    import("../../../app/status/survey.ts"),
    import("../../prompts.ts"),
    import("../../upstream-words.ts"),
  ]);
  const states = await surveyConfigs(service, cli);
  const columns = Math.max(...[...configs.keys()].map((one) => Bun.stringWidth(one)));
  const choices = [...configs.values()].map(({ alias, entry, name: value }) => {
    const words = entry.upstreams.flatMap((_, index) => {
      const state = states.get(formatTarget(value, index + 1));
      if (state === undefined) return [];
      const { sign, words: health } = describeHealth(state, cli.now());
      return [`#${index + 1} ${sign} ${health}`];
    });
    const title = [value.padEnd(columns), alias ?? "", value === used ? t`active` : ""].filter(
      (part) => part !== "",
    );
    return { value, label: cutColumns(`${title.join("  ")}  ${words.join("  ")}`, cli.out.width - 6) };
  });
  const question = t`Which config is ${CLIENT_NAME[service]} to use?`;
  return await askAtTerminal(cli.out, (prompts) => prompts.choose(question, choices, used ?? undefined));
}

export const moveCommand = defineCommand({
  description: "change the order of a config's upstreams",
  examples: [
    ["ch config move main#2 --to 1", "the second upstream becomes the primary"],
    ["ch config move main#1 --to 3", "the primary becomes the second backup"],
  ],
  args: {
    name: { type: "positional", required: true, description: "NAME#N" },
    to: { type: "string", valueHint: "N", description: "its new position; 1 is the primary" },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    if (args.to === undefined) {
      throw usageError(t`--to is missing`, `ch config move ${args.name} --to 1`);
    }
    const to = readWholeNumber("--to", args.to, { least: 1, most: MOST_UPSTREAMS });
    let name = "";
    await change(cli, args, (service, config) => {
      const target = findUpstream(config, service, args.name);
      name = target.name;
      return planMove(service, target, to);
    });
    cli.out.note(t`${args.name} is now ${formatTarget(name, to)}`);
  },
});

export const enableCommand = defineCommand({
  description: "enable an upstream",
  examples: [
    ["ch config enable main#2", "one upstream"],
    ["ch config enable main", "all of its upstreams"],
  ],
  args: { ...TARGET_ARG, ...SERVICE_ARGS },
  async run(args, cli) {
    await change(cli, args, (service, config) => planEnable(service, findTarget(config, service, args.name)));
    cli.out.note(t`${args.name} is enabled`);
  },
});

export const disableCommand = defineCommand({
  description: "disable an upstream, for a time or until enabled again",
  examples: [
    ["ch config disable main#2 --until tomorrow", "enabled again at midnight"],
    ["ch config disable main#2", "until it is enabled again"],
  ],
  args: {
    ...TARGET_ARG,
    until: {
      type: "string",
      valueHint: "TIME",
      description: "tomorrow, 18:00, 90m, 2h, 3d, 2026-12-01 or 2026-12-01T09:00",
    },
    ...SERVICE_ARGS,
  },
  async run(args, cli) {
    const clock = { now: cli.now(), timeZone: Temporal.Now.timeZoneId() };
    const until = args.until === undefined ? null : parseUntil(args.until, clock);
    const service = await change(cli, args, (one, config) =>
      planDisable(one, findTarget(config, one, args.name), until),
    );
    const moment = until === null ? "" : showMoment(Date.parse(until), cli.now());
    cli.out.note(until === null ? t`${args.name} is disabled` : t`${args.name} is disabled until ${moment}`);
    await warnOfNothingLeft(cli, service, args.name);
  },
});

/** A config in use without an upstream is not left for another one: requests fail. */
async function warnOfNothingLeft(cli: Cli, service: Service, text: string): Promise<void> {
  const section = (await loadConfig(cli.paths.config)).services[service];
  const chosen = chooseConfig(section, service);
  if ("kind" in chosen || chosen.name !== parseTarget(text).name) return;
  const isLeft = chosen.entry.upstreams.some(
    ({ enabled, disabled_until }) =>
      enabled !== false && !(disabled_until != null && Date.parse(disabled_until) > cli.now()),
  );
  if (isLeft) return;
  const client = CLIENT_NAME[service];
  cli.out.warn(t`the active config has no enabled upstream left: ${client}'s requests will fail`);
  cli.out.note(`  ch config enable ${text}${flagFor(service)}`);
}

/** Names are looked up in the file as it is under the lock. Gives the service that was meant. */
async function change(
  cli: Cli,
  args: ServiceFlags,
  makePlan: (service: Service, config: ParsedConfig) => Plan,
): Promise<Service> {
  let service: Service = DEFAULT_SERVICE;
  const plan: Plan = (config) => {
    service = chooseService(args, config);
    return makePlan(service, config)(config);
  };
  await updateConfig(cli.paths, plan, cli.now);
  return service;
}

export interface Clock {
  /** Wall clock, ms. */
  readonly now: number;
  /** IANA name: "Europe/Berlin". */
  readonly timeZone: string;
}

/**
 * "tomorrow", "18:00", "90m", "2h", "3d", "2026-12-01", "2026-12-01T09:00", with or without an offset, as ISO 8601 with
 * offset. A day begins at its midnight, here. Throws UserError for anything else and for the past.
 */
export function parseUntil(text: string, clock: Clock): string {
  const now = Temporal.Instant.fromEpochMilliseconds(clock.now).toZonedDateTimeISO(clock.timeZone);
  const until = readMoment(text.trim(), now);
  if (until === null) {
    throw usageError(
      t`--until takes a time, not "${text}"`,
      t`tomorrow, 18:00, 90m, 2h, 3d, 2026-12-01 or 2026-12-01T09:00`,
    );
  }
  if (Temporal.ZonedDateTime.compare(until, now) <= 0) {
    throw usageError(t`--until ${text} is in the past`);
  }
  return until.toString({ timeZoneName: "never", smallestUnit: "second" });
}

const UNITS = { m: "minutes", h: "hours", d: "days", w: "weeks" } as const;

function readMoment(text: string, now: Temporal.ZonedDateTime): Temporal.ZonedDateTime | null {
  if (text === "tomorrow") return now.add({ days: 1 }).startOfDay();
  const [, amount = "", unit] = /^(\d{1,4})([mhdw])$/.exec(text) ?? [];
  if (unit === "m" || unit === "h" || unit === "d" || unit === "w")
    return now.add({ [UNITS[unit]]: Number(amount) });
  try {
    if (/^\d{1,2}:\d{2}$/.test(text)) {
      const today = now.withPlainTime(Temporal.PlainTime.from(text.padStart(5, "0")));
      return Temporal.ZonedDateTime.compare(today, now) > 0 ? today : today.add({ days: 1 });
    }
    if (/^\d{4}-\d{2}-\d{2}$/.test(text))
      return Temporal.PlainDate.from(text).toZonedDateTime(now.timeZoneId);
    if (/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2})?$/.test(text)) {
      return Temporal.PlainDateTime.from(text).toZonedDateTime(now.timeZoneId);
    }
    return Temporal.Instant.from(text).toZonedDateTimeISO(now.timeZoneId);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
