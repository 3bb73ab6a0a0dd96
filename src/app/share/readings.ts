// One machine asks for a balance, and the others have it: who may ask is a lease in the engine, and what was read is told to all. What
// cannot be asked of the engine is asked of the relay, as without a pool.
import { isRecord } from "../../base/json-value.ts";
import type { Balance } from "../../quota/balance.ts";
import type { Lookup } from "../../quota/lookup.ts";
import type { Turn } from "../../quota/poller.ts";
import { makeReading, withBalance } from "../../quota/reading.ts";
import { readReading, writeReading } from "../../quota/saved-readings.ts";
import { EngineError, type Link } from "./engine.ts";
import { LEASE_MS, READING_MS, SCRIPTS, identify, type makeLayout } from "./layout.ts";

export interface ReadingsOptions {
  readonly layout: ReturnType<typeof makeLayout>;
  readonly run: string;
  /** Null while alone. */
  readonly link: () => Link | null;
  /** The pool's; null before it was met. */
  readonly secret: () => string | null;
  readonly now: () => number;
  readonly skewMs: () => number;
  /** Another machine has read it. `at`: wall clock here, ms. */
  readonly onBalance: (lookup: Lookup, balance: Balance, at: number) => void;
}

const GO: Turn = { kind: "go", done: () => {} };

export function createSharedReadings(options: ReadingsOptions) {
  const { layout, link, now, onBalance, run, secret, skewMs } = options;
  const lookups = new Map<string, Lookup>();

  const tell = async (to: Link, id: string, balance: Balance | null): Promise<void> => {
    const at = Math.round(now() + skewMs());
    const { meters, unlimited, uncapped, says } = writeReading(
      withBalance(makeReading(""), { ...(balance ?? NONE) }, now()),
    );
    const shifted = meters?.map((meter) => ({ ...meter, resets_at: shift(meter.resets_at, skewMs()) }));
    const value = { meters: shifted, unlimited, ...(uncapped === undefined ? {} : { uncapped }), says };
    const stored = balance === null ? "" : `${at} ${JSON.stringify(value)}`;
    const message = JSON.stringify({ kind: "q", id, at, value, run });
    const keys = [layout.reading(id), layout.lease(id)];
    await to.run(SCRIPTS.tell, keys, [run, stored, READING_MS, layout.channel, message]).catch(onEngineError);
  };
  const read = (value: unknown, at: number): Balance | null => {
    if (!isRecord(value)) return null;
    const meters = Array.isArray(value["meters"])
      ? value["meters"].map((meter: unknown) =>
          isRecord(meter) ? { ...meter, resets_at: shift(meter["resets_at"], -skewMs()) } : meter,
        )
      : null;
    const saved = {
      ...value,
      meters,
      source: "",
      at,
      tried_at: at,
      error: null,
      unsupported: false,
      samples: {},
    };
    return readReading(saved, now())?.balance ?? null;
  };

  return {
    /** May this process ask now? */
    async turnOf(lookup: Lookup, isForced: boolean): Promise<Turn> {
      const [to, key] = [link(), secret()];
      // A command may print another key on each machine.
      if (to === null || key === null || typeof lookup.token !== "string") return GO;
      const id = identifyLookup(key, lookup, lookup.headersWith(lookup.token));
      lookups.set(id, lookup);
      const go: Turn = { kind: "go", done: (balance) => void tell(to, id, balance) };
      if (isForced) return go;
      const freshAfter = Math.round(now() + skewMs() - lookup.intervalMs);
      let answer: unknown;
      try {
        answer = await to.run(
          SCRIPTS.ask,
          [layout.reading(id), layout.lease(id)],
          [run, freshAfter, LEASE_MS],
        );
      } catch (error) {
        onEngineError(error);
        return GO;
      }
      if (answer === "go") return go;
      if (typeof answer !== "string" || answer === "held") return { kind: "held" };
      const [, stamp = "0", text = ""] = /^(\d+) ([\s\S]*)$/.exec(answer) ?? [];
      this.take(id, Number(stamp), JSON.parse(text) as unknown);
      return { kind: "held" };
    },
    /** `at`: the engine's clock, ms. */
    take(id: string, at: number, value: unknown): void {
      const lookup = lookups.get(id);
      const here = at - skewMs();
      if (lookup === undefined || here > now() + 60_000) return;
      const balance = read(value, Math.min(here, now()));
      if (balance !== null) onBalance(lookup, balance, Math.min(here, now()));
    },
  };
}

const NONE: Balance = { isUnlimited: false, says: null, meters: [] };

/** The same figures of the same account, whatever a machine calls them. What changes with the day is no part of it. */
function identifyLookup(secret: string, { method, urls }: Lookup, headers: object): string {
  const places = urls.map((url) => url.replace(/\?.*$/, ""));
  return identify(secret, `reading\n${method}\n${places.join("\n")}\n${JSON.stringify(headers)}`);
}

function shift(at: unknown, byMs: number): number | null {
  return typeof at === "number" ? Math.max(0, Math.round(at + byMs)) : null;
}

function onEngineError(error: unknown): void {
  if (!(error instanceof EngineError)) throw error;
}
