// Finds the texts for people in a source file: every t`...`, text`...` and english`...`, as the key under which a dictionary holds it.

/** "no config named {0}" for t`no config named ${name}`. Throws where a text holds another template. */
export function listTexts(source: string): string[] {
  const code = source.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "");
  return [...code.matchAll(/(?<![\w$.])(?:t|text|english)`((?:[^`\\]|\\[\s\S])*)`/g)].map(
    ([whole, raw = ""]) => {
      let places = 0;
      const text = raw.replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, () => `{${places++}}`);
      if (text.includes("${"))
        throw new Error(`too much inside the text ${whole}: give the value a name first`);
      return text.replace(/\\([\s\S])/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped));
    },
  );
}

/** "{0}: {1}" has no words of its own and needs no translation. */
export function hasWords(text: string): boolean {
  return /\p{L}/u.test(text.replace(/\{\d+\}/g, ""));
}
