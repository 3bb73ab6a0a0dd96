// Other programs of this kind, and where each keeps its files, below the home directory.
// Pure.

export const FOREIGN_DIRECTORY = {
  "cc-switch": ".cc-switch",
  "claude-code-router": ".claude-code-router",
  cli_proxy: ".clp",
} as const;

export type ForeignTool = keyof typeof FOREIGN_DIRECTORY;

export const FOREIGN_TOOLS = Object.keys(FOREIGN_DIRECTORY).filter(isForeignTool);

export function isForeignTool(name: string): name is ForeignTool {
  return Object.hasOwn(FOREIGN_DIRECTORY, name);
}
