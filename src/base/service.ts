// Names the services, and holds what is fixed about each as data: for the rooms that may not know the clients themselves.
// Knows nothing of configs, files or requests.
// Pure.

/** A client program that we stand in front of. */
export type Service = "codex" | "claude";

/** Everything that depends on the service and that proxy, routing, usage or config need. */
export interface ServiceFacts {
  readonly service: Service;
  /** What a person calls the client. */
  readonly name: string;
  /** The flag that names the service on a command line. */
  readonly flag: `--${string}`;
  /** The TCP port that its proxy listens on unless told otherwise. */
  readonly port: number;
  /** The vendor's own API. The client's own credentials may go there, and only there. */
  readonly origins: readonly string[];
  /** What the client's base URL ends in; its requests' paths follow. */
  readonly basePath: "" | "/v1";
}

export const SERVICE_FACTS: Readonly<Record<Service, ServiceFacts>> = {
  codex: {
    service: "codex",
    name: "Codex",
    flag: "--codex",
    port: 3211,
    origins: ["https://api.openai.com", "https://chatgpt.com"],
    basePath: "/v1",
  },
  claude: {
    service: "claude",
    name: "Claude Code",
    flag: "--claude",
    port: 3210,
    origins: ["https://api.anthropic.com"],
    basePath: "",
  },
};

/** In the order in which they are shown. */
export const SERVICES: readonly Service[] = Object.values(SERVICE_FACTS).map(({ service }) => service);

/** What commands mean where neither a flag nor config.json says which. */
export const DEFAULT_SERVICE: Service = "codex";

/** The TCP port a service's proxy listens on unless told otherwise. */
export const DEFAULT_PORT = mapServices(({ port }) => port);

/** What a person calls the client. */
export const CLIENT_NAME = mapServices(({ name }) => name);

/** One value for each service. */
export function mapServices<T>(make: (facts: ServiceFacts) => T): Readonly<Record<Service, T>> {
  const entries = SERVICES.map((service) => [service, make(SERVICE_FACTS[service])] as const);
  return Object.fromEntries(entries) as Record<Service, T>;
}

/** What a command for this service needs beside its other words: nothing for the default one, else " --claude". */
export function flagBehind(service: Service): string {
  return service === DEFAULT_SERVICE ? "" : ` ${SERVICE_FACTS[service].flag}`;
}

/** Is it the vendor's own API? A client's own credentials may go there, and only there. */
export function isOfficial(service: Service, baseUrl: string): boolean {
  return SERVICE_FACTS[service].origins.includes(URL.parse(baseUrl)?.origin ?? "");
}

/** The address under which a client finds our proxy, as it is written in the client's file. */
export function makeProxyAddress(service: Service, port: number): string {
  return `http://127.0.0.1:${port}${SERVICE_FACTS[service].basePath}`;
}

/** The port of an address that has exactly our form; another program's may have it too. */
export function readProxyPort(service: Service, address: string): number | undefined {
  const [, port, path] = /^http:\/\/127\.0\.0\.1:(\d{1,5})(\/.*)?$/.exec(address) ?? [];
  return port === undefined || (path ?? "") !== SERVICE_FACTS[service].basePath ? undefined : Number(port);
}
