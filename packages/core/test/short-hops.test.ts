/** Hops that are known to be short wait for a thread that is busy: what that may not change. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Portable, transfer } from '@turno/core';
import { createExecutor, type ThreadOptions } from '../dist/threads/create-executor.js';
import type { Executor, HopFailure } from '../dist/threads/executor.js';
import { callIn, cells, hop, letGo, set } from './support/hop.js';

jest.setTimeout(60_000);

const module = new URL('./fixtures/short.mjs', import.meta.url).href;
const run = hop([callIn(module, 'Short', 'run', 0, 1, 2)]);
const manifest = {
  modules: [module],
  portableModules: [],
  groups: ['default'],
  needs: [
    {
      classId: `${module}#Short`,
      module,
      labels: ['Short'],
      methods: [],
      twins: 1,
      ambiguous: false,
    },
  ],
};

/** What is done while one of these is encoded. */
let duringEncode = (): void => undefined;

@Portable({
  encode: () => {
    duringEncode();
    return 0;
  },
  decode: () => new Trap(),
})
class Trap {}

let executor: Executor;
afterEach(async () => {
  await executor.dispose();
});

/** Starts threads that have run the hop often enough for it to be known for short. */
async function start(options: ThreadOptions): Promise<void> {
  executor = createExecutor({ execArgv: [], ...options });
  expect(await executor.start(manifest)).toEqual([]);
  const memory = cells(64);
  for (let time = 0; time < 100; time++) await executor.run(run, [memory, 0, '']);
}

function send(memory: Int32Array, number: number, how = '', signal?: AbortSignal) {
  return executor.run(run, [memory, number, how], signal).then(
    ([value]) => value,
    (failure: unknown) => (failure as HopFailure).error,
  );
}

/** How often each of so many ran. */
function runs(memory: Int32Array, count: number): number[] {
  return [...memory.slice(8, 8 + count)];
}

describe('hops behind one that is expected to be short', () => {
  it('run in order, each once', async () => {
    await start({ size: 1 });
    const memory = cells(64);
    const held = send(memory, 0, 'hold');
    await set(memory, 0);
    const order: unknown[] = [];
    const others = Array.from({ length: 20 }, (_, index) =>
      send(memory, index + 1).then((value) => order.push(value)),
    );
    expect(executor.figures).toMatchObject({ busy: 1, queued: 20 });
    letGo(memory);
    await Promise.all([held, ...others]);
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
    expect(runs(memory, 21)).toEqual(Array(21).fill(1));
    expect(executor.figures).toMatchObject({ busy: 0, queued: 0, hops: 121 });
  });

  it('go to another thread if that one takes long after all', async () => {
    await start({ size: 2 });
    const [first, second] = [cells(64), cells(64)];
    const held = send(first, 0, 'hold');
    await set(first, 0);
    const other = send(second, 0, 'hold');
    await set(second, 0);
    const behind = Array.from({ length: 8 }, (_, index) => send(first, index + 1));
    letGo(second);
    // The first thread is held until all of them are there.
    expect(await Promise.all(behind)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    letGo(first);
    expect(await Promise.all([held, other])).toEqual([0, 0]);
    expect(runs(first, 9)).toEqual(Array(9).fill(1));
  });

  it('wait until one that awaits something is done', async () => {
    await start({ size: 1 });
    const memory = cells(64);
    const held = send(memory, 0, 'await');
    const behind = [send(memory, 1), send(memory, 2)];
    while (runs(memory, 1)[0] === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(runs(memory, 3)).toEqual([1, 0, 0]);
    letGo(memory);
    expect(await Promise.all([held, ...behind])).toEqual([0, 1, 2]);
  });

  it.each([
    ['exit', 'it exited with code 3'],
    ['memory', 'it ran out of memory'],
    ['throw later', undefined],
  ])('do not fail with one that ends its thread (%s)', async (how, reason) => {
    await start({ size: 1, resourceLimits: { maxOldGenerationSizeMb: 32 } });
    const memory = cells(64);
    const held = send(memory, 0, 'hold');
    await set(memory, 0);
    const before = [send(memory, 1), send(memory, 2)];
    const culprit = send(memory, 3, how);
    const after = [send(memory, 4), send(memory, 5), send(memory, 6)];
    letGo(memory);
    expect(await Promise.all([held, ...before])).toEqual([0, 1, 2]);
    if (reason === undefined) expect(await culprit).toBe(3);
    else expect(await culprit).toMatchObject({ code: 'TURNO_THREAD_DIED' });
    if (reason !== undefined) expect(String(await culprit)).toContain(reason);
    expect(await Promise.all(after)).toEqual([4, 5, 6]);
    expect(runs(memory, 7)).toEqual(Array(7).fill(1));
    expect(executor.figures).toMatchObject({ busy: 0, queued: 0 });
  });

  it('do not fail with one that throws', async () => {
    await start({ size: 1 });
    const memory = cells(64);
    const held = send(memory, 0, 'hold');
    await set(memory, 0);
    const [thrown, after] = [send(memory, 1, 'throw'), send(memory, 2)];
    letGo(memory);
    expect(await thrown).toMatchObject({ name: 'RangeError', message: 'boom' });
    expect(await Promise.all([held, after])).toEqual([0, 2]);
  });

  it('are dropped when they are aborted, and never run', async () => {
    await start({ size: 1 });
    const memory = cells(64);
    const held = send(memory, 0, 'hold');
    await set(memory, 0);
    const caller = new AbortController();
    const aborted = send(memory, 1, '', caller.signal);
    const after = send(memory, 2);
    caller.abort('enough');
    expect(await aborted).toBe('enough');
    letGo(memory);
    expect(await Promise.all([held, after])).toEqual([0, 2]);
    expect(runs(memory, 3)).toEqual([1, 0, 1]);
    expect(executor.figures.replaced).toBe(0);
  });

  it('go on when the one before them is aborted, with its thread', async () => {
    await start({ size: 1, grace: 0 });
    const memory = cells(64);
    const caller = new AbortController();
    const aborted = send(memory, 0, 'hold', caller.signal);
    await set(memory, 0);
    const after = [send(memory, 1), send(memory, 2)];
    caller.abort('enough');
    expect(await aborted).toBe('enough');
    expect(await Promise.all(after)).toEqual([1, 2]);
    expect(runs(memory, 3)).toEqual([1, 1, 1]);
  });

  it('count for the queue', async () => {
    await start({ size: 1, queue: 2 });
    const memory = cells(64);
    const held = send(memory, 0, 'hold');
    await set(memory, 0);
    const waiting = [send(memory, 1), send(memory, 2)];
    expect(await send(memory, 3)).toMatchObject({ code: 'TURNO_QUEUE_FULL' });
    letGo(memory);
    expect(await Promise.all([held, ...waiting])).toEqual([0, 1, 2]);
    expect(runs(memory, 4)).toEqual([1, 1, 1, 0]);
  });

  it('do not wait for a thread where no hop may wait', async () => {
    await start({ size: 1, queue: 0 });
    const memory = cells(64);
    const held = send(memory, 0, 'hold');
    await set(memory, 0);
    expect(await send(memory, 1)).toMatchObject({ code: 'TURNO_QUEUE_FULL' });
    letGo(memory);
    expect(await held).toBe(0);
  });

  it('are refused when the executor is disposed, and never run', async () => {
    await start({ size: 1 });
    const memory = cells(64);
    const all = [send(memory, 0, 'hold')];
    await set(memory, 0);
    all.push(send(memory, 1), send(memory, 2));
    const disposed = executor.dispose();
    for (const error of await Promise.all(all)) {
      expect(error).toMatchObject({ code: 'TURNO_DISPOSED' });
    }
    await disposed;
    expect(runs(memory, 3)).toEqual([1, 0, 0]);
  });

  it('see nothing that one before has entered by an AsyncLocalStorage', async () => {
    await start({ size: 1 });
    const enter = hop([callIn(module, 'Short', 'enter', 0)]);
    for (let time = 0; time < 20; time++) {
      const all = ['a', 'b', 'c'].map((value) => executor.run(enter, [value]));
      expect((await Promise.all(all)).flat()).toEqual([undefined, undefined, undefined]);
    }
  });

  it('do not wait with memory that moves along, of which no other thread could be given any more', async () => {
    await start({ size: 2 });
    const size = hop([callIn(module, 'Short', 'size', 0)]);
    // Known for short, and then for the first time with memory that moves.
    for (let time = 0; time < 20; time++) await executor.run(size, [new Uint8Array(4)]);
    const [first, second] = [cells(64), cells(64)];
    const held = [send(first, 0, 'hold'), send(second, 0, 'hold')];
    await Promise.all([set(first, 0), set(second, 0)]);
    const moved = executor.run(size, [transfer(new Uint8Array(100_000))]);
    expect(executor.figures).toMatchObject({ busy: 2, queued: 1 });
    letGo(second);
    // The first one is held until it is there.
    expect(await moved).toEqual([100_000]);
    letGo(first);
    await Promise.all(held);
  });

  it('are refused where what encodes their inputs disposes the executor', async () => {
    await start({ size: 1 });
    duringEncode = () => void executor.dispose();
    const size = hop([callIn(module, 'Short', 'size', 0)]);
    const failure: unknown = await executor
      .run(size, [new Trap()])
      .catch((error: unknown) => error);
    expect((failure as HopFailure).error).toMatchObject({ code: 'TURNO_DISPOSED' });
    expect(executor.figures).toMatchObject({ busy: 0, queued: 0 });
  });

  it('leave their thread to others where encoding their inputs fails, whatever was asked for meanwhile', async () => {
    await start({ size: 1 });
    const memory = cells(64);
    let inner: Promise<unknown> | undefined;
    duringEncode = () => {
      inner = send(memory, 1);
      throw new RangeError('not now');
    };
    const size = hop([callIn(module, 'Short', 'size', 0)]);
    const failure: unknown = await executor
      .run(size, [new Trap()])
      .catch((error: unknown) => error);
    expect((failure as HopFailure).error).toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
    expect(await inner).toBe(1);
    expect(executor.free('default')).toBe(1);
  });

  it('leave a thread free once, whatever has left it while they were encoded', async () => {
    await start({ size: 1 });
    const memory = cells(64);
    // The thread may have begun the hop that is given up, or not: often enough it has not.
    for (let time = 0; time < 60; time++) {
      const controller = new AbortController();
      const given = send(memory, 1, '', controller.signal);
      const how = {
        get looked() {
          controller.abort();
          if (time % 2 === 0) throw new RangeError('not now');
          return '';
        },
      };
      const other = executor.run(run, [memory, 3, how]).catch(() => undefined);
      await Promise.all([given, other]);
      await executor.run(run, [memory, 2, '']);
      expect(executor.free('default')).toBe(1);
    }
  });

  it('fail alone where what they bring cannot be posted after all', async () => {
    await start({ size: 1 });
    const size = hop([callIn(module, 'Short', 'size', 0)]);
    const Resizable = ArrayBuffer as unknown as new (
      length: number,
      options: object,
    ) => ArrayBuffer & { resize(length: number): void };
    const buffer = new Resizable(16, { maxByteLength: 16 });
    const view = new Uint8Array(buffer, 8);
    buffer.resize(4);
    const { error } = (await executor
      .run(size, [{ view }])
      .catch((failure: unknown) => failure as HopFailure)) as HopFailure;
    expect(error).toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
    expect(String(error)).toContain('too small for it at "view"');
    expect(await executor.run(size, [new Uint8Array(3)])).toEqual([3]);
  });

  it('let a group become smaller while they come without a pause', async () => {
    await start({ size: 2 });
    const memory = cells(64);
    let isOver = false;
    const flood = Array.from({ length: 8 }, async () => {
      while (!isOver) await send(memory, 0);
    });
    await executor.resize('default', 1);
    expect(executor.figures).toMatchObject({ size: 1, threads: 1 });
    isOver = true;
    await Promise.all(flood);
  });
});
