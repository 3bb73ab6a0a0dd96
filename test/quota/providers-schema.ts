// The published JSON Schema of usage_providers.json. `bun test/quota/providers-schema.ts` writes it anew.
import * as z from "zod/mini";
import { providersFileSchema } from "../../src/quota/providers.ts";

export const PROVIDERS_SCHEMA_PATH = `${import.meta.dir}/../../docs/usage_providers.schema.json`;

export function makeProvidersSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(providersFileSchema, { io: "input" });
  return { $schema, title: "codex-helper's usage_providers.json", ...schema };
}

if (import.meta.main) {
  await Bun.write(PROVIDERS_SCHEMA_PATH, `${JSON.stringify(makeProvidersSchema(), null, 2)}\n`);
}
