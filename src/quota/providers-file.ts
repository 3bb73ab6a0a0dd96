// usage_providers.json as it stands right now: written once where it is missing, taken anew when it changes, with the
// last good version in force while it is broken. Never writes over a file that is there.
import { existsSync } from "node:fs";
import { PRIVATE_FILE, ensurePrivateDirectory, writeFileAtomic } from "../base/files.ts";
import type { Paths } from "../base/paths.ts";
import { createWatchedFile } from "../base/watched-file.ts";
import { DEFAULT_PROVIDERS_TEXT, type ParsedProviders, parseProviders } from "./providers.ts";

export interface ProvidersFile {
  /** What is in force, and why the file as it stands is not. */
  current(): ParsedProviders;
}

const MAX_FILE_BYTES = 2 ** 20;

/** `now`: wall clock, ms. */
export function createProvidersFile(path: string, now: () => number): ProvidersFile {
  const file = createWatchedFile({
    path,
    maxBytes: MAX_FILE_BYTES,
    parse: (text) => parseProviders(text, path),
    now,
  });
  let byDefault: ParsedProviders | null = null;
  return {
    current() {
      const watched = file.current();
      // A file that is gone means what it meant before: it is written anew with the next start.
      if (watched.kind === "missing") return (byDefault ??= parseProviders(DEFAULT_PROVIDERS_TEXT, ""));
      if (watched.kind === "ok") return watched.value;
      return { providers: watched.last?.providers ?? [], problem: watched.problem };
    },
  };
}

/** Writes the default where there is no file. Throws UserError. */
export function writeDefaultProviders({
  home,
  usageProviders,
}: Pick<Paths, "home" | "usageProviders">): void {
  if (existsSync(usageProviders)) return;
  ensurePrivateDirectory(home);
  writeFileAtomic(usageProviders, DEFAULT_PROVIDERS_TEXT, { mode: PRIVATE_FILE });
}
