// The questions that set a client up: what is there already, or what a relay gave; a check, a backup, an order; then what
// will happen to which file. Nothing is written before the last answer.
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { readCurrentDirectory } from "../../current-directory.ts";
import { type Draft, freeName, planDraft } from "../../../app/import/draft.ts";
import { survey } from "../../../app/import/survey.ts";
import { EXIT, UserError } from "../../../base/errors.ts";
import { showPath } from "../../../base/paths.ts";
import {
  CLIENT_NAME,
  DEFAULT_PORT,
  DEFAULT_SERVICE,
  SERVICES,
  SERVICE_FACTS,
  type Service,
  flagFor,
} from "../../../base/service.ts";
import { findInstances } from "../../../state/instances.ts";
import { nameConfig } from "../../../clients/imported-config.ts";
import { CLIENTS } from "../../../clients/registry.ts";
import { loadConfig, updateConfig } from "../../../config/file.ts";
import type { ParsedConfig } from "../../../config/parse.ts";
import { chooseConfig } from "../../../config/resolve.ts";
import type { Cli } from "../../cli.ts";
import { t, tell, tellList } from "../../language.ts";
import { alignRows } from "../../layout.ts";
import { type Choice, EXIT_LEFT, Left, type Prompts } from "../../prompts.ts";
import {
  type Context,
  type Entered,
  MOST_VARIABLES,
  type OtherClient,
  type Picked,
  checkAll,
  describeKey,
  enterUpstream,
  labelOf,
  listUnset,
} from "./upstream-questions.ts";

export interface SetUpRequest {
  /** Undefined to ask for it, where this machine does not tell. */
  readonly service: Service | undefined;
  readonly port: number | undefined;
  /** The client's file is going to be changed. */
  readonly switches: boolean;
}

export type SetUpEnd =
  | { readonly kind: "serve"; readonly service: Service }
  | { readonly kind: "ended"; readonly exitCode: number };

/** The question after them must be on the screen. */
const MOST_ROWS = 10;

/** Only for a terminal. Throws UserError where config.json cannot be read or written. */
export async function setUp(cli: Cli, request: SetUpRequest): Promise<SetUpEnd> {
  try {
    using prompts = await cli.out.openPrompts();
    return await askAll(cli, prompts, request);
  } catch (error) {
    if (!(error instanceof Left)) throw error;
    cli.out.note(t`Nothing was changed. To begin again: ch init`);
    return { kind: "ended", exitCode: EXIT_LEFT };
  }
}

async function askAll(cli: Cli, prompts: Prompts, request: SetUpRequest): Promise<SetUpEnd> {
  const { env, now, paths } = cli;
  const config = await loadConfig(paths.config);
  prompts.say(t`Each question has an answer for Enter; Esc leaves, and nothing is changed.`);
  let service = request.service ?? (await chooseService(cli, prompts, config));
  /** What was pasted before it was clear for which client it is. */
  let pasted = "";
  for (;;) {
    const options = { paths, env, cwd: readCurrentDirectory(env), service };
    const found = await prompts.during(t`Looking for what is there ...`, () => survey(options, config, now));
    const context = { cli, prompts, config, service, found, name: freeName(config, service, "main") };
    tellFound(context);
    const picked = await pickUpstreams(context, pasted);
    if ("other" in picked) {
      service = picked.other;
      pasted = picked.pasted;
      continue;
    }
    const draft = await placeDraft(context, picked.upstreams);
    tellDraft(context, draft, picked.upstreams);
    const { running } = await findInstances(paths.run);
    const owner = running.find((one) => one.service === service && one.command === "serve");
    const unset = draft.isAppended ? [] : listUnset(cli, service, picked.upstreams);
    const wish =
      owner === undefined
        ? await confirmStart(context, request, unset)
        : await confirmWrite(context, owner.pid);
    if (wish === "leave") throw new Left();
    await updateConfig(paths, planDraft(draft), now);
    const file = showPath(paths.config, env);
    prompts.say(t`${file} is written.`);
    if (wish === "start") return { kind: "serve", service };
    if (owner === undefined) prompts.say(t`Start it with: ch serve${flagFor(service)}`);
    return { kind: "ended", exitCode: EXIT.ok };
  }
}

/** The one client that this machine has; where it has both or none, it is asked for. */
async function chooseService(cli: Cli, prompts: Prompts, config: ParsedConfig): Promise<Service> {
  const present = SERVICES.filter(
    (one) => isInstalled(cli, one) || existsSync(dirname(CLIENTS[one].secrets.fileIn(cli.paths))),
  );
  const [only, other] = present;
  if (only !== undefined && other === undefined) return only;
  return await prompts.choose(
    t`Which client?`,
    SERVICES.map((value) => ({ value, label: CLIENT_NAME[value] })),
    config.defaultService ?? DEFAULT_SERVICE,
  );
}

function isInstalled({ env }: Cli, service: Service): boolean {
  return Bun.which(SERVICE_FACTS[service].command, { PATH: env["PATH"] ?? "" }) !== null;
}

function tellFound(context: Context): void {
  const { found, prompts, service } = context;
  const { candidates, keyVariables, places, skipped } = found;
  const client = CLIENT_NAME[service];
  if (candidates.length === 0) prompts.say(t`${client}: no provider or login found.`);
  else {
    const where = tellList(places.map(({ count, name }) => t`${name} (${count})`));
    prompts.say(t`Found for ${client} in ${where}:`);
    prompts.say(...describeRows(context, candidates.slice(0, MOST_ROWS)));
    if (candidates.length > MOST_ROWS) prompts.say(t`  and ${candidates.length - MOST_ROWS} more`);
  }
  for (const words of skipped) prompts.say(t`left out: ${words}`);
  const names = tellList(keyVariables.slice(0, MOST_VARIABLES));
  if (keyVariables.length > 0) prompts.say(t`Variables that look like keys, by their names: ${names}`);
}

/** Place, name and host, key. */
function describeRows(
  { cli, service }: Pick<Context, "cli" | "service">,
  picked: readonly Picked[],
): string[] {
  const rows = picked.map((one, place) => [
    `  ${place + 1}`,
    labelOf(one),
    describeKey(cli, service, one.upstream.auth ?? {}),
  ]);
  return alignRows(rows, cli.out.width - 4);
}

/** Everything that goes into the config, checked and in its order. */
async function pickUpstreams(context: Context, pasted: string): Promise<Entered | OtherClient> {
  const { prompts } = context;
  const { candidates } = context.found;
  let text = pasted;
  for (;;) {
    const start = text === "" ? await chooseStart(context) : "enter";
    if (start === "demo") {
      await showDemo(context);
      continue;
    }
    const isEntered = start !== "all" && start !== "choose";
    let picked: readonly Picked[];
    if (isEntered) {
      const variable = start === "enter" ? {} : { variable: start.slice(1) };
      const entered = await enterUpstream(context, { isFirst: true, pasted: text, ...variable });
      text = "";
      if (entered === null) continue;
      if ("other" in entered) return entered;
      picked = entered.upstreams;
    } else {
      const wanted =
        start === "all"
          ? candidates
          : await prompts.chooseSeveral(
              t`Which of them? (Space marks one, a all or none, Enter continues)`,
              candidates.map((value) => ({ value, label: labelOf(value) })),
              candidates,
            );
      picked = await checkAll(context, start === "all" ? wanted : await chooseOrder(prompts, wanted));
    }
    if (picked.length === 0) continue;
    if (picked.length > 1 && !isEntered) return { upstreams: picked };
    const all = await addBackups(context, picked);
    return { upstreams: all.length === picked.length ? picked : await chooseOrder(prompts, all) };
  }
}

/** "$NAME" for the variable of that name. */
type Start = "all" | "choose" | "enter" | "demo" | `$${string}`;

async function chooseStart({ found: { candidates, keyVariables }, prompts }: Context): Promise<Start> {
  const [first, second] = candidates;
  const taken: Choice<Start>[] =
    first === undefined
      ? []
      : second === undefined
        ? [{ value: "all", label: t`take over ${labelOf(first)}`, hint: t`recommended` }]
        : [
            {
              value: "all",
              label: t`take over all ${candidates.length} as one config, ${first.name} first`,
              hint: t`recommended`,
            },
            { value: "choose", label: t`choose which of them, and their order` },
          ];
  const used = new Set(
    candidates.flatMap(({ upstream: { auth } }) => [auth?.auth_token_env, auth?.api_key_env]),
  );
  const variables = keyVariables.filter((name) => !used.has(name)).slice(0, MOST_VARIABLES);
  return await prompts.choose<Start>(t`What should requests go to?`, [
    ...taken,
    {
      value: "enter",
      label: first === undefined ? t`enter a relay` : t`enter another relay`,
      hint: t`its base URL, or what it gave you to copy`,
    },
    ...variables.map((name): Choice<Start> => ({
      value: `$${name}`,
      label: t`enter the relay whose key is in ${name}`,
    })),
    { value: "demo", label: t`just look: the demo`, hint: t`no key needed` },
  ]);
}

async function showDemo({ cli, prompts }: Context): Promise<void> {
  const { runDemo } = await import("../demo.ts");
  // The terminal is ours: it may ask nothing.
  await prompts.during("", () => runDemo({ ...cli, isInteractive: false }, "quota"));
}

/** Until the person says that it is enough. */
async function addBackups(context: Context, first: readonly Picked[]): Promise<readonly Picked[]> {
  const { found, prompts } = context;
  let picked = first;
  for (;;) {
    const rest = found.candidates.filter((one) => !isAmong(picked, one));
    const name = picked[0]?.name ?? "";
    const question =
      picked.length === 1
        ? t`Add a backup, which is asked when ${name} fails or is out of quota?`
        : t`Add one more backup?`;
    const choice = await prompts.choose<"no" | "enter" | Picked>(question, [
      { value: "no", label: picked.length === 1 ? t`not now` : t`no, that is all` },
      { value: "enter", label: t`enter a relay` },
      ...rest.map((value) => ({ value, label: t`take over ${labelOf(value)}` })),
    ]);
    if (choice === "no") return picked;
    const added =
      choice === "enter"
        ? await enterUpstream(context, { isFirst: false })
        : { upstreams: await checkAll(context, [choice]) };
    if (added === null || "other" in added) continue;
    const fresh = added.upstreams.filter((one) => !isAmong(picked, one));
    if (fresh.length < added.upstreams.length) prompts.say(t`That one is among them already.`);
    picked = [...picked, ...fresh];
  }
}

function isAmong(picked: readonly Picked[], { upstream }: Picked): boolean {
  const identify = ({ auth, base_url }: Picked["upstream"]): string =>
    JSON.stringify([base_url, auth ?? null]);
  return picked.some((one) => identify(one.upstream) === identify(upstream));
}

/** Asks for one place after the other; Enter keeps the rest as it is. */
async function chooseOrder(prompts: Prompts, picked: readonly Picked[]): Promise<readonly Picked[]> {
  const ordered: Picked[] = [];
  let rest = [...picked];
  while (rest.length > 1) {
    const choices = rest.map((value) => ({ value, label: labelOf(value) }));
    const next =
      ordered.length === 0
        ? await prompts.choose<Picked | null>(
            t`Which one first? The others are asked when it fails.`,
            choices,
          )
        : await prompts.choose<Picked | null>(t`Which one next?`, [
            { value: null, label: t`the rest as they are: ${tellList(rest.map(({ name }) => name))}` },
            ...choices,
          ]);
    if (next === null) break;
    ordered.push(next);
    rest = rest.filter((one) => one !== next);
  }
  return [...ordered, ...rest];
}

async function placeDraft(
  { config, name, prompts, service }: Context,
  picked: readonly Picked[],
): Promise<Draft> {
  const inUse = chooseConfig(config.services[service], service);
  const [first, second] = picked;
  const upstreams = picked.map(({ upstream }) => upstream);
  const isTakenOver = first !== undefined && second === undefined && first.from !== undefined;
  const own = isTakenOver ? freeName(config, service, nameConfig(first.name).name) : name;
  const fresh = { service, name: own, isAppended: false, upstreams };
  if ("kind" in inUse) return fresh;
  return await prompts.choose(t`Where do they go?`, [
    {
      value: { service, name: inUse.name, isAppended: true, upstreams },
      label: t`behind "${inUse.name}", the config in use, as backups`,
    },
    { value: fresh, label: t`into a config of their own, "${own}", which comes into use` },
  ]);
}

function tellDraft(
  { cli, prompts, service }: Context,
  { isAppended, name, upstreams }: Draft,
  picked: readonly Picked[],
): void {
  const file = showPath(cli.paths.config, cli.env);
  const hasKeys = upstreams.some(({ auth }) => auth?.auth_token != null || auth?.api_key != null);
  prompts.say(
    t`What will happen:`,
    isAppended ? t`${file}: these behind "${name}"` : t`${file}: a new config "${name}", in use`,
    ...describeRows({ cli, service }, picked),
    hasKeys
      ? t`  keys are kept in this file, which only you can read`
      : t`  no key is copied: it only says where they are`,
  );
  const { command, packageName } = SERVICE_FACTS[service];
  if (!isInstalled(cli, service))
    prompts.say(t`${command} is not on the search path: npm install -g ${packageName}`);
}

type Wish = "start" | "write" | "leave";

async function confirmStart(
  { cli, prompts, service }: Context,
  { port, switches }: SetUpRequest,
  unset: readonly string[],
): Promise<Wish> {
  const cannot = switches ? await tellSwitch({ cli, prompts, service, port }) : null;
  if (cannot !== null) prompts.say(cannot);
  const names = tellList(unset);
  if (names !== "") prompts.say(t`Before it starts, set where ch runs: ${names}`);
  return await prompts.choose<Wish>(
    t`Start now?`,
    [
      { value: "start", label: t`yes: write it, and start ch` },
      { value: "write", label: t`write it, and start later` },
      { value: "leave", label: t`no: change nothing` },
    ],
    cannot === null && names === "" ? "start" : "write",
  );
}

/** A proxy that runs needs no start. */
async function confirmWrite({ prompts }: Context, pid: number): Promise<Wish> {
  return await prompts.choose<Wish>(t`Write it? The running ch (pid ${pid}) uses it at once.`, [
    { value: "write", label: t`yes` },
    { value: "leave", label: t`no: change nothing` },
  ]);
}

/** Says what will be set in the client's file; gives the reason where that cannot be. */
async function tellSwitch({
  cli: { env, paths },
  port,
  prompts,
  service,
}: Pick<Context, "cli" | "prompts" | "service"> & Pick<SetUpRequest, "port">): Promise<string | null> {
  const { previewSwitch } = await import("../../../app/serve/switching.ts");
  const client = CLIENT_NAME[service];
  try {
    const { file, keys } = await previewSwitch({ service, paths, env }, port ?? DEFAULT_PORT[service]);
    const path = showPath(file, env);
    prompts.say(t`${path}: points here while ch runs, restored at the end (${tellList(keys)})`);
    return null;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return t`${client} cannot be pointed here: ${tell(error.text)}`;
  }
}
