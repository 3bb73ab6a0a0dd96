// Carries readings and recognised relays through state.json, so that several processes ask once and a restart asks nothing.
// Never in a request's way; where the file cannot be written, they are kept in memory alone.
import { errorMessage } from "../../base/errors.ts";
import { kept } from "../../base/language.ts";
import { isRecord } from "../../base/json-value.ts";
import type { VendorName } from "../../quota/vendors.ts";
import type { Reading } from "../../quota/reading.ts";
import { readReading, readRelay, writeReading } from "../../quota/saved-readings.ts";
import { type State, type StatePaths, mergeSection, readState, updateState } from "../../state/state-file.ts";

export interface QuotaState {
  readonly readings: Map<string, Reading>;
  /** By host and port. */
  readonly relays: Map<string, VendorName>;
  /** Takes up what other processes have found out since. True where something was new. */
  sync(): boolean;
  noteChange(): void;
  /** Never rejects. */
  flush(): Promise<void>;
}

export interface QuotaStateOptions {
  readonly paths: StatePaths;
  readonly onTrouble: (words: string) => void;
  /** Wall clock, ms. */
  readonly now: () => number;
}

/** What a crash loses is asked again. */
const SAVE_AFTER_MS = 10_000;
/** Of keys that are no longer configured. */
const FORGOTTEN_MS = 40 * 86_400_000;
const SECTIONS = ["quota", "relays"] as const;

export function createQuotaState({ now, onTrouble, paths }: QuotaStateOptions): QuotaState {
  const readings = new Map<string, Reading>();
  const relays = new Map<string, VendorName>();
  let base: State = {};
  let timer: Timer | null = null;
  let writing = Promise.resolve();
  let isFailing = false;

  const sync = (): boolean => {
    let isNew = false;
    const saved = readState(paths.state);
    for (const [key, value] of Object.entries(saved["quota"] ?? {})) {
      const reading = readReading(value, now());
      if (reading === null || reading.triedAt <= (readings.get(key)?.triedAt ?? -1)) continue;
      readings.set(key, reading);
      isNew = true;
    }
    for (const [host, value] of Object.entries(saved["relays"] ?? {})) {
      const kind = readRelay(value);
      if (kind === null || relays.has(host)) continue;
      relays.set(host, kind);
      isNew = true;
    }
    base = Object.fromEntries(SECTIONS.map((name) => [name, saved[name] ?? {}]));
    return isNew;
  };

  const makeSections = (): State => ({
    quota: Object.fromEntries(
      [...readings]
        .filter(([, { triedAt }]) => triedAt > now() - FORGOTTEN_MS)
        .map(([key, reading]) => [key, writeReading(reading)]),
    ),
    relays: Object.fromEntries(
      [...relays].map(([host, kind]) => {
        const known = base["relays"]?.[host];
        return [host, isRecord(known) && known["kind"] === kind ? known : { kind, at: now() }];
      }),
    ),
  });

  const save = async (): Promise<void> => {
    try {
      const mine = makeSections();
      await updateState(paths, (theirs) => ({
        ...theirs,
        ...Object.fromEntries(
          SECTIONS.map((name) => [
            name,
            mergeSection({ base: base[name] ?? {}, mine: mine[name] ?? {}, theirs: theirs[name] ?? {} }),
          ]),
        ),
      }));
      base = mine;
      isFailing = false;
    } catch (error) {
      const problem = errorMessage(error);
      if (!isFailing) onTrouble(kept`quota readings are not kept: ${problem}`);
      isFailing = true;
    }
  };
  const flush = (): Promise<void> => {
    if (timer === null) return writing;
    clearTimeout(timer);
    timer = null;
    writing = writing.then(save);
    return writing;
  };

  sync();
  return {
    readings,
    relays,
    sync,
    noteChange() {
      timer ??= setTimeout(() => void flush(), SAVE_AFTER_MS);
    },
    flush,
  };
}
