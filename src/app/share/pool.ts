// One machine's part in a pool: tells what is learned here, takes up what the others tell. Everything is read from memory and written
// in the background; while the engine is away this machine goes on alone, and tells the rest when it is back.
import { hostname } from "node:os";
import type { Env } from "../../base/env.ts";
import { isRecord, parseJson } from "../../base/json-value.ts";
import type { Paths } from "../../base/paths.ts";
import { type Text, inEnglish, isText, t } from "../../base/text.ts";
import type { Service } from "../../base/service.ts";
import { VERSION } from "../../base/version.ts";
import { SHARE_FEATURES, type ShareEntry, type ShareFeature, sharesFeature } from "../../config/share.ts";
import type { Lookup } from "../../quota/lookup.ts";
import type { Turn } from "../../quota/poller.ts";
import type { Router } from "../../routing/router.ts";
import { ensureMachineId } from "../../state/machine-id.ts";
import type { LiveConfig, LiveRoute } from "../live-config.ts";
import { readAddress } from "./address.ts";
import { EngineError, type EngineState, type Link, createEngine } from "./engine.ts";
import { KEPT_MS, SCHEMA, SCRIPTS, identifyUpstream, makeLayout } from "./layout.ts";
import { type ReadingsOptions, createSharedReadings } from "./readings.ts";
import { type SpendSource, createSharedSpend } from "./spend.ts";
import { type VerdictNews, createVerdicts } from "./verdicts.ts";

export interface PoolClient {
  readonly route: LiveRoute;
  readonly router: Router;
}

export interface PoolOptions {
  readonly share: ShareEntry;
  readonly paths: Paths;
  readonly env: Env;
  readonly live: LiveConfig;
  readonly clients: readonly PoolClient[];
  /** Wall clock, ms. */
  readonly now: () => number;
  /** It is shared from now on, or alone. */
  readonly onState: (state: EngineState) => void;
  /** Another machine has read a balance. `at`: wall clock, ms. */
  readonly onBalance: ReadingsOptions["onBalance"];
  /** What this machine spends; null where nothing is counted. */
  readonly source: SpendSource | null;
  /** The others have spent something. */
  readonly onSpent: () => void;
}

/** For people and scripts: never an address with its password. */
export interface PoolFacts {
  readonly namespace: string;
  readonly name: string;
  readonly features: ShareFeature[];
  readonly state: EngineState["kind"];
  readonly since_ms: number;
  readonly why: string | null;
  readonly why_text?: Text;
  readonly round_trip_ms: number | null;
}

export type Pool = Awaited<ReturnType<typeof joinPool>>;

/** A balance is asked for without the engine after that. */
const LONGEST_MEETING_MS = 2_000;

/** Throws UserError where this machine cannot have a name of its own. */
export async function joinPool(options: PoolOptions) {
  const { clients, env, live, now, onState, paths, share } = options;
  const machine = await ensureMachineId(paths);
  /** Several processes of one home are one machine, and tell each other too. */
  const run = `${machine}.${crypto.randomUUID().slice(0, 8)}`;
  const layout = makeLayout(share.namespace);
  const name = nameOf(share);
  const features = SHARE_FEATURES.filter((one) => sharesFeature(share, one));
  const hasVerdicts = features.includes("verdicts");
  /** The pool's, once it was met. Told again to an engine that has lost it. */
  let secret: string | null = null;
  let skewMs = 0;
  let machines = 1;
  /** Something could not be told, or was not asked for. */
  let hasMissed = false;
  const write = (work: (link: Link) => Promise<unknown>): void => {
    const link = engine.link();
    // Alone: what holds then is told when the engine is back.
    if (link === null) return;
    work(link).catch((error: unknown) => {
      onEngineError(error);
      hasMissed = true;
      engine.doubt();
    });
  };
  const verdicts = createVerdicts({
    clients: clients.map(({ route, router }) => ({ service: route.service, router })),
    listUpstreams: (service: Service) => live.listAll(service).map(({ upstream }) => upstream),
    settings: () => live.settings().routing,
    identify: (upstream) => (secret === null ? null : identifyUpstream(secret, upstream)),
    tell: (news) => write((link) => tellVerdict(link, news)),
    now,
    skewMs: () => skewMs,
  });
  const tellVerdict = (link: Link, { at, field, forMs, id, value }: VerdictNews): Promise<unknown> => {
    const message = JSON.stringify({ kind: "v", id, field, at, value, run, name });
    const words = [field, at, JSON.stringify({ value, name }), Math.ceil(forMs), layout.channel, message];
    return link.run(SCRIPTS.learn, [layout.verdicts(id)], words);
  };
  const readVerdicts = async (link: Link): Promise<void> => {
    const ids = verdicts.ids();
    verdicts.recall();
    await Promise.all(
      ids.map(async (id) => {
        for (const [field, text] of pairsOf(await link.send("HGETALL", [layout.verdicts(id)]))) {
          const { at, json } = splitStamp(text);
          if (isRecord(json))
            verdicts.take({ id, field, at, value: json["value"], by: nameFrom(json["name"]) });
        }
      }),
    );
  };

  const readings = createSharedReadings({
    layout,
    run,
    link: () => engine.link(),
    secret: () => secret,
    now,
    skewMs: () => skewMs,
    onBalance: options.onBalance,
  });

  const { onSpent, source } = options;
  const met = {
    layout,
    machine,
    run,
    link: () => engine.link(),
    secret: () => secret,
    machines: () => machines,
  };
  const spend =
    source === null || !features.includes("budgets")
      ? null
      : createSharedSpend({ ...met, now, source, onChange: onSpent });

  const greet = async (link: Link, isNew: boolean): Promise<void> => {
    const began = now();
    const me = JSON.stringify({ name, version: VERSION, features, pid: process.pid });
    const mine = secret ?? makeSecret();
    const keys = [layout.schema, layout.secret, layout.machines];
    const answer = await link.run(SCRIPTS.hello, keys, [SCHEMA, mine, machine, me, KEPT_MS]);
    const [state, theirs, secs, micros, count] = Array.isArray(answer) ? (answer as unknown[]) : [];
    if (state === "newer")
      throw new EngineError(
        t`a newer version of ch uses this pool (layout ${String(theirs)}): update this one`,
      );
    if (state !== "ok" || typeof theirs !== "string")
      throw new EngineError(t`the engine answers what it was not asked`);
    skewMs = Number(secs) * 1_000 + Number(micros) / 1_000 - (began + now()) / 2;
    machines = Number(count);
    const isOther = theirs !== secret;
    secret = theirs;
    if (!isNew && !isOther && !hasMissed) return spend?.note();
    hasMissed = false;
    if (hasVerdicts) await readVerdicts(link);
    await spend?.meet(link);
    // Where it was shared before; else as soon as it is.
    if (engine.link() !== null && hasVerdicts) verdicts.repeat();
  };
  const onMessage = (text: string): void => {
    const news = parseJson(text);
    if (!isRecord(news) || news["run"] === run) return;
    const { at, field, id, kind, value = null } = news;
    if (typeof id !== "string" || typeof at !== "number") return;
    const by = nameFrom(news["name"]);
    if (kind === "v" && hasVerdicts && typeof field === "string") verdicts.take({ id, field, at, value, by });
    if (kind === "s")
      spend?.take({ id, window: news["window"], machine: news["machine"], amount: news["amount"] });
    if (kind === "q" && features.includes("quota")) readings.take(id, at, value);
  };
  const engine = createEngine({
    address: () => readAddress(share, env),
    channel: layout.channel,
    greet,
    onMessage,
    now,
    onState(state) {
      if (state.kind === "shared" && hasVerdicts) queueMicrotask(() => verdicts.repeat());
      onState(state);
    },
  });
  if (hasVerdicts)
    for (const { router } of clients)
      router.watchLearned((key, isAnswered) => verdicts.note(router, key, isAnswered));

  return {
    facts(): PoolFacts {
      const { kind, roundTripMs, since, why } = engine.state();
      return {
        namespace: share.namespace,
        name,
        features,
        state: kind,
        since_ms: since,
        why: why === null ? null : inEnglish(why),
        ...(isText(why) ? { why_text: why } : {}),
        round_trip_ms: roundTripMs === null ? null : Math.round(roundTripMs * 100) / 100,
      };
    },
    settled: engine.settled,
    /** config.json has other upstreams or budgets: of those the pool may know something, and has to be told. */
    meetAgain(): void {
      hasMissed = true;
      engine.doubt();
    },
    /** Null where budgets are not shared. */
    spend,
    /** May this process ask for a balance now? */
    async turnOf(lookup: Lookup, isForced: boolean): Promise<Turn> {
      if (!features.includes("quota")) return { kind: "go", done() {} };
      await engine.settled(LONGEST_MEETING_MS);
      return await readings.turnOf(lookup, isForced);
    },
    noteReset: (keys: readonly string[] | null): void => verdicts.noteReset(keys),
    async stop(): Promise<void> {
      for (const { router } of clients) router.watchLearned(undefined);
      spend?.stop();
      await engine.stop();
    },
  };
}

export function nameOf({ name }: Pick<ShareEntry, "name">): string {
  const own =
    name ??
    hostname()
      .replace(/[^\w .@-]/g, "")
      .slice(0, 64);
  return own === "" ? "machine" : own;
}

function makeSecret(): string {
  return Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
}

/** What another machine says of itself reaches a screen. */
export function nameFrom(value: unknown): string {
  return typeof value === "string" && /^[\w .@-]{1,64}$/.test(value) ? value : "?";
}

/** RESP3 has maps, and a script has lists. */
export function pairsOf(answer: unknown): [string, string][] {
  return isRecord(answer)
    ? Object.entries(answer).filter((pair): pair is [string, string] => typeof pair[1] === "string")
    : [];
}

/** "1764500000 {...}". */
export function splitStamp(text: string): { readonly at: number; readonly json: unknown } {
  const [, at = "0", json = ""] = /^(\d+) ([\s\S]*)$/.exec(text) ?? [];
  return { at: Number(at), json: parseJson(json) };
}

/** What it does not take is told by the state of the connection. */
function onEngineError(error: unknown): void {
  if (!(error instanceof EngineError)) throw error;
}
