// The door to keys that a command of the user's prints: what does it is loaded with the first of them, and nothing is where
// none is configured.
import type { Text } from "../../base/text.ts";
import type { KeySource, ReadKey } from "../../base/upstream.ts";
import type { KeyMemory, KeysOptions } from "./key-memory.ts";

export type Keys = ReturnType<typeof createKeys>;

export function createKeys(options: KeysOptions) {
  let memory: KeyMemory | null = null;
  const read: ReadKey = async (source, refused) => {
    const { createKeyMemory } = await import("./key-memory.ts");
    memory ??= createKeyMemory(options);
    return await memory.read(source, refused);
  };
  return {
    read,
    /** Why a command gave no key when it ran last; null where it did, or has not run yet. */
    problemOf: (source: KeySource): Text | null => memory?.problemOf(source) ?? null,
    /** Ends what runs. */
    stop: (): void => memory?.stop(),
  };
}
