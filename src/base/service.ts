// Names the services, and holds what is fixed about each as data: for the rooms that may not know the clients themselves.
// Knows nothing of configs, files or requests.
// Pure.

/** A client program that we proxy. */
export type Service = "codex" | "claude";

/** Everything that depends on the service and that proxy, routing, usage or config need. */
export interface ServiceFacts {
  readonly service: Service;
  /** The program's name on the search path. */
  readonly command: string;
  /** The npm package that brings the program. */
  readonly packageName: string;
  /** The versions that the tests with the real client were run with. */
  readonly tried: { readonly from: string; readonly to: string };
  /** What a person calls the client. */
  readonly name: string;
  /** The flag that names the service on a command line. */
  readonly flag: `--${string}`;
  /** Where its own files are, as it was seen to find them: no client expands a "~" or cuts blanks off. */
  readonly home: {
    readonly variable: string;
    /** Below the user's home, where the variable is not set. */
    readonly directory: string;
    readonly emptyMeans: "default" | "current directory";
    /** The Unicode form that it gives the path. */
    readonly form: "NFC" | null;
  };
  /** The TCP port that its proxy listens on unless told otherwise. */
  readonly port: number;
  /** On the command line of a background service of it, which outlives the client's last window. Absent for none. */
  readonly daemonWord?: string;
  /** What it speaks. */
  readonly api: "responses" | "messages";
  /** Who made it, as the price catalogue calls them. */
  readonly vendor: string;
  /** The vendor's own API. The client's own credentials may go there, and only there. */
  readonly origins: readonly string[];
  /** What the client's base URL ends in; its requests' paths follow. */
  readonly basePath: "" | "/v1";
  /** The JSON in which it expects an error. */
  readonly errorShape: ErrorShape;
  /** What the client itself calls itself in its `user-agent`. */
  readonly agent: RegExp;
  /** Paths, with their methods, by which it asks whether a server is there: answered here, which saves a round trip. */
  readonly greetings: Readonly<Record<string, readonly string[]>>;
  /** What it was seen to do with an answer when no upstream has one. */
  readonly noAnswer: {
    /** It shows a usage limit with its reset time, and stops. Else a 429 with Retry-After is all that it knows. */
    readonly knowsUsageLimit: boolean;
    /** Rules of routing whose own answer it stops at, without asking again. */
    readonly stopsAt: readonly string[];
    /** An answer that it takes for final after one try: for credentials that no upstream accepts. */
    readonly refused: { readonly status: number; readonly type?: string };
    /** The status for rate limits, to the client itself: others know a 429. */
    readonly limited: number;
    /** The status for a model that no upstream has. */
    readonly noModel: number;
  };
  /** How long it waits for the head of an answer that streams, s, less a margin. */
  readonly headSecs: number;
  /** How long an answer that does not stream may take, s. Shorter than the client's own patience. */
  readonly nonStreamSecs: number;
  /** What its section of config.json is for, in the documentation. */
  readonly about: string;
}

export type ErrorShape = "openai" | "anthropic";

export const SERVICE_FACTS: Readonly<Record<Service, ServiceFacts>> = {
  codex: {
    service: "codex",
    command: "codex",
    packageName: "@openai/codex",
    tried: { from: "0.169.0", to: "0.171.0" },
    name: "Codex",
    flag: "--codex",
    home: { variable: "CODEX_HOME", directory: ".codex", emptyMeans: "default", form: null },
    port: 3211,
    daemonWord: "app-server",
    api: "responses",
    vendor: "openai",
    origins: ["https://api.openai.com", "https://chatgpt.com"],
    basePath: "/v1",
    errorShape: "openai",
    agent: /^codex/i,
    greetings: {},
    noAnswer: {
      knowsUsageLimit: true,
      stopsAt: ["codex-usage-limit"],
      refused: { status: 400 },
      // At a 429 it asks 6 times and shows no words; at a 503 30 times, and shows them.
      limited: 503,
      noModel: 400,
    },
    // It waited for 2,700 s in a trial, after which the trial was over; after the head it gives up at 300 s of silence.
    headSecs: 1800,
    nonStreamSecs: 600,
    about: "Configs for the Codex CLI.",
  },
  claude: {
    service: "claude",
    command: "claude",
    packageName: "@anthropic-ai/claude-code",
    tried: { from: "2.1.197", to: "2.1.332" },
    name: "Claude Code",
    flag: "--claude",
    home: {
      variable: "CLAUDE_CONFIG_DIR",
      directory: ".claude",
      emptyMeans: "current directory",
      form: "NFC",
    },
    port: 3210,
    api: "messages",
    vendor: "anthropic",
    origins: ["https://api.anthropic.com"],
    basePath: "",
    errorShape: "anthropic",
    agent: /^claude/i,
    greetings: { "/": ["HEAD"], "/api/hello": ["HEAD", "GET"] },
    noAnswer: {
      knowsUsageLimit: false,
      stopsAt: ["anthropic-window"],
      refused: { status: 403, type: "permission_error" },
      limited: 429,
      noModel: 404,
    },
    // It asks again after 360 s.
    headSecs: 330,
    // It gives up on a silent answer after 300 s: it must hear from us before.
    nonStreamSecs: 280,
    about: "Configs for Claude Code.",
  },
};

/** In the order in which they are shown. */
export const SERVICES: readonly Service[] = Object.values(SERVICE_FACTS).map(({ service }) => service);

/** What commands mean where neither a flag nor config.json says which. */
export const DEFAULT_SERVICE: Service = "codex";

/** Whose client tells its status line what it does. */
export const PIPING_SERVICE: Service = "claude";

/** The TCP port a service's proxy listens on unless told otherwise. */
export const DEFAULT_PORT = mapServices(({ port }) => port);

/** What a person calls the client. */
export const CLIENT_NAME = mapServices(({ name }) => name);

/** One value for each service. */
export function mapServices<T>(make: (facts: ServiceFacts) => T): Readonly<Record<Service, T>> {
  const entries = SERVICES.map((service) => [service, make(SERVICE_FACTS[service])] as const);
  return Object.fromEntries(entries) as Record<Service, T>;
}

export function isService(value: unknown): value is Service {
  return typeof value === "string" && Object.hasOwn(SERVICE_FACTS, value);
}

/** What a command for this service needs beside its other words: nothing for the default one, else " --claude". */
export function flagFor(service: Service): string {
  return service === DEFAULT_SERVICE ? "" : ` ${SERVICE_FACTS[service].flag}`;
}

/** Is it the vendor's own API? A client's own credentials may go there, and only there. */
export function isOfficial(service: Service, baseUrl: string): boolean {
  return SERVICE_FACTS[service].origins.includes(URL.parse(baseUrl)?.origin ?? "");
}

/** The first segment of a path that carries the client token; no upstream's path begins so. */
const TOKEN_SEGMENT = /^\/ch_([^/]*)(?=\/|$)/;

/** The address under which a client finds our proxy, as it is written in the client's file. With a token it is a secret. */
export function makeProxyAddress(service: Service, port: number, clientToken: string | null = null): string {
  const segment = clientToken === null ? "" : `/ch_${clientToken}`;
  return `http://127.0.0.1:${port}${segment}${SERVICE_FACTS[service].basePath}`;
}

/** A path without the client token that it may begin with. */
export function takeClientToken(path: string): {
  readonly path: string;
  readonly clientToken: string | null;
} {
  const [segment, clientToken] = path.startsWith("/ch_") ? (TOKEN_SEGMENT.exec(path) ?? []) : [];
  if (segment === undefined || clientToken === undefined) return { path, clientToken: null };
  return { path: path.slice(segment.length), clientToken };
}

/** A path to be logged: a client token may be in the wrong place, or in another spelling. `token`: the one that is asked for. */
export function maskClientToken(path: string, token: string | null): string {
  const masked = path.includes("/ch_") ? path.replace(/\/ch_[^/]*/g, "/ch_…") : path;
  return token === null ? masked : masked.replaceAll(new RegExp(token, "gi"), "…");
}

/** Port and client token of an address that has exactly our form; another program's may have it too. */
export function readProxyAddress(
  service: Service,
  address: string,
): { readonly port: number; readonly clientToken: string | null } | undefined {
  const [, port, path = ""] = /^http:\/\/127\.0\.0\.1:(\d{1,5})(\/.*)?$/.exec(address) ?? [];
  const taken = takeClientToken(path);
  if (port === undefined || taken.path !== SERVICE_FACTS[service].basePath) return undefined;
  return { port: Number(port), clientToken: taken.clientToken };
}

/** One of these addresses, whatever client token is in it; or one that has a token, which no other program writes. */
export function isOwnAddress(service: Service, address: string, own: readonly string[]): boolean {
  const read = readProxyAddress(service, address);
  if (read === undefined) return own.includes(address);
  return read.clientToken !== null || own.some((one) => readProxyAddress(service, one)?.port === read.port);
}
