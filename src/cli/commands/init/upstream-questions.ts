// The questions about one upstream: its address, its key, and whether it answers.
import { readCurrentDirectory } from "../../current-directory.ts";
import { type Survey, listCandidates } from "../../../app/import/survey.ts";
import { createClientSecrets } from "../../../app/client-secrets.ts";
import { readVariable } from "../../../base/env.ts";
import { UserError } from "../../../base/errors.ts";
import { maskSecret } from "../../../base/secrets.ts";
import { CLIENT_NAME, type Service } from "../../../base/service.ts";
import { oneLine } from "../../../base/terminal-text.ts";
import type { Text } from "../../../base/text.ts";
import { showHost } from "../../../base/upstream.ts";
import { importLink } from "../../../clients/import/link.ts";
import { type PastedUpstream, authForKey, readKey, readPaste } from "../../../clients/import/paste.ts";
import {
  checkUpstreams,
  problemOfSecret,
  problemOfVariable,
  findCredential,
} from "../../../config/check-upstreams.ts";
import { problemOfCommand, shellWordOf, showCommand, splitWords } from "../../../config/key-command.ts";
import { KEY_RECIPES, itemOf } from "../../../config/key-recipes.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import type { AuthEntry, UpstreamEntry } from "../../../config/schema.ts";
import type { TestRequestFacts } from "../../../doctor/facts.ts";
import { makeTestRequestFindings, reasonOfFailure } from "../../../doctor/test-requests.ts";
import { guessUrl, isOfAddress } from "../../../routing/fixes.ts";
import type { Cli } from "../../cli.ts";
import { t, tell } from "../../language.ts";
import { cutColumns } from "../../layout.ts";
import type { Prompts } from "../../prompts.ts";

/** What the questions share. */
export interface Context {
  readonly cli: Cli;
  readonly prompts: Prompts;
  readonly config: ParsedConfig;
  readonly service: Service;
  readonly found: Survey;
  /** The config that the answers are for. */
  readonly name: string;
}

/** An upstream on its way into the config. */
export interface Picked {
  /** What a person calls it: its name where it was found, or its host. */
  readonly name: string;
  readonly upstream: UpstreamEntry;
  /** Where it was found; absent for one that was typed. */
  readonly from?: Text | string;
}

export interface Entered {
  readonly upstreams: readonly Picked[];
}

/** What was pasted is for another client, which is to be set up instead. */
export interface OtherClient {
  readonly other: Service;
  readonly pasted: string;
}

/** Of a name: its host stands beside it. */
const MOST_COLUMNS = 30;

/** More than that are rarely looked for here. */
export const MOST_VARIABLES = 6;

export function labelOf({ name, upstream }: Picked): string {
  const host = showHost(upstream.base_url);
  return name === host ? host : `${cutColumns(oneLine(name), MOST_COLUMNS)} (${host})`;
}

/** Where its key is, without it. */
export function describeKey(cli: Cli, service: Service, auth: AuthEntry = {}): string {
  const written = findCredential(auth);
  if (written === null) return auth.client === true ? t`the client's own login` : t`no key`;
  if (written.from === "text") return t`key ${maskSecret(written.secret)}`;
  if (written.from === "command") return t`key from the command: ${showCommand(written.source.words)}`;
  const { variable } = written;
  return createSecretReader(cli, service)(variable) !== undefined
    ? t`key in ${variable}`
    : t`key in ${variable}, which is not set here`;
}

interface Entry {
  /** What was pasted before, for another client. */
  readonly pasted?: string;
  /** Where its key is, if that is known. */
  readonly variable?: string;
  /** Nothing else was entered yet: another client may be set up instead. */
  readonly isFirst: boolean;
}

/** Null where nothing was entered. */
export async function enterUpstream(
  context: Context,
  { isFirst, pasted = "", variable }: Entry,
): Promise<Entered | OtherClient | null> {
  const { cli, prompts, service } = context;
  const initial = variable === undefined ? "" : guessAddress(cli, variable);
  const text = pasted === "" ? await askAddress(context, initial) : pasted;
  if (text === "") return null;
  const read = readPaste(text, service);
  if (read.kind === "link") return await enterLink(context, read.link);
  if (read.kind === "refused") throw new UserError(read.why);
  if (read.service !== null && read.service !== service && isFirst && pasted === "") {
    const other = read.service;
    const isOther = await prompts.choose(t`That is for ${CLIENT_NAME[other]}.`, [
      { value: true, label: t`set ${CLIENT_NAME[other]} up with it` },
      { value: false, label: t`use the same address and key for ${CLIENT_NAME[service]}` },
    ]);
    if (isOther) return { other, pasted: text };
  }
  if (read.note !== null) prompts.say(tell(read.note));
  const named = variable === undefined ? null : authForKey(service, read.baseUrl, { variable });
  const known = read.auth ?? named;
  if (known !== null) prompts.say(t`${showHost(read.baseUrl)}: ${describeKey(cli, service, known)}`);
  const auth = known ?? (await askKey(context, read.baseUrl));
  return { upstreams: await checkAll(context, [pick(read, auth)]) };
}

/** The address in a variable that goes with the key's: RELAY_BASE_URL with RELAY_KEY. */
function guessAddress({ env }: Cli, variable: string): string {
  const name = variable.replace(/_?(?:AUTH_|API_?)?(?:KEY|TOKEN)$/, "");
  return (
    ["BASE_URL", "API_BASE", "URL"]
      .map((end) => readVariable(env, `${name}_${end}`) ?? "")
      .find((value) => /^https?:/i.test(value)) ?? ""
  );
}

function pick({ baseUrl }: Pick<PastedUpstream, "baseUrl">, auth: AuthEntry): Picked {
  const upstream = { base_url: baseUrl, ...(Object.keys(auth).length === 0 ? {} : { auth }) };
  return { name: showHost(upstream.base_url), upstream };
}

/** "" for nothing. */
async function askAddress({ prompts, service }: Context, initial = ""): Promise<string> {
  prompts.say(
    t`The base URL, or what the relay gave you to copy: lines with export, a curl line, a ccswitch:// link. Nothing of it is run. Empty: back.`,
  );
  return await prompts.askPasted(t`Base URL, or paste`, {
    ...(initial === "" ? {} : { initial }),
    problemOf: (text) => (text === "" ? null : problemOfPaste(text, service)),
    describePasted(text) {
      const lines = text.trim().split(/[\r\n]+/).length;
      const read = readPaste(text, service);
      const hasKey = read.kind === "link" || (read.kind === "upstream" && read.auth !== null);
      // A long word that is no address may be the key.
      if (lines < 2 && !hasKey && (read.kind === "upstream" || !/[^\s.]{16,}/.test(text))) return null;
      return lines === 1 ? t`pasted: 1 line` : t`pasted: ${lines} lines`;
    },
  });
}

function problemOfPaste(text: string, service: Service): string | null {
  const read = readPaste(text, service);
  if (read.kind === "refused") return t`${read.why}; it looks like https://relay.example/v1`;
  if (read.kind !== "link") return null;
  try {
    const [config] = importLink(read.link).configs;
    const other = config?.service ?? service;
    return other === service ? null : t`the link is for ${CLIENT_NAME[other]}: ch init --${other}`;
  } catch (error) {
    if (error instanceof UserError) return tell(error.text);
    throw error;
  }
}

/** A link may be anybody's: whom it makes us talk to is said. */
async function enterLink(context: Context, link: string): Promise<Entered> {
  const { configs, skipped } = importLink(link);
  const picked = configs.flatMap(listCandidates);
  const hosts = [...new Set(picked.map(({ upstream }) => showHost(upstream.base_url)))].join(", ");
  for (const words of skipped) context.prompts.say(t`left out: ${words}`);
  context.prompts.say(t`files and links can come from anyone: your conversations would go to ${hosts}`);
  return { upstreams: await checkAll(context, picked) };
}

async function askKey(context: Context, baseUrl: string): Promise<AuthEntry> {
  const { cli, found, prompts, service } = context;
  const host = showHost(baseUrl);
  for (;;) {
    const way = await prompts.choose(t`The key for ${host}?`, [
      { value: "type", label: t`type or paste it (hidden)` },
      ...found.keyVariables
        .slice(0, MOST_VARIABLES)
        .map((name) => ({ value: `$${name}`, label: t`it is in the variable ${name}` })),
      {
        value: "name",
        label: found.keyVariables.length > 0 ? t`it is in another variable` : t`it is in a variable`,
      },
      { value: "none", label: t`it needs none` },
      { value: "command", label: t`a command prints it: a password manager, a keychain` },
    ]);
    if (way === "none") return {};
    if (way.startsWith("$")) return authForKey(service, baseUrl, { variable: way.slice(1) });
    if (way === "type") return authForKey(service, baseUrl, { secret: await askSecret(prompts, host) });
    if (way === "command") return authForKey(service, baseUrl, { command: await askCommand(context) });
    const name = await prompts.ask(t`The name of the variable`, {
      problemOf: (text) => tellProblem(problemOfVariable(text)),
    });
    const auth = authForKey(service, baseUrl, { variable: name });
    if (createSecretReader(cli, service)(name) !== undefined) return auth;
    const keeps = await prompts.choose(t`${name} is not set here, where ch would run.`, [
      { value: false, label: t`give the key in another way` },
      { value: true, label: t`keep the name, and set it before ch starts` },
    ]);
    if (keeps) return auth;
  }
}

/** With that of the first place for keys that this machine has. */
async function askCommand({ cli: { env }, name, prompts }: Context): Promise<readonly string[]> {
  const path = readVariable(env, "PATH") ?? "";
  const recipe = KEY_RECIPES.find(({ program }) => Bun.which(program, { PATH: path }) !== null);
  const initial = recipe === undefined ? {} : { initial: showCommand(recipe.words(itemOf(name))) };
  const line = await prompts.ask(t`The command, with its arguments; no shell runs it`, {
    ...initial,
    problemOf(text) {
      const words = splitWords(text);
      if (words === null) return t`a quote is not closed`;
      const shells = shellWordOf(words);
      return shells === null
        ? tellProblem(problemOfCommand(words))
        : t`has "${shells}" as a word: no shell reads it`;
    },
  });
  return splitWords(line) ?? [];
}

async function askSecret(prompts: Prompts, host: string): Promise<string> {
  const secret = await prompts.askSecret(t`Key for ${host}`, {
    problemOf: (text) => (text === "" ? t`the key is empty` : tellProblem(problemOfSecret(readKey(text)))),
  });
  return readKey(secret);
}

/** The variables that hold the keys of all of them, and are not set here; none where some upstream can be used. */
export function listUnset(cli: Cli, service: Service, picked: readonly Picked[]): string[] {
  const read = createSecretReader(cli, service);
  const names = picked.flatMap(({ upstream: { auth } }) => {
    const name = auth?.auth_token_env ?? auth?.api_key_env;
    return name != null && read(name) === undefined ? [name] : [];
  });
  return names.length === picked.length ? [...new Set(names)] : [];
}

function createSecretReader({ env, now, paths }: Cli, service: Service) {
  const secrets = createClientSecrets(paths, now);
  return (name: string): string | undefined => readVariable(env, name) ?? secrets.read(service, name);
}

/** What is left of them after one small request to each, which may be skipped. */
export async function checkAll(context: Context, picked: readonly Picked[]): Promise<Picked[]> {
  const { prompts } = context;
  const [first, second] = picked;
  if (first === undefined) return [];
  for (const one of picked)
    for (const { words } of checkUpstreams([one.upstream], context.service).warnings)
      prompts.say(t`${labelOf(one)}: ${words}`);
  const question =
    second === undefined
      ? t`Check ${labelOf(first)} with one small request (less than $0.01)?`
      : t`Check all ${picked.length} with one small request each (less than $0.01)?`;
  const isWanted = await prompts.choose(question, [
    { value: true, label: t`check`, hint: t`about 30 tokens` },
    { value: false, label: t`skip` },
  ]);
  if (!isWanted) return [...picked];
  const left: Picked[] = [];
  for (const one of picked) {
    const checked = await checkUntilGood(context, one);
    if (checked !== null) left.push(checked);
  }
  return left;
}

/** As it is in the end, with another key or address perhaps; null to leave it out. */
async function checkUntilGood(context: Context, first: Picked): Promise<Picked | null> {
  const { prompts } = context;
  let picked = first;
  for (;;) {
    const one = picked;
    const facts = await prompts.during(t`Checking ${labelOf(one)} ...`, () => check(context, one));
    if (facts === null || tellResult(context, facts)) return picked;
    const { fix, guess } = chooseFix(facts, picked);
    const choices = [
      { value: "key", label: t`give another key` },
      { value: "address", label: guess === null ? t`give another address` : t`use ${guess}` },
      { value: "again", label: t`check it again` },
      { value: "keep", label: t`keep it as it is` },
      { value: "out", label: t`leave it out` },
    ] as const;
    const choice = await prompts.choose<(typeof choices)[number]["value"]>(t`What now?`, choices, fix);
    if (choice === "keep") return picked;
    if (choice === "out") return null;
    if (choice === "key") picked = withAuth(picked, await askKey(context, picked.upstream.base_url));
    if (choice === "address") picked = await changeAddress(context, picked, guess);
  }
}

async function check({ cli, name, service }: Context, picked: Picked): Promise<TestRequestFacts | null> {
  const { env, now, paths } = cli;
  const { planDraftRequests, sendTestRequest } = await import("../../../app/doctor/test-request.ts");
  const options = { env, now, paths, cwd: readCurrentDirectory(env) };
  const draft = { name, upstreams: [picked.upstream] };
  const { keys, model, routing, upstreams } = await planDraftRequests(service, draft, options);
  const [upstream] = upstreams;
  if (upstream === undefined) return null;
  // The findings name the host beside it.
  const label = picked.from === undefined ? t`the relay` : picked.name;
  return await sendTestRequest({ ...upstream, label }, { keys, model, routing, now, paths });
}

/** Says what came of it, in the words of doctor; is it as it should be? */
function tellResult({ prompts }: Context, facts: TestRequestFacts): boolean {
  const findings = makeTestRequestFindings(facts);
  const bad = findings.filter(({ status }) => status === "fail");
  // That it answers says the rest.
  const [last] = findings.slice(-1);
  prompts.say(
    ...(bad.length > 0 ? bad : [last]).flatMap((one) => (one === undefined ? [] : [tell(one.message)])),
  );
  return bad.length === 0;
}

/** What is probably wrong, and the address that was probably meant. */
function chooseFix(
  facts: TestRequestFacts,
  { upstream }: Picked,
): { readonly fix: "key" | "address" | "keep"; readonly guess: string | null } {
  const { asked, unusable } = facts;
  const reason = reasonOfFailure(facts);
  const guess =
    reason === null ? null : guessUrl(reason, { baseUrl: upstream.base_url, apiUrl: asked?.apiUrl ?? null });
  const isReached = asked !== null || reason === null;
  if ((unusable !== null && isReached) || asked?.authorised === "no") return { fix: "key", guess };
  const isElsewhere = asked === null || guess !== null || (reason !== null && isOfAddress(reason));
  return { fix: isElsewhere ? "address" : "keep", guess };
}

function withAuth(picked: Picked, auth: AuthEntry): Picked {
  const { auth: _, ...upstream } = picked.upstream;
  return { ...picked, upstream: { ...upstream, ...(Object.keys(auth).length === 0 ? {} : { auth }) } };
}

async function changeAddress(context: Context, picked: Picked, guess: string | null): Promise<Picked> {
  const before = picked.upstream.base_url;
  const text = guess ?? (await askAddress(context, before));
  const read = readPaste(text, context.service);
  if (read.kind !== "upstream") return picked;
  const name = picked.name === showHost(before) ? showHost(read.baseUrl) : picked.name;
  const moved = { ...picked, name, upstream: { ...picked.upstream, base_url: read.baseUrl } };
  return read.auth === null ? moved : withAuth(moved, read.auth);
}

function tellProblem(words: Text | null): string | null {
  return words === null ? null : tell(words);
}
