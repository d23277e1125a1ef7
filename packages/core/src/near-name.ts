/** Finds names that are close to a misspelt or mixed-up one, for messages. */

/** How many suggestions a message bears. */
const most = 3;

/** Names that differ from `name` by a few letters or by case, closest first. */
export function nearNames(name: string, known: Iterable<string>): readonly string[] {
  // Two swapped letters are two edits.
  if (name.length < 3) return [];
  const allowed = Math.max(name.length < 4 ? 1 : 2, Math.floor(name.length / 3));
  const lowered = name.toLowerCase();
  return [...new Set(known)]
    .filter((candidate) => Math.abs(candidate.length - name.length) <= allowed)
    .map((candidate) => ({ candidate, distance: distance(lowered, candidate.toLowerCase()) }))
    .filter((entry) => entry.distance <= allowed)
    .sort((a, b) => a.distance - b.distance)
    .slice(0, most)
    .map(({ candidate }) => candidate);
}

/** Levenshtein's edit distance, one row at a time. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
