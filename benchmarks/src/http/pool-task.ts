/** What the threads of piscina and tinypool run, in the servers with threads by hand. */
import { setPriority } from 'node:os';
import { heavyOf, itemOf, type Item } from './item.js';

// Of this thread only, on Linux.
if (process.env.BENCH_NICENESS !== undefined) setPriority(0, Number(process.env.BENCH_NICENESS));

export interface PoolTask {
  readonly work: 'item' | 'heavy';
  readonly of: number;
}

/** One hop: the provider and the handler together, as one would write it by hand. */
// eslint-disable-next-line no-restricted-syntax -- tinypool and piscina call the default export
export default function run({ work, of }: PoolTask): Item | { result: number } {
  return work === 'item' ? itemOf(of) : heavyOf(of);
}
