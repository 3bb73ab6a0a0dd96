// Gives schemas the descriptions that editors show. A description is noted beside the schema and makes no copy of it: the
// schemas are made at each start.
// Pure.
import * as z from "zod/mini";

/** The same schema. */
export function described<T extends z.ZodMiniType>(schema: T, description: string): T {
  z.globalRegistry.add(schema, { description });
  return schema;
}

/** The schema or null, which means the same as its absence. */
export function maybe<T extends z.ZodMiniType>(
  schema: T,
  description: string,
): z.ZodMiniOptional<z.ZodMiniNullable<T>> {
  return described(z.nullish(schema), description);
}
