// Carries what a router has learned through state.json: taken up at the start, written some time after a change.
// Never in a request's way; where the file cannot be written, the router goes on without it.
import { errorText } from "../base/errors.ts";
import { isRecord } from "../base/json-value.ts";
import { t } from "../base/language.ts";
import type { Service } from "../base/service.ts";
import { type Router, createRouter } from "../routing/router.ts";
import type { SavedState } from "../routing/saved-state.ts";
import {
  type Section,
  type State,
  type StatePaths,
  mergeSection,
  readState,
  updateState,
} from "../state/state-file.ts";
import type { LiveConfig, LiveConfigOptions } from "./live-config.ts";

export interface RouterState {
  /** What the router knows may have changed: it is written within a few seconds. */
  noteChange(): void;
  /** Writes what has changed, and waits for nothing more. Never rejects. */
  flush(): Promise<void>;
}

export interface RouterStateOptions {
  readonly paths: StatePaths;
  readonly service: Service;
  readonly router: Router;
  /** Told once in a row of failures. */
  readonly onTrouble: (words: string) => void;
}

/** A busy proxy writes no more often than this; what a crash loses is at most so much. */
const SAVE_AFTER_MS = 3_000;

/** Takes up what is saved and keeps it up to date from then on. */
export function createRouterState({ onTrouble, paths, router, service }: RouterStateOptions): RouterState {
  let known = loadRouter(router, service, paths.state);
  let timer: Timer | null = null;
  let writing = Promise.resolve();
  let isFailing = false;

  const save = async (): Promise<void> => {
    const mine = makeSections(router.save());
    if (isSame(mine, known)) return;
    try {
      await updateState(paths, (theirs) => ({ ...theirs, ...merge({ base: known, mine, theirs }) }));
      known = mine;
      isFailing = false;
    } catch (error) {
      if (!isFailing) onTrouble(t`what was learned of the upstreams is not kept: ${errorText(error)}`);
      isFailing = true;
    }
  };
  const flush = (): Promise<void> => {
    if (timer !== null) clearTimeout(timer);
    timer = null;
    writing = writing.then(save);
    return writing;
  };

  return {
    noteChange() {
      timer ??= setTimeout(() => void flush(), SAVE_AFTER_MS);
    },
    flush,
  };
}

/** Gives a router what state.json says of its service, and returns that. */
export function loadRouter(router: Router, service: Service, path: string): State {
  const saved = readState(path);
  const known = Object.fromEntries(
    SECTIONS.map((section) => [section, entriesOf(saved[section] ?? {}, service)]),
  );
  router.load({ ...known, sessions: Object.values(known["sessions"] ?? {}).toSorted(byLastUse) });
  return known;
}

/** A router that knows what the last one has left. */
export function recallRouter(
  service: Service,
  live: LiveConfig,
  { now, paths }: Pick<LiveConfigOptions, "now" | "paths">,
): Router {
  const router = createRouter({ settings: () => live.settings().routing, now, random: Math.random });
  loadRouter(router, service, paths.state);
  return router;
}

/** Forgets what state.json holds against these upstreams of a service, or against all (null). Throws UserError. */
export async function resetSavedState(
  paths: StatePaths,
  service: Service,
  keys: readonly string[] | null,
): Promise<void> {
  await updateState(paths, (state) => {
    const health = Object.entries(state["health"] ?? {}).filter(
      ([key]) => !(keys === null ? key.startsWith(`${service}|`) : keys.includes(key)),
    );
    return { ...state, health: Object.fromEntries(health) };
  });
}

const SECTIONS = ["health", "sessions", "order"] as const;

/** As state.json has it: everything by name, each name beginning with its service. */
function makeSections({ health, order, sessions }: SavedState): State {
  const byName = sessions.map((session) => [`${session.service}|${session.session_id}`, session] as const);
  return { health, sessions: Object.fromEntries(byName), order };
}

function merge({ base, mine, theirs }: Record<"base" | "mine" | "theirs", State>): State {
  const sections = SECTIONS.map((name) => [
    name,
    mergeSection({ base: base[name] ?? {}, mine: mine[name] ?? {}, theirs: theirs[name] ?? {} }),
  ]);
  return Object.fromEntries(sections);
}

function entriesOf(section: Section, service: Service): Section {
  const own = Object.entries(section).filter(([name]) => name === service || name.startsWith(`${service}|`));
  return Object.fromEntries(own);
}

function byLastUse(one: unknown, other: unknown): number {
  return lastUseOf(one) - lastUseOf(other);
}

function lastUseOf(session: unknown): number {
  return isRecord(session) ? Number(session["last_at"] ?? 0) : 0;
}

function isSame(one: State, other: State): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
