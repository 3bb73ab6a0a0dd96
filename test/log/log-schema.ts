// The published JSON Schema of requests.jsonl. `bun test/log/log-schema.ts && bun run fix` writes it anew.
import * as z from "zod/mini";
import { logEntrySchema } from "../../src/log/entry-schema.ts";

export const LOG_SCHEMA_PATH = `${import.meta.dir}/../../docs/requests-log.schema.json`;

export function makeLogSchema(): unknown {
  const { $schema, ...schema } = z.toJSONSchema(logEntrySchema, { io: "input" });
  return { $schema, title: "One line of codex-helper's logs/requests.jsonl", ...schema };
}

if (import.meta.main) await Bun.write(LOG_SCHEMA_PATH, JSON.stringify(makeLogSchema()));
