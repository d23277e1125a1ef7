/** The parts around threads that need none: queue, definitions, and what is done about aborted hops. */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { encodedAs } from '../src/portable/encoded.js';
import { Dispatcher } from '../src/threads/dispatcher.js';
import type { HopDefinition } from '../src/threads/executor.js';
import type { Departure, HopImport, Lane, Trip } from '../src/threads/lane.js';
import type { StepProgress } from '../src/threads/hop-control.js';
import { ThreadGone } from '../src/threads/thread-gone.js';
import type { HopReply } from '../src/threads/message.js';
import { Figures } from '../src/threads/figures.js';
import { gate, type Gate } from './support/gate.js';

describe('a dispatcher', () => {
  /** A lane with one place, whose answers and figures the test gives. */
  class TestLane implements Lane {
    readonly size = 1;
    readonly threads = 1;
    readonly starting = 0;
    readonly replaced = 0;
    readonly stuck = 0;
    mayEndThreads = true;
    ended = 0;
    aborted = 0;
    woken = 0;
    progress: StepProgress | undefined;
    importing: HopImport | undefined;
    readonly sent: { departure: Departure; answer: Gate<HopReply> }[] = [];
    places = 1;
    /** How many hops may wait for the thread while it is busy. */
    room = 0;
    behind = 0;
    #running = 0;

    get free(): number {
      return this.places - this.#running;
    }

    wake(): void {
      this.woken += 1;
    }

    hasRoom(): boolean {
      return this.room > this.behind;
    }

    send(departure: Departure): Trip {
      const answer = gate<HopReply>();
      const isFirst = this.free > 0;
      this.sent.push({ departure, answer });
      let isHere = true;
      const leave = (): void => {
        isHere = false;
        if (isFirst) this.#running -= 1;
        else this.behind -= 1;
      };
      if (isFirst) this.#running += 1;
      else this.behind += 1;

      answer.passed.then(
        (reply) => {
          if (isHere) leave();
          departure.answered(reply);
        },
        (gone: unknown) => {
          if (isHere) leave();
          departure.gone(gone as ThreadGone);
        },
      );
      const [progress, importing] = [() => this.progress, () => this.importing];
      return {
        thread: 1,
        bytes: undefined,
        moves: false,
        since: isFirst ? 0 : Infinity,
        isFirst,
        abort: () => (this.aborted += 1),
        get progress() {
          return progress();
        },
        takeBack: () => {
          if (!isFirst) leave();
          return !isFirst;
        },
        get importing() {
          return importing();
        },
        end: () => {
          if (!this.mayEndThreads) return false;
          this.ended += 1;
          answer.fail(new ThreadGone('it was ended'));
          return true;
        },
      };
    }

    async open(): Promise<[]> {
      return [];
    }

    prepare(): void {}

    async resize(): Promise<void> {}

    async close(): Promise<[]> {
      this.places = 0;
      return [];
    }
  }

  const definition: HopDefinition = {
    id: 1,
    group: 'default',
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
    dispatcher = new Dispatcher(lane, new Figures().group('default'), 2, 50, 10_000);
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

  it('tells an aborted hop at once, and ends its thread after a moment of grace', async () => {
    const { departure, outcome } = abortedHop();
    expect(departure.isControlled).toBe(true);
    expect(lane.aborted).toBe(1);
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

  /** A hop whose caller is still there when its signal is aborted. */
  function toldHop() {
    const [told, leaving] = [new AbortController(), new AbortController()];
    const caller = { gone: leaving.signal };
    const running = dispatcher.run(definition, [], told.signal, undefined, caller);
    const outcome = running.catch((failure: unknown) => failure);
    return { tell: () => told.abort('enough'), leave: () => leaving.abort('gone'), outcome };
  }

  it('ends no thread of a hop that is told to stop before its caller has gone', async () => {
    const { tell, leave, outcome } = toldHop();
    tell();
    await jest.advanceTimersByTimeAsync(10_000);
    expect([lane.aborted, lane.ended]).toEqual([1, 0]);
    leave();
    await jest.advanceTimersByTimeAsync(49);
    expect(lane.ended).toBe(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(lane.ended).toBe(1);
    expect(await outcome).toMatchObject(aborted);
  });

  it('drops a hop that is told to stop while it waits, whether its caller has gone or not', async () => {
    lane.places = 0;
    const { tell, outcome } = toldHop();
    tell();
    expect(await outcome).toMatchObject(aborted);
    expect(dispatcher.figures.queued).toBe(0);
  });

  it('controls no hop that nobody can abort', () => {
    void dispatcher.run(definition, [], undefined);
    expect(lane.sent[0]?.departure.isControlled).toBe(false);
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

  describe('whose thread has ended before it came to a hop', () => {
    /** Ends the thread that the last hop was sent to. */
    async function endUnbegun(): Promise<void> {
      const gone = new ThreadGone('it fell asleep');
      gone.isLost = false;
      lane.sent.at(-1)!.answer.fail(gone);
      await jest.advanceTimersByTimeAsync(0);
    }
    const idsSent = () => lane.sent.map(({ departure }) => departure.definition.id);

    it('sends it again, before all that waits', async () => {
      const first = dispatcher.run(definition, ['input'], undefined);
      const second = dispatcher.run({ ...definition, id: 2 }, [], undefined);
      await endUnbegun();
      expect(idsSent()).toEqual([1, 1]);
      expect(lane.sent[1]!.departure.inputs).toEqual(['input']);
      lane.sent[1]!.answer.open(reply);
      expect(await first).toEqual(['done']);
      lane.sent[2]!.answer.open(reply);
      expect(await second).toEqual(['done']);
      expect(dispatcher.figures).toMatchObject({ busy: 0, queued: 0, hops: 2 });
    });

    it('does not send it again if it was aborted meanwhile, or while it waits', async () => {
      const { outcome } = abortedHop();
      await endUnbegun();
      expect(await outcome).toMatchObject(aborted);
      const caller = new AbortController();
      const waiting = dispatcher
        .run(definition, [], caller.signal)
        .catch((failure: unknown) => failure);
      lane.places = 0;
      await endUnbegun();
      expect(dispatcher.figures).toMatchObject({ busy: 0, queued: 1 });
      caller.abort('enough');
      expect(await waiting).toMatchObject(aborted);
      lane.places = 1;
      dispatcher.drain();
      expect(idsSent()).toEqual([1, 1]);
    });

    it('does not do so for ever', async () => {
      const outcome = dispatcher
        .run(definition, [], undefined)
        .catch((failure: unknown) => failure);
      for (let time = 0; time < 4; time++) await endUnbegun();
      expect(await outcome).toMatchObject({ error: { code: 'TURNO_THREAD_DIED' } });
      expect(idsSent()).toEqual([1, 1, 1, 1]);
    });
  });

  describe('with a thread that hops may wait for', () => {
    const short: HopDefinition = { ...definition, steps: definition.steps.slice(1), id: 9 };
    const outcomeOf = (signal?: AbortSignal) =>
      dispatcher.run(short, [], signal).catch((failure: unknown) => failure);
    beforeEach(() => {
      lane.room = 2;
    });

    it('gives it what is known to be short, and counts that for what waits', async () => {
      const outcomes = [outcomeOf(), outcomeOf(), outcomeOf()];
      expect(lane.sent).toHaveLength(3);
      expect(dispatcher.figures).toMatchObject({ busy: 1, queued: 2 });
      expect(await outcomeOf()).toMatchObject({ error: { code: 'TURNO_QUEUE_FULL' } });
      for (const { answer } of lane.sent) answer.open(reply);
      expect(await Promise.all(outcomes)).toEqual([['done'], ['done'], ['done']]);
      expect(dispatcher.figures).toMatchObject({ busy: 0, queued: 0, hops: 3 });
    });

    it('never gives it a hop with a deadline, or one that is told of an abort', () => {
      void outcomeOf();
      void dispatcher.run(definition, [], new AbortController().signal).catch(() => undefined);
      const [step] = short.steps;
      const bounded = { ...short, id: 10, steps: [{ ...step!, deadline: 5 }] };
      void dispatcher.run(bounded, [], undefined).catch(() => undefined);
      expect(lane.sent).toHaveLength(1);
      expect(dispatcher.figures.queued).toBe(2);
    });

    it('lets nothing overtake what waits in the queue', () => {
      void outcomeOf();
      lane.room = 0;
      void dispatcher.run({ ...short, id: 10 }, [], undefined);
      lane.room = 2;
      void outcomeOf();
      dispatcher.drain();
      expect(lane.sent.map(({ departure }) => departure.definition.id)).toEqual([9, 10, 9]);
    });

    it('drops an aborted one like one in the queue', async () => {
      void outcomeOf();
      const caller = new AbortController();
      const aborted = outcomeOf(caller.signal);
      expect(dispatcher.figures.queued).toBe(1);
      caller.abort('enough');
      expect(await aborted).toMatchObject({ error: 'enough' });
      expect(dispatcher.figures).toMatchObject({ busy: 1, queued: 0 });
    });

    it('fails one that is aborted while its thread is ending, and comes back then', async () => {
      const caller = new AbortController();
      const outcome = outcomeOf(caller.signal);
      // The thread has it, as far as anybody knows.
      caller.abort('enough');
      expect(lane.aborted).toBe(1);
      lane.sent[0]!.departure.returned();
      expect(await outcome).toMatchObject({ error: 'enough' });
      expect(dispatcher.figures.queued).toBe(0);
    });

    it('fails one that comes back after all has been disposed', async () => {
      const outcome = outcomeOf();
      await dispatcher.dispose();
      lane.sent[0]!.departure.returned();
      expect(await outcome).toMatchObject({ error: { code: 'TURNO_DISPOSED' } });
    });

    it('takes what comes back for what has not left, in the order from before', async () => {
      const outcomes = [outcomeOf(), outcomeOf(), outcomeOf()];
      lane.places = 0;
      lane.room = 0;
      const [, second, third] = lane.sent;
      lane.behind = 0;
      third!.departure.returned();
      second!.departure.returned();
      expect(dispatcher.figures.queued).toBe(2);
      lane.places = 3;
      dispatcher.drain();
      expect(lane.sent.slice(3).map(({ departure }) => departure)).toEqual([
        second!.departure,
        third!.departure,
      ]);
      for (const position of [0, 3, 4]) lane.sent[position]!.answer.open(reply);
      expect(await Promise.all(outcomes)).toEqual([['done'], ['done'], ['done']]);
    });
  });

  describe('with a deadline', () => {
    const bounded: HopDefinition = {
      ...definition,
      steps: [
        { label: 'A.a', operation: 'call', classId: 'a#A', method: 'a', arguments: [] },
        {
          label: 'A.b',
          operation: 'call',
          classId: 'a#A',
          method: 'b',
          arguments: [],
          deadline: 100,
        },
        {
          label: 'A.c',
          operation: 'call',
          classId: 'a#A',
          method: 'c',
          arguments: [],
          deadline: 300,
        },
      ],
    };

    function run(of: HopDefinition) {
      return dispatcher.run(of, [], undefined).catch((failure: unknown) => failure);
    }

    it('ends the thread of a step that has run for as long as it may, and names it', async () => {
      const outcome = run(bounded);
      lane.progress = { step: 1, ran: 40 };
      await jest.advanceTimersByTimeAsync(100);
      expect(lane.ended).toBe(0);
      lane.progress = { step: 1, ran: 99 };
      await jest.advanceTimersByTimeAsync(60);
      lane.progress = { step: 1, ran: 100 };
      await jest.advanceTimersByTimeAsync(5);
      expect(lane.ended).toBe(1);
      expect(await outcome).toMatchObject({
        step: 1,
        error: { code: 'TURNO_DEADLINE', provider: 'A.b', deadline: 100 },
      });
    });

    it('spares a step whose answer is there already, behind what has held the loop', async () => {
      const outcome = run(bounded);
      lane.progress = { step: 1, ran: 100 };
      lane.sent[0]?.answer.open(reply);
      jest.advanceTimersByTime(100);
      expect(await outcome).toEqual(['done']);
      await jest.advanceTimersByTimeAsync(1_000);
      expect([lane.aborted, lane.ended]).toEqual([0, 0]);
    });

    it('does not count what other steps of the hop took', async () => {
      const outcome = run(bounded);
      lane.progress = { step: 0, ran: 1_000 };
      await jest.advanceTimersByTimeAsync(1_000);
      lane.progress = { step: 2, ran: 200 };
      await jest.advanceTimersByTimeAsync(100);
      expect(lane.ended).toBe(0);
      lane.sent[0]?.answer.open(reply);
      expect(await outcome).toEqual(['done']);
      await jest.advanceTimersByTimeAsync(10_000);
      expect(lane.ended).toBe(0);
    });

    it('gives a step that asks for the signal a moment of grace, and fails all the same', async () => {
      const [signal] = definition.steps;
      const outcome = run({ ...bounded, steps: [signal!, ...bounded.steps] });
      lane.progress = { step: 2, ran: 100 };
      await jest.advanceTimersByTimeAsync(105);
      expect([lane.aborted, lane.ended]).toEqual([1, 0]);
      lane.sent[0]?.answer.open(reply);
      expect(await outcome).toMatchObject({ step: 2, error: { code: 'TURNO_DEADLINE' } });
      await jest.advanceTimersByTimeAsync(1_000);
      expect(lane.ended).toBe(0);
    });
  });

  describe('while a thread imports something for a hop', () => {
    const module = 'file:///a.js';

    it('ends it as soon as that has gone on for as long as it may, whatever else was done before', async () => {
      const outcome = dispatcher
        .run(definition, [], undefined)
        .catch((failure: unknown) => failure);
      await jest.advanceTimersByTimeAsync(6_000);
      lane.importing = { module, need: undefined, ran: 4_000 };
      await jest.advanceTimersByTimeAsync(4_000);
      lane.importing = { module, need: undefined, ran: 9_999 };
      await jest.advanceTimersByTimeAsync(6_000);
      expect(lane.ended).toBe(0);
      lane.importing = { module, need: undefined, ran: 10_000 };
      await jest.advanceTimersByTimeAsync(5);
      expect(lane.ended).toBe(1);
      expect(await outcome).toMatchObject({ error: { code: 'TURNO_UNREACHABLE', module } });
    });

    it('spares a hop whose answer is there already, behind what has held the loop', async () => {
      const outcome = dispatcher.run(definition, [], undefined);
      lane.importing = { module, need: undefined, ran: 10_000 };
      lane.sent[0]?.answer.open(reply);
      jest.advanceTimersByTime(10_000);
      expect(await outcome).toEqual(['done']);
      await jest.advanceTimersByTimeAsync(10_000);
      expect(lane.ended).toBe(0);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('counts that for no deadline of a step', async () => {
      const [signal, call] = definition.steps;
      const bounded = { ...definition, steps: [signal!, { ...call!, deadline: 100 }] };
      const outcome = dispatcher.run(bounded, [], undefined).catch((failure: unknown) => failure);
      lane.progress = { step: -1, ran: 1_000 };
      lane.importing = { module, need: undefined, ran: 1_000 };
      await jest.advanceTimersByTimeAsync(1_000);
      expect(lane.ended).toBe(0);
      lane.importing = undefined;
      await jest.advanceTimersByTimeAsync(200);
      expect(lane.ended).toBe(1);
      expect(await outcome).toMatchObject({ error: { code: 'TURNO_DEADLINE', provider: 'A.b' } });
    });
  });

  it('refuses work while no thread can be ended, and takes it again when one has answered', async () => {
    lane.mayEndThreads = false;
    const { outcome, answer } = abortedHop();
    const queued = dispatcher.run(definition, [], undefined).catch((failure: unknown) => failure);
    await jest.advanceTimersByTimeAsync(50);
    expect(await outcome).toMatchObject(aborted);
    const stuck = { step: -1, error: { code: 'TURNO_THREADS_STUCK', stuck: 1 } };
    expect(await queued).toMatchObject(stuck);
    await expect(dispatcher.run(definition, [], undefined)).rejects.toMatchObject(stuck);
    expect(dispatcher.figures).toMatchObject({ busy: 1, stuck: 1 });
    answer.open(reply);
    await jest.advanceTimersByTimeAsync(0);
    expect(dispatcher.figures).toMatchObject({ busy: 0, stuck: 0 });
    const later = dispatcher.run(definition, [], undefined);
    lane.sent.at(-1)!.answer.open(reply);
    expect(await later).toEqual(['done']);
  });

  it('gives the caller what comes back after the failure was told', async () => {
    lane.mayEndThreads = false;
    const late: unknown[] = [];
    const told = new AbortController();
    const caller = { gone: told.signal, late: (values: readonly unknown[]) => late.push(values) };
    const running = dispatcher.run(definition, [], told.signal, undefined, caller);
    const outcome = running.catch((failure: unknown) => failure);
    told.abort('enough');
    await jest.advanceTimersByTimeAsync(50);
    expect(await outcome).toMatchObject(aborted);
    expect(late).toEqual([]);
    lane.sent[0]!.answer.open(reply);
    await jest.advanceTimersByTimeAsync(1_000);
    expect(late).toEqual([['done']]);
  });

  it('does not let a late answer of a disposed lane count', async () => {
    const running = dispatcher.run(definition, [], undefined);
    const disposed = expect(running).rejects.toMatchObject({ error: { code: 'TURNO_DISPOSED' } });
    await dispatcher.dispose();
    lane.sent[0]?.answer.open(reply);
    await disposed;
  });
});
