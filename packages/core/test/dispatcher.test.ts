/** The parts around threads that need none: queue, definitions, and what is done about aborted hops. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { encodedAs } from '../src/portable/encoded.js';
import { Definitions } from '../src/threads/definitions.js';
import { Dispatcher } from '../src/threads/dispatcher.js';
import type { HopDefinition } from '../src/threads/executor.js';
import type { Departure, Lane } from '../src/threads/lane.js';
import type { HopReply } from '../src/threads/message.js';
import { ThreadGone } from '../src/threads/pool.js';
import { Queue } from '../src/threads/queue.js';
import { gate, type Gate } from './support/gate.js';

describe('a queue', () => {
  it('gives items in the order in which they came, also when some have left', () => {
    const queue = new Queue<string>(4);
    for (const item of ['a', 'b', 'c', 'd']) queue.push(item);
    expect(queue.delete('b')).toBe(true);
    expect(queue.delete('b')).toBe(false);
    expect([queue.shift(), queue.shift(), queue.shift(), queue.shift()]).toEqual([
      'a',
      'c',
      'd',
      undefined,
    ]);
  });

  it('knows when it is full, and takes no more then', () => {
    const queue = new Queue<number>(1);
    expect(queue.isFull).toBe(false);
    queue.push(1);
    expect([queue.size, queue.isFull]).toEqual([1, true]);
    expect(() => queue.push(2)).toThrow(RangeError);
    expect(queue.clear()).toEqual([1]);
    expect([queue.size, queue.isFull]).toEqual([0, false]);
  });
});

describe('definitions', () => {
  it('are known when each thread that lives has answered a run', () => {
    const definitions = new Definitions();
    expect(definitions.areKnown(1, [1, 2])).toBe(false);
    definitions.learn(1, 1);
    expect(definitions.areKnown(1, [1, 2])).toBe(false);
    definitions.learn(1, 2);
    expect(definitions.areKnown(1, [1, 2])).toBe(true);
    expect(definitions.areKnown(2, [1, 2])).toBe(false);
    definitions.forget(2);
    expect(definitions.areKnown(1, [1])).toBe(true);
    expect(definitions.areKnown(1, [1, 2])).toBe(false);
  });
});

describe('a dispatcher', () => {
  /** A lane with one place, whose answers and figures the test gives. */
  class TestLane implements Lane {
    readonly size = 1;
    readonly replaced = 0;
    mayEndThreads = true;
    ended = 0;
    woken = 0;
    readonly sent: { departure: Departure; answer: Gate<HopReply> }[] = [];
    places = 1;
    #running = 0;

    get free(): number {
      return this.places - this.#running;
    }

    wake(): void {
      this.woken += 1;
    }

    async send(departure: Departure): Promise<HopReply> {
      const answer = gate<HopReply>();
      departure.stop.addEventListener('abort', () => {
        this.ended += 1;
        answer.fail(new ThreadGone('it was ended'));
      });
      this.sent.push({ departure, answer });
      this.#running += 1;
      try {
        return await answer.passed;
      } finally {
        this.#running -= 1;
      }
    }

    async close(): Promise<void> {
      this.places = 0;
    }
  }

  const definition: HopDefinition = {
    id: 1,
    steps: [
      { label: 'signal', operation: 'signal', classId: '', arguments: [] },
      { label: 'A.b', operation: 'call', classId: 'a#A', method: 'b', arguments: [-1] },
    ],
    outputs: [1],
    extras: [],
    inputs: [],
  };
  const reply: HopReply = { thread: 1, values: encodedAs(['done']), stayed: [] };

  let lane: TestLane;
  let dispatcher: Dispatcher;
  beforeEach(() => {
    jest.useFakeTimers();
    lane = new TestLane();
    dispatcher = new Dispatcher(lane, 2);
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  /** A hop that is aborted while it runs, and what comes out of it. */
  function abortedHop() {
    const caller = new AbortController();
    const running = dispatcher.run(definition, [], caller.signal);
    caller.abort('enough');
    const outcome = running.catch((failure: unknown) => failure);
    return { ...lane.sent.at(-1)!, outcome };
  }
  const aborted = { step: -1, error: 'enough' };

  it('sets the cell of an aborted hop at once, and ends its thread after a moment of grace', async () => {
    const { departure, outcome } = abortedHop();
    expect(departure.abort?.[0]).toBe(1);
    expect(lane.ended).toBe(0);
    expect(dispatcher.figures.busy).toBe(1);
    await jest.advanceTimersByTimeAsync(49);
    expect(lane.ended).toBe(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(lane.ended).toBe(1);
    expect(dispatcher.figures.busy).toBe(0);
    expect(await outcome).toMatchObject(aborted);
  });

  it('spares the thread of an aborted hop that ends in that moment', async () => {
    const { answer, outcome } = abortedHop();
    answer.open(reply);
    expect(await outcome).toEqual(['done']);
    await jest.advanceTimersByTimeAsync(10_000);
    expect(lane.ended).toBe(0);
    expect(dispatcher.figures).toMatchObject({ busy: 0, hops: 1 });
  });

  it('ends no thread while too many are stuck, and looks again later', async () => {
    lane.mayEndThreads = false;
    const { outcome } = abortedHop();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(await outcome).toMatchObject(aborted);
    expect(lane.ended).toBe(0);
    expect(dispatcher.figures.busy).toBe(1);
    lane.mayEndThreads = true;
    await jest.advanceTimersByTimeAsync(1_000);
    expect(lane.ended).toBe(1);
  });

  it('sends no cell where nobody can abort', () => {
    void dispatcher.run(definition, [], undefined);
    expect(lane.sent[0]?.departure.abort).toBeUndefined();
  });

  it('wakes its lane when a hop has to wait, and starts it when it is told of room', async () => {
    lane.places = 0;
    const running = dispatcher.run(definition, [], undefined);
    expect(lane.woken).toBe(1);
    expect(lane.sent).toEqual([]);
    lane.places = 1;
    dispatcher.drain();
    lane.sent[0]?.answer.open(reply);
    expect(await running).toEqual(['done']);
  });

  it('sends what waits first, also where there is room for what comes', async () => {
    lane.places = 0;
    const first = dispatcher.run(definition, [], undefined);
    lane.places = 1;
    const second = dispatcher.run({ ...definition, id: 2 }, [], undefined);
    dispatcher.drain();
    lane.sent[0]?.answer.open(reply);
    await first;
    lane.sent[1]?.answer.open(reply);
    await second;
    expect(lane.sent.map(({ departure }) => departure.definition.id)).toEqual([1, 2]);
  });

  it('names hop and reason when a thread ends', async () => {
    const running = dispatcher.run(definition, [], undefined);
    const cause = new Error('why');
    lane.sent[0]?.answer.fail(new ThreadGone('it fell asleep', { cause }));
    await expect(running).rejects.toMatchObject({
      step: -1,
      error: { code: 'TURNO_THREAD_DIED', hop: 'A.b', cause },
    });
  });

  it('does not let a late answer of a disposed lane count', async () => {
    const running = dispatcher.run(definition, [], undefined);
    const disposed = expect(running).rejects.toMatchObject({ error: { code: 'TURNO_DISPOSED' } });
    await dispatcher.dispose();
    lane.sent[0]?.answer.open(reply);
    await disposed;
  });
});
