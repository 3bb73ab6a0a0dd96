// What the program knows of a stored session, and the interface behind which each client's session files are read.
// Types only.
// Pure.
import type { JsonRecord } from "../base/json-value.ts";
import type { Service } from "../base/service.ts";
import type { Origin, Project } from "./project.ts";

/** How and where one client stores its sessions. All that differs between clients is a member of it. Only reads. */
export interface SessionFormat {
  readonly service: Service;
  /** The file that gets one line, with the session's id, for every prompt. */
  readonly promptHistory: string;
  /** The files in batches, roughly the latest begun first. A directory is read when its batch is asked for. */
  readonly list: (scope: ListScope) => Iterable<readonly SessionFile[]>;
  /** Archived sessions are in none of these batches. */
  readonly listArchived: () => readonly SessionFile[];
  /** The files of these ids (lower-case UUIDs), as far as looking in the likely directories finds them. */
  readonly findByIds: (ids: ReadonlySet<string>) => Iterable<SessionFile>;
  /** The same for ids that `findByIds` missed, in all other directories, where there are any. */
  readonly findElsewhere?: (ids: ReadonlySet<string>) => Iterable<SessionFile>;
  /** May throw the errors of `source`. */
  readonly readSession: (file: SessionFile, source: ByteSource) => Omit<Session, "updatedAt">;
  /** Notes in `facts` what the records say that are given to it one after the other. */
  readonly createFactReader: (facts: MutableFacts) => FactReader;
  readonly createItemReader: (file: SessionFile) => ItemReader;
  /** The body of a request that has what a record keeps of the conversation, whole; null where it keeps nothing of it. */
  readonly readSent: (record: JsonRecord) => JsonRecord | null;
  /** Where a session was, and which one it was forked from, by each of its records. */
  readonly directories: DirectoryReader;
  /** Of a fork whose file has only its own turns: the session before it. Asked of a file's first record. */
  readonly readParent?: (record: JsonRecord) => ParentSession | null;
  /** How a session is resumed. `id` is a UUID. */
  readonly resume: (session: ResumableSession, id: string) => ResumeWords;
  /** Which repository a session's file says that it was in. Asked where its directory is gone. May throw as `readSession`. */
  readonly readOrigin: (source: ByteSource) => Origin;
  /** What the client's present settings change for a resumed session; null for nothing, or if they cannot be read. */
  readonly findProviderChange?: (facts: SessionFacts) => Promise<ProviderChange | null>;
}

export interface ListScope {
  /** Sessions of this project may come first; null where none is preferred. */
  readonly project: Project | null;
  readonly includesSubagents: boolean;
}

/** A session's file, before it is read. */
export interface SessionFile {
  readonly format: SessionFormat;
  readonly path: string;
  /** From the file's name, in lower case; null where that holds no UUID. */
  readonly id: string | null;
  /** Wall clock, ms. */
  readonly modifiedAt: number;
  readonly bytes: number;
  readonly isArchived: boolean;
  /** Its directory says that another session started it. */
  readonly isSubagent: boolean;
}

/** What selects a session: read from a few kilobytes at both ends of its file. */
export interface Session {
  readonly file: SessionFile;
  /** The latest directory recorded; null where none is. */
  readonly cwd: string | null;
  readonly isSubagent: boolean;
  /**
   * The one clock of sessions, wall clock in ms: when the last record was written, by what it says; the file's own time only
   * where none says it. A file that was copied, unpacked or synchronised has a new time, and is no newer for that.
   */
  readonly updatedAt: number;
}

export type ResumableSession = Omit<Session, "updatedAt"> & Partial<Pick<SessionFacts, "provider">>;

/** Words for a shell. */
export interface ResumeWords {
  /** What has to come first. */
  readonly before: readonly string[];
  /** The client's own. */
  readonly command: string;
  /** The provider of ours that the session belongs to: it leads to a proxy and nowhere else. Null for any other. */
  readonly ownProvider: string | null;
}

export interface SessionFacts extends Session {
  /** Wall clock, ms, as recorded; null where nothing is. */
  readonly startedAt: number | null;
  /** The first prompt that a person typed, without what the client put around it. */
  readonly firstPrompt: string | null;
  /** A name that the user gave. */
  readonly title: string | null;
  readonly branch: string | null;
  readonly model: string | null;
  /** The client's provider that the session is bound to, for clients that bind it. */
  readonly provider: string | null;
  /** Prompts by a person. Of a very long file only both ends are counted: then it is a minimum. */
  readonly turns: number;
  readonly isTurnsMinimum: boolean;
  /** The client was told something (/clear, !ls), and nothing was asked: there is nothing to resume. */
  readonly isLocalOnly: boolean;
  readonly isFork: boolean;
  /** The session it was forked from, where the file says so. */
  readonly forkedFrom: string | null;
}

export type MutableFacts = { -readonly [Name in keyof SessionFacts]: SessionFacts[Name] };

export interface DirectoryReader {
  /** What a line holds one of these for is worth parsing. */
  readonly marks: readonly string[];
  readonly read: (record: JsonRecord) => string | null;
  readonly readFork?: (record: JsonRecord) => string | null;
}

export interface FactReader {
  /** What a line holds one of these for is worth parsing. */
  readonly marks: readonly string[];
  readonly read: (record: JsonRecord) => void;
}

/** One item of a conversation. */
export interface TranscriptItem {
  readonly kind: "prompt" | "answer" | "call" | "output";
  readonly text: string;
  /** Of a prompt: it was for the client itself or for a shell, as /clear and !ls are. */
  readonly isLocal?: boolean;
  /** Of a call: the tool's name. */
  readonly tool?: string;
  /** Wall clock, ms; null where none is recorded. */
  readonly at: number | null;
}

export interface ItemReader {
  /** A line without any of these holds no prompt and no answer, and needs no parsing where only they are wanted. */
  readonly messageMarks: readonly string[];
  /** The items of a record, which comes after those read before. */
  readonly read: (record: JsonRecord) => readonly TranscriptItem[];
}

export interface ParentSession {
  readonly id: string;
  /** How many bytes of its file belong to the fork's conversation. */
  readonly endByte: number;
}

/** A resumed session keeps its provider, whatever the client's settings say now. */
export interface ProviderChange {
  /** The provider that the session is bound to. */
  readonly stored: string;
  readonly configured: string;
  /** The client refuses to resume a session whose provider is not defined. */
  readonly isStoredDefined: boolean;
}

/** Bytes that can be read from anywhere: a file, or what a compressed one holds. */
export interface ByteSource extends Disposable {
  readonly bytes: number;
  /** Fewer bytes where the file ends. They may be put into `room`, if it is large enough. */
  readonly read: (position: number, length: number, room?: Buffer) => Buffer;
}
