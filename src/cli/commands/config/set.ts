// `ch config set`: changes single values of a config, of one upstream, or of the settings, without an editor.
import { CREDENTIAL_KEYS, findCredential } from "../../../config/check-upstreams.ts";
import { guessBaseUrl, readBaseUrl } from "../../../config/base-url.ts";
import { loadConfig, updateConfig } from "../../../config/file.ts";
import { type Target, formatTarget } from "../../../config/name.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import type { AuthEntry } from "../../../config/schema.ts";
import { type Changed, type Setting, planSet } from "../../../config/set.ts";
import { parseJson, isRecord } from "../../../base/json-value.ts";
import { type Service, flagFor } from "../../../base/service.ts";
import { showHost } from "../../../base/upstream.ts";
import { SERVICE_ARGS, type Typed, usageError } from "../../args.ts";
import { type Cli, defineCommand } from "../../cli.ts";
import { splitRepeated } from "../../flags.ts";
import { t, tell, tellList } from "../../language.ts";
import { CREDENTIAL_ARGS, credentialFlags, readCredential } from "./credential.ts";
import { noteUse, warnOfVariables } from "./in-use.ts";
import { chooseService, findTarget } from "./target.ts";

const HELP = "ch config set --help";

const SET_ARGS = {
  name: {
    type: "positional",
    required: false,
    description: "NAME#N, or NAME where it has one upstream; none: the settings of all",
  },
  "base-url": {
    type: "string",
    valueHint: "URL",
    description: "base URL of the API, as its operator gives it",
  },
  ...CREDENTIAL_ARGS,
  // What is typed stays in the shell's history.
  "auth-token": { ...CREDENTIAL_ARGS["auth-token"], isUnlisted: true },
  "api-key": { ...CREDENTIAL_ARGS["api-key"], isUnlisted: true },
  header: {
    type: "string",
    valueHint: "NAME=VALUE",
    isRepeatable: true,
    description: "add a header to its requests; without VALUE: remove it",
  },
  "model-map": {
    type: "string",
    valueHint: "FROM=TO",
    isRepeatable: true,
    description: "ask for TO where FROM is requested, or *",
  },
  enabled: {
    type: "enum",
    options: ["true", "false"] as string[],
    valueHint: "BOOL",
    description: "whether it is used",
  },
  alias: { type: "string", valueHint: "WORDS", description: "display name of the config" },
  json: {
    type: "string",
    valueHint: "PATH=VALUE",
    isRepeatable: true,
    description: "any key of docs/config.md by its path",
  },
  ...SERVICE_ARGS,
} as const;

type SetArgs = Typed<typeof SET_ARGS>;

export const setCommand = defineCommand({
  description: "change a key, an address or any other value",
  examples: [
    ["ch config set main#1 --auth-token-stdin", "give it another key"],
    [
      "ch config set main#2 --json timeouts.idle_secs=60",
      "any value of the file, checked before it is written",
    ],
  ],
  args: SET_ARGS,
  async run(args, cli) {
    const [credential] = credentialFlags(args);
    const typed = readFlags(args);
    if (typed.length === 0 && credential === undefined) {
      throw usageError(t`nothing to set`, `ch config set ${args.name ?? "NAME"} --auth-token-stdin\n${HELP}`);
    }
    const config = await loadConfig(cli.paths.config);
    const service = chooseService(args, config);
    if (
      args.name === undefined &&
      (credential !== undefined || typed.some(({ flag }) => flag !== "--json"))
    ) {
      const example = credential === undefined ? "--base-url URL" : `--${credential}`;
      throw usageError(t`NAME is missing`, `ch config set main#1 ${example}${flagFor(service)}`);
    }
    const target = args.name === undefined ? null : findTarget(config, service, args.name);
    const changed: Changed = [];
    // What is wrong with the rest is said before a key is asked for.
    planSet({ service, target }, [...typed, ...makeCredential(credential, {})], changed)(config);
    const auth = await readCredential(cli, args, { help: HELP, line: `ch config set ${args.name ?? ""}` });
    const settings = [...typed, ...makeCredential(credential, auth ?? {})];
    await updateConfig(cli.paths, planSet({ service, target }, settings, changed), cli.now);
    await report(cli, { service, target, changed });
    if (credential === undefined && target !== null) await warnOfNewHost(cli, { service, target }, config);
  },
});

/** Whoever moves an upstream may have meant another one. */
async function warnOfNewHost(
  { out, paths }: Cli,
  { service, target }: { readonly service: Service; readonly target: Target },
  before: ParsedConfig,
): Promise<void> {
  const [old, present] = [before, await loadConfig(paths.config)].map(
    ({ services }) => services[service].configs.get(target.name)?.entry.upstreams[(target.position ?? 1) - 1],
  );
  const [from, to] = [old, present].map((one) => URL.parse(one?.base_url ?? ""));
  if (from == null || to == null || from.origin === to.origin) return;
  if (findCredential(present?.auth) === null) return;
  out.warn(t`${formatTarget(target.name, target.position ?? 1)}: its key goes to ${showHost(to.href)} now`);
}

/** All of them but the credential. */
function readFlags(args: SetArgs): Setting[] {
  const { alias, "base-url": address, enabled } = args;
  return [
    ...(address === undefined
      ? []
      : [{ flag: "--base-url", path: ["base_url"], value: readAddress(address) }]),
    ...splitRepeated(args.header).map((text) => readPair("--header", text, /^([^=:]+)(?:=|: ?)(.*)$/s)),
    ...splitRepeated(args["model-map"]).map((text) => readPair("--model-map", text, /^([^=]+)=(.*)$/s)),
    ...(enabled === undefined ? [] : readEnabled(enabled === "true")),
    ...(alias === undefined ? [] : [{ flag: "--alias", path: ["alias"], value: alias }]),
    ...splitRepeated(args.json).flatMap(readAssignment),
  ];
}

function readAddress(typed: string): string {
  const base = readBaseUrl(typed);
  const problem = base.kind === "bad" ? base.problem : base.miss;
  if (base.kind === "ok" && problem === undefined) return base.url;
  throw usageError(`--base-url ${tell(problem ?? "")}`, guessBaseUrl(typed) ?? HELP);
}

/** One entry of a map; an empty value takes it out. */
function readPair(flag: "--header" | "--model-map", text: string, form: RegExp): Setting {
  const [, name, value = ""] = form.exec(text) ?? [];
  if (name === undefined) {
    const example = flag === "--header" ? "--header X-Team=core" : "--model-map '*=deepseek-chat'";
    throw usageError(t`${flag} takes a name and a value`, t`for example: ${example}`);
  }
  const map = flag === "--header" ? "headers" : "models";
  return { flag, path: [map, name.trim()], value: value.trim() === "" ? null : value.trim() };
}

function readEnabled(isEnabled: boolean): Setting[] {
  const flag = "--enabled";
  return [
    { flag, path: ["enabled"], value: isEnabled },
    { flag, path: ["disabled_until"], value: null },
  ];
}

/** "timeouts.idle_secs=60", or an object whose keys are set one by one. */
function readAssignment(text: string): Setting[] {
  const flag = "--json";
  const whole = parseJson(text);
  if (isRecord(whole)) return Object.entries(whole).map(([key, value]) => ({ flag, path: [key], value }));
  const [, path, asText = ""] = /^((?:[^="]|"(?:[^"\\]|\\.)*")+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined) {
    const example = "--json timeouts.idle_secs=60";
    throw usageError(t`--json takes PATH=VALUE`, t`for example: ${example}`);
  }
  const value = parseJson(asText);
  return [{ flag, path: path.trim(), value: value === undefined ? asText : value, asText }];
}

/** The new key alone: of two the proxy would take the one that comes first. */
function makeCredential(flag: string | undefined, auth: AuthEntry): Setting[] {
  if (flag === undefined) return [];
  // How long a command's key is used stays with the next command.
  const ttl = flag.endsWith("-command") ? [] : (["command_ttl_secs"] as const);
  return [...CREDENTIAL_KEYS, "client" as const, ...ttl].map((key) => ({
    flag: `--${flag}`,
    path: ["auth", key],
    value: auth[key] ?? null,
  }));
}

interface Report {
  readonly service: Service;
  readonly target: Target | null;
  readonly changed: Changed;
}

async function report(cli: Cli, { changed, service, target }: Report): Promise<void> {
  const { out } = cli;
  if (changed.length === 0) return out.note(t`nothing to change: it is set already`);
  for (const [place, all] of Map.groupBy(changed, (one) => one.place)) {
    const namesOf = (isRemoved: boolean): string =>
      tellList(all.filter((one) => one.isRemoved === isRemoved).map(({ key }) => key));
    const [set, removed] = [namesOf(false), namesOf(true)];
    const parts = [set === "" ? "" : t`set ${set}`, removed === "" ? "" : t`removed ${removed}`];
    const words = parts.filter((part) => part !== "").join("; ");
    out.note(place === "" ? words : `${place}: ${words}`);
  }
  if (target === null) return;
  await noteUse(cli, service, target.name);
  const place = target.position ?? 1;
  const entry = (await loadConfig(cli.paths.config)).services[service].configs.get(target.name)?.entry
    .upstreams[place - 1];
  const label = formatTarget(target.name, place);
  if (entry !== undefined) await warnOfVariables(cli, service, [{ entry, label }]);
}
