/** Finds patterns of paths that find-my-way lets pass, though some texts make them run for ages. */

/** What may repeat a group without bound, or often enough. */
const repetition = /^(?:[*+]|\{\d+,|\{\d{2,}\})/;

/**
 * Whether a group that is repeated holds alternatives, as `(a|a)+`: what each may match may overlap,
 * and then all the ways to divide a text among them are tried. That they do not is not looked for.
 */
export function repeatsAlternatives(path: string): boolean {
  /** For each open group, whether alternatives have been seen in it. */
  const groups: boolean[] = [];
  for (let index = 0; index < path.length; index++) {
    const character = path[index];
    if (character === '\\') {
      index++;
    } else if (character === '[' && groups.length > 0) {
      index = endOfSet(path, index);
    } else if (character === '(') {
      groups.push(false);
    } else if (character === '|' && groups.length > 0) {
      groups[groups.length - 1] = true;
    } else if (character === ')') {
      const hasAlternatives = groups.pop() === true;
      if (hasAlternatives && repetition.test(path.slice(index + 1))) return true;
      if (hasAlternatives && groups.length > 0) groups[groups.length - 1] = true;
    }
  }
  return false;
}

function endOfSet(path: string, start: number): number {
  for (let index = start + 1; index < path.length; index++) {
    if (path[index] === '\\') index++;
    else if (path[index] === ']') return index;
  }
  return path.length;
}
