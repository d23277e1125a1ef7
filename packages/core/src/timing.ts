/** A distribution of times: what many runs of one thing took, in little memory. */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Times in milliseconds, to within one percent. All zero where `count` is. */
export interface TimeSummary {
  /** How many were measured. */
  readonly count: number;
  readonly min: number;
  readonly max: number;
  readonly mean: number;
  /** Half of them were no longer than this; of `p90` nine in ten; of `p99` ninety-nine in a hundred. */
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** One hour, in microseconds; what took longer counts as that. */
const longest = 3_600_000_000;

/** How many times are kept aside before they are counted. */
const batch = 64;

export class Timing {
  /**
   * Times that are not counted yet. In the middle of other work each call into the histogram costs
   * several times what it does in a row of them.
   */
  readonly #pending = new Float64Array(batch);
  #waiting = 0;
  /** Made with the first times: it takes some 30 KB. */
  #histogram: RecordableHistogram | undefined;

  /** @param time - in milliseconds; counted in whole microseconds, at least one. */
  record(time: number): void {
    this.#pending[this.#waiting++] = time;
    if (this.#waiting === batch) this.#flush();
  }

  get count(): number {
    return (this.#histogram?.count ?? 0) + this.#waiting;
  }

  /** In milliseconds; 0 where nothing was measured. */
  get mean(): number {
    const histogram = this.#flush();
    return histogram === undefined ? 0 : inMilliseconds(histogram.mean);
  }

  /** In milliseconds; 0 where nothing was measured. */
  percentile(percent: number): number {
    const histogram = this.#flush();
    return histogram === undefined ? 0 : inMilliseconds(histogram.percentile(percent));
  }

  get summary(): TimeSummary {
    const histogram = this.#flush();
    return {
      count: this.count,
      min: histogram === undefined ? 0 : inMilliseconds(histogram.min),
      max: histogram === undefined ? 0 : inMilliseconds(histogram.max),
      mean: this.mean,
      p50: this.percentile(50),
      p90: this.percentile(90),
      p99: this.percentile(99),
    };
  }

  /** @returns the histogram with all times in it; undefined where there are none. */
  #flush(): RecordableHistogram | undefined {
    if (this.#waiting === 0) return this.#histogram;
    this.#histogram ??= createHistogram({ lowest: 1, highest: longest, figures: 2 });
    for (let index = 0; index < this.#waiting; index++) {
      const time = Math.round((this.#pending[index] as number) * 1_000);
      this.#histogram.record(Math.min(longest, Math.max(1, time)));
    }
    this.#waiting = 0;
    return this.#histogram;
  }
}

/** Without more digits than were measured. */
function inMilliseconds(microseconds: number): number {
  return Math.round(microseconds) / 1_000;
}
