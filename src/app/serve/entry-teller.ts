// What a request's line in the log tells that a person should hear of at once: names that an upstream was not shown, an answer
// that names another model than was asked for, costs above an alarm. Nothing is loaded for a line without such a thing.
import { type Text, t } from "../../base/text.ts";
import { onUserError } from "../../base/errors.ts";
import type { Paths } from "../../base/paths.ts";
import type { Service } from "../../base/service.ts";
import type { Upstream } from "../../base/upstream.ts";
import type { AlarmEntry } from "../../config/notify.ts";
import type { LogEntry } from "../../log/entry.ts";
import { readLogBackward } from "../../log/reader.ts";
import { type LogRecord, readRecord } from "../../log/record.ts";
import type { ModelNames } from "../../usage/model-match.ts";
import type { LiveConfig } from "../live-config.ts";
import type { LivePrices } from "../spend/live-prices.ts";
import type { createCostAlarm } from "./cost-alarm.ts";
import type { AppEvent } from "./events.ts";

type Named = ModelNames & Pick<LogEntry, "upstream_label">;

interface EntryTellerOptions {
  readonly live: Pick<LiveConfig, "current" | "listAll">;
  readonly prices: Pick<LivePrices, "costOf">;
  readonly paths: Pick<Paths, "requestsLog">;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly onEvent: (event: AppEvent) => void;
  readonly onTrouble: (words: Text) => void;
}

/** Names of headers: a client with more is no client that we know. */
const MOST_TOLD = 50;
/** Names of models in one day: an upstream may answer with a new one each time. */
const MOST_SEEN = 500;
/** Of the log, when a model is told: mebibytes, about. */
const MOST_BATCHES = 64;
/** All places on earth begin their days at a quarter of an hour. */
const QUARTER_MS = 900_000;

export function createEntryTeller({ live, now, onEvent, onTrouble, paths, prices }: EntryTellerOptions) {
  const told = new Set<string>();
  const fresh = (names: readonly string[] = []): string => {
    const some = names.filter((name) => !told.has(name)).slice(0, Math.max(0, MOST_TOLD - told.size));
    for (const name of some) told.add(name);
    return some.join(", ");
  };
  const find = (service: Service, name?: string | null, address?: string | null): Upstream | null =>
    live.listAll(service).find(({ upstream: { baseUrl, label } }) => baseUrl === address && label === name)
      ?.upstream ?? null;
  let noteCost: ReturnType<typeof createCostAlarm> | null = null;
  /** One line after the other: prices may have to be read. */
  let pricing: Promise<unknown> = Promise.resolve();
  const price = async (entry: LogEntry, limits: AlarmEntry): Promise<void> => {
    const { createCostAlarm } = await import("./cost-alarm.ts");
    const record = readRecord(entry);
    const upstream = find(entry.service, entry.upstream_label, entry.upstream_base_url);
    if (record === null || upstream === null) return;
    noteCost ??= createCostAlarm();
    for (const raised of noteCost(record, await prices.costOf(), limits)) onEvent({ ...raised, upstream });
  };
  /** What was looked at: names by upstream, and those of another model without the name. From midnight to midnight. */
  let seen = new Set<string>();
  let day = "";
  let lastQuarter = 0;
  const look = (entry: LogEntry, names: Named): void => {
    const {
      chain_model,
      model,
      served_model: served,
      upstream_base_url,
      upstream_label,
      upstream_model,
    } = names;
    const asked = upstream_model ?? chain_model ?? model;
    if (served === undefined || asked === undefined || served === asked) return;
    const quarter = Math.floor(now() / QUARTER_MS);
    if (quarter !== lastQuarter) {
      const today = new Date(now()).toDateString();
      if (today !== day) seen = new Set();
      day = today;
      lastQuarter = quarter;
    }
    const pair = [entry.service, upstream_label, upstream_base_url, asked].join("\n");
    const triple = `${pair}\n${served}`;
    if (seen.has(pair) || seen.has(triple) || seen.size >= MOST_SEEN) return;
    seen.add(triple);
    const upstream = find(entry.service, upstream_label, upstream_base_url);
    if (upstream === null) return;
    void import("../../usage/model-match.ts").then(async ({ askedModel, matchModel }) => {
      if (seen.has(pair) || matchModel(names) !== "other") return;
      seen.add(pair);
      const isThis = (record: LogRecord): boolean =>
        record.run !== entry.run &&
        record.service === entry.service &&
        record.upstream_label === upstream_label &&
        record.upstream_base_url === upstream_base_url &&
        askedModel(record) === asked &&
        matchModel(record) === "other";
      if (!(await wasLoggedToday(isThis).catch(onUserError(() => false))))
        onEvent({ kind: "model-mismatch", upstream, asked, served, requestId: entry.id ?? null });
    });
  };
  /** Of another run, which told it then. */
  const wasLoggedToday = async (isThis: (record: LogRecord) => boolean): Promise<boolean> => {
    const since = new Date(now()).setHours(0, 0, 0, 0);
    let batches = 0;
    for await (const entries of readLogBackward(paths.requestsLog, { since })) {
      if (entries.some(({ record }) => record.timestamp_ms >= since && isThis(record))) return true;
      if (++batches === MOST_BATCHES) break;
    }
    return false;
  };
  return (entry: LogEntry): void => {
    const names = fresh(entry.held_back);
    if (names !== "") onTrouble(t`held back from an upstream: ${names} (see: ch doctor)`);
    const left = fresh(entry.dropped);
    if (left !== "") onTrouble(t`left out for an upstream that refuses it: ${left} (see: ch status)`);
    // Nearly all lines: nothing is made for them.
    if (entry.served_model !== undefined && entry.served_model !== entry.model)
      look(entry, { ...entry, upstream_base_url: entry.upstream_base_url ?? undefined });
    const limits = live.current().config.shell.alarm;
    // Prices that cannot be read are told elsewhere.
    if (limits != null) pricing = pricing.then(() => price(entry, limits)).catch(onUserError(() => {}));
    for (const attempt of entry.attempts ?? []) look(entry, { model: entry.model, ...attempt });
  };
}
