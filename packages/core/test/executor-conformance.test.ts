/** What every executor does: one suite, run by all of them. */
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { getEventListeners } from 'node:events';
import { createExecutor, type ThreadOptions } from '../dist/threads/create-executor.js';
import { HopFailure, stayed, type Executor, type HopDefinition } from '../dist/threads/executor.js';
import { FileCellsFolder, SharedCells, type Cells } from './fixtures/cells.js';
import { Counter, Engine, Point, SpiltError, Stamped, Tasks, tenant } from './fixtures/tasks.js';
import { call, callOn, construct, hop, idOf, manifestOf, signal, step } from './support/hop.js';

// No test waits for the clock; on a busy machine threads that load TypeScript start slowly.
jest.setTimeout(60_000);

const module = new URL('./fixtures/tasks.ts', import.meta.url).href;
const manifest = manifestOf(module, [Tasks, Counter]);

const echo = hop([call(Tasks, 'echo', 0)]);
const hold = hop([call(Tasks, 'hold', 0)]);
const untilAborted = hop([signal, call(Tasks, 'untilAborted', 0, step(0))]);

const folder = new FileCellsFolder();
afterAll(() => folder.remove());

/** The numbers of a list that steps have written. */
function entries(log: Cells): number[] {
  return Array.from({ length: log.get(0) }, (_, index) => log.get(index + 1));
}

const executors: readonly [string, ThreadOptions, boolean][] = [
  ['tinypool', { executor: 'tinypool' }, true],
  ['tinypool, with processes,', { runtime: 'child_process' }, false],
  ['inline', { executor: 'inline' }, true],
];

describe.each(executors)('the %s executor', (_name, chosen, sharesMemory) => {
  let shared: Executor;
  beforeAll(async () => {
    shared = await started({ size: 2 });
  });
  afterAll(() => shared.dispose());

  const cells = (): Cells => (sharesMemory ? new SharedCells() : folder.make());
  const set = (gate: Cells, index: number): Promise<void> => gate.until(index);
  const letGo = (gate: Cells): void => gate.set(1, 1);

  async function started(options: ThreadOptions): Promise<Executor> {
    const made = createExecutor({ ...chosen, ...options });
    expect(await made.start(manifest)).toEqual([]);
    return made;
  }

  async function run(
    definition: HopDefinition,
    ...inputs: readonly unknown[]
  ): Promise<readonly unknown[]> {
    return shared.run(definition, inputs);
  }

  /** The only output of a hop of these steps. */
  async function valueOf(steps: HopDefinition['steps'], ...inputs: unknown[]): Promise<unknown> {
    const [value] = await run(hop(steps), ...inputs);
    return value;
  }

  async function failureOf(work: Promise<unknown>): Promise<HopFailure> {
    return work.then(
      () => {
        throw new Error('The hop did not fail.');
      },
      (failure: unknown) => {
        expect(failure).toBeInstanceOf(HopFailure);
        return failure as HopFailure;
      },
    );
  }

  describe('runs steps', () => {
    it('in order, on their operands, and returns the outputs in the order asked for', async () => {
      const steps = [
        call(Tasks, 'list', 0, 1),
        call(Tasks, 'list', step(0), 2),
        call(Tasks, 'list', step(1), step(0)),
      ];
      expect(await run(hop(steps, { outputs: [2, 0] }), 'a', 'b', 'c')).toEqual([
        [
          [['a', 'b'], 'c'],
          ['a', 'b'],
        ],
        ['a', 'b'],
      ]);
    });

    it('on an instance that was constructed in the hop, anew for each run', async () => {
      const definition = hop([
        construct(Counter),
        callOn(step(0), Counter, 'next'),
        callOn(step(0), Counter, 'next'),
      ]);
      expect(await run(definition)).toEqual([2]);
      expect(await run(definition)).toEqual([2]);
    });

    it('with values between them that could not cross', async () => {
      expect(await valueOf([call(Tasks, 'engine'), call(Tasks, 'start', step(0))])).toBe('running');
    });

    it('that return a promise, or a thenable, with what it gives', async () => {
      const steps = [
        call(Tasks, 'later', 0),
        call(Tasks, 'echo', step(0)),
        call(Tasks, 'thenable', step(1)),
        call(Tasks, 'list', step(2)),
      ];
      expect(await valueOf(steps, 5)).toEqual([5]);
    });

    it('of any number at once, each with its own answer', async () => {
      const answers = await Promise.all(Array.from({ length: 60 }, (_, index) => run(echo, index)));
      expect(answers).toEqual(Array.from({ length: 60 }, (_, index) => [index]));
    });
  });

  describe('carries', () => {
    it('instances of portable classes in and out, with their methods', async () => {
      expect(await valueOf([call(Tasks, 'sum', 0)], new Point(1, 2))).toBe(3);
      const point = await valueOf([call(Tasks, 'point', 0, 1)], 3, 4);
      expect(point).toBeInstanceOf(Point);
      expect((point as Point).sum()).toBe(7);
    });

    it('one object that is two inputs as one object', async () => {
      const object = {};
      expect(await valueOf([call(Tasks, 'areSame', 0, 1)], object, object)).toBe(true);
      expect(await valueOf([call(Tasks, 'areSame', 0, 1)], object, {})).toBe(false);
    });

    it('a copy: what the thread does to it is not seen here', async () => {
      const object = { a: [1] };
      const arrived = await valueOf([call(Tasks, 'echo', 0)], object);
      expect(arrived).toStrictEqual(object);
      expect(arrived).not.toBe(object);
    });

    it('a copy of memory too', async () => {
      const bytes = new Uint8Array(2);
      expect(await valueOf([call(Tasks, 'fill', 0)], bytes)).toEqual(new Uint8Array([9, 9]));
      expect(bytes).toEqual(new Uint8Array(2));
    });

    it('large data in and out', async () => {
      const rows = Tasks.rows(1_000);
      expect(await valueOf([call(Tasks, 'echo', 0)], rows)).toStrictEqual(rows);
    });

    it('memory that is marked for transfer by moving it, where that is possible', async () => {
      const pixels = Tasks.pixels(100);
      expect(await valueOf([call(Tasks, 'echo', 0)], pixels)).toHaveLength(100);
      expect(pixels).toHaveLength(sharesMemory ? 0 : 100);
      const arrived = (await valueOf([call(Tasks, 'pixels', 0)], 100_000)) as Uint8Array;
      expect(arrived).toHaveLength(100_000);
      expect(arrived[99_999]).toBe(7);
    });

    it('a Buffer as a Buffer', async () => {
      const buffer = await valueOf([call(Tasks, 'buffer')]);
      expect(Buffer.isBuffer(buffer)).toBe(true);
    });
  });

  describe('refuses', () => {
    it('an input that cannot cross, with consumer, parameter and property path', async () => {
      const log = cells();
      const definition = hop([call(Tasks, 'note', 0, 1), call(Tasks, 'list', step(0), 2)]);
      const failure = await failureOf(run(definition, log, 1, { a: [new Engine()] }));
      expect(failure).toMatchObject({ step: 1, error: { code: 'TURNO_NOT_PORTABLE' } });
      expect((failure.error as Error).message).toMatch(
        /^Tasks\.list runs in a thread, but its parameter 2 cannot cross: an instance of Engine, which is not @Portable at "a\[0\]"\./,
      );
      expect(entries(log)).toEqual([]);
    });

    it.each(['leak', 'treacherousRows'])('an output that cannot cross (%s)', async (method) => {
      const definition = hop([call(Tasks, 'echo', 0), call(Tasks, method, 0)], { outputs: [0, 1] });
      const failure = await failureOf(run(definition, 1_000));
      expect(failure).toMatchObject({ step: 1, error: { code: 'TURNO_NOT_PORTABLE' } });
      expect((failure.error as Error).message).toMatch(
        method === 'leak'
          ? /^Tasks\.leak runs in a thread, but its result cannot cross .*Engine.* at "deep\[0\]"\./
          : /a function at "\[999\]\.tags\.total"/,
      );
      expect(await run(echo, 'still there')).toEqual(['still there']);
    });

    it('an extra that cannot cross by leaving it where it is', async () => {
      const steps = [call(Tasks, 'engine'), call(Tasks, 'echo', 0), call(Tasks, 'start', step(0))];
      const definition = hop(steps, { outputs: [2], extras: [0, 1] });
      expect(await run(definition, 'extra')).toEqual(['running', stayed, 'extra']);
    });

    it('a large extra that turns out not to be cloneable likewise', async () => {
      const definition = hop([call(Tasks, 'treacherousRows', 0), call(Tasks, 'echo', 0)], {
        outputs: [1],
        extras: [0],
      });
      expect(await run(definition, 1_000)).toEqual([1_000, stayed]);
    });
  });

  describe('lets steps see the context variables', () => {
    const steps = [call(Tasks, 'tenant'), call(Tasks, 'tenantLater'), call(Tasks, 'tenant')];
    const tenants = hop(steps, { outputs: [0, 1, 2] });

    it('that are set where it is called, behind an await too, and nothing afterwards', async () => {
      const single = await started({ size: 1 });
      expect(await tenant.run('a', () => single.run(tenants, []))).toEqual(['a', ['a', 'a'], 'a']);
      const none = undefined;
      expect(await single.run(tenants, [])).toEqual([none, [none, none], none]);
      await single.dispose();
    });

    it('as instances of portable classes', async () => {
      const sum = hop([call(Tasks, 'tenant'), call(Tasks, 'sum', step(0))]);
      expect(await tenant.run(new Point(1, 2), () => shared.run(sum, []))).toEqual([3]);
    });

    it('that were set where it was called, however long the hop has waited', async () => {
      const single = await started({ size: 1 });
      const gate = cells();
      const held = tenant.run('held', () => single.run(hold, [gate]));
      const runs = ['a', undefined, 'b'].map((name) =>
        tenant.run(name, () => single.run(echo, [new Stamped([])])),
      );
      const seen = ['a', undefined, 'b'].map((name) =>
        tenant.run(name, () => single.run(tenants, [])),
      );
      await set(gate, 0);
      letGo(gate);
      await held;
      // What the class does on the loop, before and after the hop, is seen by its caller only.
      const stamps = (await Promise.all(runs)) as [Stamped][];
      expect(stamps.map(([{ marks }]) => [marks.at(0), marks.at(-1)])).toEqual([
        ['a', 'a'],
        [undefined, undefined],
        ['b', 'b'],
      ]);
      expect((await Promise.all(seen)).map(([name]) => name)).toEqual(['a', undefined, 'b']);
      await single.dispose();
    });

    it('and refuses by name one whose value cannot cross, without running a step', async () => {
      const log = cells();
      const note = hop([call(Tasks, 'note', 0, 1)]);
      const failure = await failureOf(
        tenant.run({ deep: [new Engine()] }, () => shared.run(note, [log, 1])),
      );
      expect(failure).toMatchObject({ step: -1, error: { code: 'TURNO_NOT_PORTABLE' } });
      expect((failure.error as Error).message).toMatch(
        /^Tasks\.note runs in a thread, but the value of the context variable "tenant" cannot cross: .*Engine.* at "deep\[0\]"\./,
      );
      await run(echo, 0);
      expect(entries(log)).toEqual([]);
    });

    it.each(['setTenant', 'setTenantLater'])('and lets none be set: %s', async (method) => {
      const { step: failed, error } = await failureOf(run(hop([call(Tasks, method)])));
      expect(failed).toBe(0);
      expect(error).toMatchObject({ code: 'TURNO_CONTEXT', variable: 'tenant' });
    });
  });

  describe('fails with', () => {
    it('the step that threw, and what it threw, without running the next one', async () => {
      const log = cells();
      const definition = hop([
        call(Tasks, 'note', 0, 1),
        call(Tasks, 'fail', 2),
        call(Tasks, 'note', 0, 3),
      ]);
      const { step: failed, error } = await failureOf(run(definition, log, 1, 'portable', 2));
      expect(failed).toBe(1);
      expect(error).toBeInstanceOf(SpiltError);
      expect(error).toMatchObject({ litres: 3 });
      expect(entries(log)).toEqual([1]);
    });

    it('what a promise was rejected with', async () => {
      const failure = await failureOf(run(hop([call(Tasks, 'failLater')])));
      expect(failure).toMatchObject({ step: 0, error: { litres: 4 } });
    });

    it('code and cause of an error', async () => {
      const { error } = await failureOf(run(hop([call(Tasks, 'fail', 0)]), 'system'));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ code: 'E_FAR', cause: { litres: 1 } });
      expect((error as Error).cause).toBeInstanceOf(SpiltError);
    });

    it('null, if that was thrown', async () => {
      const { error } = await failureOf(run(hop([call(Tasks, 'fail', 0)]), 'null'));
      expect(error).toBeNull();
    });

    it('the error itself, if one of its fields cannot cross', async () => {
      const { error } = await failureOf(run(hop([call(Tasks, 'fail', 0)]), 'leaky'));
      expect(error).toBeInstanceOf(SpiltError);
      expect('engine' in (error as object)).toBe(false);
    });

    it('an error that says so, if what was thrown cannot cross', async () => {
      const { error } = await failureOf(run(hop([call(Tasks, 'fail', 0)]), 'function'));
      expect((error as Error).message).toMatch(/a function/);
    });

    it('an error that names a method that is not there', async () => {
      const { error } = await failureOf(run(hop([call(Tasks, 'absent')])));
      expect(error).toMatchObject({ code: 'TURNO_UNREACHABLE', provider: 'Tasks.absent' });
    });
  });

  describe('keeps in each thread', () => {
    const counter = { ...construct(Counter), perThread: 'counter' };

    it('what is made once per thread', async () => {
      const definition = hop([counter, callOn(step(0), Counter, 'numbers')]);
      const seen = new Map<unknown, unknown>();
      for (let index = 0; index < 10; index++) {
        const [[thread, number]] = (await run(definition)) as [[number, number]];
        expect(seen.get(thread) ?? number).toBe(number);
        seen.set(thread, number);
      }
    });

    it('one value, also for hops that ask for it while it is being made', async () => {
      const connect = { ...call(Tasks, 'connect'), perThread: 'connection' };
      const definition = hop([
        connect,
        call(Tasks, 'thread'),
        call(Tasks, 'list', step(0), step(1)),
      ]);
      const answers = await Promise.all(Array.from({ length: 8 }, () => run(definition)));
      for (const [[connection]] of answers as [[{ id: number }, number]][]) {
        expect(connection.id).toBe(1);
      }
    });

    it('nothing that has failed', async () => {
      const single = await started({ size: 1 });
      const connect = { ...call(Tasks, 'connectAtLast'), perThread: 'at last' };
      const definition = hop([connect]);
      const failure = await failureOf(single.run(definition, []));
      expect(failure.error).toBeInstanceOf(SpiltError);
      expect(await single.run(definition, [])).toEqual([2]);
      expect(await single.run(definition, [])).toEqual([2]);
      await single.dispose();
    });
  });

  describe('disposes at the end of a hop', () => {
    it('what its steps made, in reverse order, asynchronously where that is possible', async () => {
      const log = cells();
      const definition = hop([
        call(Tasks, 'resource', 0, 1),
        call(Tasks, 'asyncResource', 0, 2),
        call(Tasks, 'resource', 0, 3),
        call(Tasks, 'note', 0, 4),
      ]);
      expect(await run(definition, log, 1, 2, 3, 4)).toEqual([4]);
      expect(entries(log)).toEqual([4, 3, 20, 1]);
    });

    it('also when a step has failed', async () => {
      const log = cells();
      const definition = hop([call(Tasks, 'resource', 0, 1), call(Tasks, 'fail', 2)]);
      const failure = await failureOf(run(definition, log, 1, 'portable'));
      expect(failure).toMatchObject({ step: 1, error: { litres: 3 } });
      expect(entries(log)).toEqual([1]);
    });

    it('also when an output cannot cross', async () => {
      const log = cells();
      const definition = hop([call(Tasks, 'resource', 0, 1), call(Tasks, 'leak')]);
      await failureOf(run(definition, log, 1));
      expect(entries(log)).toEqual([1]);
    });

    it('each value once, and nothing that the thread keeps or that was only handed on', async () => {
      const log = cells();
      const kept = { ...call(Tasks, 'resource', 0, 1), perThread: `kept ${Math.random()}` };
      const definition = hop([
        kept,
        call(Tasks, 'echo', step(0)),
        call(Tasks, 'resource', 0, 2),
        call(Tasks, 'echo', step(2)),
        call(Tasks, 'note', 0, 3),
      ]);
      await run(definition, log, 1, 2, 3);
      expect(entries(log)).toEqual([3, 2]);
    });

    it('and fails the hop with what a teardown throws, after all of them', async () => {
      const log = cells();
      const definition = hop([
        call(Tasks, 'resource', 0, 1),
        call(Tasks, 'brokenResource', 0, 2),
        call(Tasks, 'resource', 0, 3),
        call(Tasks, 'note', 0, 4),
      ]);
      const failure = await failureOf(run(definition, log, 1, 2, 3, 4));
      expect(failure).toMatchObject({ step: 1, error: { message: 'broken 2' } });
      expect(entries(log)).toEqual([4, 3, 2, 1]);
    });

    it('and fails the hop with all of what several teardowns throw', async () => {
      const definition = hop([
        call(Tasks, 'brokenResource', 0, 1),
        call(Tasks, 'brokenResource', 0, 2),
        call(Tasks, 'echo', 1),
      ]);
      const { error } = await failureOf(run(definition, cells(), 1, 2));
      expect(error).toBeInstanceOf(AggregateError);
      expect((error as AggregateError).errors).toMatchObject([
        { message: 'broken 2' },
        { message: 'broken 1' },
      ]);
    });

    it('without hiding why the hop has failed', async () => {
      const definition = hop([call(Tasks, 'brokenResource', 0, 1), call(Tasks, 'fail', 2)]);
      const failure = await failureOf(run(definition, cells(), 1, 'portable'));
      expect(failure).toMatchObject({ step: 1, error: { litres: 3 } });
    });
  });

  describe('when it is aborted', () => {
    it('before it is run: rejects with the reason and runs nothing', async () => {
      const log = cells();
      const definition = hop([call(Tasks, 'note', 0, 1)]);
      const failure = await failureOf(shared.run(definition, [log, 1], AbortSignal.abort('late')));
      expect(failure).toEqual(new HopFailure(-1, 'late'));
      await run(echo, 0);
      expect(entries(log)).toEqual([]);
    });

    it('in the queue: rejects at once, and the others go on', async () => {
      const single = await started({ size: 1 });
      const gate = cells();
      const log = cells();
      const caller = new AbortController();
      const note = hop([call(Tasks, 'note', 0, 1)]);
      const held = single.run(hold, [gate]);
      const aborted = failureOf(single.run(note, [log, 1], caller.signal));
      const after = single.run(note, [log, 2]);
      await set(gate, 0);
      expect(single.figures).toMatchObject({ busy: 1, queued: 2 });
      caller.abort('enough');
      expect(await aborted).toEqual(new HopFailure(-1, 'enough'));
      expect(single.figures).toMatchObject({ busy: 1, queued: 1 });
      letGo(gate);
      expect(await held).toEqual(['let go']);
      expect(await after).toEqual([2]);
      expect(entries(log)).toEqual([2]);
      await single.dispose();
    });

    it('while it runs: tells the step through its signal, and answers what that makes of it', async () => {
      // However busy the machine is.
      const single = await started({ size: 1, grace: 600_000 });
      const gate = cells();
      const caller = new AbortController();
      const running = single.run(untilAborted, [gate], caller.signal);
      await set(gate, 0);
      caller.abort('enough');
      await running;
      await set(gate, 1);
      expect(gate.get(2)).toBe(1);
      await single.dispose();
    });

    it('while it runs and does not look: its place is free for others', async () => {
      const single = await started({ size: 1, grace: 0 });
      const gate = cells();
      const caller = new AbortController();
      const aborted = failureOf(single.run(hold, [gate], caller.signal));
      await set(gate, 0);
      caller.abort('enough');
      expect(await aborted).toEqual(new HopFailure(-1, 'enough'));
      expect(await single.run(echo, ['next'])).toEqual(['next']);
      expect(single.figures).toMatchObject({ busy: 0, stuck: 0, replaced: 1 });
      letGo(gate);
      await single.dispose();
    });

    it('leaves no listener on the signal, however it ends', async () => {
      const caller = new AbortController();
      const listeners = () => getEventListeners(caller.signal, 'abort').length;
      await shared.run(echo, [1], caller.signal);
      await failureOf(shared.run(hop([call(Tasks, 'fail', 0)]), ['null'], caller.signal));
      await failureOf(shared.run(echo, [() => 1], caller.signal));
      expect(listeners()).toBe(0);
      const gate = cells();
      const running = shared.run(untilAborted, [gate], caller.signal);
      await set(gate, 0);
      expect(listeners()).toBe(1);
      caller.abort('enough');
      // On a busy machine its thread may be ended first.
      await Promise.allSettled([running]);
      expect(listeners()).toBe(0);
    });

    it('gives a step a signal that is not aborted where nobody can abort', async () => {
      expect(await valueOf([signal, call(Tasks, 'isAborted', step(0))])).toBe(false);
    });
  });

  describe('has a queue that', () => {
    it('is first in, first out', async () => {
      const single = await started({ size: 1 });
      const log = cells();
      const note = hop([call(Tasks, 'note', 0, 1)]);
      const all = [5, 3, 4, 1].map((entry) => single.run(note, [log, entry]));
      await Promise.all(all);
      expect(entries(log)).toEqual([5, 3, 4, 1]);
      await single.dispose();
    });

    it('refuses hops when it is full, and takes them again', async () => {
      const single = await started({ size: 1, queue: 1 });
      const gate = cells();
      const held = single.run(hold, [gate]);
      const queued = single.run(echo, ['queued']);
      const failure = await failureOf(single.run(hold, [gate]));
      expect(failure).toMatchObject({ step: -1, error: { hop: 'Tasks.hold', limit: 1 } });
      expect(failure.error).toMatchObject({ code: 'TURNO_QUEUE_FULL' });
      await set(gate, 0);
      letGo(gate);
      expect(await Promise.all([held, queued])).toEqual([['let go'], ['queued']]);
      expect(await single.run(echo, ['again'])).toEqual(['again']);
      await single.dispose();
    });

    it('may hold nothing at all', async () => {
      const single = await started({ size: 1, queue: 0 });
      const gate = cells();
      const held = single.run(hold, [gate]);
      const failure = await failureOf(single.run(echo, [1]));
      expect(failure.error).toMatchObject({ code: 'TURNO_QUEUE_FULL' });
      await set(gate, 0);
      letGo(gate);
      await held;
      await single.dispose();
    });
  });

  it('counts what it does', async () => {
    const single = await started({ size: 1 });
    const zero = { busy: 0, queued: 0, hops: 0, replaced: 0, stuck: 0, waited: 0, ran: 0 };
    const nothing = { size: 1, threads: 1, ...zero };
    const overhead = { count: 0, min: 0, max: 0, mean: 0, p50: 0, p90: 0, p99: 0 };
    const groups = { default: { ...nothing, overhead } };
    expect(single.figures).toEqual({ ...nothing, groups, providers: {} });
    const gate = cells();
    const held = single.run(hold, [gate]);
    const queued = single.run(echo, [1]);
    await set(gate, 0);
    expect(single.figures).toMatchObject({ threads: 1, busy: 1, queued: 1, hops: 0 });
    letGo(gate);
    await Promise.all([held, queued]);
    const { waited, ran, groups: after, providers, ...rest } = single.figures;
    expect(rest).toEqual({
      size: 1,
      threads: 1,
      busy: 0,
      queued: 0,
      hops: 2,
      replaced: 0,
      stuck: 0,
    });
    expect(after).toMatchObject({ default: { waited, ran, ...rest } });
    const once = { hops: 1, runs: 1, failed: 0, refused: 0, replaced: 0 };
    expect(providers).toMatchObject({ 'Tasks.hold': once, 'Tasks.echo': once });
    expect(waited).toBeGreaterThan(0);
    expect(ran).toBeGreaterThan(0);
    await single.dispose();
  });

  it('names at its start what it cannot reach', async () => {
    const made = createExecutor({ ...chosen, size: 2 });
    const [tasks] = manifest.needs;
    const needs = [
      { ...tasks!, methods: [{ name: 'echo', static: true }] },
      { ...tasks!, methods: [{ name: 'echo', static: false }] },
      { ...tasks!, classId: `${module}#Absent` },
    ];
    const unreachable = await made.start({ ...manifest, needs });
    expect(unreachable.map(({ need }) => need)).toEqual([needs[1], needs[2]]);
    expect(unreachable[0]?.reason).toBe('its class has no method "echo" in a thread');
    await made.dispose();
  });

  describe('when it is disposed', () => {
    it('fails what runs, what waits, and what comes after', async () => {
      const single = await started({ size: 1 });
      const gate = cells();
      const running = failureOf(single.run(hold, [gate]));
      const queued = failureOf(single.run(echo, [1]));
      await set(gate, 0);
      const disposing = single.dispose();
      const later = failureOf(single.run(echo, [1]));
      for (const work of [running, queued, later]) {
        expect(await work).toMatchObject({ step: -1, error: { code: 'TURNO_DISPOSED' } });
      }
      await disposing;
      const after = await failureOf(single.run(echo, [1]));
      expect(after.error).toMatchObject({ code: 'TURNO_DISPOSED' });
      expect(single.figures).toMatchObject({ busy: 0, queued: 0 });
      letGo(gate);
    });

    it('is so once, however often that is asked for', async () => {
      const single = await started({ size: 1 });
      await Promise.all([single.dispose(), single.dispose()]);
      await single.dispose();
      expect((await failureOf(single.run(echo, [1]))).error).toMatchObject({
        code: 'TURNO_DISPOSED',
      });
    });

    it('may never have been started', async () => {
      const unused = createExecutor(chosen);
      await unused.dispose();
      expect((await failureOf(unused.run(echo, [1]))).step).toBe(-1);
    });
  });

  it.each([
    [{ size: 0 }, 'size'],
    [{ size: 1.5 }, 'size'],
    [{ queue: -1 }, 'queue'],
    [{ startTimeout: 0 }, 'startTimeout'],
    [{ niceness: -1 }, 'niceness'],
    [{ niceness: 20 }, 'niceness'],
  ])('refuses options that mean nothing: %p', (options, name) => {
    expect(() => createExecutor({ ...chosen, ...options })).toThrow(`threads: { ${name} }`);
  });

  it('finds classes by ids that say where they stand', () => {
    expect(idOf(Tasks)).toBe(`${module}#Tasks`);
  });
});
