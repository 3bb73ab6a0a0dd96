// The groups of a summary, and which of them a request belongs to.
// Pure.
import { SERVICES, SERVICE_FACTS } from "../base/service.ts";
import type { LogRecord } from "../log/record.ts";

/** `project` and `cwd` are one. */
export const GROUPS = [
  "config",
  "upstream",
  "model",
  "served-model",
  "session",
  "client",
  "agent",
  "project",
  "cwd",
  "month",
  "week",
  "day",
  "hour",
  "service",
] as const;
export type Group = (typeof GROUPS)[number];

/** The group that a request belongs to; null where its record does not say. */
export type KeyOf = (record: LogRecord) => string | null;

/** The field of a record that names its group. */
export const FIELD_OF = {
  config: "config_name",
  upstream: "upstream_base_url",
  model: "model",
  "served-model": "served_model",
  session: "session_id",
  client: "client",
  agent: "agent",
  project: "cwd",
  cwd: "cwd",
  service: "service",
} as const satisfies Readonly<Record<Exclude<Group, TimeGroup>, keyof LogRecord>>;
export type TimeGroup = "month" | "week" | "day" | "hour";

export function isTimeGroup(group: Group): group is TimeGroup {
  return group === "month" || group === "week" || group === "day" || group === "hour";
}

/** `nameTime` names the local month, week, day or hour of a time in ms since 1970. */
export function makeKeyOf(group: Group, nameTime: (timestampMs: number) => string): KeyOf {
  if (isTimeGroup(group)) return makeTimeKeyOf(nameTime);
  if (group === "client") return ({ client }) => (client ? nameClient(client) : null);
  // What was used, where a chain has several.
  if (group === "model") return ({ chain_model: instead, model }) => instead || model || null;
  const field = FIELD_OF[group];
  return (record) => record[field] || null;
}

/** Without its version; the parts of a client that is known, such as codex_exec and codex-tui, by the client's name. */
function nameClient(client: string): string {
  const name = client.replace(/\/\d[\d.]*$/, "");
  const known = SERVICES.find((service) => SERVICE_FACTS[service].agent.test(name));
  return known === undefined ? name : SERVICE_FACTS[known].command;
}

/** All places on earth begin their hours at a quarter of one. */
const QUARTER_MS = 900_000;

/** A log goes by time, and a name takes longer to make than all the rest: the last one is kept. */
function makeTimeKeyOf(nameTime: (timestampMs: number) => string): KeyOf {
  let lastQuarter: number | null = null;
  let lastName = "";
  return ({ timestamp_ms: time }) => {
    const quarter = Math.floor(time / QUARTER_MS);
    if (quarter !== lastQuarter) {
      lastQuarter = quarter;
      lastName = nameTime(time);
    }
    return lastName;
  };
}
