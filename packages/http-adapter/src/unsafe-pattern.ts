/** Finds patterns of paths that some texts make run for ages. */

/** What a pattern does too much of. */
export type Excess = 'repetition' | 'alternatives' | 'sequence';

/**
 * In how many ways a pattern may take a text apart without harm. Two endless repetitions in a row have
 * so many, and texts are short; each way takes some nanoseconds.
 */
const mostWays = 2 ** 22;

/** An endless repetition has as many ends as a parameter has characters. */
const endless = 1024;

/**
 * The paths whose patterns are not safe. Those that have few ways to match are; of the others it has to be
 * proved that no text fits in more than a few of them.
 */
export async function findUnsafe(paths: Iterable<string>): Promise<ReadonlyMap<string, Excess>> {
  const unsafe = new Map<string, Excess>();
  for (const path of new Set(paths)) {
    for (const part of partsOf(path)) {
      const excess = excessOf(part.counted);
      if (excess === undefined || (await isProved(part.whole))) continue;
      unsafe.set(path, excess);
      break;
    }
  }
  return unsafe;
}

/** Not by the clock: what is refused must not depend on how busy a machine is. */
const proof = { maxScore: 100, maxSteps: 1000, timeout: Infinity };

async function isProved(pattern: string): Promise<boolean> {
  // Here: few apps need it.
  const { isSafePattern } = await import('redos-detector');
  try {
    return isSafePattern(`^${pattern}$`, proof).safe;
  } catch {
    // Something that it does not know, or no regular expression: find-my-way says that.
    return false;
  }
}

/** One part of a path with patterns in it, as the one regular expression that find-my-way makes of it. */
interface Part {
  whole: string;
  /** Without what cannot be taken apart in several ways. */
  counted: string;
}

function partsOf(path: string): Part[] {
  const parts: Part[] = [];
  let part: Part = { whole: '', counted: '' };
  let hasPattern = false;
  let at = 0;
  const take = (pattern: RegExp): string => {
    const [found = ''] = pattern.exec(path.slice(at)) ?? [];
    at += found.length;
    return found;
  };
  const endPart = (): void => {
    if (hasPattern) parts.push(part);
    part = { whole: '', counted: '' };
    hasPattern = false;
  };
  while (at < path.length) {
    if (take(/^\//) !== '') {
      endPart();
      continue;
    }
    const text = take(/^(?:::|[^:/])+/).replaceAll('::', ':');
    const escaped = text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    part.whole += escaped;
    part.counted += escaped;
    if (take(/^:[^/(.:-]*/) === '') continue;
    if (path[at] === '(') {
      const end = endOfGroup(path, at);
      if (end === undefined) return parts;
      const group = path.slice(at, end).replace(/^\(\^/, '(').replace(/\$\)$/, ')');
      part.whole += group;
      part.counted += group;
      hasPattern = true;
      at = end;
    } else {
      // Of those that follow a text find-my-way lets none match that text.
      const isFirst = part.whole === '' || part.whole.endsWith(')');
      part.whole += '(.*?)';
      if (isFirst) part.counted += '(.*?)';
    }
  }
  endPart();
  return parts;
}

function endOfGroup(path: string, start: number): number | undefined {
  let depth = 0;
  for (let index = start; index < path.length; index++) {
    if (path[index] === '\\') index++;
    else if (path[index] === '(') depth++;
    else if (path[index] === ')' && --depth === 0) return index + 1;
  }
  return undefined;
}

/** What is known of a piece of a pattern. */
interface Piece {
  /** In how many ways it may match one text, at most. */
  ways: number;
  alternatives: number;
  excess: Excess;
}

/** What a pattern does so much of that it may have more than {@link mostWays}. */
function excessOf(pattern: string): Excess | undefined {
  const open: Piece[] = [];
  let piece = newPiece();
  /** The last thing in it, which may be repeated yet. */
  let last: Piece | undefined;
  const add = (ways: number, excess: Excess): void => {
    if (ways > 1 && piece.excess === 'sequence') piece.excess = excess;
    piece.ways *= ways;
  };
  const close = (): void => {
    if (last !== undefined) add(last.ways, last.excess);
    last = undefined;
  };
  for (let index = 0; index < pattern.length; index++) {
    const character = pattern[index];
    const [repetition, range = '', from = '', comma = '', to = ''] =
      /^([*+?]|\{(\d+)(,?)(\d*)\})\??/.exec(pattern.slice(index)) ?? [];
    if (repetition !== undefined && last !== undefined) {
      const least = range === '+' ? 1 : Number(from);
      const most = range === '?' ? 1 : comma === '' && from !== '' ? least : Number(to || endless);
      const times = Math.min(most, endless);
      if (times > 1 && last.ways > 1) add(last.ways ** times, 'repetition');
      else add(last.ways, last.excess);
      if (times > 1) add(last.alternatives ** times, 'alternatives');
      add(times - Math.min(least, times) + 1, 'sequence');
      last = undefined;
      index += repetition.length - 1;
      continue;
    }
    close();
    if (character === '|') {
      piece.alternatives++;
    } else if (character === '(') {
      open.push(piece);
      piece = newPiece();
      index += (/^\?(?:[:=!]|<[=!]|<[^>]*>)/.exec(pattern.slice(index + 1)) ?? [''])[0].length;
    } else if (character === ')') {
      last = piece;
      piece = open.pop() ?? newPiece();
    } else {
      last = newPiece();
      if (character === '[') index = endOfSet(pattern, index);
      if (character !== '\\') continue;
      index++;
      // What was matched before is compared again, character by character.
      if (/[1-9k]/.test(pattern[index] ?? '')) last.ways = endless;
    }
  }
  close();
  return piece.ways > mostWays ? piece.excess : undefined;
}

function newPiece(): Piece {
  return { ways: 1, alternatives: 1, excess: 'sequence' };
}

function endOfSet(pattern: string, start: number): number {
  for (let index = start + 1; index < pattern.length; index++) {
    if (pattern[index] === '\\') index++;
    else if (pattern[index] === ']') return index;
  }
  return pattern.length;
}
