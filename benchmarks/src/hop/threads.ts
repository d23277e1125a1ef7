/** What a candidate of this suite offers: threads that run trivial steps. */

/** A step so short that the way to the thread and back is all there is to measure. */
export const step = (number: number): number => number + 1;

/** How many steps a chain has. */
export const chainLength = 6;

export interface Threads {
  /** @returns what {@link step} makes of a number, in a thread. */
  hop(number: number): Promise<number>;
  /** Six steps, each of which needs what the one before has made. */
  chain(number: number): Promise<number>;
}

/** @param threads - how many there shall be. */
export type Open = (threads: number) => Promise<Threads>;

/** @returns a chain of hops, one trip each: what pools have. */
export function chainOf(hop: Threads['hop']): Threads['chain'] {
  return async (number) => {
    let reached = number;
    for (let done = 0; done < chainLength; done++) reached = await hop(reached);
    return reached;
  };
}
