// Where each request is from, by what its client says in it and has said in its session: the directories, not what follows from
// them. A request that says what the one before it said costs a look.
import { setNewest } from "../../base/newest.ts";
import { dirname, isAbsolute } from "node:path";
import { parseRecord } from "../../base/json-value.ts";
import { expandHome } from "../../base/paths.ts";
import type { Whereabouts } from "../../clients/client.ts";
import type { PlacedRequest } from "../../proxy/deps.ts";
import { readDirectoriesOf } from "../../sessions/find.ts";
import type { SessionFormat } from "../../sessions/session.ts";
import type { WalledSessions } from "./walled-sessions.ts";

/** Another object whenever it says something else. */
export interface Origin {
  /** The one of the directories that gives the route; null where nothing tells. */
  readonly current: string | null;
  readonly directories: ReadonlySet<string>;
  readonly sessionId: string | null;
  /** It may have content of any session. */
  readonly isMixed: boolean;
}

interface SessionPlaces {
  /** What the last request that says something says, word for word. Null: there was none. */
  said: Said | null;
  /** Where it works now; null where no request has said so. */
  current: string | null;
  readonly directories: Set<string>;
  /** The latest directory that its file has; null for none. */
  filed: string | null;
  /** Of its last request, if what that says holds for the next one. */
  origin: Origin | null;
}

export interface OriginsOptions {
  /** The user's home. */
  readonly home: string;
  /** Where `ch run` was started. Absent for another command. */
  readonly runDirectory?: string | undefined;
  readonly whereabouts: Whereabouts;
  readonly format: SessionFormat;
  readonly walled: WalledSessions;
}

interface Said {
  /** The bytes from each mark on. */
  readonly marked: readonly Buffer[];
  readonly repositories: readonly string[];
}

const MOST_SESSIONS = 2_000;
const MOST_RESPONSES = 4_000;
/** So much from a mark on is compared with what the session said before. */
const MARK_BYTES = 2_000;

export function createOrigins({ format, home, runDirectory, walled, whereabouts }: OriginsOptions) {
  const sessions = new Map<string, SessionPlaces>();
  const responses = new Map<string, ReadonlySet<string>>();
  const marks = whereabouts.marks.map((mark) => Buffer.from(mark));
  const hints = whereabouts.hints.map((hint) => Buffer.from(hint));

  const readFile = (id: string, session: SessionPlaces): void => {
    const filed = readDirectoriesOf(format, id);
    for (const one of filed) session.directories.add(one);
    session.filed = filed.at(-1) ?? null;
    session.origin = null;
  };
  const sessionOf = (id: string): SessionPlaces => {
    const found = sessions.get(id);
    if (found !== undefined) return found;
    const directories = new Set(walled.of(id).keys());
    const made: SessionPlaces = { said: null, current: null, directories, filed: null, origin: null };
    readFile(id, made);
    return setNewest(sessions, id, made, MOST_SESSIONS);
  };

  /** None for what is no path: nothing is told by it. */
  const readPath = (path: string): string[] => {
    const full = expandHome(path, home);
    return isAbsolute(full) ? [full] : [];
  };

  /** What a request says of itself: the directories, and the one that it works in now. */
  const readRequest = (body: Uint8Array, repositories: readonly string[]) => {
    const json = parseRecord(Buffer.from(body).toString("utf8"));
    const said = json === null ? { repositories: [], places: [] } : whereabouts.readBody(json);
    const roots = [...repositories, ...said.repositories].flatMap(readPath);
    const cwds = said.places.flatMap(({ cwd }) => (cwd === null ? [] : readPath(cwd)));
    const others = said.places.flatMap((place) => place.others.flatMap(readPath));
    return {
      current: chooseCurrent(roots, cwds.at(-1) ?? null),
      directories: [...roots, ...others, ...cwds],
    };
  };

  return {
    /** Takes note of what the request says of its session. */
    of({ body, headers, previousResponse, sessionId }: PlacedRequest): Origin {
      const session = sessionId === null ? null : sessionOf(sessionId);
      const repositories = whereabouts.readHeaders(headers);
      const isMixed = whereabouts.mixesSessions(headers);
      const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
      const marked = readMarks(bytes, marks);
      const isSilent =
        marked.length === 0 && repositories.length === 0 && !hints.some((hint) => bytes.includes(hint));
      const isKnown = isSilent || (session !== null && isSameAs(session.said, { marked, repositories }));
      const earlier = responses.size === 0 ? undefined : responses.get(previousResponse() ?? "");
      if (session?.origin != null && isKnown && earlier === undefined && session.origin.isMixed === isMixed)
        return session.origin;
      const said = isKnown ? null : readRequest(body, repositories);
      const directories = new Set([
        ...(session?.directories ?? []),
        ...(earlier ?? []),
        ...(said?.directories ?? []),
      ]);
      const last = [...directories].at(-1) ?? runDirectory ?? null;
      if (runDirectory !== undefined) directories.add(runDirectory);
      const current = said?.current ?? session?.current ?? session?.filed ?? last;
      const origin = { current, directories, sessionId, isMixed };
      if (session === null) return origin;
      for (const one of said?.directories ?? []) session.directories.add(one);
      session.current = said?.current ?? session.current;
      // A copy: what is kept of a body would keep the whole of it.
      if (!isKnown) session.said = { marked: marked.map((one) => Buffer.from(one)), repositories };
      session.origin = earlier === undefined ? origin : null;
      return origin;
    },
    /** As it would be for a request from the directory, or one that names none. */
    peek(directory: string | null, sessionId: string | null): Origin {
      const session = sessionId === null ? null : sessionOf(sessionId);
      const directories = new Set([
        ...(session?.directories ?? []),
        ...(directory === null ? [] : [directory]),
      ]);
      const current = directory ?? session?.current ?? session?.filed ?? [...directories].at(-1) ?? null;
      return { current, directories, sessionId, isMixed: false };
    },
    /** Looks at the session's file again. */
    refresh(sessionId: string): void {
      readFile(sessionId, sessionOf(sessionId));
    },
    /** What goes on from the response has the history of its request. */
    noteResponse(id: string, { directories }: Origin): void {
      setNewest(responses, id, directories, MOST_RESPONSES);
    },
  };
}

/** A directory within a repository says more than the repository. */
function chooseCurrent(roots: readonly string[], cwd: string | null): string | null {
  const [root] = roots;
  if (cwd === null || root === undefined) return cwd ?? root ?? null;
  return isIn(roots, cwd) ? cwd : root;
}

function isIn(directories: readonly string[], path: string): boolean {
  for (let at = path; ; at = dirname(at)) {
    if (directories.includes(at)) return true;
    if (dirname(at) === at) return false;
  }
}

/** The bytes from each mark on. */
function readMarks(bytes: Buffer, marks: readonly Buffer[]): readonly Buffer[] {
  const found: Buffer[] = [];
  for (const mark of marks)
    for (let at = bytes.indexOf(mark); at >= 0; at = bytes.indexOf(mark, at + mark.length))
      found.push(bytes.subarray(at, at + MARK_BYTES));
  return found;
}

function isSameAs(before: Said | null, { marked, repositories }: Said): boolean {
  return (
    before !== null &&
    before.marked.length === marked.length &&
    before.repositories.length === repositories.length &&
    marked.every((one, at) => before.marked[at]?.equals(one)) &&
    repositories.every((one, at) => before.repositories[at] === one)
  );
}
