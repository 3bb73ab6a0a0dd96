// A schema that is made when a value for it comes: most of what a file may hold is not in it, and no start need wait for that.
// Pure.
import * as z from "zod/mini";

/** `make` is called once or never. Not for what may itself be absent: that it may not is said here, without making it. */
export function later<T extends z.ZodMiniType>(make: () => T): z.ZodMiniLazy<T> {
  const schema = z.lazy(make);
  // Both are asked for wherever the value is absent, and answered by the schema itself.
  Object.assign(schema._zod, { optin: undefined, optout: undefined });
  return schema;
}
