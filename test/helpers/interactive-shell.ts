// A real shell at a terminal of its own, with `ch` in its PATH: keys in, what the program was called with out.
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { PROGRAM } from "./cli.ts";
import type { TempHome } from "./temp-home.ts";
import { within } from "./wait.ts";

export const SHELLS = ["bash", "zsh", "fish"] as const;
export type ShellName = (typeof SHELLS)[number];

export interface InteractiveShell extends AsyncDisposable {
  /** Types keys (a tab completes, a return runs the line), and waits for what then appears and for the next prompt. */
  type(keys: string, until: RegExp): Promise<RegExpExecArray>;
  /** All that appeared so far. */
  screen(): string;
}

/**
 * Starts without anybody's files, and loads the completion script in the way that the shell's users do. zsh's usual key
 * would evaluate a substitution by itself, whatever the script: the one that only completes takes its place.
 */
const START: Readonly<Record<ShellName, { readonly command: readonly string[]; readonly load: string }>> = {
  bash: {
    command: ["bash", "--norc", "--noprofile", "-i"],
    load: "PS1='ask''ing> '; source ./script",
  },
  zsh: {
    command: ["zsh", "-f", "-i"],
    load: "PS1='ask''ing> '; autoload -Uz compinit; compinit -u -D; bindkey '^I' complete-word; source ./script",
  },
  fish: {
    command: ["fish", "--no-config", "-i"],
    load: "function fish_prompt; echo -n 'ask''ing> '; end; source ./script",
  },
};
/** It is written when the shell reads keys one by one: earlier ones would be taken by the terminal itself. */
const PROMPT = "asking> ";

/** `script` is its completion script. Throws where the shell is not installed: the completion of a shell that nobody tried is worth nothing. */
export async function startShell(name: ShellName, home: TempHome, script: string): Promise<InteractiveShell> {
  const { command, load } = START[name];
  if (Bun.which(command[0] ?? "") === null)
    throw new Error(`${name} is not installed, and this test needs it: apt-get install ${name}`);
  const program = PROGRAM.map((word) => `'${word}'`).join(" ");
  const stub = `#!/bin/sh
if [ "$1" = completion ]; then exec ${program} "$@"; fi
for word; do printf '<%s>' "$word"; done
echo ' called'
`;
  chmodSync(home.write("bin/ch", stub), 0o755);
  home.write("script", script);
  let screen = "";
  let wake = Promise.withResolvers<void>();
  const decoder = new TextDecoder();
  const child = Bun.spawn([...command], {
    cwd: home.path,
    env: {
      ...home.env,
      PATH: `${join(home.path, "bin")}:${home.env["PATH"]}`,
      TERM: "dumb",
      XDG_CONFIG_HOME: join(home.path, ".config"),
    },
    terminal: {
      cols: 200,
      rows: 50,
      data(_, bytes) {
        screen += decoder.decode(bytes, { stream: true });
        wake.resolve();
        wake = Promise.withResolvers();
      },
    },
  });
  const shell: InteractiveShell = {
    screen: () => screen,
    async type(keys, until) {
      const from = screen.length;
      child.terminal?.write(keys);
      const search = async (): Promise<RegExpExecArray> => {
        for (;;) {
          const fresh = screen.slice(from);
          const found = until.exec(fresh);
          if (found !== null && fresh.includes(PROMPT, found.index)) return found;
          await wake.promise;
        }
      };
      const what = `${until} after ${JSON.stringify(keys)}`;
      return await within(search(), { deadlineMs: 20_000, what });
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.exited;
      child.terminal?.close();
    },
  };
  await shell.type(`${load}\recho rea""dy\r`, /ready/);
  return shell;
}
