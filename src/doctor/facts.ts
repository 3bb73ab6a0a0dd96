// What the checks look at, as it was found. Holds no secret: messages and paths, names of variables, sizes, times.
// Types only.
// Pure.
import type { OpenPath } from "./access.ts";
import type { Env } from "../base/env.ts";
import type { Paths } from "../base/paths.ts";
import type { Finding } from "../base/check.ts";
import type { Service } from "../base/service.ts";
import type { RedactionFacts } from "../filter/redaction.ts";
import type { Text } from "../base/text.ts";
import type { Fixable } from "../routing/fixes.ts";
import type { Reason } from "../routing/types.ts";
import type { LoggedFigures } from "../usage/price-rates.ts";

export interface DoctorFacts {
  /** Limits of how many requests may be open at once that several upstreams share. */
  readonly limitGroups: readonly {
    readonly name: string;
    readonly labels: readonly string[];
    /** Those that are set, each once, the smallest first. */
    readonly limits: readonly number[];
  }[];
  readonly files: FileFacts;
  readonly services: readonly ServiceFacts[];
  readonly machine: MachineFacts;
  readonly network: NetworkFacts;
}

/** Where they are looked for. */
export interface ExamineOptions {
  readonly paths: Paths;
  readonly env: Env;
  readonly cwd: string;
  /** Wall clock, ms. */
  readonly now: () => number;
  /** Default: both. */
  readonly services?: readonly Service[];
  /** Where the proxies listen unless told otherwise. */
  readonly ports?: Readonly<Record<Service, number>>;
  /** Where the machine's own files of the clients lie. */
  readonly systemDirectories?: Readonly<Partial<Record<Service, string>>>;
}

/** Our own files. */
export interface FileFacts {
  readonly config: {
    readonly path: string;
    readonly isMissing: boolean;
    readonly problem: Text | string | null;
    readonly hint: Text | string | null;
    readonly warnings: readonly Text[];
  };
  readonly filter: {
    readonly path: string;
    readonly problem: Text | string | null;
    readonly hint: Text | string | null;
    readonly facts: RedactionFacts;
  };
  /** The rules for projects. */
  readonly projects: readonly {
    readonly name: string;
    readonly pattern: string;
    /** The directory that it begins at. */
    readonly isThere: boolean;
    readonly usedConfig: string | null;
    readonly hasConfig: boolean;
    /** Names in its wall that are none of any client. */
    readonly unknownNames: readonly string[];
    readonly filterProblem: Text | string | null;
  }[];
  /** The owner's budgets; null where they cannot be counted. */
  readonly budgets:
    | readonly {
        /** "your budget for main#1: $4.00 of $5.00 a day". */
        readonly words: Text;
        readonly isSpent: boolean;
        /** 0.8 of it are. */
        readonly isNear: boolean;
        readonly onSpent: "next" | "stop" | "warn";
        /** What lets it pass for a while. */
        readonly lift: Text | string;
        /** Requests of this window that are not in it, as their model has no price. */
        readonly unpriced: number;
      }[]
    | null;
  /** The pool that this machine shares; null without one. */
  readonly pool: {
    readonly namespace: string;
    /** Why the engine cannot be used now. */
    readonly problem: Text | string | null;
    readonly machines: number;
    /** Since when a proxy of this home is alone, and why; null for none. */
    readonly alone: { readonly since: Text | string; readonly why: Text | string } | null;
  } | null;
  /** Which way notifications take, and why none can arrive that way; null where none are wanted. */
  readonly notify: {
    readonly via: string;
    readonly trouble: { readonly problem: Text; readonly hint: Text | string } | null;
  } | null;
  readonly usageProviders: { readonly path: string; readonly problem: Text | string | null };
  readonly prices: { readonly path: string; readonly problem: Text | string | null };
  readonly state: { readonly path: string; readonly isUnreadable: boolean };
  /** The ledger of spend. `isFile`: it can be put aside. */
  readonly spend: { readonly path: string; readonly problem: Text | string | null; readonly isFile: boolean };
  /** `problem`: why no line can be added, or null. `bytes` is 0 where there is no log. */
  readonly log: {
    readonly path: string;
    readonly problem: Text | string | null;
    readonly bytes: number;
  };
  /** Why nothing can be kept in our home, or null. */
  readonly home: {
    readonly path: string;
    readonly problem: Text | string | null;
    /** Told only: where it is refused, nothing is examined. */
    readonly unsafe: Text | null;
  };
  /** Free to this user on the disk of our home; null where the system does not tell. */
  readonly freeBytes: number | null;
  /** Our files and directories that others may read. */
  readonly openFiles: readonly string[];
  /** A file there has the mode that it is given. Not so on NTFS, FAT and some network file systems; null on Windows. */
  readonly hasModes: boolean | null;
  /** Who else may use them by an access list; null where modes say so, or where there is no home yet. */
  readonly access: {
    /** The system did not tell. */
    readonly isUnread: boolean;
    readonly open: readonly (Omit<OpenPath, "name"> & { readonly path: string })[];
    /** The SID of whoever runs this, where it is needed and known. */
    readonly person: string | null;
  } | null;
  /** What killed writers left. */
  readonly leftovers: readonly string[];
  /** Files of the older program of the same name, left where they are. */
  readonly predecessorFiles: readonly string[];
}

/** What requests met at it in the last hour. */
export interface SeenFacts {
  readonly reason: Reason;
  readonly count: number;
  /** Wall clock, ms. */
  readonly lastAt: number;
  /** What has happened since: it answered, or config.json was changed. Null for neither. */
  readonly since: "answered" | "changed" | null;
}

export interface UpstreamFacts {
  readonly label: string;
  /** What decides what to type against a fault of it. */
  readonly fixable: Fixable;
  /** The most frequent first. */
  readonly seen: readonly SeenFacts[];
  /** Why it cannot be asked, or null. */
  readonly unusable: Text | null;
  /** The command that sets the key that is missing, or null. */
  readonly keyHint: string | null;
  /** How long its key has stood in config.json at least, ms; null where it does not. */
  readonly literalKeyMs: number | null;
  /** What came of the command that prints its key; null where there is none. */
  readonly keyCommand: {
    readonly program: string;
    readonly tookMs: number;
    /** Null where it printed one. */
    readonly failure: Text | null;
    /** The running proxy has had a key from it. */
    readonly isFineThere: boolean;
    /** What to type against a failure. */
    readonly fix: string;
  } | null;
  /** The place for keys that this machine has: what puts the key there, if that is a command, and what asks for it. */
  readonly keyRecipe: readonly string[] | null;
  /** How it is, as all screens say it; null where no proxy and no file knows it. */
  readonly state: {
    readonly availability: string;
    readonly words: Text;
    readonly reason: Reason;
    /** What refusals taught of it, each with the client that it holds for. */
    readonly learned: readonly { readonly reason: Reason; readonly client: string }[];
    /** What to type against it. */
    readonly fix: Text | string | null;
  } | null;
  /** What is to be kept of its plan: the window in words ("5 h"), and `kept`, `free`, `stale` or `unknown`. */
  readonly reserves: readonly { readonly name: string; readonly state: string }[];
  /** Host and port of the outbound proxy, and who named it: a variable, or "proxy". Null for a direct connection. */
  readonly outbound: { readonly host: string; readonly source: string } | null;
}

export interface ServiceFacts {
  readonly service: Service;
  /** Null when requests can be served; else why not, and what to type. */
  readonly routeProblem: { readonly message: Text | string; readonly hint: string } | null;
  /** Nothing of this service is configured: it is not in use here. */
  readonly isUnused: boolean;
  /** The enabled ones of the active config. */
  readonly upstreams: readonly UpstreamFacts[];
  readonly configName: string | null;
  /** Models with others that stand in for them, where every upstream is asked for the same one all the same. */
  readonly idleChains: readonly string[];
  readonly switch: {
    readonly file: string;
    readonly isOn: boolean;
    readonly port: number | null;
    readonly isOwnerDead: boolean;
    readonly isRefused: boolean;
    readonly unfinished: { readonly what: Text; readonly hint: Text | string } | null;
    readonly problem: Text | string | null;
  };
  /** What listens on the port that the client is pointed at: nothing, a proxy of ours, or something else by name. */
  readonly listener: "none" | "ours" | Text;
  /** Why the proxy refuses the client that points at it, or its token is no secret; and what to type. */
  readonly tokenProblem: { readonly what: Text; readonly hint: string } | null;
  /** Switches of the client under other homes of it, and what to type for each. */
  readonly others: readonly { readonly file: string; readonly port: number; readonly command: string }[];
  /** What goes past the proxy although the client's file points at it. */
  readonly overrides: readonly {
    readonly id: string;
    readonly where: Text | string;
    readonly what: Text | string;
    readonly hint: Text | string;
    /** Another program on this machine that the client is pointed at: its usual name, or the one that listens there. */
    readonly rivalName: string | null;
  }[];
  /** What the client's own files add to its requests, by the table or variable that says for whom. */
  readonly owned: readonly {
    readonly owner: string;
    /** The host that gets it; null where it is not known. */
    readonly host: string | null;
    /** "X-Relay-Key", "?key" */
    readonly names: readonly string[];
  }[];
  /** Of the client's own checks. */
  readonly clientFindings: readonly Finding[];
  readonly client: {
    /** Null where it is not on the search path. */
    readonly path: string | null;
    /** Null where its package does not tell. */
    readonly version: string | null;
    /** Headers and paths in the log that versions newer than the tested ones sent, and that are not known. */
    readonly untested: readonly string[];
  };
  readonly port: { readonly number: number; readonly state: PortState };
}

export type PortState =
  | { readonly kind: "free" }
  | { readonly kind: "ours" }
  | { readonly kind: "taken"; readonly by: Text }
  /** The system keeps it for itself or for another user. */
  | { readonly kind: "reserved" };

export interface MachineFacts {
  readonly instances: readonly {
    readonly pid: number;
    readonly service: Service;
    readonly port: number;
    /** Null where it does not answer. */
    readonly version: string | null;
    /** Why prices.json and usage_providers.json as they are now are not in force there. */
    readonly pricesProblem: Text | string | null;
    readonly providersProblem: Text | string | null;
    /** Files and connections that it has open, and may have. Null where the system does not say. */
    readonly descriptors: { readonly used: number; readonly limit: number } | null;
  }[];
  /** Records of proxies that ended without removing them. */
  readonly deadInstances: number;
  /** Directories of programs that write the clients' files too. */
  readonly otherTools: readonly { readonly name: string; readonly path: string }[];
}

export interface NetworkFacts {
  /** Host and port of the proxy that the desktop is set to, where no variable names one; or null. */
  readonly systemProxy: string | null;
  /** Variables about certificates that are set here. `path`: what could not be read there, or null. */
  readonly trust: readonly {
    readonly variable: string;
    readonly value: string;
    readonly unreadable: string | null;
  }[];
  /** Each address that some enabled upstream of an active config has; empty where nothing was tried. */
  readonly reached: readonly Reached[];
}

/** How far a connection came: the first stage that failed is the last one in the list. */
export interface Reached {
  /** "main#1", or several. */
  readonly labels: string;
  readonly first: Fixable;
  /** Of the upstream. */
  readonly host: string;
  /** Host and port of the outbound proxy before it, or null. */
  readonly proxy: string | null;
  readonly stages: readonly Stage[];
  /** Why its `tls_ca` cannot be used; then nothing was tried. */
  readonly trustProblem?: Text;
  /** The upstream's clock against ours, ms; positive where ours is behind. Null where it did not say. */
  readonly clockAheadMs: number | null;
}

export interface Stage {
  /** "connect": an outbound proxy opens the tunnel. "http": an answer of any status. */
  readonly name: "dns" | "tcp" | "connect" | "tls" | "http";
  /** Whose name, port, certificate or answer it is. */
  readonly host: string;
  readonly isProxy: boolean;
  readonly tookMs: number;
  /** A code such as ENOTFOUND, the status of a proxy that refuses, or "timeout"; null where it went well. */
  readonly error: string | null;
}

/** What of a client's newest release an upstream takes. */
export interface FeatureFacts {
  /** "main#1" */
  readonly label: string;
  /** "models", "stream", "tools", "count_tokens", "compact", "zstd", "WebSocket" */
  readonly takes: readonly string[];
  readonly lacks: readonly string[];
  /** What is left out for it from now on. */
  readonly dropped: readonly string[];
  /** What it refuses and may not be left out. */
  readonly refused: readonly string[];
  /** A turn with all of it, but for what was left out, is answered. */
  readonly isAnswered: boolean;
}

/** What one small request at an upstream came to. */
export interface TestRequestFacts {
  /** "main#1" */
  readonly label: string;
  readonly service: Service;
  /** As the upstream is asked for it. */
  readonly model: string;
  readonly reached: Reached;
  /** It takes the client's own login, which is not ours to send. */
  readonly isOwnLogin: boolean;
  /** Why its key cannot be used, or null. `isOnlyHere`: the running proxy has it. */
  readonly unusable: { readonly why: Text; readonly isOnlyHere: boolean } | null;
  /** Null where nothing was asked. */
  readonly asked: {
    readonly authorised: "yes" | "no" | "unknown";
    readonly answers: boolean;
    /** The proxy's verdict; null where it answers. */
    readonly reason: Reason | null;
    /** Where at the host an API answers instead; null where it was not looked for, or none does. */
    readonly apiUrl: string | null;
    /** Until the first real output, or until it was clear that none comes. */
    readonly firstByteMs: number;
    /** Until its end. */
    readonly wholeMs: number;
    /** The model that the answer names; null where it names none. */
    readonly servedModel: string | null;
    /** As the upstream counted. */
    readonly usage: LoggedFigures | null;
    /** By list prices; null where the tokens or their price are not known. */
    readonly usd: number | null;
  } | null;
}
