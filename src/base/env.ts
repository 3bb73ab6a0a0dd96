// The process environment as a value: read once in main.ts and passed down from there.
// Pure.

export type Env = Readonly<Record<string, string | undefined>>;

/** The variable's value; a blank one counts as unset. */
export function readVariable(env: Env, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value.trim() === "" ? undefined : value;
}
