/** What every server answers: the same three routes. */

export interface Item {
  readonly id: number;
  readonly name: string;
  readonly price: number;
}

export const itemOf = (id: number): Item => ({ id, name: `item ${id}`, price: id * 3 });

/** What the async route needs: there at once, so that the server itself is what is measured. */
export const loadItem = async (id: number): Promise<Item> => itemOf(id);

/** What is asked for by `/items/7` and `/hop/7`. */
export const expectedItem = JSON.stringify(itemOf(7));

/**
 * Computes without a pause: a random number, many times over (Lehmer's generator). All languages come to
 * the same result, in whole numbers below 2^53.
 */
export function compute(times: number): number {
  let number = 1;
  for (let time = 0; time < times; time++) number = (number * 48_271) % 2_147_483_647;
  return number;
}

/** What `/heavy/:times` answers. */
export const heavyOf = (times: number): { result: number } => ({ result: compute(times) });
