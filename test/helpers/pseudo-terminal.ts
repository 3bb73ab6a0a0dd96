import { createScreen } from "./screen.ts";
import { waitUntil } from "./wait.ts";
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

/** A program at a terminal, driven by keys. */
export interface TerminalSession extends AsyncDisposable {
  /** Waits for words that appear after those of the last call, moves of the cursor and colours left out. */
  waitFor(words: string | RegExp): Promise<void>;
  /** Types keys as soon as the words are there. */
  press(keys: string, after: string | RegExp): Promise<void>;
  /** All words that appeared so far. */
  words(): string;
  /** Waits until the screen, as it is now, shows this. */
  shows(pattern: RegExp): Promise<void>;
  type(keys: string): void;
  screen(): string;
  readonly exited: Promise<number>;
}

const LONGEST_WAIT_MS = 20_000;
const ROWS = 40;

export function startAtTerminal(
  command: readonly string[],
  { columns = 80, env, home }: Omit<PseudoTerminalOptions, "type">,
): TerminalSession {
  const decoder = new TextDecoder();
  let screen = "";
  let seen = 0;
  const shown = createScreen(columns, ROWS);
  const closed = Promise.withResolvers<void>();
  const child = Bun.spawn([...command], {
    cwd: home.path,
    env: { ...home.env, TERM: "xterm-256color", ...env },
    terminal: {
      cols: columns,
      rows: ROWS,
      data(_, bytes) {
        const text = decoder.decode(bytes, { stream: true });
        screen += text;
        shown.write(text);
      },
      exit: () => closed.resolve(),
    },
  });
  // eslint-disable-next-line no-control-regex
  const words = (): string => screen.replace(/\u001b\[[\d;?]*[A-Za-z]/g, "").replace(/\r/g, "");
  const session: TerminalSession = {
    words,
    screen: () => shown.text(),
    async shows(pattern) {
      await waitUntil(() => pattern.test(shown.text()), { deadlineMs: LONGEST_WAIT_MS }).catch(
        (error: unknown) => {
          throw new Error(`${pattern} is not in:\n${shown.text()}`, { cause: error });
        },
      );
    },
    type: (keys) => void child.terminal?.write(keys),
    exited: child.exited.then(async (code) => {
      child.terminal?.close();
      await closed.promise;
      return code;
    }),
    async waitFor(wanted) {
      const found = await waitUntil(
        () => {
          const fresh = words().slice(seen);
          const at = typeof wanted === "string" ? fresh.indexOf(wanted) : fresh.search(wanted);
          return at < 0 ? null : { at };
        },
        { deadlineMs: LONGEST_WAIT_MS },
      ).catch((error: unknown) => {
        throw new Error(`${wanted} did not appear in:\n${words().slice(seen)}`, { cause: error });
      });
      seen += found.at + 1;
    },
    async press(keys, after) {
      await session.waitFor(after);
      child.terminal?.write(keys);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await session.exited;
    },
  };
  return session;
}
