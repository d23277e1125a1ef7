/** Context variables: who sees which value, on the loop and in threads. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Container, contextVar, value, type ScopeInstance } from '@turno/core';
import * as fixture from './fixtures/context.js';
import { gate } from './support/gate.js';

const { tenant, traceparent, Gate } = fixture;

/** What JavaScript may pass although the types forbid it. */
const anything = (given: unknown): never => given as never;

async function errorOf(work: Promise<unknown>): Promise<{ code?: string; message?: string }> {
  return work.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error as object,
  );
}

describe('a context variable', () => {
  it('has its value in the body of `run`, and in nothing else', () => {
    expect(tenant.get()).toBeUndefined();
    expect(tenant.run('a', () => [tenant.get()])).toEqual(['a']);
    expect(tenant.get()).toBeUndefined();
  });

  it('has it behind each await of an asynchronous body, whatever runs meanwhile', async () => {
    const one = gate();
    const two = gate();
    const seen = async (passed: Promise<void>) => {
      await passed;
      return tenant.get();
    };
    const first = tenant.run('a', () => seen(one.passed));
    const second = tenant.run('b', () => seen(two.passed));
    two.open();
    expect(await second).toBe('b');
    one.open();
    expect(await first).toBe('a');
    expect(tenant.get()).toBeUndefined();
  });

  it('is hidden by an inner `run`, and unset by one with undefined', () => {
    tenant.run('outer', () => {
      expect(tenant.run('inner', () => tenant.get())).toBe('inner');
      expect(tenant.run(undefined, () => tenant.get())).toBeUndefined();
      expect(tenant.get()).toBe('outer');
    });
  });

  it('leaves others alone', () => {
    const both = () => [tenant.get(), traceparent.get()];
    expect(tenant.run('t', () => traceparent.run('p', both))).toEqual(['t', 'p']);
    expect(tenant.run('t', () => traceparent.run('p', () => tenant.run(undefined, both)))).toEqual([
      undefined,
      'p',
    ]);
  });

  it('lets out what the body throws, and ends there', () => {
    const fail = () => {
      throw new RangeError('far');
    };
    expect(() => tenant.run('a', fail)).toThrow(RangeError);
    expect(tenant.get()).toBeUndefined();
  });

  it('is the same as another one of its name, and nothing of the prototype of objects', () => {
    expect(tenant.run('a', () => contextVar('tenant').get())).toBe('a');
    expect(tenant.run('a', () => contextVar('constructor').get())).toBeUndefined();
    expect(contextVar('__proto__').run(1, () => contextVar('__proto__').get())).toBe(1);
  });

  it('is the same in a second copy of the package', async () => {
    const copy = '../dist/context.js?copy';
    const { currentFlow } = (await import(copy)) as typeof import('../dist/context.js');
    const first = await import('../dist/context.js');
    expect(currentFlow).not.toBe(first.currentFlow);
    expect(tenant.run('a', () => currentFlow()?.values.get('tenant'))).toBe('a');
  });

  it.each([[''], [undefined], [3], [null]])('is refused the name %p', (name) => {
    expect(() => contextVar(anything(name))).toThrow(/^contextVar\(\) was given .* for a name\./);
  });

  it('is refused a body that is no function', () => {
    expect(() => tenant.run('a', anything(undefined))).toThrow(/"tenant" was given undefined/);
  });
});

describe.each(['tinypool', 'inline'] as const)('with the %s executor', (executor) => {
  let container: Container;
  beforeAll(async () => {
    container = await Container.create({
      providers: [
        fixture.Alternating,
        fixture.Sharing,
        fixture.OnDemands,
        fixture.Ends,
        fixture.Handlers,
        fixture.Threads,
        fixture.Setters,
        fixture.Kitchen,
        fixture.Stove,
      ],
      scopeValues: [Gate],
      threads: { executor, size: 1 },
    });
  });
  afterAll(() => container.dispose());

  const inScope = <T>(body: (scope: ScopeInstance) => Promise<T>): Promise<T> =>
    container.run(body);

  /** A scope whose shared value waits for the test. */
  function sharing() {
    const pass = gate();
    const reach = gate();
    const given = value(Gate, { passed: pass.passed, reached: () => reach.open() });
    return { scope: container.createScope([given]), pass, reach };
  }

  describe('who resolves is seen', () => {
    it('by each step, on both sides: before and behind an await, before and behind a hop', async () => {
      const resolve = () => inScope((scope) => scope.resolve(fixture.Third));
      expect(await tenant.run('a', resolve)).toEqual([['a', 'a'], 'a', 'a']);
      const none = undefined;
      expect(await resolve()).toEqual([[none, none], none, none]);
    });

    it('by the steps of many at the same time, each its own', async () => {
      const names = Array.from({ length: 20 }, (_, index) => (index % 3 === 0 ? undefined : index));
      const seen = await Promise.all(
        names.map((name) =>
          tenant.run(name, () => inScope((scope) => scope.resolve(fixture.Third))),
        ),
      );
      expect(seen).toEqual(names.map((name) => [[name, name], name, name]));
    });

    it('by a step that waited for a value which somebody else makes', async () => {
      const { scope, pass, reach } = sharing();
      const first = tenant.run('a', () => scope.resolve(fixture.User));
      await reach.passed;
      const second = tenant.run('b', () => scope.resolve(fixture.OtherUser));
      pass.open();
      expect(await Promise.all([first, second])).toEqual([
        ['a', 'a'],
        ['a', 'b'],
      ]);
      await scope.dispose();
    });

    it('by a value that is made anew, since its first maker has given up', async () => {
      const { scope, pass, reach } = sharing();
      const caller = new AbortController();
      const first = tenant.run('a', () => scope.resolve(fixture.User, caller));
      await reach.passed;
      const second = tenant.run('b', () => scope.resolve(fixture.OtherUser));
      const third = tenant.run('c', () => scope.resolve(fixture.Shared));
      caller.abort('enough');
      pass.open();
      expect(await errorOf(first)).toBe('enough');
      expect(await second).toEqual(['b', 'b']);
      expect(await third).toBe('b');
      await scope.dispose();
    });

    it('by what a lazy function makes: who calls it', async () => {
      const seen = await inScope(async (scope) => {
        const late = await tenant.run('a', () => scope.resolve(fixture.Late));
        return tenant.run('b', () => late());
      });
      expect(seen).toBe('b');
    });

    it('by no singleton, though it is made on demand: it is made for all who come', async () => {
      const fork = await container.fork();
      const settings = (name: string) => tenant.run(name, () => fork.resolve(fixture.Settings));
      const none = undefined;
      const seen = { values: [none, none, [none, none], none], ended: [] };
      expect(await Promise.all([settings('a'), settings('b')])).toMatchObject([seen, seen]);
      const { ended } = await settings('c');
      await tenant.run('other', () => fork.dispose());
      expect(ended).toEqual([none]);
    });

    it('by no singleton that is made at the start', async () => {
      const started = tenant.run('a', () => Container.create({ providers: [fixture.Starts] }));
      await using other = await started;
      expect(await other.resolve(fixture.Start)).toEqual([undefined, undefined]);
    });

    it('by who waited for a singleton, and by a lazy function that it holds: who calls it', async () => {
      await using fork = await container.fork();
      const user = (name: string) =>
        tenant.run(name, () => fork.run((scope) => scope.resolve(fixture.SettingsUser)));
      const seen = await Promise.all([user('a'), user('b')]);
      expect(seen).toEqual([
        ['a', 'a'],
        ['b', 'b'],
      ]);
    });

    it('by handlers, in the scope of their call', async () => {
      await using scope = container.createScope();
      expect(await tenant.run('a', () => scope.resolve(fixture.onLoop))).toBe('a');
      expect(await tenant.run('b', () => scope.resolve(fixture.inThreadHandler))).toMatchObject({
        1: 'b',
      });
    });

    it('by the end of a value, whoever ends the scope', async () => {
      const scope = container.createScope();
      const session = await tenant.run('a', () => scope.resolve(fixture.Session));
      const { seen } = await tenant.run('b', () => scope.resolve(fixture.Ending));
      await tenant.run('other', () => scope.dispose());
      expect(session).toEqual(['a', 'a']);
      expect(seen).toEqual(['b']);
    });

    it('by nothing at the end of a value that was made without it', async () => {
      const scope = container.createScope();
      const session = await scope.resolve(fixture.Session);
      await tenant.run('other', () => scope.dispose());
      expect(session).toEqual([undefined, undefined]);
    });
  });

  describe('a step in a thread sees the value', () => {
    it('behind an await', async () => {
      const seen = tenant.run('a', () => inScope((scope) => scope.resolve(fixture.AsyncStep)));
      expect(await seen).toEqual(['a', 'a']);
    });

    it('in what follows a yield', async () => {
      await tenant.run('a', () => inScope((scope) => scope.resolve(fixture.Cleaning)));
      await inScope((scope) => scope.resolve(fixture.Cleaning));
      expect(await inScope((scope) => scope.resolve(fixture.EndsSeen))).toEqual(['a', undefined]);
    });

    it('as an instance of its portable class', async () => {
      const mallow = new fixture.Tenant('Mallow');
      const greeting = () => inScope((scope) => scope.resolve(fixture.Greeting));
      expect(await tenant.run(mallow, greeting)).toBe('hello Mallow');
      expect(await greeting()).toBe('hello nobody');
    });

    it('of its own hop, and what its thread keeps sees none: it is kept for all who come', async () => {
      const prediction = () => inScope((scope) => scope.resolve(fixture.Prediction));
      const none = undefined;
      const model = [none, none, none, none, none, none];
      expect(await tenant.run('a', prediction)).toEqual([model, 'a']);
      expect(await tenant.run('b', prediction)).toEqual([model, 'b']);
      expect(await prediction()).toEqual([model, none]);
    });

    it('and the instance of its class, which the thread keeps too, sees none', async () => {
      const dish = () => inScope((scope) => scope.resolve(fixture.Dish));
      expect(await tenant.run('a', dish)).toEqual([undefined, undefined, 'a']);
    });

    it('and the end of what its thread keeps sees none either', async () => {
      const own = await Container.create({
        providers: [fixture.Threads, fixture.KeptEnds],
        threads: { executor, size: 1 },
      });
      await tenant.run('a', () => own.run((scope) => scope.resolve(fixture.KeptUser)));
      const ended = tenant.run('other', () => own.dispose());
      await expect(ended).rejects.toThrow('ended for undefined');
    });

    it('and nothing of it is left for the next one', async () => {
      const step = () => inScope((scope) => scope.resolve(fixture.Step));
      expect(await tenant.run('a', step)).toBe('a');
      expect(await step()).toBeUndefined();
      expect(await traceparent.run('other', step)).toBeUndefined();
    });
  });

  describe('a value that cannot cross', () => {
    const secret = { connection: { query: () => 'rows' } };

    it('is refused by name where a hop would take it along', async () => {
      const failing = tenant.run(secret, () => inScope((scope) => scope.resolve(fixture.Step)));
      const error = await errorOf(failing);
      expect(error.code).toBe('TURNO_NOT_PORTABLE');
      expect(error.message).toBe(
        'Threads.step runs in a thread, but the value of the context variable "tenant" cannot cross: a function at "connection.query". Code cannot be sent; pass the data that it works on. Or keep it out of the context, and inject it where it is needed.',
      );
    });

    it('is refused by the name of the one that is to blame, of several', async () => {
      const failing = traceparent.run('fine', () =>
        tenant.run(secret, () => inScope((scope) => scope.resolve(fixture.Step))),
      );
      expect((await errorOf(failing)).message).toMatch(/context variable "tenant" cannot cross/);
      const other = tenant.run('fine', () =>
        traceparent.run(anything(Symbol('id')), () =>
          inScope((scope) => scope.resolve(fixture.Step)),
        ),
      );
      expect((await errorOf(other)).message).toMatch(
        /context variable "traceparent" cannot cross: a symbol\./,
      );
    });

    it('is seen where nothing crosses', async () => {
      const session = await tenant.run(secret, () =>
        inScope((scope) => scope.resolve(fixture.Session)),
      );
      expect(session).toEqual([secret, secret]);
    });
  });

  describe('in a step that runs in a thread `run` is refused', () => {
    it.each([
      ['at once', fixture.Setting],
      ['behind an await', fixture.LateSetting],
    ])('%s', async (_when, token) => {
      for (const name of [undefined, 'a']) {
        const failing = tenant.run(name, () => inScope((scope) => scope.resolve(token)));
        expect(await errorOf(failing)).toMatchObject({ code: 'TURNO_CONTEXT', variable: 'tenant' });
      }
    });

    it('and not on the loop afterwards', async () => {
      await errorOf(inScope((scope) => scope.resolve(fixture.Setting)));
      expect(tenant.run('a', () => tenant.get())).toBe('a');
    });
  });

  it('a traceparent is in the lines of a log, wherever they are written', async () => {
    /** What a middleware does with a header. */
    const handle = (header: string | undefined) =>
      traceparent.run(header, () => inScope((scope) => scope.resolve(fixture.Receipt)));
    const headers = ['00-4bf9-01', undefined, '00-a3ce-00'];
    const receipts = await Promise.all(headers.map(handle));
    expect(receipts).toEqual([
      ['[00-4bf9-01] order', '[00-4bf9-01] receipt'],
      ['[-] order', '[-] receipt'],
      ['[00-a3ce-00] order', '[00-a3ce-00] receipt'],
    ]);
  });
});

it('a module that threads import may not set a variable there', async () => {
  const error = await errorOf(
    Container.create({
      providers: [fixture.Threads],
      modules: [new URL('./fixtures/context-import.ts', import.meta.url).href],
      threads: { size: 1 },
    }),
  );
  expect(error).toMatchObject({
    code: 'TURNO_THREAD_START',
    cause: { code: 'TURNO_CONTEXT', variable: 'boot' },
  });
});
