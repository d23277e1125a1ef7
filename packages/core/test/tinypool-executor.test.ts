/** The executor with real threads: how they start, how they end, and what that costs others. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transfer } from '@turno/core';
import { recordWithId } from '../dist/record.js';
import { createExecutor, type ThreadOptions } from '../dist/threads/create-executor.js';
import type {
  Executor,
  HopDefinition,
  HopFailure,
  Manifest,
  NeededClass,
} from '../dist/threads/executor.js';
import { Receipt } from './fixtures/portable-only.js';
import { Tasks } from './fixtures/tasks.js';
import { turn } from './support/gate.js';
import {
  call,
  callIn,
  callOn,
  cells,
  hop,
  letGo,
  manifestOf,
  set,
  signal,
  step,
} from './support/hop.js';

// No test waits for the clock; on a busy machine threads that load TypeScript start slowly.
jest.setTimeout(60_000);

const urlOf = (fixture: string) => new URL(`./fixtures/${fixture}`, import.meta.url).href;
const tasks = manifestOf(urlOf('tasks.ts'), [Tasks]);

function need(module: string | undefined, name: string): NeededClass {
  return {
    classId: `${module ?? ''}#${name}`,
    module,
    labels: [name],
    methods: [],
    twins: 1,
    ambiguous: false,
  };
}

/** Of a fixture in JavaScript. */
function manifestFor(fixture: string, name: string): Manifest {
  const module = urlOf(fixture);
  return {
    modules: [module],
    portableModules: [],
    groups: ['default'],
    needs: [need(module, name)],
  };
}

const faults = manifestFor('faults.mjs', 'Faults');
const exiting = manifestFor('exiting.mjs', 'Exiting');
/** While there is such a file, threads that import `exiting.mjs` exit. */
const flag = join(tmpdir(), `turno-exiting-${process.pid}`);

function fault(method: string, ...operands: readonly number[]): HopDefinition {
  return hop([callIn(urlOf('faults.mjs'), 'Faults', method, ...operands)]);
}
const echo = fault('echo', 0);
const block = fault('block', 0);
const loop = fault('loop', 0);
const exit = fault('exit', 0);
const echoTask = hop([call(Tasks, 'echo', 0)]);

const opened: Executor[] = [];
afterEach(async () => {
  rmSync(flag, { force: true });
  await Promise.all(opened.splice(0).map((executor) => executor.dispose()));
});

function create(options: ThreadOptions = {}): Executor {
  const executor = createExecutor({ size: 1, ...options });
  opened.push(executor);
  return executor;
}

/** Without the options that load TypeScript, with which a thread takes ten times as long. */
async function start(options: ThreadOptions = {}, manifest = faults): Promise<Executor> {
  const executor = create({ execArgv: [], ...options });
  expect(await executor.start(manifest)).toEqual([]);
  return executor;
}

/** What a hop has failed with. */
async function errorOf(running: Promise<unknown>): Promise<{ code?: string; message: string }> {
  return running.then(
    () => {
      throw new Error('It did not fail.');
    },
    (failure: unknown) => (failure as HopFailure).error as { message: string },
  );
}

/** What a start has failed with. */
async function startErrorOf(executor: Executor, manifest: Manifest): Promise<unknown> {
  return executor.start(manifest).then(
    () => undefined,
    (error: unknown) => error,
  );
}

async function reasonsOf(manifest: Manifest, options?: ThreadOptions): Promise<string[]> {
  const unreachable = await create({ execArgv: [], ...options }).start(manifest);
  return unreachable.map(({ need, reason }) => `${need.labels.join()}: ${reason}`);
}

/** With threads that load TypeScript, as those of the users do. */
async function startTasks(manifest = tasks): Promise<Executor> {
  const executor = create();
  expect(await executor.start(manifest)).toEqual([]);
  return executor;
}

describe('a thread gives way to the event loop', () => {
  const priority = fault('priority');
  const knowsThreads = process.platform === 'linux';

  it.each([
    [{}, 'by default', 10],
    [{ niceness: 3 }, 'as far as is said', 3],
    [{ niceness: 0 }, 'not at all if that is said', 0],
  ])('%p: %s', async (options, _how, niceness) => {
    const before = getPriority();
    const executor = await start(options);
    expect(await executor.run(priority, [])).toEqual([knowsThreads ? niceness : before]);
    const processes = await start({ ...options, runtime: 'child_process' });
    expect(await processes.run(priority, [])).toEqual([niceness]);
    expect(getPriority()).toBe(before);
  });
});

describe('a thread that ends', () => {
  it.each<[string, HopDefinition, unknown[], RegExp]>([
    ['by process.exit', exit, [3], /exited with code 3/],
    ['by process.exit(0)', exit, [0], /exited with code 0/],
    ['by an error from a timer', fault('throwFromTimer'), [], /nobody caught: boom/],
    ['by a rejection', fault('rejectUnseen'), [], /nobody caught: unseen/],
  ])(
    '%s fails the hop that it held, and is replaced',
    async (_name, definition, inputs, reason) => {
      const executor = await start();
      const failed = errorOf(executor.run(definition, inputs));
      const queued = executor.run(echo, ['queued']);
      const error = await failed;
      expect(error.code).toBe('TURNO_THREAD_DIED');
      expect(error.message).toMatch(reason);
      expect(error.message).toContain(definition.steps[0]!.label);
      expect(await queued).toEqual(['queued']);
      expect(executor.figures).toMatchObject({ threads: 1, busy: 0, queued: 0, replaced: 1 });
    },
  );

  it('for lack of memory likewise', async () => {
    const executor = await start({ resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const failed = errorOf(executor.run(fault('exhaust'), []));
    const queued = executor.run(echo, ['queued']);
    expect(await failed).toMatchObject({ code: 'TURNO_THREAD_DIED' });
    expect((await failed).message).toContain('it ran out of memory');
    expect(await queued).toEqual(['queued']);
  });

  it('does not touch the hops of others', async () => {
    const executor = await start({ size: 2 });
    const gate = cells();
    const other = executor.run(block, [gate]);
    await set(gate, 0);
    await errorOf(executor.run(exit, [1]));
    expect(await executor.run(echo, [1])).toEqual([1]);
    letGo(gate);
    expect(await other).toEqual(['let go']);
  });

  it('while it is idle is replaced, and costs no hop', async () => {
    const executor = await start();
    const gate = cells();
    await executor.run(fault('throwAfterwards', 0), [gate]);
    letGo(gate);
    while (executor.figures.replaced === 0) await turn();
    expect(await executor.run(echo, ['after'])).toEqual(['after']);
  });

  it('is followed by one that knows the modules, and learns the hops again', async () => {
    const executor = await start();
    const definition = fault('thread');
    const [first] = await executor.run(definition, []);
    expect(await executor.run(definition, [])).toEqual([first]);
    await errorOf(executor.run(exit, [1]));
    const [second] = await executor.run(definition, []);
    expect(second).not.toBe(first);
  });

  it('again and again is replaced again and again', async () => {
    const executor = await start({ size: 2 });
    for (let round = 1; round <= 5; round++) {
      await Promise.all([1, 2].map((code) => errorOf(executor.run(exit, [code]))));
      expect(executor.figures.replaced).toBe(2 * round);
    }
    expect(await executor.run(echo, ['after'])).toEqual(['after']);
  });
});

describe.each([
  ['worker_threads', 'worker thread'],
  ['child_process', 'process'],
] as const)('an error that nobody catches (%s)', (runtime, noun) => {
  it.each([
    ['throwFromTimer', 'boom'],
    ['rejectUnseen', 'unseen'],
  ])('fails the hop that is under way, and is its cause (%s)', async (method, message) => {
    const executor = await start({ runtime });
    const failed = errorOf(executor.run(fault(method), []));
    const queued = executor.run(echo, ['queued']);
    const error = await failed;
    const cause = { name: 'RangeError', message };
    expect(error).toMatchObject({ code: 'TURNO_THREAD_DIED', cause });
    expect(error.message).toContain(
      `The ${noun} that ran Faults.${method} ended before it answered: an error that nobody caught: ${message}.`,
    );
    expect(await queued).toEqual(['queued']);
    expect(executor.figures).toMatchObject({ threads: 1, replaced: 1 });
  });

  it.each(['answerAndReject', 'answerAndThrow'])(
    'costs neither the hop that has been answered nor the next one (%s)',
    async (method) => {
      const executor = await start({ runtime });
      for (let round = 1; round <= 5; round++) {
        const answers = [fault(method, 0), fault('later', 0), echo, echo].map((definition, index) =>
          executor.run(definition, [index]),
        );
        expect(await Promise.all(answers)).toEqual([[0], [1], [2], [3]]);
        expect(executor.figures.replaced).toBe(round);
      }
      expect(executor.figures.providers['Faults.later']).toMatchObject({ hops: 5, replaced: 0 });
    },
  );

  it('costs no hop that comes before the thread has ended', async () => {
    const executor = await start({ runtime });
    await executor.run(fault('answerAndThrowLater', 0), [0]);
    for (let index = 0; executor.figures.replaced === 0; index++) {
      expect(await executor.run(echo, [index])).toEqual([index]);
      await turn();
    }
    expect(await executor.run(echo, ['after'])).toEqual(['after']);
  });

  it('fails with its cause the start of a thread that imports', async () => {
    const executor = create({ execArgv: [], runtime });
    const error = await startErrorOf(executor, manifestFor('rejecting.mjs', 'None'));
    expect(error).toMatchObject({ code: 'TURNO_THREAD_START', cause: { message: 'unseen' } });
  });

  it('ends no thread whose own code catches it', async () => {
    const executor = await start({ runtime });
    const catchAll = fault('catchAll');
    const [pid] = await executor.run(catchAll, []);
    expect(await executor.run(fault('answerAndReject', 0), [1])).toEqual([1]);
    expect(await executor.run(fault('later', 0), [2])).toEqual([2]);
    expect(await executor.run(catchAll, [])).toEqual([pid]);
    expect(executor.figures.replaced).toBe(0);
  });
});

it('a hop whose input has moved to a thread that ends cannot go to another one', async () => {
  const executor = await start();
  const gate = cells();
  await executor.run(fault('answerBlockAndThrow', 0), [gate]);
  // The thread is free, as far as anybody knows, and does not come to it.
  const buffer = new ArrayBuffer(8);
  const moved = errorOf(executor.run(echo, [transfer(buffer)]));
  expect(buffer.byteLength).toBe(0);
  letGo(gate);
  expect(await moved).toMatchObject({ code: 'TURNO_THREAD_DIED', hop: 'Faults.echo' });
});

describe('a replacement that fails to start', () => {
  const value = hop([callIn(urlOf('exiting.mjs'), 'Exiting', 'value')]);
  const exitHop = hop([callIn(urlOf('exiting.mjs'), 'Exiting', 'exit')]);

  it('is tried again', async () => {
    const executor = await start({}, exiting);
    writeFileSync(flag, 'once');
    await errorOf(executor.run(exitHop, []));
    expect(await executor.run(value, [])).toEqual(['value']);
    await errorOf(executor.run(exitHop, []));
    expect(await executor.run(value, [])).toEqual(['value']);
  });

  it('leaves the hops of other threads alone', async () => {
    const manifest = {
      ...faults,
      modules: [...faults.modules, ...exiting.modules],
      needs: [...faults.needs, ...exiting.needs],
    };
    const executor = await start({ size: 2 }, manifest);
    const gate = cells();
    const held = executor.run(block, [gate]);
    await set(gate, 0);
    writeFileSync(flag, 'once');
    await errorOf(executor.run(exitHop, []));
    expect(await executor.run(value, [])).toEqual(['value']);
    letGo(gate);
    expect(await held).toEqual(['let go']);
    expect(await Promise.all([executor.run(value, []), executor.run(value, [])])).toEqual([
      ['value'],
      ['value'],
    ]);
  });

  it('every time fails what waits, until starting works again', async () => {
    const executor = await start({}, exiting);
    writeFileSync(flag, 'always');
    const failed = errorOf(executor.run(exitHop, []));
    const queued = errorOf(executor.run(value, []));
    expect((await failed).code).toBe('TURNO_THREAD_DIED');
    expect(await queued).toMatchObject({ code: 'TURNO_THREAD_START' });
    expect(await errorOf(executor.run(value, []))).toMatchObject({ code: 'TURNO_THREAD_START' });
    rmSync(flag);
    expect(await executor.run(value, [])).toEqual(['value']);
  });
});

describe('an aborted hop', () => {
  it('that does not look loses its thread, and the next one gets another', async () => {
    const executor = await start();
    const gate = cells();
    const caller = new AbortController();
    const aborted = executor.run(loop, [gate], caller.signal).catch((failure: unknown) => failure);
    const queued = executor.run(echo, ['queued']);
    await set(gate, 0);
    caller.abort('enough');
    expect(await aborted).toMatchObject({ step: -1, error: 'enough' });
    expect(await queued).toEqual(['queued']);
    expect(executor.figures).toMatchObject({ busy: 0, hops: 2, replaced: 1 });
  });

  it('in native code, which cannot be ended, leaves its place to others', async () => {
    const executor = await start();
    writeFileSync(flag, 'native');
    const gate = cells();
    const caller = new AbortController();
    const aborted = errorOf(executor.run(fault('native', 0, 1), [gate, flag], caller.signal));
    await set(gate, 0);
    caller.abort(new Error('enough'));
    expect((await aborted).message).toBe('enough');
    expect(await executor.run(echo, ['another thread'])).toEqual(['another thread']);
    rmSync(flag);
  });

  it('is told in the middle of synchronous code', async () => {
    // However long a busy machine leaves the thread waiting for a core.
    const executor = await start({ grace: 60_000 });
    const gate = cells();
    const caller = new AbortController();
    const looking = callIn(urlOf('faults.mjs'), 'Faults', 'whileNotAborted', 0, step(0));
    const definition = hop([signal, looking]);
    const answered = executor.run(definition, [gate], caller.signal);
    await set(gate, 0);
    caller.abort(new Error('enough'));
    await answered;
    await set(gate, 1);
    expect(gate[2]).toBe(1);
  });
});

describe('a start', () => {
  it('reaches each of its threads', async () => {
    const executor = await start({ size: 3 });
    const gates = [cells(), cells(), cells()];
    const held = gates.map((gate) => executor.run(block, [gate]));
    // They are all in a thread at the same time.
    await Promise.all(gates.map((gate) => set(gate, 0)));
    gates.forEach(letGo);
    expect(await Promise.all(held)).toEqual([['let go'], ['let go'], ['let go']]);
  });

  it('names classes that are not there, and says why', async () => {
    const [module] = faults.modules;
    const broken = urlOf('broken.mjs');
    const needs = [
      need(module, 'Hidden'),
      need(undefined, 'Unknown'),
      need(broken, 'Broken'),
      need(urlOf('kitchen.ts'), 'Kitchen'),
    ];
    expect(await reasonsOf({ ...faults, modules: [module!, broken], needs }, { size: 2 })).toEqual([
      `Hidden: it is declared inside a function, or under a condition (${module!})`,
      'Unknown: the module that declares it is not known',
      `Broken: its module (${broken}) could not be imported: this module is broken`,
      `Kitchen: its module is not one of those that threads import (${urlOf('kitchen.ts')})`,
    ]);
  });

  it('fails if a module cannot be imported that nothing needs by name', async () => {
    const executor = create({ execArgv: [] });
    const error = await startErrorOf(executor, {
      ...faults,
      modules: [...faults.modules, urlOf('broken.mjs')],
    });
    expect(error).toMatchObject({
      code: 'TURNO_THREAD_START',
      message: expect.stringMatching(
        /broken\.mjs could not be imported in a thread: this module is/,
      ),
      cause: { message: 'this module is broken.\nSecond line.' },
    });
    expect((error as Error).cause).toBeInstanceOf(RangeError);
  });

  it('fails at its deadline, and names the module that does not end', async () => {
    const executor = create({ size: 2, startTimeout: 500, execArgv: [] });
    expect(
      await startErrorOf(executor, { ...faults, modules: [urlOf('hanging.mjs')] }),
    ).toMatchObject({
      code: 'TURNO_THREAD_START',
      message: expect.stringMatching(/longer than 500 ms while importing .*hanging\.mjs/),
    });
  });

  it('tries again where a thread has failed to start once', async () => {
    writeFileSync(flag, 'once');
    const executor = await start({}, exiting);
    expect(executor.figures).toMatchObject({ threads: 1, replaced: 0 });
    const value = hop([callIn(urlOf('exiting.mjs'), 'Exiting', 'value')]);
    expect(await executor.run(value, [])).toEqual(['value']);
  });

  it('fails if a thread ends while it imports', async () => {
    writeFileSync(flag, 'always');
    expect(await startErrorOf(create({ size: 2, execArgv: [] }), exiting)).toMatchObject({
      code: 'TURNO_THREAD_START',
      message: expect.stringMatching(/ended while importing .*exiting\.mjs: it exited with code 4/),
    });
  });

  it('may be disposed before it has ended', async () => {
    const executor = create({ execArgv: [] });
    const starting = startErrorOf(executor, { ...faults, modules: [urlOf('hanging.mjs')] });
    await executor.dispose();
    expect(await starting).toMatchObject({ code: 'TURNO_DISPOSED' });
  });
});

describe('options that Node does not take', () => {
  const execArgv = ['--no-such-flag'];

  it('fail the start of threads, which names the option', async () => {
    expect(await startErrorOf(create({ execArgv }), faults)).toMatchObject({
      code: 'TURNO_THREAD_START',
      message: expect.stringContaining('Node refuses `threads: { execArgv }` (--no-such-flag): '),
      cause: { code: 'ERR_WORKER_INVALID_EXEC_ARGV' },
    });
  });

  it('fail the start of a group, which is named', async () => {
    const executor = create({ execArgv: [], groups: { slow: { execArgv } } });
    const groups = ['default', 'slow'];
    expect(await startErrorOf(executor, { ...faults, groups })).toMatchObject({
      code: 'TURNO_THREAD_START',
      message: expect.stringContaining(
        'Node refuses `threads: { groups: { slow: { execArgv } } }`',
      ),
    });
  });

  it('fail the start of processes likewise', async () => {
    const executor = create({ execArgv, runtime: 'child_process' });
    expect(await startErrorOf(executor, faults)).toMatchObject({
      code: 'TURNO_THREAD_START',
      message: expect.stringContaining('Node refuses `threads: { execArgv }` (--no-such-flag): '),
      cause: { message: 'it exited with code 9' },
    });
  });

  it('fail the start also where that is not an option of Node itself', async () => {
    const env = { A: Symbol('a') as never };
    expect(await startErrorOf(create({ env }), faults)).toMatchObject({
      code: 'TURNO_THREAD_START',
      cause: { message: 'Cannot convert a Symbol value to a string' },
    });
  });
});

describe('a module that starts a container', () => {
  it('is imported up to there', async () => {
    const parked = urlOf('parked.mjs');
    const executor = create({ execArgv: [] });
    const needs = [need(parked, 'Above'), need(parked, 'Below')];
    const manifest = { modules: [parked], portableModules: [], groups: ['default'] };
    expect(await executor.start({ ...manifest, needs })).toEqual([
      {
        need: needs[1],
        reason:
          'it stands below the start of a container (Container.create, createApp, or an `await` that leads to one), where a thread stops importing',
        remedy: 'Move it above, or into a module of its own',
      },
    ]);
    // Threads that have not started may be started again.
    expect(await executor.start({ ...manifest, needs: needs.slice(0, 1) })).toEqual([]);
    const { classId } = needs[0]!;
    const above = { ...call(Tasks, 'value'), classId };
    expect(await executor.run(hop([above]), [])).toEqual(['above']);
  });

  it('holds up modules that import it', async () => {
    const waiting = urlOf('imports-parked.mjs');
    const modules = [urlOf('parked.mjs'), waiting];
    const needs = [need(waiting, 'Waits')];
    const manifest = { modules, portableModules: [], groups: ['default'], needs };
    expect(await reasonsOf(manifest, { startTimeout: 2_000 })).toEqual([
      'Waits: its module imports one that starts a container (Container.create or createApp), where a thread stops importing',
    ]);
  });

  it('is not what a provider may do', async () => {
    const executor = await startTasks();
    const error = await errorOf(executor.run(hop([call(Tasks, 'startContainer')]), []));
    expect(error).toMatchObject({ code: 'TURNO_DECLARATION' });
    expect(error.message).toMatch(/Container\.create was called by a provider/);
  });
});

describe('a portable class that threads do not know yet', () => {
  const taxed = hop([callOn(0, Receipt, 'taxed')]);
  const portableModules = [urlOf('portable-only.ts')];

  it('is found when the first value of it arrives', async () => {
    const executor = await startTasks({ ...tasks, portableModules });
    expect(await executor.run(hop([callOn(0, Receipt, 'taxed', 0)]), [new Receipt(2)])).toEqual([
      4,
    ]);
    const [receipt] = await executor.run(echoTask, [new Receipt(3)]);
    expect(receipt).toBeInstanceOf(Receipt);
  });

  it('is not looked for in a module that was not named at the start', async () => {
    const executor = await startTasks();
    const definition = { ...taxed, inputs: echoTask.inputs };
    expect(await errorOf(executor.run(definition, [new Receipt(2)]))).toMatchObject({
      code: 'TURNO_NOT_PORTABLE',
      message: expect.stringMatching(
        /class Receipt arrived, but .* not known here: its module is not one of those that threads import/,
      ),
    });
  });

  it('is refused with the reason if its module cannot be imported', async () => {
    class Torn {}
    recordWithId(Torn, `${urlOf('broken.mjs')}#Torn`).portable = {};
    const executor = await startTasks({ ...tasks, portableModules: [urlOf('broken.mjs')] });
    for (let time = 0; time < 2; time++) {
      expect(await errorOf(executor.run(echoTask, [{ torn: new Torn() }]))).toMatchObject({
        code: 'TURNO_NOT_PORTABLE',
        message: expect.stringMatching(/Torn .*could not be imported: this module is broken\./),
      });
    }
    expect(await executor.run(echoTask, [1])).toEqual([1]);
  });
});

describe('what a thread does for a hop before its first step', () => {
  const startTimeout = 3_000;
  const hanging = urlOf('hanging.mjs');
  const tooLong = `takes longer than ${startTimeout} ms. Let that module do less when it is imported`;

  it.each([
    ['waits for ever', hanging, {}],
    ['loops', urlOf('looping.mjs'), {}],
    ['loops in a process', urlOf('looping.mjs'), { runtime: 'child_process' as const }],
  ])('an import that %s is ended with its thread', async (_name, module, options) => {
    const executor = await start({ startTimeout, ...options });
    const error = await errorOf(
      executor.run({ ...fault('echo', 0), late: [need(module, 'Late')] }, [1]),
    );
    expect(error.code).toBe('TURNO_UNREACHABLE');
    expect(error.message).toMatch(/^Late runs in a worker thread, but no thread can reach it: /);
    expect(error.message).toContain(`the import of its module (${module}) ${tooLong}`);
    expect(await executor.run(echo, ['next'])).toEqual(['next']);
    expect(executor.figures).toMatchObject({ threads: 1, busy: 0, replaced: 1 });
  });

  it('an import for a value that was sent likewise', async () => {
    class Hanging {}
    recordWithId(Hanging, `${hanging}#Hanging`).portable = {};
    const executor = await start({ startTimeout }, { ...faults, portableModules: [hanging] });
    const error = await errorOf(executor.run(echo, [new Hanging()]));
    expect(error.code).toBe('TURNO_UNREACHABLE');
    expect(error.message).toMatch(/^Faults\.echo runs in a worker thread, /);
    expect(error.message).toContain(
      `the import of ${hanging}, which declares a class of what was sent to it, ${tooLong}`,
    );
    expect(await executor.run(echo, ['next'])).toEqual(['next']);
  });

  it.each(['worker_threads', 'child_process'] as const)(
    'a `decode` that loops has the deadline of the first step that has one (%s)',
    async (runtime) => {
      class Endless {}
      const classId = `${urlOf('faults.mjs')}#Endless`;
      recordWithId(Endless, classId).portable = { encode: () => 1, decode: () => 1 };
      const executor = await start({ runtime });
      const { steps } = echo;
      const bounded = hop([...steps, ...steps.map((each) => ({ ...each, deadline: 100 }))]);
      expect(await errorOf(executor.run(bounded, [new Endless()]))).toMatchObject({
        code: 'TURNO_DEADLINE',
        provider: 'Faults.echo',
        deadline: 100,
      });
      expect(await executor.run(echo, ['next'])).toEqual(['next']);
      expect(executor.figures).toMatchObject({ threads: 1, busy: 0, replaced: 1 });
    },
  );
});

describe('dispose', () => {
  it('ends threads that loop or are blocked, and fails all work', async () => {
    const executor = await start({ size: 2 });
    const gates = [cells(), cells()] as const;
    const work = [
      executor.run(loop, [gates[0]]),
      executor.run(block, [gates[1]]),
      executor.run(echo, [1]),
    ].map(errorOf);
    await Promise.all(gates.map((gate) => set(gate, 0)));
    await executor.dispose();
    for (const error of await Promise.all(work)) expect(error.code).toBe('TURNO_DISPOSED');
    expect(executor.figures).toMatchObject({ threads: 0, busy: 0, queued: 0 });
  });

  it('does not wait for native code, with work of every kind under way', async () => {
    const executor = await start({ size: 3 });
    writeFileSync(flag, 'native');
    const gates = [cells(), cells(), cells()] as const;
    const work = [
      executor.run(fault('native', 0, 1), [gates[0], flag]),
      executor.run(loop, [gates[1]]),
      executor.run(block, [gates[2]]),
      executor.run(echo, ['queued']),
    ].map(errorOf);
    await Promise.all(gates.map((gate) => set(gate, 0)));
    await executor.dispose();
    for (const error of await Promise.all(work)) expect(error.code).toBe('TURNO_DISPOSED');
    expect(executor.figures).toMatchObject({ threads: 0, busy: 0, queued: 0 });
  });

  it('does not wait for a replacement that is on its way', async () => {
    const executor = await start({ size: 2 });
    await errorOf(executor.run(exit, [1]));
    await executor.dispose();
    expect((await errorOf(executor.run(echo, [1]))).code).toBe('TURNO_DISPOSED');
    expect(executor.figures.threads).toBe(0);
  });
});

describe('a program with processes', () => {
  const program = fileURLToPath(new URL('./fixtures/outlived.mjs', import.meta.url));
  const started: ChildProcess[] = [];
  const pids = new Map<string, number>();
  afterEach(() => {
    // Only what a test that failed has left.
    for (const child of started.splice(0)) child.kill('SIGKILL');
    for (const pid of pids.values()) if (!isGone(pid)) process.kill(pid, 'SIGKILL');
    pids.clear();
  });

  /** Also where it is a zombie, since whoever inherits it looks after none. */
  function isGone(pid: number): boolean {
    try {
      process.kill(pid, 0);
    } catch {
      return true;
    }
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8').includes(' Z ');
    } catch {
      // It has gone meanwhile, which the next look shows, or the system has no such files.
      return false;
    }
  }

  it.each([
    // As `kill -9` does, or the system for lack of memory.
    ['is killed', (pid: number) => process.kill(pid, 'SIGKILL')],
    // As a terminal does at Ctrl-C: to the program and its processes.
    ['is interrupted together with them', (pid: number) => process.kill(-pid, 'SIGINT')],
  ])('that %s takes them along, also one that loops', async (_how, end) => {
    const child = spawn(process.execPath, [program], {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(child);
    const exited = once(child, 'exit');
    for await (const line of createInterface(child.stdout)) {
      const [state = '', pid] = line.split(' ');
      pids.set(state, Number(pid));
      if (pids.size === 2) break;
    }
    expect([...pids.keys()].sort()).toEqual(['idle', 'loops']);
    expect([...pids.values()].map(isGone)).toEqual([false, false]);
    end(child.pid as number);
    await exited;
    // One that stays lets the test fail at its end.
    while (![...pids.values()].every(isGone)) await setTimeout(10);
  });
});

describe('a program', () => {
  const program = fileURLToPath(new URL('./fixtures/exits.mjs', import.meta.url));
  // A program that does not end is ended, which is a failure.
  const run = async (...args: string[]) => {
    const options = { timeout: 30_000 };
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args], options);
    return stdout.trim().split('\n');
  };

  it('ends by itself with idle threads that nobody has disposed', async () => {
    expect(await run()).toEqual(['[]', "[ 'value' ]", 'exits']);
  });

  it.each([
    ['late', "[ 'late' ]"],
    ['exit', 'TURNO_THREAD_DIED'],
    ['memory', 'TURNO_THREAD_DIED'],
  ])('does not end while nothing but a hop is going on (%s)', async (method, outcome) => {
    expect(await run(method)).toEqual(['[]', "[ 'value' ]", outcome, 'exits']);
  });

  it('ends by itself after it has disposed threads that loop', async () => {
    const codes = Array<string>(3).fill('TURNO_DISPOSED');
    expect(await run('loop')).toEqual(['[]', "[ 'value' ]", ...codes, 'exits']);
  });
});
