// Remembers which sessions have been behind a wall, over restarts: what such a session was told there is in its history, also where
// a summary has taken the place of the words that said so. Ids and directories alone.
import { setNewest } from "../../base/newest.ts";
import { isRecord } from "../../base/json-value.ts";
import { errorText } from "../../base/errors.ts";
import type { Service } from "../../base/service.ts";
import { type Text, t } from "../../base/text.ts";
import { type StatePaths, createSavedSections } from "../../state/state-file.ts";

export interface WalledSessions {
  /**
   * The directories behind a wall that the session was in, the latest last, each with the place where the rule was met: a worktree may
   * be removed, and what it belonged to is still there.
   */
  of: (sessionId: string) => ReadonlyMap<string, string>;
  add: (sessionId: string, directory: string, met: string) => void;
  flush: () => Promise<void>;
}

interface Entry {
  readonly directories: ReadonlyMap<string, string>;
  readonly last_at: number;
}

const SECTION = "walled_sessions";
const NONE: ReadonlyMap<string, string> = new Map();
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
    make: () => ({
      [SECTION]: Object.fromEntries(
        [...entries].map(([name, { directories, last_at }]) => [
          name,
          { directories: Object.fromEntries(directories), last_at },
        ]),
      ),
    }),
    saveAfterMs: 0,
    onTrouble: (error) => onTrouble(t`which sessions are behind a wall cannot be saved: ${errorText(error)}`),
  });
  const loaded = Object.entries(saved.load()[SECTION] ?? {}).flatMap(([name, value]) =>
    readEntry(name, value),
  );
  for (const [name, entry] of loaded.toSorted(([, a], [, b]) => a.last_at - b.last_at))
    entries.set(name, entry);
  return {
    of: (sessionId) => entries.get(`${service}|${sessionId}`)?.directories ?? NONE,
    add(sessionId, directory, met) {
      const name = `${service}|${sessionId}`;
      const before = entries.get(name)?.directories ?? NONE;
      if (before.get(directory) === met) return;
      const directories = new Map([...before, [directory, met] as const].slice(-MOST_DIRECTORIES));
      setNewest(entries, name, { directories, last_at: now() }, MOST);
      saved.noteChange();
    },
    flush: saved.flush,
  };
}

function readEntry(name: string, value: unknown): [string, Entry][] {
  if (!isRecord(value) || !isRecord(value["directories"])) return [];
  const pairs = Object.entries(value["directories"]).flatMap(([directory, met]) =>
    typeof met === "string" ? [[directory, met] as const] : [],
  );
  const at = value["last_at"];
  return [[name, { directories: new Map(pairs), last_at: typeof at === "number" ? at : 0 }]];
}
