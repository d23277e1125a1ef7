/** Groups of threads, deadlines, resizing, and what threads do when they end. */
import { afterEach, describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Container,
  declareHandler,
  errorPath,
  handlerToken,
  Inject,
  offloaded,
  Provides,
  suppressedErrors,
  token,
  value,
  type ContainerOptions,
  type Provider,
  type ThreadOptions,
} from '@turno/core';
import { SharedCells } from './fixtures/cells.js';
import * as fixture from './fixtures/limits.js';
import { gate, moment, turn } from './support/gate.js';

const opened: Container[] = [];
afterEach(async () => {
  await Promise.all(
    opened.splice(0).map((container) => container.dispose().catch(() => undefined)),
  );
});

async function create(
  providers: readonly Provider[],
  threads: ThreadOptions = { size: 1 },
  options: ContainerOptions = {},
): Promise<Container> {
  const container = await Container.create({ providers, threads, ...options });
  opened.push(container);
  return container;
}

async function failureOf(pending: Promise<unknown>): Promise<Error> {
  return pending.then(
    (result) => {
      throw new Error(`It did not fail, but gave ${String(result)}.`);
    },
    (error: unknown) => error as Error,
  );
}

const resolve = <T>(container: Container, of: Parameters<Container['resolve']>[0]): Promise<T> =>
  container.run((scope) => scope.resolve(of) as Promise<T>);

function entries(log: SharedCells): number[] {
  return Array.from({ length: log.get(0) }, (_, index) => log.get(index + 1));
}

describe('a group of threads', () => {
  const groups = { slow: { size: 1, queue: 0 } };

  it('works beside the others: slow work never keeps quick work waiting', async () => {
    const cells = new SharedCells();
    const container = await create([fixture.Grouped, value(fixture.Gate, cells)], {
      size: 1,
      groups,
    });
    const slow = resolve(container, fixture.Slow);
    await cells.until(0);
    for (let time = 0; time < 3; time++) {
      expect(await resolve(container, fixture.Quick)).toBeGreaterThan(0);
    }
    expect(container.threads.groups).toMatchObject({
      default: { size: 1, threads: 1, busy: 0, hops: 3 },
      slow: { size: 1, threads: 1, busy: 1, hops: 0 },
    });
    expect(container.threads).toMatchObject({ size: 2, threads: 2, busy: 1, hops: 3 });
    cells.set(1, 1);
    expect(await slow).toBe('slow');
  });

  it('has a queue of its own, and the refusal names the group', async () => {
    const cells = new SharedCells();
    const container = await create([fixture.Grouped, value(fixture.Gate, cells)], {
      size: 1,
      groups,
    });
    const slow = resolve(container, fixture.Slow);
    await cells.until(0);
    const error = await failureOf(resolve(container, fixture.FromQuick));
    expect(error).toMatchObject({ code: 'TURNO_QUEUE_FULL', group: 'slow', limit: 0 });
    expect(error.message).toContain("all threads of the group 'slow' are busy");
    cells.set(1, 1);
    await slow;
  });

  it('shares no hop with another one: what one makes for the other crosses', async () => {
    const container = await create([fixture.Grouped, value(fixture.Gate, new SharedCells())], {
      size: 1,
      groups,
    });
    const [quick, slow, ofGroup] = await resolve<number[]>(container, fixture.OfGroup);
    expect(slow).toBe(ofGroup);
    expect(quick).not.toBe(slow);
    expect(container.explain(fixture.OfGroup)).toMatch(
      /Grouped\.quick .* thread, hop 1\n.*Grouped\.fromQuick .* thread of 'slow', hop 2 .*\n.*Grouped\.ofGroup .* thread of 'slow', hop 2 /,
    );
  });

  it('is refused what another group makes and cannot cross, at the start', async () => {
    const error = await failureOf(create([fixture.Ovens], { size: 1, groups }));
    expect(error.message).toContain(
      "Ovens.oven runs in a thread and makes a Oven, which is not portable, but Ovens.bake runs in another group of threads ('slow', not 'default'). Say `threads: 'slow'` of Ovens.oven as well. Path: Ovens.bake -> Ovens.oven.",
    );
  });

  it('runs the methods that async code calls by its name', async () => {
    const container = await create([fixture.Grouped, value(fixture.Gate, new SharedCells())], {
      size: 1,
      groups,
    });
    const [slow, other] = await Promise.all([
      container.resolve(offloaded(fixture.Where, { threads: 'slow' })),
      container.resolve(offloaded(fixture.Where)),
    ]);
    const [, slowThread] = await resolve<number[]>(container, fixture.FromQuick);
    expect(await slow.thread()).toBe(slowThread);
    expect(await other.thread()).toBe(await resolve(container, fixture.Quick));
  });

  it('starts only when something may run in it', async () => {
    const container = await create([fixture.Loops], { size: 1, groups });
    expect(container.threads.groups).toMatchObject({
      default: { threads: 1 },
      slow: { threads: 0 },
    });
  });

  it('may be of processes, while the others are threads', async () => {
    const container = await create([fixture.Grouped, value(fixture.Gate, 0 as never)], {
      size: 1,
      groups: { slow: { runtime: 'child_process' } },
    });
    // Each process calls its only thread 0.
    expect(await resolve(container, fixture.FromQuick)).toEqual([expect.any(Number), 0]);
  });
});

describe('a deadline', () => {
  it.each(['worker_threads', 'child_process'] as const)(
    'of a thread step ends it with its thread, which is replaced (%s)',
    async (runtime) => {
      const cells = value(fixture.Gate, 0 as never);
      const container = await create([fixture.Bounded, cells], { size: 1, runtime });
      const error = await failureOf(resolve(container, fixture.Endless));
      expect(error).toMatchObject({
        code: 'TURNO_DEADLINE',
        provider: 'Bounded.endless',
        deadline: 30,
      });
      expect(await resolve(container, fixture.Quick)).toEqual(expect.any(Number));
      expect(container.threads).toMatchObject({ threads: 1, replaced: 1, busy: 0 });
    },
  );

  it('names the step of a hop that has gone beyond its own', async () => {
    const container = await create([fixture.Bounded, value(fixture.Gate, new SharedCells())]);
    const error = await failureOf(resolve(container, fixture.AfterQuick));
    expect(error).toMatchObject({ code: 'TURNO_DEADLINE', provider: 'Bounded.afterQuick' });
    expect(errorPath(error)).toEqual(['Bounded.afterQuick']);
  });

  it('is over with the value: what a generator does at its end does not count', async () => {
    const cells = new SharedCells();
    const container = await create([fixture.Ends, value(fixture.Gate, cells)]);
    expect(await resolve(container, fixture.Quickly)).toBe('value');
    expect(cells.get(3)).toBe(1);
    expect(container.threads.replaced).toBe(0);
  });

  it('spares the thread of a step that stops when its signal tells it to', async () => {
    const cells = new SharedCells();
    const threads = { size: 1, grace: 60_000 };
    const container = await create([fixture.Bounded, value(fixture.Gate, cells)], threads);
    const error = await failureOf(resolve(container, fixture.Heeding));
    expect(error).toMatchObject({ code: 'TURNO_DEADLINE', provider: 'Bounded.heeding' });
    expect(cells.get(2)).toBe(1);
    expect(container.threads.replaced).toBe(0);
  });

  it('of a container holds for what has none of its own', async () => {
    const container = await create([fixture.Loops], { size: 1 }, { deadline: 30 });
    expect(await failureOf(resolve(container, fixture.Unbounded))).toMatchObject({
      code: 'TURNO_DEADLINE',
      provider: 'Loops.unbounded',
      deadline: 30,
    });
  });

  it.each([
    ['that each thread makes', fixture.Predicts, fixture.Predicted, 'EndlessModel'],
    ['whose method is called', fixture.EndlessHolder, fixture.Unbounded, 'EndlessHolder'],
  ])(
    'of a container holds for the constructor of a class %s',
    async (_name, provider, of, label) => {
      const container = await create([provider], { size: 1 }, { deadline: 30 });
      expect(await failureOf(resolve(container, of))).toMatchObject({
        code: 'TURNO_DEADLINE',
        provider: label,
        deadline: 30,
      });
      expect(container.threads.replaced).toBe(1);
    },
  );

  it('of a container holds for the constructor of an offloaded class', async () => {
    const container = await create([fixture.Loops], { size: 1 }, { deadline: 30 });
    const model = await container.resolve(offloaded(fixture.EndlessModel));
    expect(await failureOf(model.predict())).toMatchObject({
      code: 'TURNO_DEADLINE',
      provider: 'EndlessModel',
    });
  });

  it('of a step on the loop frees whoever waits, and what comes late is torn down', async () => {
    const A = token<Disposable>('A');
    const B = token<string>('B');
    const late = gate<Disposable>();
    const disposed = gate();
    class Waits {
      @Provides(A, { scope: 'request', deadline: 20 }) static async a(): Promise<Disposable> {
        return late.passed;
      }
      @Provides(B, { scope: 'request' }) static async b(@Inject(A) _a: Disposable) {
        return 'b';
      }
    }
    const container = await create([Waits]);
    const scope = container.createScope();
    const errors = await Promise.all([scope.resolve(B), scope.resolve(A)].map(failureOf));
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'TURNO_DEADLINE', provider: 'Waits.a' });
    }
    expect(errorPath(errors[0])).toEqual(['Waits.b', 'Waits.a']);
    late.open({ [Symbol.dispose]: () => disposed.open() });
    await disposed.passed;
    await scope.dispose();
  });

  it('that is kept leaves no trace', async () => {
    const A = token<string>('A');
    class Keeps {
      @Provides(A, { scope: 'request', deadline: 60_000 }) static async a(): Promise<string> {
        return 'in time';
      }
    }
    const container = await create([Keeps]);
    expect(await resolve(container, A)).toBe('in time');
  });

  it('of a handler counts from the start of its plan, waiting for a thread included', async () => {
    const cells = new SharedCells();
    class Handlers {
      static async handle(_quick: number): Promise<void> {}
    }
    Inject(fixture.Holding)(Handlers, 'handle', 0);
    declareHandler(Handlers, 'handle', { deadline: 50 });
    const container = await create([fixture.Holds, Handlers, value(fixture.Gate, cells)]);
    const held = resolve(container, fixture.Holding);
    await cells.until(0);
    const scope = container.createScope();
    const error = await failureOf(scope.resolve(handlerToken(Handlers, 'handle')));
    expect(error).toMatchObject({
      code: 'TURNO_DEADLINE',
      provider: 'Handlers.handle',
      waitingFor: ['Holds.holding'],
    });
    expect(container.threads).toMatchObject({ queued: 0, busy: 1 });
    cells.set(1, 1);
    expect(await held).toBe('let go');
    await scope.dispose();
  });

  it('of a singleton fails the start', async () => {
    const A = token<string>('A');
    class Starts {
      @Provides(A, { deadline: 20 }) static async a(): Promise<string> {
        return new Promise(() => undefined);
      }
    }
    expect(await failureOf(create([Starts], {}, { teardownTimeout: 50 }))).toMatchObject({
      code: 'TURNO_DEADLINE',
      provider: 'Starts.a',
    });
  });
});

it('the error of a step is not hidden by what others throw since they were told of it', async () => {
  const threads = { size: 1, grace: 60_000 };
  const container = await create([fixture.Ends, value(fixture.Gate, new SharedCells())], threads);
  const error = await failureOf(resolve(container, fixture.Torn));
  expect(error).toBeInstanceOf(RangeError);
  expect(error.message).toBe('the real error');
});

describe('a step in a thread beside one that fails', () => {
  const providers = (gate: SharedCells, log = new SharedCells()) => [
    fixture.Siblings,
    fixture.Ends,
    fixture.Store,
    fixture.Bounded,
    value(fixture.Gate, gate),
    value(fixture.Log, log),
  ];

  it('is told and waited for, and its thread keeps what it keeps', async () => {
    const [gate, log] = [new SharedCells(), new SharedCells()];
    const container = await create(providers(gate, log), { size: 1, grace: 0 });
    const failed = failureOf(resolve(container, fixture.PatientFails));
    await gate.until(2);
    await moment();
    expect(container.threads).toMatchObject({ busy: 1, replaced: 0 });
    gate.set(1, 1);
    expect((await failed).message).toBe('the real error');
    await container.dispose();
    expect(container.threads.replaced).toBe(0);
    expect(entries(log)).toEqual([1]);
  });

  it('is ended with its thread once the caller gives up as well', async () => {
    const gate = new SharedCells();
    const container = await create(providers(gate), { size: 1, grace: 0 });
    await using scope = container.createScope();
    const caller = new AbortController();
    const options = { signal: caller.signal };
    const failed = failureOf(scope.resolve(fixture.PatientFails, options));
    await gate.until(2);
    caller.abort(new Error('enough'));
    expect((await failed).message).toBe('enough');
    expect(await resolve(container, fixture.Quick)).toBeGreaterThan(0);
    expect(container.threads.replaced).toBe(1);
  });

  it('is ended with its thread when its own deadline has passed', async () => {
    const container = await create(providers(new SharedCells()), { size: 1, grace: 100 });
    const error = await failureOf(resolve(container, fixture.StubbornFails));
    expect(error.message).toBe('the real error');
    expect(suppressedErrors(error)).toMatchObject([{ code: 'TURNO_DEADLINE' }]);
    expect(container.threads.replaced).toBe(1);
  });
});

describe('a value with an end that comes back too late', () => {
  const threads = { size: 1, grace: 60_000 };

  it('after its deadline is disposed before the failure is told, with all that was made before', async () => {
    const log = new SharedCells();
    const container = await create(
      [fixture.Leases, value(fixture.Log, log), value(fixture.Blocking, '')],
      threads,
    );
    const scope = container.createScope();
    expect(await failureOf(scope.resolve(fixture.Second))).toMatchObject({
      code: 'TURNO_DEADLINE',
      provider: 'Leases.second',
    });
    expect(entries(log)).toEqual([2, 1]);
    await scope.dispose();
    expect(entries(log)).toEqual([2, 1]);
  });

  it('is disposed after what was made from it, when it comes in time', async () => {
    const log = new SharedCells();
    const container = await create(
      [fixture.Leases, value(fixture.Log, log), value(fixture.Blocking, '')],
      threads,
    );
    await container.run((scope) => scope.resolve(fixture.Third));
    expect(entries(log)).toEqual([3, 1]);
  });

  it('after the caller of an offloaded method has left is disposed', async () => {
    const [gate, log] = [new SharedCells(), new SharedCells()];
    const container = await create([fixture.Loops], threads);
    const scope = container.createScope();
    const leaser = await scope.resolve(offloaded(fixture.Leaser));
    const caller = new AbortController();
    const failed = failureOf(leaser.lease(gate, log, caller.signal));
    await gate.until(0);
    caller.abort(new Error('gone'));
    expect((await failed).message).toBe('gone');
    await scope.dispose();
    expect(entries(log)).toEqual([4]);
    expect(container.threads.replaced).toBe(0);
  });

  it('from native code whose caller was freed is disposed', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'turno-late-'));
    const file = join(folder, 'blocks');
    writeFileSync(file, '');
    const log = new SharedCells();
    const container = await create(
      [fixture.Leases, value(fixture.Log, log), value(fixture.Blocking, file)],
      { size: 1 },
    );
    const deadline = { code: 'TURNO_DEADLINE' };
    // On a machine that is busy enough the thread does not come to it before the deadline, and is replaced.
    do {
      expect(await failureOf(resolve(container, fixture.Blocked))).toMatchObject(deadline);
    } while (log.get(fixture.reached) === 0);
    while (container.threads.stuck === 0) await turn();
    // No further thread can be ended, so that this one goes on.
    expect(await failureOf(resolve(container, fixture.Blocked))).toMatchObject(deadline);
    rmSync(folder, { recursive: true });
    await log.until(0);
    expect(await resolve(container, fixture.First).then(String)).toBe('[object Object]');
    expect(entries(log)).toEqual([3, 1]);
  });
});

describe('a process instead of a thread', () => {
  it('dies of native code without harm to the program, and is replaced', async () => {
    const container = await create(
      [fixture.Segfault, fixture.Bounded, value(fixture.Gate, 0 as never)],
      {
        size: 1,
        runtime: 'child_process',
      },
    );
    const error = await failureOf(resolve(container, fixture.Native));
    expect(error).toMatchObject({ code: 'TURNO_THREAD_DIED', hop: 'Segfault.native' });
    expect(error.message).toContain('it was ended by SIGSEGV');
    expect(await resolve(container, fixture.Quick)).toBe(0);
  });

  it('shares no memory, and says so', async () => {
    const cells = value(fixture.Gate, new SharedCells());
    const error = await failureOf(
      create([fixture.Bounded, cells], { size: 1, runtime: 'child_process' }).then((container) =>
        resolve(container, fixture.Heeding),
      ),
    );
    expect(error).toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
    expect(error.message).toContain('shared memory (a SharedArrayBuffer) at "memory"');
    expect(error.message).toContain('A process shares none');
  });
});

describe.each(['tinypool', 'inline'] as const)('what a thread keeps (%s)', (executor) => {
  it('is made once per thread, and disposed when that ends in order: last made, first ended', async () => {
    const log = new SharedCells();
    const container = await create([fixture.Store, value(fixture.Log, log)], { size: 1, executor });
    const row = await resolve<number>(container, fixture.Row);
    expect(await resolve(container, fixture.Row)).toBe(row);
    expect(entries(log)).toEqual([]);
    await container.dispose();
    expect(entries(log)).toEqual([row, row / 10]);
  });

  it('has transient values of its own, which are kept and disposed with it', async () => {
    const log = new SharedCells();
    const container = await create([fixture.Workshop, value(fixture.Log, log)], {
      size: 1,
      executor,
    });
    const first = await resolve<number[]>(container, fixture.Tools);
    const before = (first[0] as number) - 1;
    const tools = (...numbers: number[]) => numbers.map((number) => before + number);
    const [one, other, onShelf] = tools(1, 2, 3);
    expect(first).toEqual([one, other, false, onShelf, 'part', before + 4]);
    const second = await resolve(container, fixture.Tools);
    expect(second).toEqual([one, other, false, onShelf, 'part', before + 5]);
    // Those of a request end with its trip.
    expect(entries(log)).toEqual(tools(4, 5));
    await container.dispose();
    expect(entries(log)).toEqual(tools(4, 5, 3, 2, 1));
  });

  it('tells of a teardown that fails when the container is disposed', async () => {
    const container = await create([fixture.Store, value(fixture.Log, new SharedCells())], {
      size: 1,
      executor,
    });
    await resolve(container, fixture.UsesBroken);
    const error = await failureOf(container.dispose());
    expect(error).toBeInstanceOf(RangeError);
    expect(error.message).toBe('the connection was lost');
  });
});

it('what a thread keeps is made anew after a crash, and nobody disposes what was lost', async () => {
  const log = new SharedCells();
  const container = await create([fixture.Store, value(fixture.Log, log)]);
  expect(await resolve(container, fixture.Row)).toBe(10);
  expect(await failureOf(resolve(container, fixture.Crash))).toMatchObject({
    code: 'TURNO_THREAD_DIED',
  });
  expect(await resolve(container, fixture.Row)).toBe(10);
  await container.dispose();
  expect(entries(log)).toEqual([10, 1]);
});

it('one thread serves a hundred requests at once whose generators clean up, on both sides', async () => {
  const [cleaned, ended] = [new SharedCells(), new SharedCells()];
  const container = await create(
    [fixture.Cleans, value(fixture.Cleaned, cleaned), value(fixture.Gate, ended)],
    { size: 1, queue: 100 },
  );
  const requests = Array.from({ length: 100 }, () => resolve(container, fixture.Answered));
  expect(await Promise.all(requests)).toEqual(Array(100).fill(2));
  expect([cleaned.get(0), ended.get(0)]).toEqual([100, 100]);
});

describe('resizeThreads', () => {
  it('adds threads that work at once', async () => {
    const gates = [new SharedCells(), new SharedCells()];
    const container = await create([fixture.Holds], { size: 1 }, { scopeValues: [fixture.Gate] });
    const hold = (cells: SharedCells) =>
      container.run((scope) => scope.resolve(fixture.Holding), [value(fixture.Gate, cells)]);
    const held = gates.map(hold);
    await gates[0]!.until(0);
    expect(container.threads).toMatchObject({ busy: 1, queued: 1 });
    await container.resizeThreads(2);
    expect(container.threads).toMatchObject({ size: 2, threads: 2, busy: 2, queued: 0 });
    await gates[1]!.until(0);
    for (const each of gates) each.set(1, 1);
    expect(await Promise.all(held)).toEqual(['let go', 'let go']);
  });

  it('takes threads away when they are free, and lets them dispose what they keep', async () => {
    const log = new SharedCells();
    const cells = new SharedCells();
    const container = await create(
      [fixture.Holds, fixture.Store, value(fixture.Log, log), value(fixture.Gate, cells)],
      { size: 2 },
    );
    const held = resolve(container, fixture.Holding);
    await cells.until(0);
    // The other thread makes its connection, and is the one that is free.
    const row = await resolve<number>(container, fixture.Row);
    await container.resizeThreads(1);
    expect(entries(log)).toEqual([row, row / 10]);
    expect(container.threads).toMatchObject({ size: 1, threads: 1, busy: 1, replaced: 0 });
    cells.set(1, 1);
    expect(await held).toBe('let go');
    expect(await resolve(container, fixture.Row)).toBe(row);
  });

  it('does not fail to take threads away where one cannot start', async () => {
    const container = await create(
      [fixture.Loops, fixture.Store, value(fixture.Log, new SharedCells())],
      {
        size: 2,
      },
    );
    await failureOf(resolve(container, fixture.Crash));
    // The replacement is on its way, and one too many.
    await container.resizeThreads(1);
    expect(container.threads).toMatchObject({ size: 1, threads: 1 });
  });

  it('waits for a thread that is busy, and takes it away then', async () => {
    const gates = [new SharedCells(), new SharedCells()];
    const container = await create([fixture.Holds], { size: 2 }, { scopeValues: [fixture.Gate] });
    const held = gates.map((cells) =>
      container.run((scope) => scope.resolve(fixture.Holding), [value(fixture.Gate, cells)]),
    );
    await Promise.all(gates.map((cells) => cells.until(0)));
    const resized = container.resizeThreads(1);
    gates[0]!.set(1, 1);
    await resized;
    expect(container.threads).toMatchObject({ size: 1, threads: 1, busy: 1 });
    gates[1]!.set(1, 1);
    expect(await Promise.all(held)).toEqual(['let go', 'let go']);
  });

  it('is refused by a container that is disposed', async () => {
    const container = await create([fixture.Loops]);
    await container.dispose();
    expect(await failureOf(container.resizeThreads(2))).toMatchObject({ code: 'TURNO_DISPOSED' });
    expect(container.threads).toMatchObject({ threads: 0 });
  });
});
