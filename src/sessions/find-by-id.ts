// A session by its id, or by the beginning of one. Only reads.
import type { Service } from "../base/service.ts";
import { findTranscripts, listProjects, transcriptsIn } from "./claude-files.ts";
import { findRollouts, listArchivedRollouts, listRollouts } from "./codex-files.ts";
import { readPlace } from "./place.ts";
import type { SessionFile, SessionHomes, SessionPlace } from "./session.ts";
import { readUuid } from "./uuid.ts";

/** Of an id with fewer letters there would be too many. */
const LEAST_LETTERS = 4;
/** Of a whole id that no session has, so many are taken to be right. */
const MISTYPED_LETTERS = 8;
const MOST_NEAR = 3;

export interface FoundById {
  /** The one that is meant; null where none or several are. */
  readonly place: SessionPlace | null;
  /** Ids that begin alike, at most three. */
  readonly near: readonly string[];
}

/** Archived sessions and those of sub-agents are found too: who knows an id means that one. */
export function findById(homes: SessionHomes, services: readonly Service[], text: string): FoundById {
  const id = readUuid(text);
  const [exact] = id === null ? [] : services.flatMap((service) => filesOf(homes, service, id));
  if (exact !== undefined) return { place: readPlace(exact), near: [] };
  const beginning = text.toLowerCase().slice(0, id === null ? undefined : MISTYPED_LETTERS);
  const alike = services.flatMap((service) => filesLike(homes, service, beginning));
  const [first] = alike;
  const isOne = id === null && first !== undefined && alike.every((file) => file.id === first.id);
  if (isOne) return { place: readPlace(first), near: [] };
  return { place: null, near: [...new Set(alike.flatMap((file) => file.id ?? []))].slice(0, MOST_NEAR) };
}

function filesOf(homes: SessionHomes, service: Service, id: string): SessionFile[] {
  const ids = new Set([id]);
  return [
    ...(service === "codex" ? findRollouts(homes.codexHome, ids) : findTranscripts(homes.claudeHome, ids)),
  ];
}

function filesLike(homes: SessionHomes, service: Service, beginning: string): SessionFile[] {
  if (beginning.length < LEAST_LETTERS) return [];
  const all =
    service === "codex"
      ? [...listRollouts(homes.codexHome), listArchivedRollouts(homes.codexHome)].flat()
      : listProjects(homes.claudeHome, []).flatMap((project) => transcriptsIn(project, false));
  return all.filter((file) => file.id?.startsWith(beginning) === true);
}
