// The provider that is made up where Codex has none that can keep its place: its id, and what its table holds.
// Pure.

export const OWN_PROVIDER = "codex_proxy";

/** Any name but "OpenAI": that one would switch on compressed bodies and compaction that relays do not know. */
export function makeOwnProvider(address: string): Readonly<Record<"name" | "base_url" | "wire_api", string>> {
  return { name: "codex-helper", base_url: address, wire_api: "responses" };
}
