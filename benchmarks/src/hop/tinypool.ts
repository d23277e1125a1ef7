/** Bare tinypool. */
import { Tinypool } from 'tinypool';
import { chainOf, type Threads } from './threads.js';

export async function open(threads: number): Promise<Threads> {
  const filename = new URL('./pool-task.js', import.meta.url).href;
  const pool = new Tinypool({ filename, minThreads: threads, maxThreads: threads });
  const hop = (number: number): Promise<number> => pool.run(number) as Promise<number>;
  return { hop, chain: chainOf(hop) };
}
