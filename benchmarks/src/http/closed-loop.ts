/** The clients of the suite `http`: each asks again as soon as it has its answer. In a process of their own. */
import { createHistogram } from 'node:perf_hooks';
import autocannon from 'autocannon';

export interface ClosedLoop {
  readonly perSecond: number;
  /** In milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Asks a number of times, so that the server's code is compiled, however busy the machine is. */
export async function warmUp(url: string, connections: number, requests: number): Promise<void> {
  await autocannon({ url, connections, amount: requests });
}

/**
 * @param body - what each answer has to be.
 * @throws Error if an answer is not 200 with that body.
 */
export async function closedLoop(
  url: string,
  body: string,
  connections: number,
  seconds: number,
): Promise<ClosedLoop> {
  // Finer than that of autocannon, which counts whole milliseconds.
  const times = createHistogram();
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const instance = autocannon(
      { url, connections, duration: seconds, expectBody: body },
      (error: unknown, result) => {
        if (error instanceof Error) reject(error);
        else resolve(result);
      },
    );
    instance.on('response', (_client, _status, _bytes, milliseconds) => {
      times.record(Math.max(1, Math.round(milliseconds * 1_000)));
    });
  });
  const { errors, non2xx, mismatches } = result;
  if (errors + non2xx + mismatches > 0) {
    throw new Error(`${url}: ${errors} errors, ${non2xx} not 2xx, ${mismatches} wrong bodies.`);
  }
  return {
    perSecond: result.requests.total / result.duration,
    p50: times.percentile(50) / 1_000,
    p99: times.percentile(99) / 1_000,
  };
}
