// Questions with answers to choose or to type, on stderr. The library that draws them is loaded with the first one. Esc and
// Ctrl+C leave all of them by the same way: `Left` is thrown, also while something is waited for.
import { Writable } from "node:stream";
import { UserError } from "../base/errors.ts";
import { openKeys, readRawKeys } from "./keys.ts";
import { t } from "./language.ts";
import { wrapIndented } from "./layout.ts";
import type { TerminalStream } from "./terminal.ts";

/** The person left the questions. */
export class Left extends Error {
  override readonly name = "Left";
}

export interface Choice<T> {
  readonly value: T;
  readonly label: string;
  /** Shown behind the one that is pointed at. */
  readonly hint?: string;
}

interface TextQuestion {
  /** Stands there to be changed. */
  readonly initial?: string;
  /** What is wrong with it, or null. */
  readonly problemOf: (text: string) => string | null;
}

export interface Prompts extends Disposable {
  readonly choose: <T>(question: string, choices: readonly Choice<T>[], initial?: T) => Promise<T>;
  readonly chooseSeveral: <T>(
    question: string,
    choices: readonly Choice<T>[],
    initial: readonly T[],
  ) => Promise<T[]>;
  readonly ask: (question: string, options: TextQuestion) => Promise<string>;
  /** As `ask`; what is pasted may have several lines and hold a key: `describePasted` stands in for it on the screen. */
  readonly askPasted: (
    question: string,
    options: TextQuestion & { readonly describePasted: (text: string) => string | null },
  ) => Promise<string>;
  readonly askSecret: (question: string, options: Pick<TextQuestion, "problemOf">) => Promise<string>;
  /** Lines between the questions. */
  readonly say: (...lines: readonly string[]) => void;
  /** Waits for the work with these words on the screen. */
  readonly during: <T>(words: string, work: () => Promise<T>) => Promise<T>;
}

/** As KeyListener has it. */
type ShowTyped = (text: string, hasWaited: boolean) => string | null;

/** For a command with a question or two. Throws UserError where the person leaves. */
export async function askAtTerminal<T>(
  out: { readonly openPrompts: () => Promise<Prompts> },
  ask: (prompts: Prompts) => Promise<T>,
): Promise<T> {
  try {
    using prompts = await out.openPrompts();
    return await ask(prompts);
  } catch (error) {
    if (error instanceof Left) throw new UserError(t`nothing was changed`, { exitCode: EXIT_LEFT });
    throw error;
  }
}

/** As after Ctrl+C: what a script does next would need the answers. */
export const EXIT_LEFT = 130;

/** `show` makes a text of any origin fit for the terminal. */
export async function openPrompts(stderr: TerminalStream, show: (text: string) => string): Promise<Prompts> {
  const clack = await import("@clack/prompts");
  const left = Promise.withResolvers<never>();
  // Whoever waits for something looks at it.
  left.promise.catch(() => {});
  /** What stands on the screen for what was pasted. */
  const pasted = new Map<string, string>();
  let showTyped: ShowTyped = () => null;
  const keys = openKeys(
    { read: readRawKeys, write: stderr.write },
    { interrupt: () => left.reject(new Left()), show: (text, hasWaited) => showTyped(text, hasWaited) },
  );
  const output = Object.assign(
    new Writable({
      decodeStrings: false,
      write(chunk: unknown, _, done) {
        const text = String(chunk);
        stderr.write(stderr.hasColours ? text : withoutColours(text));
        done();
      },
    }),
    { isTTY: true },
  );
  // Asked for with each question: the window may have another size by then.
  Object.defineProperties(output, {
    columns: { get: () => stderr.width },
    rows: { get: () => process.stderr.rows },
  });
  const shared = { input: keys.stream, output, showInstructions: false };
  const clean = (text: string): string => show(text).replace(/\s*\n\s*/g, " ");
  const answer = async <T>(asked: Promise<T | symbol>): Promise<T> => {
    const value = await asked;
    if (typeof value === "symbol") throw new Left();
    return value;
  };
  const listOptions = <T>(choices: readonly Choice<T>[]) =>
    choices.map(({ hint, label }, value) => ({
      value,
      label: clean(label),
      ...(hint === undefined ? {} : { hint: clean(hint) }),
    }));
  const pick = <T>(choices: readonly Choice<T>[], at: number): T => {
    const chosen = choices[at];
    if (chosen === undefined) throw new Error(`no choice ${at}`);
    return chosen.value;
  };
  /** Text that is typed or pasted counts only in a question for it. */
  const withText = async <T>(shows: ShowTyped, work: () => Promise<T>): Promise<T> => {
    showTyped = shows;
    try {
      return await work();
    } finally {
      showTyped = () => null;
    }
  };
  const readPasted = (text: string): string =>
    [...pasted].reduce((all, [shown, real]) => all.replace(shown, () => `\n${real}\n`), text).trim();
  const askTyped = async (
    question: string,
    { initial, problemOf }: TextQuestion,
    shows: ShowTyped,
  ): Promise<string> =>
    await withText(shows, async () => {
      const text = clack.text({
        ...shared,
        message: clean(question),
        validate: (value) => problemOf(readPasted(value ?? "")) ?? undefined,
        ...(initial === undefined ? {} : { initialValue: initial }),
      });
      return readPasted(await answer<string>(text));
    });
  return {
    async choose(question, choices, initial) {
      const at = choices.findIndex(({ value }) => value === initial);
      const chosen = clack.select({
        ...shared,
        message: clean(question),
        options: listOptions(choices),
        initialValue: Math.max(0, at),
      });
      return pick(choices, await answer<number>(chosen));
    },
    async chooseSeveral(question, choices, initial) {
      const chosen = clack.multiselect({
        ...shared,
        message: clean(question),
        options: listOptions(choices),
        initialValues: choices.flatMap(({ value }, at) => (initial.includes(value) ? [at] : [])),
        required: false,
      });
      const places = await answer<number[]>(chosen);
      return places.toSorted((one, other) => one - other).map((at) => pick(choices, at));
    },
    // What waited was meant for another question, and may be a key.
    ask: (question, options) =>
      askTyped(question, options, (text, hasWaited) => (hasWaited ? "" : text.replace(/[\r\n]+/g, " "))),
    askPasted: (question, { describePasted, ...options }) =>
      askTyped(question, options, (text) => {
        const words = describePasted(text);
        if (words === null) return text.replace(/[\r\n]+/g, " ");
        pasted.set(`[${words}]`, text);
        return `[${words}]`;
      }),
    askSecret: (question, { problemOf }) =>
      withText(
        (text) => text.trim(),
        async () => {
          const secret = clack.password({
            ...shared,
            message: clean(question),
            validate: (text) => problemOf((text ?? "").trim()) ?? undefined,
          });
          return (await answer<string>(secret)).trim();
        },
      ),
    say(...lines) {
      const wrapped = lines.flatMap((line) => wrapIndented(show(line), stderr.width - 4));
      clack.log.message(wrapped, { output, spacing: 0 });
    },
    async during(words, work) {
      if (words !== "") stderr.write(`${clack.S_BAR}  ${clean(words)}`);
      try {
        return await Promise.race([work(), left.promise]);
      } finally {
        if (words !== "") stderr.write("\r\u001b[K");
      }
    },
    [Symbol.dispose]() {
      keys[Symbol.dispose]();
    },
  };
}

/** Colours alone: what moves the cursor stays. */
function withoutColours(text: string): string {
  // oxlint-disable-next-line no-control-regex -- colours are escape sequences
  return text.replace(/\u001b\[[\d;]*m/g, "");
}
