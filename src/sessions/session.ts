// What the rest of the program knows of a stored session. Types only.
// Pure.
import type { Service } from "../base/service.ts";

/** Where the clients keep their sessions. */
export interface SessionHomes {
  readonly codexHome: string;
  readonly claudeHome: string;
}

/** A session's file, before it is looked into. */
export interface SessionFile {
  readonly service: Service;
  readonly path: string;
  /** From the file's name, in lower case; null where that holds no UUID. */
  readonly id: string | null;
  /** Wall clock, ms. */
  readonly modifiedAt: number;
  readonly bytes: number;
  readonly isArchived: boolean;
  /** Its place says that another session started it. */
  readonly isSubagent: boolean;
}

/** What decides whether a session is meant: read from a few kilobytes at both ends of its file. */
export interface SessionPlace {
  readonly file: SessionFile;
  /** The latest directory recorded; null where none is. */
  readonly cwd: string | null;
  readonly isSubagent: boolean;
}

export interface SessionFacts extends SessionPlace {
  /** Wall clock, ms, as recorded; null where nothing is. */
  readonly startedAt: number | null;
  readonly updatedAt: number;
  /** The first thing a person asked, without what the client put around it. */
  readonly firstPrompt: string | null;
  /** A name that the user gave. */
  readonly title: string | null;
  readonly branch: string | null;
  readonly model: string | null;
  /** Codex only: the provider that the session is bound to. */
  readonly provider: string | null;
  /** Prompts by a person. Of a very long file only both ends are counted: then it is the least there are. */
  readonly turns: number;
  readonly isLeastTurns: boolean;
  readonly isFork: boolean;
  /** The session it was forked from, where the file says so. */
  readonly forkedFrom: string | null;
}

/** One thing in a conversation. */
export interface TranscriptItem {
  readonly kind: "prompt" | "answer" | "call" | "output";
  readonly text: string;
  /** Of a call: the tool's name. */
  readonly tool?: string;
  /** Wall clock, ms; null where none is recorded. */
  readonly at: number | null;
}
