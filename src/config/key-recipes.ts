// Where keys are kept on machines, and how each place is asked for one without a shell. docs/keys.md has the same lines.
// Pure.

export interface KeyRecipe {
  /** The program that must be there. */
  readonly program: string;
  /** What people call it. */
  readonly name: string;
  /** Puts a key in, asking for it; null where its own window does. */
  readonly store: (item: string) => string | null;
  /** Prints it. */
  readonly words: (item: string) => readonly string[];
  /** Unlocks it, where that is a command. */
  readonly unlock?: string;
}

/** In the order in which they are offered. */
export const KEY_RECIPES: readonly KeyRecipe[] = [
  {
    program: "op",
    name: "1Password",
    store: () => null,
    words: (item) => ["op", "read", `op://Private/${item}/credential`],
    unlock: "op signin",
  },
  {
    program: "security",
    name: "macOS Keychain",
    store: (item) => `security add-generic-password -a "$USER" -s ${item} -w`,
    words: (item) => ["security", "find-generic-password", "-s", item, "-w"],
    unlock: "security unlock-keychain",
  },
  {
    program: "secret-tool",
    name: "Secret Service (GNOME, KDE)",
    store: (item) => `secret-tool store --label=${item} service ${item}`,
    words: (item) => ["secret-tool", "lookup", "service", item],
  },
  {
    program: "pass",
    name: "pass",
    store: (item) => `pass insert ${item}`,
    words: (item) => ["pass", "show", item],
  },
  {
    program: "powershell",
    name: "PowerShell SecretManagement",
    store: (item) => `Set-Secret -Name ${item}`,
    words: (item) => ["powershell", "-NoProfile", "-Command", `Get-Secret -Name ${item} -AsPlainText`],
  },
];

/** "ch-main-2", of the upstream "main#2". */
export function itemOf(label: string): string {
  return `ch-${label.replaceAll("#", "-")}`;
}
