// The published JSON Schema of requests.jsonl. `bun test/log/log-schema.ts` writes it anew.
import { z } from "zod";
import { logEntrySchema } from "../../src/log/entry.ts";

export const LOG_SCHEMA_PATH = `${import.meta.dir}/../../docs/requests-log.schema.json`;

export function makeLogSchema(): string {
  const schema = z.toJSONSchema(logEntrySchema, { io: "input" });
  const title = "One line of codex-helper's logs/requests.jsonl";
  return `${JSON.stringify({ ...schema, title }, null, 2)}\n`;
}

if (import.meta.main) await Bun.write(LOG_SCHEMA_PATH, makeLogSchema());
