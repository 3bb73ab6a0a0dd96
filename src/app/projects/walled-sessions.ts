// Remembers which sessions have been behind a wall, over restarts: what such a session was told there is in its history, also where
// a summary has taken the place of the words that said so. Ids and directories alone.
import { isRecord } from "../../base/json-value.ts";
import { errorText } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import { type StatePaths, createSavedSections } from "../../state/state-file.ts";

export interface WalledSessions {
  /** The directories behind a wall that the session was in, the latest last. */
  of: (sessionId: string) => readonly string[];
  add: (sessionId: string, directory: string) => void;
  flush: () => Promise<void>;
}

interface Entry {
  readonly directories: readonly string[];
  readonly last_at: number;
}

const SECTION = "walled_sessions";
const MOST = 5_000;
const MOST_DIRECTORIES = 64;

export function createWalledSessions(options: {
  readonly paths: StatePaths;
  readonly service: Service;
  /** Wall clock, ms. */
  readonly now: () => number;
  readonly onTrouble: (words: Text | string) => void;
}): WalledSessions {
  const { now, onTrouble, paths, service } = options;
  const entries = new Map<string, Entry>();
  const saved = createSavedSections({
    paths,
    sections: [SECTION],
    isOwn: (entry) => entry.startsWith(`${service}|`),
    make: () => ({ [SECTION]: Object.fromEntries(entries) }),
    saveAfterMs: 0,
    onTrouble: (error) => onTrouble(t`which sessions are behind a wall cannot be saved: ${errorText(error)}`),
  });
  const loaded = Object.entries(saved.load()[SECTION] ?? {}).flatMap(([name, value]) =>
    readEntry(name, value),
  );
  for (const [name, entry] of loaded.toSorted(([, a], [, b]) => a.last_at - b.last_at))
    entries.set(name, entry);
  return {
    of: (sessionId) => entries.get(`${service}|${sessionId}`)?.directories ?? [],
    add(sessionId, directory) {
      const name = `${service}|${sessionId}`;
      const before = entries.get(name)?.directories ?? [];
      if (before.includes(directory)) return;
      entries.delete(name);
      entries.set(name, { directories: [...before, directory].slice(-MOST_DIRECTORIES), last_at: now() });
      const [oldest] = entries.keys();
      if (entries.size > MOST && oldest !== undefined) entries.delete(oldest);
      saved.noteChange();
    },
    flush: saved.flush,
  };
}

function readEntry(name: string, value: unknown): [string, Entry][] {
  if (!isRecord(value) || !Array.isArray(value["directories"])) return [];
  const directories = value["directories"].filter((one) => typeof one === "string");
  const at = value["last_at"];
  return [[name, { directories, last_at: typeof at === "number" ? at : 0 }]];
}
