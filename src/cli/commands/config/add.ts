// `ch config add`: one upstream into a new config, or behind the others of one that is there.
import { UserError } from "../../../base/errors.ts";
import type { Text } from "../../../base/text.ts";
import { CLIENT_NAME, DEFAULT_SERVICE, type Service, flagFor } from "../../../base/service.ts";
import { t, tell, tellList } from "../../language.ts";
import { guessBaseUrl, readBaseUrl } from "../../../config/base-url.ts";
import { checkUpstreams } from "../../../config/check-upstreams.ts";
import { planAdd, planAppend } from "../../../config/edit.ts";
import { loadConfig, updateConfig } from "../../../config/file.ts";
import { formatTarget } from "../../../config/name.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import type { AuthEntry, UpstreamEntry } from "../../../config/schema.ts";
import { SERVICE_ARGS, type Typed, readService, readWholeNumber, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { LONGEST_TTL_SECS, showCommand } from "../../../config/key-command.ts";
import { splitRepeated } from "../../flags.ts";
import { CREDENTIAL_ARGS, credentialFlags, readCredential } from "./credential.ts";
import { nameInUse, noteUse, warnOfVariables } from "./in-use.ts";
import { chooseService, findName, findTarget, parseName } from "./target.ts";

const HELP = "ch config add --help";

const ADD_ARGS = {
  name: {
    type: "positional",
    required: true,
    description: 'name of the config: letters, digits, ".", "_" and "-"',
  },
  "base-url": {
    type: "string",
    valueHint: "URL",
    description: "base URL of the API, as its operator gives it",
  },
  ...CREDENTIAL_ARGS,
  "command-ttl": {
    type: "string",
    valueHint: "SECS",
    description: "how long a key that a command printed is used; before the command",
    // docs/keys.md has it: the screen is full.
    isUnlisted: true,
  },
  alias: { type: "string", valueHint: "WORDS", description: "a display name for the config" },
  append: { type: "boolean", description: "add to an existing config, as its last backup" },
  "from-config": {
    type: "string",
    valueHint: "NAME",
    description: "copy the upstreams of NAME, or only NAME#N",
  },
  force: { type: "boolean", description: "replace a config of that name" },
  ...SERVICE_ARGS,
} as const;

export const addCommand = defineCommand({
  description: "add a config, or add a backup upstream to one",
  examples: [
    ["ch config add main --base-url https://a.example/v1 --auth-token-env A_KEY", "a new config"],
    ["ch config add main --append --base-url https://b.example/v1", "a backup upstream for it"],
  ],
  args: ADD_ARGS,
  async run(args, cli) {
    const isAppending = args.append === true;
    const isReplacing = args.force === true;
    if (isAppending && isReplacing) throw usageError(t`--append and --force cannot be used together`, HELP);
    if (isAppending && args.alias !== undefined)
      throw usageError(t`--alias belongs to a config: do not use it with --append`, HELP);
    const name = parseName(args.name);
    const own = await readOwn(cli, args);
    const config = await loadConfig(cli.paths.config);
    const service = chooseService(args, config);
    if (own !== null) refuseUnusable(own, service);

    const used = nameInUse(config, service);
    let added: readonly UpstreamEntry[] = [];
    const plan = (current: ParsedConfig) => {
      added = own === null ? copyUpstreams(current, service, args["from-config"] ?? "") : [own];
      if (isAppending) return planAppend(service, findName(current, service, name), added)(current);
      return planAdd({ service, name, alias: args.alias, upstreams: added, isReplacing })(current);
    };
    await updateConfig(cli.paths, plan, cli.now);
    await report(cli, { service, name, added, wasUsed: used === name });
  },
});

type AddArgs = Typed<typeof ADD_ARGS> & { readonly name: string };

/** The upstream that the flags describe; null when another config's are to be copied. */
async function readOwn(cli: Cli, args: AddArgs): Promise<UpstreamEntry | null> {
  const auth = await readCredential(cli, args, {
    help: HELP,
    line: `ch config add ${args.name} --base-url URL`,
  });
  const ttl = readTtl(args, auth);
  if (args["from-config"] !== undefined) {
    if (args["base-url"] !== undefined || auth !== null) {
      throw usageError(t`--from-config copies address and key: do not use it with the other flags`, HELP);
    }
    return null;
  }
  const typed = args["base-url"];
  if (typed === undefined) throw usageError(t`--base-url is missing`, HELP);
  const base = readBaseUrl(typed);
  const refuse = (words: Text): UserError => usageError(`--base-url ${tell(words)}`, lineWith(typed, args));
  if (base.kind === "bad") throw refuse(base.problem);
  if (base.miss !== undefined) throw refuse(base.miss);
  return { base_url: base.url, ...(auth === null ? {} : { auth: { ...auth, ...ttl } }) };
}

function readTtl({ "command-ttl": typed }: AddArgs, auth: AuthEntry | null): AuthEntry {
  if (typed === undefined) return {};
  if (auth?.auth_token_command == null && auth?.api_key_command == null)
    throw usageError(t`--command-ttl is for the key of a command`, HELP);
  const secs = readWholeNumber("--command-ttl", typed, { least: 1, most: LONGEST_TTL_SECS, example: 600 });
  return { command_ttl_secs: secs };
}

/** In the words of the flags, before anything is read or written. */
function refuseUnusable(upstream: UpstreamEntry, service: Service): void {
  const { problem } = checkUpstreams([upstream], service);
  if (problem === null) return;
  const key = String(problem.path.at(-1)).replaceAll("_", "-");
  throw usageError(`--${key} ${tell(problem.words)}`, HELP);
}

function copyUpstreams(config: ParsedConfig, service: Service, text: string): readonly UpstreamEntry[] {
  const { name, position } = findTarget(config, service, text);
  const upstreams = config.services[service].configs.get(name)?.entry.upstreams ?? [];
  const copied = position === null ? upstreams : upstreams.slice(position - 1, position);
  if (copied.length > 0) return copied;
  throw new UserError(t`"${text}" has no upstream to copy`, { hint: `ch config show ${name}` });
}

interface Added {
  readonly service: Service;
  readonly name: string;
  readonly added: readonly UpstreamEntry[];
  /** Requests used the config before. */
  readonly wasUsed: boolean;
}

/** By the file as it is afterwards: what is in use, what to type, and a test of what was added. */
async function report(cli: Cli, { added, name, service, wasUsed }: Added): Promise<void> {
  const { out } = cli;
  const config = await loadConfig(cli.paths.config);
  const count = config.services[service].configs.get(name)?.entry.upstreams.length ?? added.length;
  const flag = flagFor(service);
  const targets = added.map((_, index) => formatTarget(name, count - added.length + index + 1));
  for (const { words } of checkUpstreams(added, service).warnings) out.warn(`${targets[0]} ${tell(words)}`);
  const named = added.map((entry, index) => ({ entry, label: targets[index] ?? "" }));
  const isKeyHere = await warnOfVariables(cli, service, named);
  const [client, all] = [CLIENT_NAME[service], tellList(targets)];
  const isUsed = nameInUse(config, service) === name;
  if (isUsed && wasUsed) out.note(t`${client}: added ${all}, to the config in use`);
  else out.note(isUsed ? t`${client}: added ${all}, the active config` : t`${client}: added ${all}`);
  const isRunning = await noteUse(cli, service, name);
  const target = targets.length === 1 ? (targets[0] ?? name) : name;
  if (cli.isInteractive && isKeyHere) {
    const { testUpstreams } = await import("./test.ts");
    const line = `ch config test ${target}${flag}`;
    await testUpstreams(cli, { target, service, model: null, isConfirmed: false, withFeatures: false, line });
  }
  if (!isUsed) out.note(`  ch config set-active ${name}${flag}`);
  else if (!isRunning && !wasUsed) out.note(`  ch serve${flag}`);
  if (!cli.isInteractive) out.note(`  ch config test ${target}${flag}`);
}

/** The command with the address that was probably meant, and without a secret; the help where there is none. */
function lineWith(typed: string, { append, name, ...flags }: AddArgs): string {
  const guess = guessBaseUrl(typed);
  if (guess === null) return HELP;
  const [given] = credentialFlags(flags);
  const isUsers = /^https?:\/\/[^/]*@/i.test(typed);
  const kind = given?.startsWith("api-key") === true ? "api-key" : "auth-token";
  const stdin = given === undefined && !isUsers ? "" : ` --${kind}-stdin`;
  const isCommand = given?.endsWith("-command") === true;
  const key = given?.endsWith("-env") === true ? ` --${given} ${flags[given]}` : isCommand ? "" : stdin;
  const command = isCommand ? ` --${given} -- ${showCommand(splitRepeated(String(flags[given])))}` : "";
  const flag = flagFor(readService(flags) ?? DEFAULT_SERVICE);
  return `ch config add ${name}${append === true ? " --append" : ""} --base-url ${guess}${key}${flag}${command}`;
}
