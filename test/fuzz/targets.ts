// All targets, by the name that `bun run fuzz` knows them by.
import type { FuzzTarget } from "./target.ts";
import { LINK, LOG, SETTINGS, TOML } from "./targets/files.ts";
import { JSON_WALKERS, REDACTION } from "./targets/json.ts";
import { HEADERS, TARGET_URL } from "./targets/requests.ts";
import { RESTORING } from "./targets/restoring.ts";
import { ACTIVITY, DECODER, GATE, SSE } from "./targets/streams.ts";

export const TARGETS = {
  sse: SSE,
  activity: ACTIVITY,
  gate: GATE,
  decoder: DECODER,
  json: JSON_WALKERS,
  redaction: REDACTION,
  restoring: RESTORING,
  headers: HEADERS,
  "target-url": TARGET_URL,
  toml: TOML,
  settings: SETTINGS,
  log: LOG,
  link: LINK,
} as const satisfies Readonly<Record<string, FuzzTarget>>;

export type TargetName = keyof typeof TARGETS;
