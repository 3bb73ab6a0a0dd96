// What this build calls itself and where its releases are. build.ts defines these values; from source they are unknown.
// Pure.
import manifest from "../../package.json" with { type: "json" };

declare const BUILD_COMMIT: string | undefined;
declare const BUILD_DATE: string | undefined;
declare const BUILD_RELEASES: string | undefined;

/** How the program names itself to other instances and in records. */
export const PRODUCT = "codex-helper";

/** Semantic version, as in package.json. */
export const VERSION: string = manifest.version;

/** Where releases are, without a slash at the end: the address that release/make.ts was given. Null for any other build. */
export const RELEASES: string | null =
  typeof BUILD_RELEASES === "string" && BUILD_RELEASES !== "" ? BUILD_RELEASES : null;

/** Is this the one file that build.ts makes, and not the source? */
export function isBuilt(): boolean {
  return typeof BUILD_COMMIT === "string";
}

/** "1.2.3 (1a2b3c4d5e 2026-11-22)" for what build.ts has made, "1.2.3 (source)" otherwise. */
export function describeVersion(): string {
  const commit = typeof BUILD_COMMIT === "string" ? BUILD_COMMIT : undefined;
  const date = typeof BUILD_DATE === "string" ? BUILD_DATE : undefined;
  return `${VERSION} (${[commit, date].filter((part) => part !== undefined && part !== "").join(" ") || "source"})`;
}

/** Below, at or above zero, as the first is older, the same or newer. What follows the numbers does not count. */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [one, other].map((version) => version.split(/[.+-]/).slice(0, 3).map(Number));
  const differences = [0, 1, 2].map((place) => (a?.[place] ?? 0) - (b?.[place] ?? 0));
  return differences.find((difference) => difference !== 0) ?? 0;
}
