// The published JSON Schema of prices.json. `bun test/usage/prices-schema.ts && bun run fix` writes it anew.
import * as z from "zod/mini";
import { priceFileSchema } from "../../src/usage/price-schema.ts";

export const PRICES_SCHEMA_PATH = `${import.meta.dir}/../../docs/prices.schema.json`;

export function makePricesSchema(): unknown {
  const { $schema, ...schema } = z.toJSONSchema(priceFileSchema, { io: "input" });
  return { $schema, title: "codex-helper's prices.json", ...schema };
}

if (import.meta.main) await Bun.write(PRICES_SCHEMA_PATH, JSON.stringify(makePricesSchema()));
