/** Random UUIDs for what comes as often as requests do. */
import { randomFillSync } from 'node:crypto';

/** Version 4, in which `x` is any digit and `v` says the variant; all else stands for itself. */
const pattern = 'xxxxxxxx-xxxx-4xxx-vxxx-xxxxxxxxxxxx';
const choices: Readonly<Record<string, string>> = { x: '0123456789abcdef', v: '89ab' };

/** For each two characters of the pattern: what is written there, by a random byte. */
const pairs = Array.from({ length: pattern.length / 2 }, (_, at) =>
  pairsFor(pattern.charAt(2 * at), pattern.charAt(2 * at + 1)),
);

/** So many are made at once: a text that somebody keeps a part of is kept as a whole. */
const batch = 64;
/** Random bytes are asked for once in so many batches: to ask takes longer than to make them. */
const batches = 16;
const random = new Uint8Array(pairs.length * batch * batches);
let used = random.length;
const characters = new Uint16Array(pairs.length * batch);

/** Those that were made last, one after the other, and where the next one begins. */
let text = '';
let next = 0;

/**
 * As `randomUUID` of node:crypto. That one joins twenty pieces for each, which are half a kilobyte of
 * objects until somebody reads the whole, and takes 0.25 µs more. A part of a text is one object.
 */
export function newUuid(): string {
  if (next === text.length) {
    text = makeBatch();
    next = 0;
  }
  const start = next;
  next += pattern.length;
  return text.slice(start, next);
}

function makeBatch(): string {
  if (used === random.length) {
    randomFillSync(random);
    used = 0;
  }
  for (let start = 0; start < characters.length; start += pairs.length) {
    for (let at = 0; at < pairs.length; at++) {
      characters[start + at] = (pairs[at] as Uint16Array)[random[used++] as number] as number;
    }
  }
  return Buffer.from(characters.buffer).toString('latin1');
}

/** Two characters as one number, in the order of bytes that the machine has. */
function pairsFor(first: string, second: string): Uint16Array {
  const bytes = Uint8Array.from({ length: 512 }, (_, at) => {
    const byte = at >> 1;
    return at % 2 === 0 ? codeFor(first, byte >> 4) : codeFor(second, byte & 15);
  });
  return new Uint16Array(bytes.buffer);
}

function codeFor(place: string, digit: number): number {
  const chosen = choices[place] ?? place;
  return chosen.charCodeAt(digit % chosen.length);
}
