// A schema that is made when a value for it comes: most of what a file may hold is not in it, and no start need wait for that.
// Pure.
import * as z from "zod/mini";

/**
 * `make` is called once or never. Not for what may itself be absent: z.nullish() around it says that.
 * A bare z.lazy() is made even where the value is absent, when it is asked whether it may be; a pipe asks its first part.
 */
export function later<T extends z.ZodMiniType>(make: () => T) {
  return z.pipe(
    z.transform((value: unknown) => value),
    z.lazy(make),
  );
}
