// `ch config import`: what clients, other programs, a file or a link are set up with, as configs of ours. Shown first, keys
// masked; written only where a person says so.
import { readCurrentDirectory } from "../../current-directory.ts";
import { type Text, inEnglish } from "../../../base/text.ts";
import { resolve } from "node:path";
import { createClientSecrets } from "../../../app/client-secrets.ts";
import {
  type PlacedImport,
  type Placement,
  listActivated,
  placeImports,
  planImport,
} from "../../../app/import/import-plan.ts";
import { listRemarks, listSettingChanges } from "../../../app/import/import-remarks.ts";
import type { FileImport } from "../../../app/import/foreign-import.ts";
import { readVariable } from "../../../base/env.ts";
import { UserError } from "../../../base/errors.ts";
import { t, tell, tellList } from "../../language.ts";
import { showPath } from "../../../base/paths.ts";
import { CLIENT_NAME, SERVICES, type Service, flagFor, isService } from "../../../base/service.ts";
import type { Import } from "../../../clients/imported-config.ts";
import { FOREIGN_TOOLS, isForeignTool } from "../../../clients/import/tools.ts";
import type { Plan } from "../../../config/edit.ts";
import { listKeptSettings, listNewSettings } from "../../../config/export.ts";
import { loadConfig, updateConfig } from "../../../config/file.ts";
import { type ParsedConfig, makeEmptyConfig } from "../../../config/parse.ts";
import { JSON_ARG, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { showHost } from "../../../base/upstream.ts";
import { similarNames } from "../../../base/similar-names.ts";
import { type ConfigView, describeCredential, viewConfigs } from "./describe.ts";

const SOURCES = [...SERVICES, ...FOREIGN_TOOLS];
const LINK = /^ccswitch:/i;
/** Of `ch config export --line`. */
const LINE = /^codex-helper:/i;

const HELP = "ch config import --help";

export const importCommand = defineCommand({
  description: "import configs from a client, another tool or a file",
  examples: [
    ["ch config import --from codex", "show what would be imported from Codex"],
    ["ch config import --from cc-switch --yes", "import cc-switch's providers"],
    ["ch config import 'ccswitch://v1/import?resource=provider&...'", "show what a link contains"],
    ["ch config import backup.json", "show what an export or another config.json contains"],
    ["ch config import backup.json --yes --activate", "import it, and use its first config"],
  ],
  args: {
    file: {
      type: "positional",
      required: false,
      description: "an export, another config.json, a link or a line",
    },
    from: {
      type: "string",
      valueHint: "SOURCE",
      description: `${SOURCES.join(", ")} or a ccswitch:// link`,
    },
    dir: {
      type: "string",
      valueHint: "DIR",
      description: "the data directory of the other tool, if not the default",
    },
    yes: { type: "boolean", description: "write without asking" },
    activate: { type: "boolean", description: "use the first imported config at once" },
    "allow-commands": {
      type: "boolean",
      description: "also import the commands that print its keys: they run on this machine",
    },
    ...JSON_ARG,
  },
  async run(args, cli) {
    const { paths, out, now } = cli;
    const read = await findImports(cli, args);
    // An alias is written as it is shown.
    const configs = read.configs.map(({ alias, ...one }) => ({
      ...one,
      ...(alias === undefined ? {} : { alias: tell(alias) }),
    }));
    const found = { ...read, configs };
    const config = await loadConfig(paths.config);
    const placement = placeImports(found.configs, config);
    const activation = args.activate === true ? "now" : found.isForeign ? "never" : "first";
    const activated = listActivated(found.configs, config, activation);
    const settings = found.config === null ? [] : listNewSettings(found.config, config);
    const changes = listSettingChanges(settings, config);
    const remarks = placement.added.flatMap((one) => listRemarks(one, config));
    // They would be in use at once, also for the configs that are here.
    const wanted = activation === "now" ? settings : [];
    const plan: Plan = (current) => [...planImport(found.configs, activation)(current), ...wanted];
    const isNew = plan(config).length > 0;
    if (args.json !== true) {
      show(cli, found, placement);
      for (const { isRisk, words } of [...remarks, ...changes])
        if (isRisk) out.warn(tell(words));
        else out.note(tell(words));
      for (const { command, label } of found.commands)
        if (args["allow-commands"] === true) out.warn(t`${label} would run this for its key: ${command}`);
        else
          out.warn(t`${label}: the command for its key is left out, --allow-commands imports it: ${command}`);
      if (found.config !== null) showSettings(cli, found.config, config);
      if (wanted.length < settings.length) out.note(t`settings are imported only with --activate`);
      showHosts(cli, found, placement);
    }
    // What may come from a stranger is never one keypress away.
    const mayAsk = args.json !== true && !found.isForeign;
    const isWanted = isNew && (args.yes === true || (mayAsk && (await out.confirm(t`Add these?`))));
    if (isWanted) await updateConfig(paths, plan, now);
    if (args.json === true) {
      return out.json({
        service: found.service,
        configs: placement.added.map((one) => ({ service: one.service, ...viewImport(cli, one, activated) })),
        known: placement.known,
        left_out: found.skipped,
        commands: found.commands.map((one) => ({ ...one, is_allowed: args["allow-commands"] === true })),
        settings: settings.map(({ path }) => path.join(".")),
        setting_changes: changes.map(({ about, after, before }) => ({ name: about, before, after })),
        remarks: remarks.map(({ about, isRisk, words }) => ({
          about,
          is_risk: isRisk,
          words: inEnglish(words),
        })),
        hosts: listHosts(placement),
        activated: Object.fromEntries(activated),
        written: isWanted,
      });
    }
    if (placement.added.length + placement.known.length === 0) {
      const { where } = found;
      throw new UserError(t`${where}: nothing to import`, {
        hint: "ch config add main --base-url URL --auth-token-env NAME",
      });
    }
    const file = showPath(paths.config, cli.env);
    if (!isNew) out.note(t`nothing new: ${file} already contains everything`);
    else if (isWanted) out.note(t`written to ${file}`);
    else out.note(t`nothing was written; the same command with --yes writes it`);
    for (const line of isWanted && LINE.test(args.file ?? "") ? listKeysNeeded(placement) : [])
      out.note(`  ${line}`);
    for (const service of SERVICES) {
      const name = activated.get(service);
      const waiting = placement.added.find((one) => one.service === service)?.name;
      if (name !== undefined && isNew) out.note(t`${CLIENT_NAME[service]} uses ${name} from then on`);
      else if (waiting !== undefined && found.isForeign)
        out.note(t`not used until you type: ch config set-active ${waiting}${flagFor(service)}`);
    }
  },
});

interface Found extends Import {
  /** Null where there may be configs of both. */
  readonly service: Service | null;
  /** Where it was found, for people. */
  readonly where: string;
  /** A file or a link: whoever made it may be anybody. */
  readonly isForeign: boolean;
  /** Of a file: the settings around its configs. */
  readonly config: ParsedConfig | null;
  /** Of a file: what would run for its keys. */
  readonly commands: FileImport["commands"];
}

async function findImports(
  cli: Cli,
  {
    file,
    from,
    dir,
    ...args
  }: { readonly [name in "file" | "from" | "dir"]?: string | undefined } & {
    readonly "allow-commands"?: boolean | undefined;
  },
): Promise<Found> {
  const { paths, env } = cli;
  const none = { service: null, isForeign: false, config: null, commands: [] };
  const link = [file, from].find((one) => one !== undefined && LINK.test(one));
  if (link !== undefined) {
    if (file !== undefined && from !== undefined)
      throw usageError(t`--from and a FILE cannot be used together`, HELP);
    if (dir !== undefined)
      throw usageError(t`--dir belongs to --from with one of: ${tellList(FOREIGN_TOOLS)}`, HELP);
    if (/[?&]apiKey=[^&]/i.test(link)) cli.out.warn(t`the link's key is now in your shell's history`);
    const { readLinkImport } = await import("../../../app/import/foreign-import.ts");
    return { ...none, ...(await readLinkImport(link)), where: t`a ccswitch:// link`, isForeign: true };
  }
  if (from === undefined) {
    if (file === undefined) throw usageError(t`choose what to import: a FILE, or --from SOURCE`, HELP);
    if (dir !== undefined)
      throw usageError(t`--dir belongs to --from with one of: ${tellList(FOREIGN_TOOLS)}`, HELP);
    const { readFileImport, readLineImport } = await import("../../../app/import/foreign-import.ts");
    const allowsCommands = args["allow-commands"] === true;
    if (LINE.test(file))
      return {
        ...none,
        ...(await readLineImport(file, allowsCommands)),
        where: t`a line without keys`,
        isForeign: true,
      };
    return {
      ...none,
      ...(await readFileImport(resolve(file), allowsCommands)),
      where: file,
      isForeign: true,
    };
  }
  if (file !== undefined) throw usageError(t`--from and a FILE cannot be used together`, HELP);
  if (isForeignTool(from)) {
    const { findForeignImport } = await import("../../../app/import/foreign-import.ts");
    const found = await findForeignImport(from, dir, env);
    return { ...none, ...found, where: showPath(found.source ?? from, env) };
  }
  if (dir !== undefined)
    throw usageError(t`--dir belongs to --from with one of: ${tellList(FOREIGN_TOOLS)}`, HELP);
  if (isService(from)) {
    const { findImport } = await import("../../../app/import/client-import.ts");
    const found = await findImport({ paths, env, cwd: readCurrentDirectory(env), service: from });
    return { ...none, ...found, service: from, where: CLIENT_NAME[from] };
  }
  const near = similarNames(from, SOURCES)[0];
  const known = tellList(SOURCES);
  throw usageError(
    t`--from takes ${known} or a ccswitch:// link, not "${from}"`,
    near === undefined ? HELP : `ch config import --from ${near}`,
  );
}

function show(cli: Cli, found: Found, { added, known }: Placement): void {
  const { out } = cli;
  for (const service of SERVICES) {
    const own = added.filter((one) => one.service === service);
    if (own.length === 0) continue;
    const client = CLIENT_NAME[service];
    const where = found.where;
    out.line(out.paint("bold", where === client ? client : t`${client}, from ${where}`));
    const rows = own.flatMap((one) => {
      const { name, upstreams } = viewImport(cli, one);
      return upstreams.map((upstream, index) => [
        index === 0 ? `  ${name}` : "",
        describeCredential(upstream.credential),
        upstream.base_url,
      ]);
    });
    out.table([`  ${t`NAME`}`, t`KEY`, t`ADDRESS`], rows);
  }
  for (const { name, takenName } of added)
    if (takenName !== null) out.note(t`the name ${takenName} is in use: this one becomes ${name}`);
  for (const { name, as } of known) out.note(t`${name} already exists as ${as}`);
  for (const words of found.skipped) out.note(t`skipped: ${words}`);
}

/** Where the conversations would go. */
function showHosts({ out }: Cli, { isForeign }: Found, placement: Placement): void {
  const hosts = listHosts(placement).join(", ");
  if (hosts === "") return;
  if (isForeign) out.warn(t`files and links can come from anyone: your conversations would go to ${hosts}`);
  else out.note(t`your conversations would go to ${hosts}`);
}

function listHosts({ added }: Placement): string[] {
  return [...new Set(added.flatMap(({ upstreams }) => upstreams.map(({ base_url }) => showHost(base_url))))];
}

/** What is typed to give each its key: a line has none. */
function listKeysNeeded({ added }: Placement): string[] {
  return added.flatMap(({ name, service, upstreams }) =>
    upstreams.flatMap(({ auth }, index) =>
      auth == null ? [`ch config set ${name}#${index + 1}${flagFor(service)} --auth-token-stdin`] : [],
    ),
  );
}

function showSettings({ out }: Cli, from: ParsedConfig, to: ParsedConfig): void {
  const fresh = listNewSettings(from, to).map(({ path }) => path.join("."));
  const kept = listKeptSettings(from, to);
  if (fresh.length > 0) out.note(t`settings to be imported: ${tellList(fresh)}`);
  if (kept.length > 0) out.note(t`settings kept as they are: ${tellList(kept)}`);
}

/** As `config list` would show it, masked. */
function viewImport(
  cli: Cli,
  { alias, extra, name, service, upstreams }: PlacedImport,
  activated: ReadonlyMap<Service, string> = new Map(),
): ConfigView {
  const empty = makeEmptyConfig();
  const named = {
    name,
    alias: alias === undefined ? null : tell(alias),
    entry: { ...extra, upstreams: [...upstreams], needs_activation: true },
  };
  const section = {
    active: activated.get(service) ?? null,
    configs: new Map([[name, named]]),
    broken: new Map<string, Text>(),
  };
  const secrets = createClientSecrets(cli.paths, cli.now);
  const [view] = viewConfigs({
    config: { ...empty, services: { ...empty.services, [service]: section } },
    service,
    readVariable: (variable) => readVariable(cli.env, variable) ?? secrets.read(service, variable),
  });
  if (view === undefined) throw new Error(`no view of ${name}`);
  return view;
}
