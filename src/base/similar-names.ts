// Which names are near to one that was mistyped.
// Pure.

/** Names within two typing errors of the word, or that begin with it; the nearest first, at most three. */
export function similarNames(word: string, names: Iterable<string>): string[] {
  const wanted = word.toLowerCase();
  return [...names]
    .map((name) => ({ name, distance: distanceTo(wanted, name.toLowerCase()) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.min(2, Math.floor(wanted.length / 2))))
    .toSorted((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, 3)
    .map(({ name }) => name);
}

function distanceTo(word: string, name: string): number {
  return word.length >= 2 && name.startsWith(word) ? 1 : editDistance(word, name);
}

/** Damerau-Levenshtein (optimal string alignment): a swap of neighbours counts as one error. */
function editDistance(a: string, b: string): number {
  let before: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let best = Math.min((previous[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, change);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] && i > 1 && j > 1)
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      row.push(best);
    }
    before = previous;
    previous = row;
  }
  return previous[b.length] ?? 0;
}
