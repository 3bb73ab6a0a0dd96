// Writes out the shapes in which examples of keys are given: "ghp_{A36}" is "ghp_" and 36 letters and digits, the same ones
// in each run. So no file holds what looks like a key to those who look for keys.

const SETS: Readonly<Record<string, string>> = {
  A: "q7Zr2XbK9mWc4TfJ8nVh3LpY6sGd5RtBwQxNvMzC1kHjFgDePaSuEiOyUlAIo0",
  b: "q7Zr2XbK9mWc4-TfJ8nVh3LpY6_sGd5RtBwQxNvMzC1kHjFgDePaSuEiOyUlAIo0",
  B: "q7Zr2XbK9mWc4+TfJ8nVh3LpY6/sGd5RtBwQxNvMzC1kHjFgDePaSuEiOyUlAIo0",
  U: "Q7ZR2XBK4MWC3TFJ6NVHLPYSGD5",
  h: "9f3c7a1e5b8d2046",
  H: "9F3C7A1E5B8D2046",
  l: "q7zr2xbk9mwc4tfj8nvh3lpy6sgd5",
  d: "7391582640",
};

/** By a fixed row of numbers: each place gets other characters than the one before it. */
export function expandShapes(text: string): string {
  let state = 42;
  const next = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  return text.replace(/\{([AbBUhHld])(\d+)\}/g, (_, set: string, count: string) => {
    const all = SETS[set] ?? "";
    return Array.from({ length: Number(count) }, () => all[next(all.length)]).join("");
  });
}
