// The published JSON Schema of config.json. `bun test/config/config-schema.ts` writes it anew.
import * as z from "zod/mini";
import { wholeConfigFile } from "../../src/config/schema.ts";

export const CONFIG_SCHEMA_PATH = `${import.meta.dir}/../../docs/config.schema.json`;

export function makeConfigSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(wholeConfigFile(), { io: "input" });
  return { $schema, title: "codex-helper's config.json", ...schema };
}

if (import.meta.main) {
  await Bun.write(CONFIG_SCHEMA_PATH, `${JSON.stringify(makeConfigSchema(), null, 2)}\n`);
}
