// Says which places of a request are not prose: what the upstream must get back exactly as it made it, and the tool
// definitions that the model's answers are checked against. docs/privacy.md lists them for users.
// Pure.

/**
 * What a value is, by the way that leads to it. A string directly in one of the last four is what its name says; in the
 * others it is ordinary text. All but `json` pass themselves on or lead to `other` (see nextZone).
 */
export type Zone =
  /** The request itself. */
  | "root"
  /** Items, messages and content blocks of the conversation. */
  | "entry"
  /** Tool definitions. */
  | "tools"
  /** The tool a request insists on. */
  | "choice"
  | "other"
  /** Anybody's JSON: a tool call's input, JSON inside a string. No name means anything here. */
  | "json"
  /** Never changed, at any depth: encrypted content, schemas. */
  | "opaque"
  /** What only the blocks of one type have, and the upstream made: never changed in those (see SEALED_IN). */
  | "signature"
  | "data"
  /** The name of a defined tool: never changed. */
  | "tool-name"
  /** The name of a tool that was called or chosen: not changed if a defined tool is called so. */
  | "tool-reference";

const ZONES: Readonly<Partial<Record<Zone, Readonly<Record<string, Zone>>>>> = {
  root: { tools: "tools", input: "entry", messages: "entry", tool_choice: "choice" },
  entry: {
    content: "entry",
    tools: "tools",
    input: "json",
    signature: "signature",
    data: "data",
    name: "tool-reference",
    namespace: "tool-reference",
    tool_calls: "entry",
    function: "entry",
  },
  tools: {
    tools: "tools",
    function: "tools",
    name: "tool-name",
    input_schema: "opaque",
    parameters: "opaque",
    format: "opaque",
  },
  choice: { name: "tool-reference", function: "choice" },
};

/** The `type` of the content blocks whose string of that name the upstream takes back only as it made it. */
export const SEALED_IN: Readonly<Partial<Record<Zone | "key", string>>> = {
  signature: "thinking",
  data: "redacted_thinking",
};

/** The zone of the items of a list: what only a block's own string can be is not in a list. */
export function zoneOfItems(zone: Zone): Zone {
  return zone in SEALED_IN ? "other" : zone;
}

/** The zone of the value of `key` in an object that lies in `zone`. */
export function nextZone(zone: Zone, key: string): Zone {
  if (zone === "json" || zone === "opaque") return zone;
  if (key === "encrypted_content" || key === "encrypted_index") return "opaque";
  const next = ZONES[zone];
  return next !== undefined && Object.hasOwn(next, key) ? (next[key] ?? "other") : "other";
}
