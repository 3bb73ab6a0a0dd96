// `ch config sync`: merges the configs with those of other machines through a folder that something else syncs; says what came, what
// went, what waits for a choice, and what to type then.
import { resolve } from "node:path";
import type { SyncReport, Typed } from "../../../app/sync/sync.ts";
import { EXIT } from "../../../base/errors.ts";
import { isRecord } from "../../../base/json-value.ts";
import { showPath } from "../../../base/paths.ts";
import { quoteWord } from "../../../base/shell.ts";
import { flagFor } from "../../../base/service.ts";
import { inEnglish, showMoment } from "../../../base/text.ts";
import { showCommand } from "../../../config/key-command.ts";
import type { Item } from "../../../config/sync/desk.ts";
import type { LeftOut, Sent } from "../../../config/sync/run.ts";
import { JSON_ARG, SERVICE_ARGS, readService, usageError } from "../../args.ts";
import { type Cli, type Output, defineCommand } from "../../cli.ts";
import { t, tell, tellList } from "../../language.ts";
import { cutMiddle } from "../../layout.ts";

const HELP = "ch config sync --help";
const LONGEST_VALUE = 60;

export const syncCommand = defineCommand({
  description: "merge configs with other machines through a synced folder",
  examples: [
    ["ch config sync ~/Sync/ch", "send and take over what changed; keys stay here"],
    ["ch config sync ~/Sync/ch main#1.base_url --accept", "take over a new address that was shown"],
    ["ch config sync ~/Sync/ch main.alias --take theirs", "settle a conflict"],
  ],
  args: {
    dir: {
      type: "positional",
      required: true,
      description: "a folder that something else syncs: git, Syncthing, iCloud, WebDAV",
    },
    field: {
      type: "positional",
      required: false,
      description: "what --take and --accept are for, as it is shown; none: all",
    },
    take: {
      type: "enum",
      options: ["mine", "theirs"] as string[],
      valueHint: "WHOSE",
      description: "whose value settles a conflict",
    },
    machine: {
      type: "string",
      valueHint: "MACHINE",
      description: "whose value --take theirs means, of several",
    },
    accept: { type: "boolean", description: "take over what waits, as it was shown" },
    "allow-commands": { type: "boolean", description: "with --accept: also commands that print a key" },
    "dry-run": { type: "boolean", description: "show what would happen, and write nothing" },
    history: { type: "boolean", description: "show who changed what, and sync nothing" },
    ...SERVICE_ARGS,
    ...JSON_ARG,
  },
  async run(args, cli) {
    const { env, now, out, paths } = cli;
    const folder = resolve(args.dir);
    if (args.accept === true && args.take !== undefined)
      throw usageError(t`--accept and --take cannot be used together`, HELP);
    if (args.machine !== undefined && args.take !== "theirs")
      throw usageError(t`--machine belongs to --take theirs`, HELP);
    if (args.field !== undefined && args.accept !== true && args.take === undefined && args.history !== true)
      throw usageError(
        t`FIELD needs --take or --accept`,
        `ch config sync ${quoteWord(args.dir)} ${args.field} --take theirs`,
      );
    if (args.history === true)
      return await showHistory(cli, { folder, field: args.field, isJson: args.json === true });
    const typed: Typed = {
      field: args.field ?? null,
      service: readService(args) ?? null,
      take: args.take === "mine" || args.take === "theirs" ? args.take : null,
      machine: args.machine ?? null,
      accepts: args.accept === true,
      allowsCommands: args["allow-commands"] === true,
    };
    const isDryRun = args["dry-run"] === true;
    const { syncConfig } = await import("../../../app/sync/sync.ts");
    const report = await syncConfig({ paths, env, folder, now, isDryRun, typed });
    const isSettled = report.items.every(({ kind }) => kind === "taken") && report.problems.length === 0;
    if (args.json === true) out.json(makeJson(report, { folder, isDryRun }));
    else show(cli, report, { folder: showPath(folder, env), isDryRun });
    return isSettled ? EXIT.ok : EXIT.failed;
  },
});

interface Shown {
  readonly folder: string;
  readonly isDryRun: boolean;
}

function show(cli: Cli, report: SyncReport, { folder, isDryRun }: Shown): void {
  const { out } = cli;
  const { items, leftOut, machines, needs, problems, sent, unseen, warnings } = report;
  const line = `ch config sync ${/^~\/[\w./-]+$/.test(folder) ? folder : quoteWord(folder)}`;
  for (const words of warnings) out.warn(tell(words));
  const taken = items.filter(({ kind }) => kind === "taken");
  if (isDryRun && taken.length + sent.length > 0)
    out.note(t`nothing was written; without --dry-run this would happen:`);
  group(
    out,
    t`Taken over`,
    taken.map((item) => [
      nameOf(item),
      change(item.here, item.others[0]?.value, item.what),
      tellList(by(item)),
    ]),
  );
  group(
    out,
    t`Sent`,
    sent.map((one) => [nameOf(one), change(one.before, one.after, one.what)]),
  );
  for (const item of items.filter(({ kind }) => kind === "conflict")) {
    out.line(`${out.paint("yellow", t`Conflict`)}  ${out.paint("bold", nameOf(item))}`);
    showSides(out, item);
    out.line(`  ${line} ${word(item)} --take mine`);
    for (const one of item.others) {
      const from = item.others.length > 1 ? ` --machine ${quoteWord(one.by[0] ?? "")}` : "";
      out.line(`  ${line} ${word(item)} --take theirs${from}${item.isCommand ? " --allow-commands" : ""}`);
    }
  }
  for (const item of items.filter(({ kind }) => kind === "held")) {
    out.line(`${out.paint("yellow", t`Waits for you`)}  ${out.paint("bold", nameOf(item))}`);
    showSides(out, item);
    for (const risk of item.risks) out.line(`  ${tell(risk)}`);
    if (item.isCommand) out.line(`  ${t`it would run a program on this machine`}`);
    if (item.isLast) out.line(`  ch config remove ${item.label.replace(/#.*/, "")}${flagOf(item)}`);
    else out.line(`  ${line} ${word(item)} --accept${item.isCommand ? " --allow-commands" : ""}`);
    out.line(`  ${line} ${word(item)} --take mine`);
  }
  for (const { label, service, what } of taken)
    if (what === "config" && items.some((one) => one.label === label && one.others[0]?.value !== undefined))
      out.note(t`not used until you type: ch config set-active ${label}${flagOf({ service })}`);
  for (const { error, label } of problems) {
    out.warn(`${label}: ${tell(error.text)}`);
    if (error.hintText !== undefined) out.note(`  ${tell(error.hintText)}`);
  }
  for (const need of needs) {
    const [first = ""] = need.keys;
    const words = first.startsWith("auth")
      ? t`${nameOf(need)} (${need.host ?? ""}) needs its key`
      : t`${nameOf(need)} (${need.host ?? ""}) lacks ${tellList(need.keys)}`;
    out.warn(words);
    out.note(`  ${commandFor(need)}`);
  }
  if (leftOut.length > 0) {
    const names = leftOut.map((one) => `${nameOf(one)} ${one.keys.map(shortKey).join(", ")}`);
    out.note(t`not in the folder, because it is a key or may hold one: ${names.join("; ")}`);
  }
  if (unseen.length > 0)
    out.note(t`shown for the first time: ${tellList(unseen)}. Look at it, then type the same again`);
  const [own, ...others] = machines;
  const seen = others.map(
    ({ name, written }) => `${name} (${tell(showMoment(Date.parse(written ?? ""), cli.now()))})`,
  );
  if (others.length === 0)
    out.note(t`${own?.name ?? ""} is the first machine in ${folder}: type the same on the next one`);
  else out.note(t`machines: ${own?.name ?? ""} (this one), ${tellList(seen)}`);
}

/** What is here, and what others have. */
function showSides(out: Output, { here, others, what }: Item): void {
  const said = others.map((one) => [tellList(one.by), value(one.value, what)]);
  const isNew = here === undefined && (what === "config" || what === "upstream");
  group(out, null, [...(isNew ? [] : [[t`here`, value(here, what)]]), ...said]);
}

/** Labels stand in a column. */
function group(out: Output, title: string | null, rows: readonly (readonly string[])[]): void {
  if (rows.length === 0) return;
  if (title !== null) out.line(out.paint("bold", title));
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? ""))));
  for (const row of rows) {
    const cells = row.map(
      (cell, column) =>
        cell + " ".repeat(Math.max(0, (column < 2 ? (widths[column] ?? 0) : 0) - Bun.stringWidth(cell))),
    );
    const text = `  ${cells.join("  ").trimEnd()}`;
    out.line(out.isTerminal ? cutMiddle(text, out.width) : text);
  }
}

type Named = Pick<Item, "label" | "service">;

function flagOf({ service }: Pick<Item, "service">): string {
  return service === null ? "" : flagFor(service);
}

/** With the client's flag, where it is not the usual one. */
function nameOf(one: Named): string {
  return one.label + flagOf(one);
}

function word(one: Named): string {
  return (/^[\w.#-]+$/.test(one.label) ? one.label : quoteWord(one.label)) + flagOf(one);
}

function by({ others }: Item): readonly string[] {
  return [...new Set(others.flatMap((one) => one.by))];
}

function change(before: unknown, after: unknown, what: Item["what"]): string {
  if (what === "config" || what === "upstream") {
    if (after === undefined) return t`removed`;
    if (before === undefined) return t`new: ${value(after, what)}`;
  }
  return `${value(before, what)} -> ${value(after, what)}`;
}

/** In one line; undefined is nothing. */
function value(given: unknown, what: Item["what"]): string {
  if (given === undefined) return what === "config" || what === "upstream" ? t`removed` : "-";
  if (given === true) return what === "value" ? "true" : t`kept`;
  if (Array.isArray(given) && what !== "value") return tellList(given.map((one) => hostOf(String(one))));
  if (isRecord(given)) {
    if (typeof given["base_url"] === "string") {
      const auth = given["auth"];
      return [given["base_url"], ...(isRecord(auth) ? [value(auth, "value")] : [])].join(", ");
    }
    const command = [given["auth_token_command"], given["api_key_command"]].find(Array.isArray);
    if (command !== undefined) return t`the key that this prints: ${showCommand(command.map(String))}`;
    const variable = given["auth_token_env"] ?? given["api_key_env"];
    if (typeof variable === "string") return t`the key in ${variable}`;
  }
  const text = typeof given === "string" ? given : JSON.stringify(given);
  return cutMiddle(text, LONGEST_VALUE);
}

function hostOf(address: string): string {
  return URL.parse(address)?.host ?? address;
}

/** "auth.auth_token" as people know it. */
function shortKey(key: string): string {
  return key.replace(/^auth\./, "");
}

function commandFor({ keys, label, service }: LeftOut): string {
  const [first = ""] = keys;
  const flag = flagOf({ service });
  if (first === "auth.api_key") return `ch config set ${label}${flag} --api-key-stdin`;
  if (first.startsWith("auth")) return `ch config set ${label}${flag} --auth-token-stdin`;
  if (first.startsWith("headers."))
    return `ch config set ${label}${flag} --header ${first.slice("headers.".length)}=...`;
  return `ch config set ${label}${flag} --json ${first}=...`;
}

function makeJson(report: SyncReport, { folder, isDryRun }: Shown): unknown {
  const { items, leftOut, machines, needs, problems, sent, unseen, warnings } = report;
  const listItems = (kind: Item["kind"]) =>
    items
      .filter((item) => item.kind === kind)
      .map(({ here, isCommand, label, others, risks, service, what }) => ({
        service,
        field: label,
        what,
        here: here ?? null,
        others: others.map((one) => ({ machines: one.by, value: one.value ?? null })),
        risks: risks.map(inEnglish),
        is_command: isCommand,
      }));
  const listSent = ({ after, before, label, service, what }: Sent) => ({
    service,
    field: label,
    what,
    before: before ?? null,
    after: after ?? null,
  });
  const listKeys = ({ host, keys, label, service }: LeftOut) => ({ service, name: label, host, keys });
  return {
    folder,
    dry_run: isDryRun,
    machines,
    taken: listItems("taken"),
    sent: sent.map(listSent),
    conflicts: listItems("conflict"),
    held: listItems("held"),
    not_seen_before: unseen,
    left_out: leftOut.map(listKeys),
    needs: needs.map(listKeys),
    problems: [
      ...problems.map(({ error, label }) => `${label}: ${error.message}`),
      ...warnings.map(inEnglish),
    ],
  };
}

interface HistoryAsked {
  readonly folder: string;
  readonly field: string | undefined;
  readonly isJson: boolean;
}

async function showHistory({ now, out }: Cli, { field, folder, isJson }: HistoryAsked): Promise<void> {
  const { readHistory } = await import("../../../app/sync/folder.ts");
  const all = (await readHistory(folder)).filter(
    ({ what }) =>
      field === undefined || what === field || what.startsWith(`${field}.`) || what.startsWith(`${field}#`),
  );
  if (isJson) return out.json(all);
  const kindOf = (one: unknown): Item["what"] => (Array.isArray(one) ? "config" : "value");
  out.table(
    [t`TIME`, t`MACHINE`, t`WHAT`, t`BEFORE`, t`AFTER`],
    all.map(({ after, at, before, machine, service, what }) => [
      tell(showMoment(Date.parse(at), now())),
      machine,
      nameOf({ label: what, service }),
      value(before, kindOf(before)),
      value(after, kindOf(after)),
    ]),
  );
}
