/** The container with worker threads: where steps run, what crosses, what fails. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFile, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { threadId } from 'node:worker_threads';
import { Container, errorPath, value, type Provider } from '@turno/core';
import * as kitchen from './fixtures/kitchen.js';
import { turn } from './support/gate.js';

const { Fault, Flags } = kitchen;

const all: Provider[] = [
  kitchen.Alternating,
  kitchen.Fused,
  kitchen.Orders,
  kitchen.Counted,
  kitchen.Faults,
  kitchen.Meeting,
  kitchen.Loops,
  kitchen.Predictions,
  kitchen.Tables,
  kitchen.Leaks,
];

let container: Container;
beforeAll(async () => {
  container = await Container.create({
    providers: all,
    scopeValues: [Fault, Flags],
    threads: { size: 2 },
  });
});
afterAll(() => container.dispose());

const flags = () => new Int32Array(new SharedArrayBuffer(8));

describe('steps', () => {
  it('run where their keyword says, in order: async, sync, async, sync', async () => {
    await using scope = container.createScope();
    const trace = await scope.resolve(kitchen.Fourth);
    expect(trace.map(([step]) => step)).toEqual(['first', 'second', 'third', 'fourth']);
    const threads = trace.map(([, thread]) => thread === threadId);
    expect(threads).toEqual([true, false, true, false]);
  });

  it('run where `on` says, whatever their keyword', async () => {
    await using placed = await Container.create({
      providers: [kitchen.Placed],
      threads: { size: 1 },
    });
    await using scope = placed.createScope();
    const [[, inThread]] = (await scope.resolve(kitchen.First)) as [[string, number]];
    const [[, onLoop]] = (await scope.resolve(kitchen.Second)) as [[string, number]];
    expect(inThread).not.toBe(threadId);
    expect(onLoop).toBe(threadId);
  });

  it('that are connected share one hop, with values between them that could not cross', async () => {
    await using scope = container.createScope();
    const before = container.threads.hops;
    const [grinder, ground] = await scope.resolve(kitchen.Ground);
    expect(grinder).toBe(ground);
    expect(ground).not.toBe(threadId);
    expect(container.threads.hops - before).toBe(1);
  });

  it('in independent hops run at the same time', async () => {
    await using scope = container.createScope([value(Flags, flags())]);
    expect(await scope.resolve(kitchen.Met)).toBe('met');
  });

  it('of two requests run at the same time', async () => {
    const shared = value(Flags, flags());
    await using one = container.createScope([shared]);
    await using two = container.createScope([shared]);
    expect(await Promise.all([one.resolve(kitchen.One), two.resolve(kitchen.Two)])).toEqual([
      true,
      true,
    ]);
  });
});

describe('a value', () => {
  it('of a portable class arrives with its methods, there and back', async () => {
    await using scope = container.createScope();
    expect(await scope.resolve(kitchen.Doubled)).toBe(8);
    const half = await scope.resolve(kitchen.Half);
    expect(half).toBeInstanceOf(kitchen.Order);
    expect(half.double()).toBe(4);
  });

  it('that a hop made on its way is the one that the scope gives later', async () => {
    await using scope = container.createScope();
    const [used, made] = await scope.resolve(kitchen.MadeTwice);
    expect(used).toBe(made);
    expect(await scope.resolve(kitchen.Made)).toEqual({ count: made });
    expect(await scope.resolve(kitchen.MadeTwice)).toEqual([made, made]);
  });

  it('that was there before the hop is taken, not made again', async () => {
    await using scope = container.createScope();
    const { count } = await scope.resolve(kitchen.Made);
    const [used] = await scope.resolve(kitchen.MadeTwice);
    expect(used).toBe(count);
  });

  it('that could not leave its hop is refused when it is asked for later', async () => {
    await using scope = container.createScope();
    await scope.resolve(kitchen.Ground);
    await expect(scope.resolve(kitchen.Grinder)).rejects.toMatchObject({
      code: 'TURNO_NOT_PORTABLE',
    });
  });

  it('that cannot cross is refused with provider and property path', async () => {
    await using scope = container.createScope();
    const error: unknown = await scope.resolve(kitchen.Unportable).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
    expect((error as Error).message).toMatch(/Leaks\.leak.*deep\[0\]\.render/s);
  });

  it('of scope thread is made once in each thread, sync or async', async () => {
    const seen = new Map<number, Set<string>>();
    for (let i = 0; i < 20; i++) {
      await using scope = container.createScope();
      const [thread = -1, ...rest] = await scope.resolve(kitchen.Predicted);
      seen.set(thread, (seen.get(thread) ?? new Set()).add(rest.join()));
    }
    expect([...seen.keys()]).not.toContain(threadId);
    for (const values of seen.values()) expect([...values]).toEqual(['1,1']);
  });

  it('of a sync singleton is made in a thread and held on the loop', async () => {
    expect(await container.resolve(kitchen.Table)).toEqual([1, 2, 3]);
    await using scope = container.createScope();
    expect(await scope.resolve(kitchen.Sum)).toBe(6);
  });
});

describe('an error in a thread', () => {
  const failWith = async (fault: string): Promise<unknown> => {
    await using scope = container.createScope([value(Fault, fault)]);
    return await scope.resolve(kitchen.Fine).catch((error: unknown) => error);
  };

  it('arrives with its class and fields if it is portable, and with its path', async () => {
    const error = await failWith('portable');
    expect(error).toBeInstanceOf(kitchen.BurntError);
    expect(error).toMatchObject({ message: 'burnt', burger: 3 });
    expect((error as Error).stack).toContain('kitchen.ts');
    expect(errorPath(error)).toEqual(['Faults.fine', 'Faults.faulty']);
  });

  it('arrives as what its nearest portable ancestor is', async () => {
    const error = await failWith('subclass');
    expect(error).toBeInstanceOf(kitchen.BurntError);
    expect(error).toMatchObject({ message: 'charred', burger: 4 });
  });

  it('arrives with its built-in class and cause', async () => {
    const error = await failWith('builtin');
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ message: 'too many', cause: { message: 'why' } });
  });

  it('arrives if it is null', async () => {
    expect(await failWith('null')).toBeNull();
  });

  it('that ends the thread fails that resolve only; the next one works', async () => {
    const error = await failWith('exit');
    expect(error).toMatchObject({ code: 'TURNO_THREAD_DIED' });
    expect((error as Error).message).toContain('Faults.faulty');
    await using scope = container.createScope([value(Fault, 'nothing')]);
    expect(await scope.resolve(kitchen.Fine)).toBe('nothing');
  });
});

it('frees the caller of an endless loop when it gives up, and gets its thread back', async () => {
  const running = flags();
  const caller = new AbortController();
  await using scope = container.createScope([value(Flags, running)]);
  const pending = scope.resolve(kitchen.Endless, { signal: caller.signal });
  while (Atomics.load(running, 0) === 0) await turn();
  caller.abort(new Error('enough'));
  await expect(pending).rejects.toThrow('enough');
  // Both threads are needed for this.
  await using other = container.createScope([value(Flags, flags())]);
  expect(await other.resolve(kitchen.Met)).toBe('met');
});

it('starts no thread where nothing needs one', async () => {
  await using loopOnly = await Container.create({ providers: [value(Fault, 'none')] });
  expect(loopOnly.threads.threads).toBe(0);
});

it('names a provider that no thread can reach, and says why', async () => {
  const { Inside } = kitchen.hidden();
  const error: unknown = await Container.create({ providers: [Inside] }).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: 'TURNO_GRAPH', errors: [{ code: 'TURNO_UNREACHABLE' }] });
  expect((error as Error).message).toMatch(
    /Inside\.hidden runs in a worker thread, but no thread can reach it: .*declared inside a function/,
  );
});

it('runs hops on the loop with the inline executor, through the same codec', async () => {
  await using inline = await Container.create({
    providers: [kitchen.Orders, kitchen.Leaks],
    threads: { executor: 'inline' },
  });
  await using scope = inline.createScope();
  expect(await scope.resolve(kitchen.Doubled)).toBe(8);
  await expect(scope.resolve(kitchen.Unportable)).rejects.toMatchObject({
    code: 'TURNO_NOT_PORTABLE',
  });
});

it('works in a program that starts in a function which nobody awaits', async () => {
  const program = fileURLToPath(new URL('fixtures/unawaited.ts', import.meta.url));
  const register = new URL('../../../register.mjs', import.meta.url).href;
  const child = spawn(process.execPath, ['--import', register, program], {
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child.stdout.setEncoding('utf8');
  let output = '';
  child.stdout.on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect([output, code]).toEqual(['42,42,42 0\n', 0]);
});

it('warns once in a thread of what stands below the start of a container, where a thread stops importing', async () => {
  const program = fileURLToPath(new URL('fixtures/below-start.mjs', import.meta.url));
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  const thrown = "ReferenceError: Cannot access 'factor' before initialization";
  expect(stdout.split('\n')).toEqual(['odd', thrown, thrown, '0 replaced', '']);
  expect(stderr.match(/\[TURNO_BELOW_START\] .*/g)).toEqual([
    "[TURNO_BELOW_START] Warning: Cannot access 'factor' before initialization. Perhaps it stands below the start of a container: a thread imports a module only up to createApp or Container.create. Then move it above, or providers and controllers into modules of their own.",
  ]);
});
