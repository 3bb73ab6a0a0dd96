// Keeps what a router has learned in state.json: loaded at the start, saved some time after a change.
// Never delays a request; where the file cannot be written, the router works without it.
import { errorText } from "../base/errors.ts";
import { isRecord } from "../base/json-value.ts";
import type { Service } from "../base/service.ts";
import type { Upstream } from "../base/upstream.ts";
import { type Text, t } from "../base/text.ts";
import { describe } from "../routing/reasons.ts";
import { type Router, type RouterOptions, createRouter, reasonOfLearned } from "../routing/router.ts";
import type { SavedState } from "../routing/saved-state.ts";
import {
  type SavedSections,
  type State,
  type StatePaths,
  createSavedSections,
  readSections,
  updateState,
} from "../state/state-file.ts";
import type { LiveConfig, LiveConfigOptions } from "./live-config.ts";

/** Loads what is saved and keeps it up to date from then on. */
export function createRouterState(options: {
  readonly paths: StatePaths;
  readonly service: Service;
  readonly router: Router;
  /** Called once in a row of failures. */
  readonly onTrouble: (words: Text | string) => void;
}): SavedSections {
  const { onTrouble, paths, router, service } = options;
  const saved = createSavedSections({
    paths,
    sections: SECTIONS,
    isOwn: belongsTo(service),
    make: () => makeSections(router.save()),
    saveAfterMs: 3_000,
    onTrouble: (error) => onTrouble(t`the state of the upstreams cannot be saved: ${errorText(error)}`),
  });
  loadRouter(router, saved.load());
  return saved;
}

/** A router that knows what is saved. */
export function recallRouter(
  service: Service,
  live: LiveConfig,
  { barOf, now, paths }: Pick<LiveConfigOptions, "now" | "paths"> & Pick<RouterOptions, "barOf">,
): Router {
  const settings = () => live.settings().routing;
  const router = createRouter({ settings, now, random: Math.random, barOf });
  loadRouter(router, readSections(paths.state, SECTIONS, belongsTo(service)));
  return router;
}

/** What refusals have taught of an upstream, as it is saved. */
export function listLearned(
  { key, service }: Upstream,
  live: LiveConfig,
  options: Pick<LiveConfigOptions, "now" | "paths">,
): readonly Text[] {
  return recallRouter(service, live, options)
    .learned.of(key)
    .map((entry) => t`${describe(reasonOfLearned(entry))} (${entry.client})`);
}

/** Removes the health of these upstreams and what was learned of them of a service from state.json, or of all (null). Throws UserError. */
export async function resetSavedState(
  paths: StatePaths,
  service: Service,
  keys: readonly string[] | null,
): Promise<void> {
  await updateState(paths, (state) => {
    const isMeant = (key: string): boolean =>
      keys === null ? belongsTo(service)(key) : keys.some((one) => key === one || key.startsWith(`${one}|`));
    const without = (section: string): State[string] =>
      Object.fromEntries(Object.entries(state[section] ?? {}).filter(([key]) => !isMeant(key)));
    return {
      ...state,
      health: without("health"),
      ...(state["learned"] === undefined ? {} : { learned: without("learned") }),
    };
  });
}

const SECTIONS = ["health", "sessions", "order", "learned"] as const;

/** As state.json has it: everything by name, each name beginning with its service. */
function makeSections({ health, learned, order, sessions }: SavedState): State {
  const byName = sessions.map((session) => [`${session.service}|${session.session_id}`, session] as const);
  return { health, sessions: Object.fromEntries(byName), order, learned };
}

/** Each name begins with its service. */
function belongsTo(service: Service): (entry: string) => boolean {
  return (entry) => entry === service || entry.startsWith(`${service}|`);
}

function loadRouter(router: Router, sections: State): void {
  const sessions = Object.values(sections["sessions"] ?? {});
  router.load({
    ...sections,
    sessions: sessions.toSorted((one, other) => lastUseOf(one) - lastUseOf(other)),
  });
}

function lastUseOf(session: unknown): number {
  return isRecord(session) ? Number(session["last_at"] ?? 0) : 0;
}
