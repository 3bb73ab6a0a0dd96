// What a client program is to us: the one interface that each client's folder implements and registry.ts lists, with the
// words that its members share with switch/, import/ and app/.
// Pure.
import type { CheckRow, Finding } from "../base/check.ts";
import type { Encoding } from "../base/bytes.ts";
import { type Text, t } from "../base/text.ts";
import type { Env } from "../base/env.ts";
import { UserError } from "../base/errors.ts";
import type { Paths } from "../base/paths.ts";
import type { OwnedName } from "../base/owned-names.ts";
import type { Service, ServiceFacts } from "../base/service.ts";
import type { JsonRecord } from "../base/json-value.ts";
import type { SessionFile, SessionFormat } from "../sessions/session.ts";
import type { Usage } from "../usage/usage.ts";
import type { Import, IsOwnAddress } from "./imported-config.ts";
import type { Override } from "./override.ts";

/** Whatever differs between clients. What takes code of its own to answer is loaded when it is asked for. */
export interface Client extends ServiceFacts {
  /** Where at a relay's host its API usually is, before the base path. */
  readonly apiPlaces: readonly string[];
  /** The smallest request that its API takes, for one word. */
  readonly testRequest: TestRequest;
  /** What its newest releases add to such a request, and a relay that is behind them may refuse. */
  readonly release: Release;
  /** For a test request where nothing tells which model is in use: one that most relays have. */
  readonly defaultModel: string;
  /** The file with values of variables that the environment may not have, and which part of it holds them. */
  readonly secrets: {
    readonly fileIn: (paths: Paths) => string;
    readonly tableIn: (content: Readonly<Record<string, unknown>>) => unknown;
  };
  /** One turn without a person, for a proof that its requests arrive. */
  readonly probeArgs: readonly string[];
  /** What its home must have beside its file for that: a login that is none. */
  readonly probeFiles: Readonly<Record<string, string>>;
  /** How a switch edits the client's file. */
  readonly createEditor: (target: SwitchTarget) => Promise<SwitchEditor>;
  /** How a status line of ours gets into its file. Absent for one that shows no line of other programs. */
  readonly createLineEditor?: (target: SwitchTarget) => Promise<StatusLineEditor>;
  /** What goes past our proxy although the client's file points at it. Throws UserError for files that cannot be read. */
  readonly listOverrides: (files: ClientFiles, isOwnAddress: IsOwnAddress) => Promise<readonly Override[]>;
  /** How it is started on a port of ours: everything but the port. Both throw UserError where something wins over us. */
  readonly prepareRun: (options: RunOptions) => Promise<(address: RunAddress) => RunPlan>;
  /** What it is set up with, as configs of ours; the one in use first. Throws UserError for files that cannot be read. */
  readonly findImport: (options: FindImportOptions) => Promise<Import>;
  /** What its own files and variables add to its requests. Absent for one whose files add nothing. */
  readonly owned?: OwnedSource;
  /** What its open sessions do once it is switched, for people. */
  readonly describeOpenSessions: () => Text;
  /** What becomes of those that are open when our proxy ends, for people. */
  readonly describeHeldSessions: () => Text;
  /** The model that it is set to. Throws UserError for files that cannot be read. */
  readonly readModel: (files: ClientFiles) => Promise<string | null>;
  /** Would it work at all with its own files and variables as they are? */
  readonly loadChecks: () => Promise<ClientChecks>;
  /** Where and how its sessions are stored. */
  readonly loadSessionFormat: (paths: Paths) => Promise<SessionFormat>;
  /** Where its requests say that it works. */
  readonly loadWhereabouts: () => Promise<Whereabouts>;
  /** Finds the answers of models in them. */
  readonly loadAnswerReader: () => Promise<CreateAnswerReader>;
}

/**
 * How a client's requests say where it works: by what only the client itself writes there. Directories are as they are written, and
 * need not exist.
 */
export interface Whereabouts {
  /** A body that says so holds one of these: as long as what follows them stays the same, nothing new is said. */
  readonly marks: readonly string[];
  /** Where a body holds one of these it may say so, too. */
  readonly hints: readonly string[];
  /** The request may have content of any session of the client, wherever that was. */
  readonly mixesSessions: (headers: Headers) => boolean;
  /** Roots of repositories. */
  readonly readHeaders: (headers: Headers) => readonly string[];
  readonly readBody: (body: JsonRecord) => {
    /** Roots of repositories. */
    readonly repositories: readonly string[];
    /** As the conversation has them one after the other: the last one holds now. */
    readonly places: readonly WorkPlace[];
  };
}

export interface WorkPlace {
  readonly cwd: string | null;
  /** What else it may work on. */
  readonly others: readonly string[];
}

/** An answer of a model, as a session's file has it. */
export interface StoredAnswer {
  /** The same in a copy, as forks have. */
  readonly key: string;
  /** Of the conversation, as its requests name it: those of sub-agents, too. In lower case; null where nothing tells. */
  readonly sessionId: string | null;
  /** When it was noted: while it came, or right after. Wall clock, ms. */
  readonly at: number;
  readonly model: string | null;
  /** Undefined where the file does not say. */
  readonly usage: Usage | undefined;
}

/** Of one file. */
export interface AnswerReader {
  /** What a line holds one of these for is worth parsing. */
  readonly marks: readonly string[];
  /** The records of the file, one after the other. */
  readonly read: (record: JsonRecord) => void;
  readonly answers: () => readonly StoredAnswer[];
}

export type CreateAnswerReader = (file: SessionFile) => AnswerReader;

export interface TestRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: (model: string) => object;
  /** The same with a long beginning that may be cached, for an answer of some hundred tokens. */
  readonly measured: (model: string, beginning: string, prompt: string) => object;
}

export interface Release {
  /** What it calls itself in `user-agent`, without the version. */
  readonly agents: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
  /** Requests besides turns: what they are, by path. */
  readonly requests: Readonly<Record<string, string>>;
  /** A small tool, as a turn of it defines one. */
  readonly tool: Readonly<Record<string, unknown>>;
  readonly hasSockets: boolean;
}

export interface OwnedSource {
  /** The files that can say so, the one that a switch edits among them; they need not be there. Cheap. */
  readonly files: (files: ClientFiles) => readonly string[];
  /** What such a file has in it somewhere. */
  readonly hint: RegExp;
  /** The variable that does the same. */
  readonly variable?: string;
  /** `userText` as in FindImportOptions. Throws UserError for files that cannot be read. */
  readonly list: (files: ClientFiles, userText: string | undefined) => Promise<readonly OwnedName[]>;
}

/** Where a client's own files are looked for. */
export interface ClientFiles {
  readonly paths: Paths;
  readonly env: Env;
  /** Where the client is started: it may look for a project's settings there. */
  readonly cwd: string;
  /** Where the machine's own files of the client are, if not in the usual place. */
  readonly systemDirectory?: string | undefined;
}

/** What `ch doctor` checks of a client's own files and variables. */
export interface ClientChecks {
  /** In the order in which they are shown. */
  readonly rows: readonly CheckRow[];
  /** Never throws for what the files hold. */
  readonly run: (files: ClientFiles) => Promise<readonly Finding[]>;
}

export interface FindImportOptions extends ClientFiles {
  /** What the user's file would say without our switch, where that is not what it says. */
  readonly userText: string | undefined;
  readonly isOwnAddress: IsOwnAddress;
}

export interface RunOptions extends Omit<ClientFiles, "systemDirectory"> {
  /** The words that start the client. */
  readonly program: readonly string[];
  /** The client's arguments as typed. */
  readonly args: readonly string[];
}

/** Where the proxy of a run is. */
export interface RunAddress {
  readonly port: number;
  /** What it asks its client for, if it does. */
  readonly clientToken?: string | null;
  /** Where a file for this run alone may be put. */
  readonly privateFile?: string;
}

/** What a client is started with. */
export interface RunPlan {
  readonly args: readonly string[];
  /** Variables added to the client's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** What the person should know before it starts. */
  readonly remarks?: readonly (Text | string)[];
  /** What its command line and the project's files add to its requests, with what its other files add. */
  readonly owned?: readonly OwnedName[];
  /** Content for the file of this run: what others may not read in a list of processes. */
  readonly secret?: string;
}

/** Which client is switched, and where its settings are looked for. */
export interface SwitchTarget extends Omit<ClientFiles, "cwd"> {
  readonly service: Service;
  /** Its file, where that is not in the usual place. */
  readonly file?: string;
}

export interface SwitchGoal {
  readonly port: number;
  /** What the proxy there asks its clients for, if it does. */
  readonly clientToken?: string | null;
  /** Codex: a provider of our own, instead of the address of the present one. */
  readonly prefersOwnProvider: boolean;
  /** Also where the client would not read its file, or not start with it. */
  readonly isForced?: boolean;
}

/** Everything here throws UserError with the file's name for a file that we dare not edit. */
export interface SwitchEditor {
  readonly file: string;
  /** Those that the client reads. */
  readonly encodings: readonly Encoding[];
  /** Why the client would not read its file with this text, or not start, and what to type then; null where it does. */
  findRefusal(text: string): UserError | null;
  /** Points a text without a switch in it at the proxy. */
  edit(clean: string, goal: SwitchGoal): Promise<Edit>;
  /** Takes a switch out, but for a provider of ours that may be needed again. `changes` null: there is no journal. */
  clean(text: string, changes: readonly KeyChange[] | null): Undo;
  /** Takes a switch out, with everything that no stored session needs. */
  undo(text: string, changes: readonly KeyChange[] | null): Promise<Undo>;
}

/** Our status line in a client's file, below its switch. Everything here throws UserError as a SwitchEditor does. */
export interface StatusLineEditor extends Pick<SwitchEditor, "encodings" | "file"> {
  /** Sets it in a text without a switch, around a line that is there. */
  install(clean: string, options: LineOptions): LineEdit;
  /** Takes it out of such a text. `changes` null: there is no journal. */
  uninstall(clean: string, changes: readonly KeyChange[] | null): Undo;
  /** Has the text without a switch changed, and sets the same switch again. `switched`: what its journal remembers. */
  below(text: string, switched: readonly KeyChange[], change: (clean: string) => string): Edit;
}

export interface LineOptions {
  /** The words that start our program. */
  readonly program: readonly string[];
  /** Is what these words start there? */
  readonly isThere: (program: readonly string[]) => boolean;
  /** What the journal remembers; null without one. */
  readonly changes: readonly KeyChange[] | null;
}

export interface LineEdit {
  readonly text: string;
  /** Null where it was there already, and nothing was changed. */
  readonly changes: readonly KeyChange[] | null;
  /** The command whose lines go first. */
  readonly wrapped: string | null;
  /** Why the client would not show it, as it is set. */
  readonly remark?: Text | undefined;
}

export interface Edit {
  readonly text: string;
  readonly changes: readonly KeyChange[];
}

/** One key that we set. Everything is text of the file, except `value`. */
export interface KeyChange {
  readonly path: readonly string[];
  /** What was there before, as written; null when there was nothing. Never a value of ours. */
  readonly before: string | null;
  /** What we wrote: in place of `before`, or the whole insertion. */
  readonly written: string;
  /** Text around it whose place an insertion took; none where absent. */
  readonly replaced?: string | undefined;
  /** The value that the client reads: while the key has it, the key is ours. */
  readonly value: string;
}

export interface Undo {
  readonly text: string;
  /** In the order of the file; empty when nothing of ours was there. */
  readonly keys: readonly Undone[];
}

export type Undone =
  /** `isGuess`: recognised by its value alone, so what was there before is not known for certain. */
  | {
      readonly kind: "restored";
      readonly path: readonly string[];
      readonly isGuess: boolean;
      /** What the key held: our address, or the id of our provider. */
      readonly value: string;
    }
  /** It was set to something else meanwhile; left as it is. */
  | { readonly kind: "changed"; readonly path: readonly string[] }
  /** It was removed meanwhile. */
  | { readonly kind: "gone"; readonly path: readonly string[] }
  /** Holds our address, and nothing tells what was there before; left as it is. */
  | { readonly kind: "unknown"; readonly path: readonly string[]; readonly value: string };

export interface UndoOptions {
  /** What the journal remembers; null without one, and then our values are known by their looks. */
  readonly changes: readonly KeyChange[] | null;
  /** Addresses that are ours without doubt, where the journal does not tell. */
  readonly ownAddresses: readonly string[];
}

/** A key's path as a person writes it. */
export function showKey(path: readonly string[]): string {
  return path.map((key) => (/^[\w-]+$/.test(key) ? key : JSON.stringify(key))).join(".");
}

/** Do two paths name the same key? */
export function isSamePath(one: readonly (string | number)[], other: readonly (string | number)[]): boolean {
  return one.length === other.length && one.every((key, at) => key === other[at]);
}

/** Adds the file's name to the errors of those who only know its text. */
export function withFileName<T>(file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof UserError) || error.message.includes(file)) throw error;
    throw new UserError(t`${file}: ${error.text}`, { hint: error.hintText, cause: error });
  }
}
