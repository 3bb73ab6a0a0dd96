// What the checks look at, as it was found. Holds no secret: messages and paths, names of variables, sizes, times.
// Types only.
// Pure.
import type { Env } from "../base/env.ts";
import type { Paths } from "../base/paths.ts";
import type { Service } from "../base/service.ts";
import type { Text } from "../base/text.ts";

export interface DoctorFacts {
  readonly files: FileFacts;
  readonly services: readonly ServiceFacts[];
  readonly codex: CodexClientFacts;
  readonly claude: ClaudeClientFacts;
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
    readonly warnings: readonly Text[];
  };
  readonly filter: { readonly path: string; readonly problem: Text | string | null };
  readonly usageProviders: { readonly path: string; readonly problem: Text | string | null };
  readonly prices: { readonly path: string; readonly problem: Text | string | null };
  readonly state: { readonly path: string; readonly isUnreadable: boolean };
  /** `problem`: why no line can be added, or null. `bytes` is 0 where there is no log. */
  readonly log: { readonly path: string; readonly problem: Text | string | null; readonly bytes: number };
  /** Why nothing can be kept in our home, or null. */
  readonly home: { readonly path: string; readonly problem: Text | string | null };
  /** Free to this user on the disk of our home; null where the system does not tell. */
  readonly freeBytes: number | null;
  /** Our files and directories that others may read. */
  readonly openFiles: readonly string[];
  /** Files of the older program of the same name, left where they are. */
  readonly predecessorFiles: readonly string[];
}

export interface UpstreamFacts {
  readonly label: string;
  /** Why it cannot be asked, or null. */
  readonly unusable: Text | null;
  readonly hasLiteralKey: boolean;
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
  readonly switch: {
    readonly file: string;
    readonly isOn: boolean;
    readonly port: number | null;
    readonly isOwnerDead: boolean;
    readonly problem: Text | string | null;
  };
  /** Does anything listen on the port that the client is pointed at? */
  readonly isProxyThere: boolean;
  /** What goes past the proxy although the client's file points at it. */
  readonly overrides: readonly {
    readonly id: string;
    readonly where: Text | string;
    readonly what: Text | string;
    readonly hint: Text | string;
  }[];
  /** Another program on this machine that the client is pointed at: its usual name, or the one that listens there. */
  readonly foreignProxy: string | null;
  readonly client: {
    /** Null where it is not on the search path. */
    readonly path: string | null;
    /** Null where its package does not tell. */
    readonly version: string | null;
  };
  readonly port: { readonly number: number; readonly state: PortState };
}

export type PortState =
  | { readonly kind: "free" }
  | { readonly kind: "ours" }
  | { readonly kind: "taken"; readonly by: string | null }
  /** The system keeps it for itself or for somebody else. */
  | { readonly kind: "reserved" };

export interface CodexClientFacts {
  /** What CODEX_HOME names, where that is no directory; else null. */
  readonly missingHome: string | null;
  /** Why its files cannot be read, with the place; or null. */
  readonly problem: Text | string | null;
  /** Why Codex would not work with the provider it is set to, and what to do; or null. */
  readonly providerProblem: {
    readonly message: Text;
    readonly hint: Text | string;
    readonly isFatal: boolean;
  } | null;
  readonly loginProblem: Text | string | null;
  /** Codex would stop at its sign-in screen. */
  readonly needsLogin: boolean;
  /** auth.json, where others may read it. */
  readonly openAuthFile: string | null;
  /** The variable with the active provider's key, where this shell does not have it. */
  readonly missingKeyVariable: string | null;
  /** Codex reads no such variable, though it is set. */
  readonly hasIgnoredBaseUrl: boolean;
  readonly logsPath: string;
  /** logs_2.sqlite with its companions. */
  readonly logsBytes: number;
  readonly packagesPath: string;
  readonly packagesBytes: number;
}

export interface ClaudeClientFacts {
  /** Files that Claude Code ignores because they cannot be read, with the place. */
  readonly problems: readonly (Text | string)[];
  /** It is in use here, and no credential is there: no key, no helper, no login. */
  readonly needsLogin: boolean;
  /** Which layer sets a base URL that ends in /v1, or null. */
  readonly doubledVersion: Text | string | null;
  /** The shell's ANTHROPIC_BASE_URL decides, and does not name our proxy. */
  readonly isPointedByShell: boolean;
}

export interface MachineFacts {
  readonly instances: readonly {
    readonly pid: number;
    readonly service: Service;
    readonly port: number;
    /** Null where it does not answer. */
    readonly version: string | null;
  }[];
  /** Records of proxies that ended without removing them. */
  readonly deadInstances: number;
  /** Directories of programs that write the clients' files too. */
  readonly otherTools: readonly { readonly name: string; readonly path: string }[];
}

export interface NetworkFacts {
  /** Host and port of the proxy that the desktop is set to, where no variable names one; or null. */
  readonly systemProxy: string | null;
  /** Each address that some enabled upstream of an active config has; empty where nothing was tried. */
  readonly reached: readonly Reached[];
}

/** How far a connection came: the first stage that failed is the last one in the list. */
export interface Reached {
  /** "main#1", or several. */
  readonly labels: string;
  /** Of the upstream, or of the outbound proxy before it. */
  readonly host: string;
  readonly isOutboundProxy: boolean;
  readonly stages: readonly Stage[];
  /** The upstream's clock against ours, ms; positive where ours is behind. Null where it did not say. */
  readonly clockAheadMs: number | null;
}

export interface Stage {
  readonly name: "dns" | "tcp" | "tls";
  readonly tookMs: number;
  /** A code such as ENOTFOUND, or "timeout"; null where it went well. */
  readonly error: string | null;
}
