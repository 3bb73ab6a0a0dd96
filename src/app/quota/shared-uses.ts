// What the answers in flight of all processes at one home are expected to use: a file with a place for each process, which
// alone writes there. A process that was killed leaves what it expected, and that stays counted: nobody will say what it was.
import { closeSync, existsSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { PRIVATE_FILE, ensurePrivateDirectory } from "../../base/files.ts";
import { parseRecord } from "../../base/json-value.ts";
import { withLockSync } from "../../base/lock.ts";
import type { Paths } from "../../base/paths.ts";
import { type ProcessIdentity, identifyProcess, isRunning } from "../../base/process-identity.ts";
import { type BudgetPlace, NO_USE, OTHERS, type Used, addUse } from "../../usage/recent-use.ts";
import { SERVICES } from "../../base/service.ts";

/** What is expected at one place. */
export interface PlacedUse {
  readonly place: BudgetPlace;
  readonly use: Used;
  /** Since when, wall clock in ms. */
  readonly at: number;
}

/** What a process says of itself. */
export interface Holding {
  readonly identity: ProcessIdentity;
  /** The last line that it has written to the log. */
  readonly run: string;
  readonly seq: number;
  readonly uses: readonly PlacedUse[];
}

/** As `fs` reads and writes: a page of a file is replaced in one go, and what is longer is proved by its print. */
const SLOT_BYTES = 4_096;
const PRINT = 16;
/** A writer is done within microseconds. */
const MOST_READS = 1_000;
/** What was lost longer ago is in no window any more. */
const LOST_MS = 32 * 86_400_000;
/** Holds what is lost. */
const GRAVE = 0;

export function createSharedUses({ run }: Pick<Paths, "run">, now: () => number) {
  const path = join(run, "budget-uses");
  const lock = join(run, "budget-uses.lock");
  const self = identifyProcess(process.pid) ?? { pid: process.pid, started: null };
  let fd: number | null = null;
  let own: number | null = null;
  let buffer = Buffer.alloc(2 * SLOT_BYTES);
  /** By slot, as it was read last. */
  const known = new Map<number, { readonly print: string; readonly holding: Holding | null }>();
  let holdings: readonly Holding[] = [];

  const open = (): number => {
    if (fd !== null) return fd;
    ensurePrivateDirectory(run);
    closeSync(openSync(path, "a", PRIVATE_FILE));
    return (fd = openSync(path, "r+"));
  };
  const writeSlot = (slot: number, holding: Holding | null): void => {
    const bytes = holding === null ? Buffer.alloc(PRINT) : encode(holding);
    writeSync(open(), bytes, 0, bytes.length, slot * SLOT_BYTES);
  };
  /** Of all processes but this one, and what is lost. */
  const readAll = (): readonly Holding[] => {
    const file = open();
    for (let tries = 0; ; tries += 1) {
      let size = readSync(file, buffer, 0, buffer.length, 0);
      while (size === buffer.length) {
        buffer = Buffer.alloc(buffer.length * 2);
        size = readSync(file, buffer, 0, buffer.length, 0);
      }
      let isTorn = false;
      let hasChanged = false;
      for (let slot = 0; slot * SLOT_BYTES < size; slot += 1) {
        const start = slot * SLOT_BYTES;
        const print = buffer.toString("latin1", start, start + PRINT);
        if (slot === own || print === known.get(slot)?.print) continue;
        const holding = decode(buffer.subarray(start, Math.min(size, start + SLOT_BYTES)), print);
        if (holding === undefined) isTorn = true;
        else known.set(slot, { print, holding });
        hasChanged = true;
      }
      if (hasChanged)
        holdings = [...known].flatMap(([slot, { holding }]) =>
          slot === own || holding === null ? [] : [holding],
        );
      if (!isTorn || tries >= MOST_READS) return holdings;
    }
  };
  const isLost = ({ identity }: Holding): boolean => identity.pid === 0;

  /** What the dead have left goes to the others that are lost, and their places are free. Under the lock. */
  const buryDead = (): void => {
    readAll();
    const dead = [...known].filter(
      ([slot, { holding }]) =>
        slot !== GRAVE && slot !== own && holding !== null && !isRunning(holding.identity),
    );
    const left = dead.flatMap(([, { holding }]) => holding?.uses ?? []);
    if (left.length > 0) {
      const lost = [...(known.get(GRAVE)?.holding?.uses ?? []), ...left];
      const uses = joinUses(lost.filter(({ at }) => now() - at < LOST_MS));
      writeSlot(GRAVE, { identity: { pid: 0, started: null }, run: "", seq: 0, uses });
    }
    for (const [slot] of dead) writeSlot(slot, null);
    readAll();
  };
  const claim = (): number => {
    if (own !== null) return own;
    return withLockSync(lock, () => {
      buryDead();
      let slot = 1;
      while (known.get(slot)?.holding != null) slot += 1;
      own = slot;
      known.delete(slot);
      writeSlot(slot, { identity: self, run: "", seq: 0, uses: [] });
      return slot;
    });
  };

  return {
    /** From now on the others see this. Throws where the file cannot be used. */
    write(holding: Omit<Holding, "identity">): void {
      writeSlot(claim(), { identity: self, ...holding });
    },
    /** What the others have in flight, and what is lost, as it is now. Throws where the file cannot be used. */
    read(): { readonly holdings: readonly Holding[]; readonly lost: readonly PlacedUse[] } {
      const all = fd === null && !existsSync(path) ? [] : readAll();
      return {
        holdings: all.filter((one) => !isLost(one)),
        lost: all.filter(isLost).flatMap(({ uses }) => uses),
      };
    },
    /** What processes that were killed had in flight is lost from now on. */
    bury: (): void => withLockSync(lock, buryDead),
    /** Nothing of this process is in flight any more. */
    close(): void {
      if (fd === null) return;
      if (own !== null) writeSlot(own, null);
      closeSync(fd);
      [fd, own] = [null, null];
    },
  };
}

/** Those of one place within an hour are one. */
function joinUses(uses: readonly PlacedUse[]): PlacedUse[] {
  const joined = new Map<string, PlacedUse>();
  for (const { at, place, use } of uses) {
    const key = JSON.stringify([Math.floor(at / 3_600_000), place]);
    const there = joined.get(key);
    joined.set(key, { place, at: Math.max(at, there?.at ?? 0), use: addUse(there?.use ?? NO_USE, use) });
  }
  return [...joined.values()];
}

/** Its print, and itself as JSON in one line. What is too long loses its names: it then counts for all of them. */
function encode(holding: Holding): Buffer {
  const bytes = Buffer.from(`${" ".repeat(PRINT)}${toJson(holding)}\n`);
  const whole =
    bytes.length <= SLOT_BYTES
      ? bytes
      : Buffer.from(`${" ".repeat(PRINT)}${toJson(withoutNames(holding))}\n`);
  whole.write(printOf(whole.subarray(PRINT, -1)), 0, "latin1");
  return whole;
}

function printOf(json: Uint8Array): string {
  return BigInt.asUintN(64, BigInt(Bun.hash(json)))
    .toString(16)
    .padStart(PRINT, "0");
}

function toJson({ identity, run, seq, uses }: Holding): string {
  return JSON.stringify([
    identity.pid,
    identity.started,
    run,
    seq,
    uses.map(({ at, place: { config, model, rule, service, upstream }, use }) => [
      Math.round(at),
      service,
      config,
      upstream,
      model,
      rule,
      use.usd,
      Math.ceil(use.tokens),
      use.requests,
    ]),
  ]);
}

function withoutNames(holding: Holding): Holding {
  const uses = SERVICES.flatMap((service): PlacedUse[] => {
    const own = holding.uses.filter(({ place }) => place.service === service);
    const [first, ...others] = own;
    if (first === undefined) return [];
    const place = { service, config: OTHERS, upstream: OTHERS, model: OTHERS, rule: OTHERS };
    const use = others.reduce((sum, other) => addUse(sum, other.use), first.use);
    return [{ at: Math.max(...own.map(({ at }) => at)), place, use }];
  });
  return { ...holding, uses };
}

/** Null for a place that is free; undefined for what is just being written. */
function decode(slot: Buffer, print: string): Holding | null | undefined {
  if (slot.length < PRINT || /^\0*$/.test(print)) return null;
  const end = slot.indexOf("\n", PRINT);
  const json = slot.subarray(PRINT, Math.max(PRINT, end));
  if (end < 0 || printOf(json) !== print) return undefined;
  const [pid, started, run, seq, uses] = Object.values(
    parseRecord(`{"v":${json.toString()}}`)?.["v"] ?? {},
  ) as [
    number,
    string | null,
    string,
    number,
    [number, string, string | null, string | null, string | null, string | null, number, number, number][],
  ];
  return {
    identity: { pid, started },
    run,
    seq,
    uses: uses.map(([at, service, config, upstream, model, rule, usd, tokens, requests]) => ({
      at,
      place: { service, config, upstream, model, rule },
      use: { usd, tokens, requests },
    })),
  };
}
