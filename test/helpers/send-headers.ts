// What an upstream sees of a client's headers and parameters.
import { NO_OWNED_NAMES, type OwnedNames } from "../../src/base/owned-names.ts";
import type { Upstream } from "../../src/base/upstream.ts";
import { holdBack } from "../../src/proxy/held-back.ts";
import { makeRequestHeaders } from "../../src/proxy/headers.ts";
import { makeUpstream } from "./upstream.ts";

interface Sent {
  readonly headers: Readonly<Record<string, string>>;
  readonly search: string;
  readonly names: readonly string[];
}

export function sendHeaders(
  client: ConstructorParameters<typeof Headers>[0],
  {
    search = "",
    owned = NO_OWNED_NAMES,
    ...upstream
  }: Partial<Upstream> & { search?: string; owned?: OwnedNames },
): Sent {
  const to = makeUpstream({ baseUrl: "https://relay-b.example", ...upstream });
  const headers = new Headers(client);
  const held = holdBack({ headers, search, upstream: to, owned });
  const sent = makeRequestHeaders({
    client: headers,
    upstream: to,
    ownedNames: new Set(),
    decoded: false,
    keepTurnState: true,
    instance: "i-1",
    replaced: {},
    held,
  });
  const { "accept-encoding": _, "x-codex-helper-hops": __, ...rest } = Object.fromEntries(sent);
  return { headers: rest, search: held.search, names: held.names };
}
