// The machines that a release is made for. install.sh and install.ps1 ask for an archive by these names.

export interface Platform {
  /** As in the archive's name: codex-helper-NAME.tar.gz. */
  readonly name: string;
  /** As Bun calls it. */
  readonly target: string;
  readonly archive: "tar.gz" | "zip";
}

/**
 * There is one x64 for old and new processors: Bun's "baseline" and its default are the same bytes, for SSE 4.2 and later.
 */
export const PLATFORMS: readonly Platform[] = [
  { name: "linux-x64", target: "bun-linux-x64", archive: "tar.gz" },
  { name: "linux-x64-musl", target: "bun-linux-x64-musl", archive: "tar.gz" },
  { name: "linux-arm64", target: "bun-linux-arm64", archive: "tar.gz" },
  { name: "linux-arm64-musl", target: "bun-linux-arm64-musl", archive: "tar.gz" },
  { name: "darwin-x64", target: "bun-darwin-x64", archive: "tar.gz" },
  { name: "darwin-arm64", target: "bun-darwin-arm64", archive: "tar.gz" },
  { name: "windows-x64", target: "bun-windows-x64", archive: "zip" },
  { name: "windows-arm64", target: "bun-windows-arm64", archive: "zip" },
];
