// Looks at a pool, and changes it, for a command: over a connection of its own, which joins nothing.
import { UserError, errorText } from "../../base/errors.ts";
import { isRecord } from "../../base/json-value.ts";
import { similarNames } from "../../base/similar-names.ts";
import type { Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import { SHARE_FEATURES, type ShareEntry, type ShareFeature, sharesFeature } from "../../config/share.ts";
import { readInstances } from "../../state/instances.ts";
import { readMachineId } from "../../state/machine-id.ts";
import { askInstance, instanceSchema } from "../ask-instance.ts";
import { type LiveConfigOptions, createLiveConfig } from "../live-config.ts";
import { readAddress } from "./address.ts";
import { EngineError, type Link, connect } from "./engine.ts";
import { SCHEMA, SCRIPTS, identifyUpstream, makeLayout } from "./layout.ts";
import { nameFrom, nameOf, pairsOf, splitStamp } from "./pool.ts";

export interface Machine {
  readonly id: string;
  readonly name: string;
  readonly version: string;
  readonly features: readonly string[];
  /** By the engine's clock, ms ago. */
  readonly heardMs: number;
  readonly isThis: boolean;
}

export interface PoolSurvey {
  readonly namespace: string;
  readonly name: string;
  /** "host:port"; null where that is not known. */
  readonly address: string | null;
  readonly features: readonly ShareFeature[];
  /** Why the engine cannot be used now; null for nothing. */
  readonly problem: Text | string | null;
  /** The quickest of a few. */
  readonly roundTripMs: number | null;
  /** Who was heard of last comes first. */
  readonly machines: readonly Machine[];
  /** What the proxies of this home say. */
  readonly proxies: readonly (NonNullable<Facts["pool"]> & {
    readonly service: Service;
    readonly port: number;
  })[];
}

type Facts = ReturnType<typeof instanceSchema.parse>;

const ROUNDS = 5;
const ECHO_MS = 2_000;

/** Null where no pool is set. */
export async function surveyPool(context: LiveConfigOptions): Promise<PoolSurvey | null> {
  const share = findShare(context);
  if (share === null) return null;
  const records = await readInstances(context.paths.run);
  const answers = await Promise.all(records.map((one) => askInstance(one, "status")));
  const proxies = answers.flatMap((answer) => {
    const facts = instanceSchema.safeParse(answer).data;
    return facts?.pool === undefined ? [] : [{ ...facts.pool, service: facts.service, port: facts.port }];
  });
  const about = {
    namespace: share.namespace,
    name: nameOf(share),
    features: SHARE_FEATURES.filter((one) => sharesFeature(share, one)),
    proxies,
  };
  const machine = await readMachineId(context.paths);
  try {
    const found = await visit(share, context, async (link, { shown }) => ({
      address: shown,
      ...(await look(link, share, machine)),
    }));
    return { ...about, ...found, problem: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { ...about, address: null, problem: errorText(error), roundTripMs: null, machines: [] };
  }
}

async function look(link: Link, { namespace }: ShareEntry, machine: string | null) {
  const layout = makeLayout(namespace);
  const trips: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    const began = performance.now();
    await link.send("PING", []);
    trips.push(performance.now() - began);
  }
  const time = await link.send("TIME", []);
  const now = Number(Array.isArray(time) ? time[0] : 0) * 1_000;
  const machines = pairsOf(await link.send("HGETALL", [layout.machines])).map(([id, text]): Machine => {
    const { at, json } = splitStamp(text);
    const { features, name, version } = isRecord(json) ? json : {};
    return {
      id,
      name: nameFrom(name),
      version: nameFrom(version),
      features: Array.isArray(features) ? features.map(nameFrom) : [],
      heardMs: Math.max(0, now - at * 1_000),
      isThis: id === machine,
    };
  });
  return {
    roundTripMs: Math.min(...trips),
    machines: machines.toSorted((one, other) => one.heardMs - other.heardMs),
  };
}

/** Each thing that a pool needs, until one fails. */
export async function testPool(context: LiveConfigOptions, onStep: (step: Text) => void): Promise<void> {
  const share = readShare(context);
  const layout = makeLayout(share.namespace);
  const word = crypto.randomUUID();
  const heard = Promise.withResolvers<void>();
  await visit(
    share,
    context,
    async (link, { shown }) => {
      onStep(t`${shown} answers, and takes the login`);
      const version = Number((await link.send("GET", [layout.schema])) ?? SCHEMA);
      if (version > SCHEMA)
        throw new EngineError(t`a newer version of ch uses this pool (layout ${version}): update this one`);
      const keys = [layout.reading(word), layout.lease(word)];
      await link.run(SCRIPTS.ask, keys, [word, 0, ECHO_MS]);
      onStep(t`it takes what is written`);
      await link.run(SCRIPTS.tell, keys, [word, `0 ${word}`, 1_000, layout.channel, word]);
      const timer = setTimeout(
        () => heard.reject(new EngineError(t`what was told did not come back`)),
        ECHO_MS,
      );
      await heard.promise.finally(() => clearTimeout(timer));
      await link.send("DEL", keys);
      onStep(t`what is told comes back`);
    },
    { channel: layout.channel, onMessage: (text) => (text === word ? heard.resolve() : undefined) },
  );
}

/** Takes a machine off the list, by its name or id. Throws UserError. */
export async function forgetMachine(context: LiveConfigOptions, name: string): Promise<Machine> {
  const share = readShare(context);
  const machine = await readMachineId(context.paths);
  return await visit(share, context, async (link) => {
    const { machines } = await look(link, share, machine);
    const named = machines.filter((one) => one.name === name || one.id === name);
    const [found] = named;
    if (found === undefined) {
      const near = similarNames(
        name,
        machines.map((one) => one.name),
      ).map((one) => `ch pool forget ${one}`);
      throw new UserError(t`the pool has no machine "${name}"`, {
        hint: near.join("\n") || "ch pool status",
      });
    }
    if (named.length > 1)
      throw new UserError(t`several machines are called "${name}": name one by its id`, {
        hint: named.map(({ id }) => `ch pool forget ${id}`).join("\n"),
      });
    await link.send("HDEL", [makeLayout(share.namespace).machines, found.id]);
    return found;
  });
}

/** Ends what the pool holds against these upstreams, or against all of the service (null). Throws UserError. */
export async function resetEverywhere(
  context: LiveConfigOptions,
  service: Service,
  keys: readonly string[] | null,
): Promise<void> {
  const share = readShare(context);
  const layout = makeLayout(share.namespace);
  const upstreams = createLiveConfig(context)
    .listAll(service)
    .map(({ upstream }) => upstream)
    .filter(({ key }) => keys === null || keys.includes(key));
  await visit(share, context, async (link) => {
    const secret = await link.send("GET", [layout.secret]);
    if (typeof secret !== "string") return;
    const ids = new Set(upstreams.flatMap((upstream) => identifyUpstream(secret, upstream) ?? []));
    const [secs, micros] = (await link.send("TIME", [])) as unknown[];
    const at = Number(secs) * 1_000 + Math.floor(Number(micros) / 1_000);
    const name = nameOf(share);
    for (const id of ids)
      for (const [field] of pairsOf(await link.send("HGETALL", [layout.verdicts(id)]))) {
        const message = JSON.stringify({ kind: "v", id, field, at, value: null, run: "reset", name });
        const words = [field, at, JSON.stringify({ value: null, name }), ENDED_MS, layout.channel, message];
        await link.run(SCRIPTS.learn, [layout.verdicts(id)], words);
      }
  });
}

const ENDED_MS = 3_600_000;

/** Null where none is set. Throws UserError where config.json cannot be read: nobody knows then. */
function findShare(context: LiveConfigOptions): ShareEntry | null {
  const { config, problem } = createLiveConfig(context).current();
  if (problem !== null) throw problem;
  return config.shell.share ?? null;
}

/** Throws UserError where no pool is set. */
function readShare(context: LiveConfigOptions): ShareEntry {
  const share = findShare(context);
  if (share !== null) return share;
  throw new UserError(t`no pool is set: config.json has no "share"`, { hint: SET_UP });
}

/** What sets one up. */
export const SET_UP = `ch config set --json 'share={"url_env":"POOL_URL","namespace":"team"}'`;

interface Ear {
  readonly channel: string;
  readonly onMessage: (text: string) => void;
}

/** Throws UserError. */
async function visit<T>(
  share: ShareEntry,
  { env }: Pick<LiveConfigOptions, "env">,
  work: (link: Link, address: { readonly shown: string }) => Promise<T>,
  ear?: Ear,
): Promise<T> {
  const address = await readAddress(share, env);
  try {
    const { close, link } = await connect(address, ear?.channel ?? null, ear?.onMessage);
    try {
      return await work(link, address);
    } finally {
      close();
    }
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    throw new UserError(t`the pool ${share.namespace} cannot be used: ${error.words}`, {
      hint: "ch pool test",
    });
  }
}
