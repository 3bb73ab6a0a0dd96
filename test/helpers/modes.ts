/** How a file's mode reads on this system: Windows keeps no more of it than whether the file can be written. */
export function modeHere(mode: number): number {
  if (process.platform !== "win32") return mode;
  return (mode & 0o200) === 0 ? 0o444 : 0o666;
}
