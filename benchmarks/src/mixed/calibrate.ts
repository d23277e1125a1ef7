/** How much there is to compute in the heavy route. */
import { cpuSeconds } from '../process/usage.js';

/**
 * Asks an idle server until it has computed for a while. Its processor time counts: on a busy machine the
 * clock says less.
 * @param url - of the heavy route, without the number of times.
 * @param pid - of the server.
 * @returns how many times its loop has to turn for an answer to take that long.
 */
export async function timesFor(url: string, pid: number, milliseconds: number): Promise<number> {
  let times = 100_000;
  for (;;) {
    const used = await millisecondsFor(`${url}${times}`, pid);
    // By then the code is compiled, and the steps of 10 ms in which the system counts matter little.
    if (used >= 200) {
      const exact = await millisecondsFor(`${url}${times}`, pid);
      return Math.round((times * milliseconds) / Math.max(1, exact));
    }
    times *= 2;
  }
}

async function millisecondsFor(url: string, pid: number): Promise<number> {
  const [cpu, clock] = [cpuSeconds(pid), performance.now()];
  await (await fetch(url)).text();
  const elapsed = performance.now() - clock;
  const used = (cpuSeconds(pid) - cpu) * 1_000;
  // There is no /proc on other systems.
  return Number.isNaN(used) ? elapsed : used;
}
