// The flags that say which sessions are meant.
// Pure.
import { SERVICE_ARGS } from "../../args.ts";

export const PLACE_ARGS = {
  path: { type: "string", valueHint: "DIR", description: "the project around this directory" },
  all: { type: "boolean", description: "of all projects" },
  since: { type: "string", valueHint: "TIME", description: "changed since: 12h, today, 2026-01-31" },
  ...SERVICE_ARGS,
  "all-services": { type: "boolean", description: "of both clients" },
  "include-subagents": { type: "boolean", description: "also those that a session started" },
  "include-archived": { type: "boolean", description: "also those that were archived" },
} as const;

export interface PlaceArgs {
  readonly path?: string | undefined;
  readonly all?: boolean | undefined;
  readonly since?: string | undefined;
  readonly codex?: boolean | undefined;
  readonly claude?: boolean | undefined;
  readonly "all-services"?: boolean | undefined;
  readonly "include-subagents"?: boolean | undefined;
  readonly "include-archived"?: boolean | undefined;
}
