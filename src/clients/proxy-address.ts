// The address under which a client finds our proxy, as it stands in the client's file.
// Pure.
import type { Service } from "../base/service.ts";

const PATH: Readonly<Record<Service, string>> = { codex: "/v1", claude: "" };
const ADDRESS: Readonly<Record<Service, RegExp>> = {
  codex: /^http:\/\/127\.0\.0\.1:(\d{1,5})\/v1$/,
  claude: /^http:\/\/127\.0\.0\.1:(\d{1,5})$/,
};

export function makeProxyAddress(service: Service, port: number): string {
  return `http://127.0.0.1:${port}${PATH[service]}`;
}

/** The port of an address that has exactly our form; another program's may have it too. */
export function readProxyPort(service: Service, address: string): number | undefined {
  const port = ADDRESS[service].exec(address)?.[1];
  return port === undefined ? undefined : Number(port);
}
