/** Why a value cannot cross, and where in it the reason stands. */
import { NotPortableError } from '../errors.js';

/** One step from a value to a part of it. */
export type Segment =
  | string
  | number
  /** An entry of a `Map` or `Set`; `name` as messages show it: `get("id")`. */
  | { readonly name: string };

/** Thrown by the codec. Whoever knows the provider makes a {@link NotPortableError} of it. */
export class Obstacle extends Error {
  constructor(
    /** What was met: `a function`. */
    readonly found: string,
    /** From the value down to what was met. */
    readonly path: readonly Segment[],
    /** What to do about it, one sentence. */
    readonly remedy: string,
    cause?: unknown,
  ) {
    super(`There is ${place(found, path)}.`, cause === undefined ? {} : { cause });
  }

  /** The same, seen from a part of the value. */
  from(depth: number): Obstacle {
    return new Obstacle(this.found, this.path.slice(depth), this.remedy, this.cause);
  }

  /**
   * @param fact - the sentence so far: `Reports.pdf runs in a thread, but its result cannot cross`.
   * @param instead - what else to do, as the second half of a sentence.
   */
  toError(fact: string, instead: string): NotPortableError {
    return new NotPortableError(
      `${fact}: ${place(this.found, this.path)}.`,
      `${this.remedy} Or ${instead}.`,
      undefined,
      this.cause,
    );
  }
}

function place(found: string, path: readonly Segment[]): string {
  return path.length === 0 ? found : `${found} at "${showPath(path)}"`;
}

/** Longer paths are cut: those of very deep data would fill the screen. */
const longest = 12;

/** A path as code would write it: `order.items[3].render`. */
function showPath(path: readonly Segment[]): string {
  let text = '';
  for (const segment of path.slice(0, longest)) {
    if (typeof segment === 'number') text += `[${segment}]`;
    else if (typeof segment === 'object') text += `${text === '' ? '' : '.'}${segment.name}`;
    else if (!/^[\p{ID_Start}_$][\p{ID_Continue}$]*$/u.test(segment))
      text += `[${JSON.stringify(segment)}]`;
    else text += `${text === '' ? '' : '.'}${segment}`;
  }
  return path.length > longest ? `${text}…` : text;
}
