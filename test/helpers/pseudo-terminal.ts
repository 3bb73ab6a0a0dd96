import type { TempHome } from "./temp-home.ts";

export interface PseudoTerminalOptions {
  readonly home: TempHome;
  readonly columns?: number;
  readonly env?: Record<string, string>;
  /** Typed once, as soon as the screen shows what is waited for. */
  readonly type?: { readonly after: RegExp; readonly keys: string };
}

/** Runs a program at a terminal of its own and gives all that appeared there, line ends as a terminal makes them. */
export async function runAtTerminal(
  command: readonly string[],
  options: PseudoTerminalOptions,
): Promise<{ code: number; screen: string }> {
  const decoder = new TextDecoder();
  let screen = "";
  let typed = options.type === undefined;
  const closed = Promise.withResolvers<void>();
  const child = Bun.spawn([...command], {
    cwd: options.home.path,
    env: { ...options.home.env, ...options.env },
    terminal: {
      cols: options.columns ?? 80,
      rows: 24,
      data(terminal, bytes) {
        screen += decoder.decode(bytes, { stream: true });
        if (typed || options.type?.after.test(screen) !== true) return;
        typed = true;
        terminal.write(options.type.keys);
      },
      exit: () => closed.resolve(),
    },
  });
  const code = await child.exited;
  child.terminal?.close();
  await closed.promise;
  return { code, screen };
}
