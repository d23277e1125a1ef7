/** What the shop is at, live: tells of each step, as the container does on its diagnostics channel. */
import { EventEmitter, on } from 'node:events';
import { tracingChannel } from 'node:diagnostics_channel';
import { Injectable, type StepEvent } from '@turno/core';
import type { ServerSentEvent } from '@turno/http-adapter';

/** As the page gets it. */
export interface StepNews {
  readonly id: number;
  /** `Kitchen.grill`. */
  readonly label: string;
  /** `worker_threads.threadId` of where it runs: 0 is the event loop's. */
  readonly threadId: number;
  /** The trip to a thread: steps that share one have the same number. */
  readonly hop: number | undefined;
  /** When, in milliseconds; of the same clock as all others. */
  readonly at: number;
  readonly state: 'started' | 'ended' | 'failed';
}

const channel = tracingChannel<unknown, StepEvent>('turno.step');

@Injectable()
export class Feed implements Disposable {
  private readonly news = new EventEmitter().setMaxListeners(0);
  private readonly ids = new WeakMap<StepEvent, number>();
  private last = 0;
  private readonly subscribers = {
    start: (step: StepEvent) => {
      this.last += 1;
      this.ids.set(step, this.last);
      this.tell(step, 'started');
    },
    // Of what has ended within one turn of the loop this comes first, of all else `asyncEnd`.
    end: (step: StepEvent) => {
      if (step.ran !== undefined) this.tell(step, 'ended');
    },
    asyncStart: () => undefined,
    asyncEnd: (step: StepEvent) => this.tell(step, 'ended'),
    error: (step: StepEvent) => this.tell(step, 'failed'),
  };

  constructor() {
    channel.subscribe(this.subscribers);
  }

  [Symbol.dispose](): void {
    channel.unsubscribe(this.subscribers);
  }

  /** What happens from now on, until nobody wants to know it any more. */
  async *watch(signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
    yield { event: 'clock', data: { at: performance.now() } };
    for await (const [step] of on(this.news, 'step', { signal })) {
      yield { event: 'step', data: step as StepNews };
    }
  }

  private tell(step: StepEvent, state: StepNews['state']): void {
    const id = this.ids.get(step);
    if (id === undefined || !isShown(step)) return;
    if (state !== 'started') this.ids.delete(step);
    const { label, threadId = 0, hop } = step;
    const news: StepNews = { id, label, threadId, hop, at: performance.now(), state };
    this.news.emit('step', news);
  }
}

/** What burgers are made by. */
function isShown({ label }: StepEvent): boolean {
  return /^(?:Kitchen|Burgers)\.|^Page\.block$/.test(label);
}
