/** Objects whose methods async code calls in threads: where they run, what crosses, what ends them. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { threadId } from 'node:worker_threads';
import {
  alias,
  all,
  Container,
  errorPath,
  Inject,
  offloaded,
  Optional,
  provide,
  Provides,
  toDot,
  token,
  toMermaid,
  transfer,
  value,
  type ContainerOptions,
  type Offloaded,
  type TurnoError,
} from '@turno/core';
import * as fixture from './fixtures/offloaded.js';
import { flag, Flaky } from './fixtures/offloaded-flaky.js';
import { hiddenLate, Translator, Word } from './fixtures/offloaded-late.js';
import { moment } from './support/gate.js';
import { cells, letGo, set } from './support/hop.js';

const { FakeHasher, Gate, Greeter, Hash, Hasher, Model, Named, Salt, User } = fixture;

/** Nothing of it has been imported by threads when they start with it. */
const base: ContainerOptions = {
  providers: [fixture.Pantry, fixture.Auth, fixture.Keeper],
  scopeValues: [User, Gate],
  threads: { size: 1 },
};

async function problemsOf(options: ContainerOptions): Promise<readonly TurnoError[]> {
  const error: unknown = await Container.create(options).then(
    async (container) => container.dispose(),
    (failure: unknown) => failure,
  );
  expect(error).toMatchObject({ code: 'TURNO_GRAPH' });
  return (error as { readonly errors: readonly TurnoError[] }).errors;
}

async function failureOf(work: Promise<unknown>): Promise<Error> {
  const failed: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(failed).toBeInstanceOf(Error);
  return failed as Error;
}

describe.each(['tinypool', 'inline'] as const)('with the %s executor', (executor) => {
  const threads = { size: 1, executor };
  let container: Container;
  let hasher: Offloaded<fixture.Hasher>;
  beforeAll(async () => {
    container = await Container.create({ ...base, threads });
    hasher = await container.resolve(offloaded(Hasher));
  });
  afterAll(() => container.dispose());

  describe('a call', () => {
    it('runs a method of an instance that was made with what it needs', async () => {
      expect(await hasher.hash('text')).toBe('saltsalt text');
    });

    it('runs async methods, inherited ones, and methods that call others', async () => {
      expect(await hasher.later('text')).toBe('saltsalt text');
      expect(await hasher.inherited('text')).toBe('inherited text');
    });

    it('works on one instance in each thread', async () => {
      const places = [await hasher.place(), await hasher.place()];
      expect(places[0]).toEqual(places[1]);
    });

    it('takes arguments of any number, and portable ones with their methods', async () => {
      expect(await hasher.echo()).toEqual([]);
      expect(await hasher.echo(1, { deep: ['two'] }, undefined)).toEqual([
        1,
        { deep: ['two'] },
        undefined,
      ]);
      const salt = await hasher.salted(new Salt('a'));
      expect(salt.twice()).toBe('aaaa');
    });

    it('moves what was given to transfer', async () => {
      const bytes = new Uint8Array(4).fill(7);
      const [moved] = await hasher.echo(transfer(bytes));
      expect(moved).toEqual(new Uint8Array(4).fill(7));
      expect(bytes).toHaveLength(0);
    });

    it('rejects with what the method threw, and with the way to it', async () => {
      const error = await failureOf(hasher.fail(3));
      expect(error).toBeInstanceOf(fixture.PepperError);
      expect(error).toMatchObject({ message: 'too hot', heat: 3 });
      expect(errorPath(error)).toEqual(['offloaded(Hasher)', 'Hasher.fail']);
    });

    it('rejects where an argument cannot cross, and names it', async () => {
      const { message } = await failureOf(hasher.echo('fine', { deep: [{ done: () => 1 }] }));
      expect(message).toMatch(
        /^Hasher\.echo runs in a thread, but its parameter 2 cannot cross: a function at "deep\[0\]\.done"\..* Or ask for Hasher itself and call its method on the event loop\.$/,
      );
    });

    it('rejects where the result cannot cross, and names it', async () => {
      const error = await failureOf(hasher.leak());
      expect(error).toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
      expect(error.message).toMatch(/^Hasher\.leak runs in a thread, but its result .*"deep\[0\]"/);
    });

    it('counts as a hop', async () => {
      const before = container.threads.hops;
      await hasher.hash('text');
      expect(container.threads.hops - before).toBe(1);
    });

    it('rejects with the reason of a signal that is aborted already, and runs nothing', async () => {
      const before = container.threads.hops;
      const signal = AbortSignal.abort(new Error('no need'));
      await expect(hasher.count(cells(), signal)).rejects.toThrow('no need');
      expect(container.threads.hops).toBe(before);
    });
  });

  describe('the object', () => {
    it('has the methods of the class, and nothing else', () => {
      expect(Object.keys(hasher)).toEqual(
        expect.arrayContaining(['hash', 'later', 'inherited', 'place']),
      );
      const has = hasher as unknown as Record<string | symbol, unknown>;
      const others = [
        'then',
        'constructor',
        'accessor',
        'make',
        'toString',
        'unknown',
        '__proto__',
      ];
      expect(others.filter((name) => has[name] !== undefined)).toEqual([]);
      expect(has[Symbol.asyncIterator] ?? has[Symbol.toPrimitive]).toBeUndefined();
      expect(Object.getPrototypeOf(hasher)).toBeNull();
    });

    it('may be awaited', async () => {
      const resolved = await Promise.resolve(hasher);
      expect(resolved).toBe(hasher);
    });

    it('has methods that need no this', async () => {
      const { hash } = hasher;
      expect(await hash('text')).toBe('saltsalt text');
    });
  });

  describe('a consumer', () => {
    it('gets one by @Inject, also in a forwardRef', async () => {
      expect(await container.run((scope) => scope.resolve(Hash))).toBe('saltsalt secret');
    });

    it('gets one by `deps` of provide, typed', async () => {
      const Shout = token<string>('Shout');
      const shout = provide(Shout, { deps: [offloaded(Hasher)] }, async (of) => of.hash('loud'));
      await using made = await Container.create({ providers: [fixture.Pantry, shout], threads });
      expect(await made.resolve(Shout)).toBe('saltsalt loud');
    });

    it('that is a singleton may keep one', async () => {
      const keeper = await container.resolve(fixture.Keeper);
      expect(await keeper.hasher.hash('kept')).toBe('saltsalt kept');
    });

    it('gets undefined where it is optional and nothing provides the class', async () => {
      const Absent = token<boolean>('Absent');
      class Optionally {
        @Provides(Absent) static async absent(
          @Optional() @Inject(offloaded(Model)) model?: Offloaded<fixture.Model>,
        ): Promise<boolean> {
          return model === undefined;
        }
      }
      await using made = await Container.create({ providers: [Optionally] });
      expect(await made.resolve(Absent)).toBe(true);
    });
  });

  describe('a class of a request', () => {
    it('is made for each call, with what the scope has', async () => {
      await using made = await Container.create({
        providers: [fixture.GreeterOnLoop],
        scopeValues: [User],
        threads,
      });
      await using scope = made.createScope([value(User, 'ada')]);
      // On the loop there is another one, which the scope keeps.
      expect(await scope.resolve(Hash)).toBe('ada 2, ada 1, ada 1');
    });

    it('needs a scope', async () => {
      await using made = await Container.create({ ...base, threads });
      await using scope = made.createScope([value(User, 'eve')]);
      expect(await (await scope.resolve(offloaded(Greeter))).greet()).toBe('eve 1');
      await expect(made.resolve(offloaded(Greeter))).rejects.toMatchObject({
        code: 'TURNO_OUTSIDE_SCOPE',
      });
    });
  });

  describe('in the place of the class', () => {
    it('an alias has its methods called in threads', async () => {
      await using fork = await container.fork({ overrides: [alias(Hasher, FakeHasher as never)] });
      expect(await fork.run((scope) => scope.resolve(Hash))).toBe(
        `fake secret ${executor === 'inline' ? 'on the loop' : 'in a thread'}`,
      );
      expect(Object.keys(await fork.resolve(offloaded(Hasher)))).toEqual(['hash']);
    });

    it('a given value has its methods called on the loop, where it is', async () => {
      const calls: unknown[] = [];
      const fake = {
        hash(text: string): string {
          calls.push(this, text);
          return 'given';
        },
      };
      await using fork = await container.fork({ overrides: [value(Hasher, fake as never)] });
      const before = fork.threads.hops;
      const given = await fork.resolve(offloaded(Hasher));
      const result: unknown = given.hash('text');
      expect(result).toBeInstanceOf(Promise);
      expect(await result).toBe('given');
      expect(calls).toEqual([fake, 'text']);
      expect(fork.threads.hops).toBe(before);
      await expect(given.later('text')).rejects.toThrow(
        'The value that was given for offloaded(Hasher) has no method "later".',
      );
    });

    it('an override is honoured by singletons that hold one, and taken back', async () => {
      const before = await container.resolve(fixture.Keeper);
      await using override = await container.override(
        value(Hasher, { hash: () => 'overridden' } as never),
      );
      const during = await container.resolve(fixture.Keeper);
      expect(await during.hasher.hash('')).toBe('overridden');
      await override.restore();
      expect(await container.resolve(fixture.Keeper)).toBe(before);
    });

    it('a provider of scope thread makes it in each thread', async () => {
      await using made = await Container.create({ providers: [fixture.ModelsPerThread], threads });
      const model = await made.resolve(offloaded(Model));
      const first = await model.predict();
      expect(first).toMatch(/^kept 1 (?:in a thread|on the loop)$/);
      expect(await model.predict()).toBe(first);
    });

    it('a plain generator makes it in the trip of each call, from values of the scope', async () => {
      await using made = await Container.create({
        providers: [fixture.ModelsPerCall],
        scopeValues: [User],
        threads,
      });
      await using scope = made.createScope([value(User, 'ada')]);
      const model = await scope.resolve(offloaded(Model));
      const before = made.threads.hops;
      expect(await model.predict()).toMatch(/^for ada/);
      expect(await model.predict()).toMatch(/^for ada/);
      expect(made.threads.hops - before).toBe(2);
    });

    it('a plain method makes it for each call, whatever the scope has left in threads', async () => {
      await using made = await Container.create({ providers: [fixture.ModelsShared], threads });
      await using scope = made.createScope();
      const shared = await scope.resolve(Hash);
      const model = await scope.resolve(offloaded(Model));
      const calls = await Promise.all([model.predict(), model.predict()]);
      expect(new Set([shared, ...calls]).size).toBe(3);
    });

    it('a token that is no class stands for the class that provides it', async () => {
      await using made = await Container.create({ providers: [alias(Named, FakeHasher)], threads });
      expect(await (await made.resolve(offloaded(Named))).hash('x')).toMatch(/^fake x/);
    });
  });

  it('rejects with a DisposedError once what it belongs to is disposed', async () => {
    const made = await Container.create({ ...base, threads });
    const scope = made.createScope();
    const [ofScope, ofContainer, { hasher: ofSingleton }] = await Promise.all([
      scope.resolve(offloaded(Hasher)),
      made.resolve(offloaded(Hasher)),
      made.resolve(fixture.Keeper),
    ]);
    await scope.dispose();
    await expect(ofScope.hash('')).rejects.toThrow('The scope is disposed.');
    expect(await ofSingleton.hash('alive')).toBe('saltsalt alive');
    await made.dispose();
    await expect(ofContainer.hash('')).rejects.toThrow('The container is disposed.');
    await expect(ofSingleton.hash('')).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
  });

  it('works for a class that nothing in the container has asked for before', async () => {
    await using made = await Container.create({ providers: [fixture.Pantry], threads });
    expect(made.threads.hops).toBe(0);
    const late = await made.resolve(offloaded(Hasher));
    expect(await late.hash('late')).toBe('saltsalt late');
    // Threads run by now, and have not heard of this module.
    const translator = await made.resolve(offloaded(Translator));
    const word = await translator.translate(new Word('hola'));
    expect([word.text, word.loud()]).toEqual(['HOLA', 'HOLA']);
  });
});

it('disposes what a call has made for itself when the call is over', async () => {
  await using container = await Container.create({ ...base, threads: { executor: 'inline' } });
  await using scope = container.createScope([value(User, 'zoe')]);
  const greeter = await scope.resolve(offloaded(Greeter));
  const ends = () => fixture.released.filter((user) => user === 'zoe').length;
  await greeter.greet();
  expect(ends()).toBe(1);
  await greeter.greet();
  expect(ends()).toBe(2);
});

describe('in threads', () => {
  let container: Container;
  let hasher: Offloaded<fixture.Hasher>;
  beforeAll(async () => {
    container = await Container.create(base);
    hasher = await container.resolve(offloaded(Hasher));
  });
  afterAll(() => container.dispose());

  it('a class is made nowhere else, once in each thread, with what the thread keeps', async () => {
    const [thread, hashers, tables] = await hasher.place();
    expect(thread).not.toBe(threadId);
    expect([hashers, tables]).toEqual([1, 1]);
  });

  it('calls of two threads run at the same time, each with an instance of its own', async () => {
    await using made = await Container.create({ ...base, threads: { size: 2 } });
    const of = await made.resolve(offloaded(Hasher));
    const gates = [cells(), cells()] as const;
    const held = gates.map((gate) => of.hold(gate));
    await Promise.all(gates.map((gate) => set(gate, 0)));
    gates.forEach(letGo);
    expect(await Promise.all(held)).toEqual(['let go', 'let go']);
  });

  it('a signal that is passed last stops a method that looks at its own', async () => {
    const gate = cells();
    const caller = new AbortController();
    const { replaced } = container.threads;
    const counted = hasher.count(gate, caller.signal);
    await set(gate, 0);
    caller.abort(new Error('enough'));
    await expect(counted).rejects.toThrow('enough');
    await set(gate, 2);
    // It has stopped by itself: its thread goes on.
    expect(await hasher.hash('next')).toBe('saltsalt next');
    expect(container.threads.replaced).toBe(replaced);
  });

  it('a signal frees the caller of an endless method', async () => {
    const gate = cells();
    const caller = new AbortController();
    const endless = (hasher.endless as (gate: Int32Array, signal: AbortSignal) => Promise<never>)(
      gate,
      caller.signal,
    );
    await set(gate, 0);
    caller.abort(new Error('enough'));
    await expect(endless).rejects.toThrow('enough');
    expect(await hasher.hash('next')).toBe('saltsalt next');
  });

  it('a call is aborted when the run gives up that the object was injected into', async () => {
    await using made = await Container.create({
      ...base,
      providers: [fixture.Pantry, fixture.Waiting],
    });
    const gate = cells();
    const caller = new AbortController();
    await using scope = made.createScope([value(Gate, gate)]);
    const hash = scope.resolve(Hash, { signal: caller.signal });
    await set(gate, 0);
    caller.abort(new Error('gone'));
    await expect(hash).rejects.toThrow('gone');
    // The only thread is free again, although nobody has opened the gate.
    expect(await (await made.resolve(offloaded(Hasher))).hash('next')).toBe('saltsalt next');
  });

  it.each([
    ['', fixture.Waiting],
    [', also with the signal of that run', fixture.Passing],
  ])(
    'a call is aborted when another step fails, its thread ended with the scope%s',
    async (_, of) => {
      await using made = await Container.create({
        ...base,
        providers: [fixture.Pantry, of, fixture.Failing],
        threads: { size: 1, grace: 0 },
      });
      const scope = made.createScope([value(Gate, cells())]);
      await expect(scope.resolve(fixture.Either)).rejects.toBeInstanceOf(fixture.PepperError);
      await moment();
      expect(made.threads).toMatchObject({ busy: 1, replaced: 0 });
      await scope.dispose();
      expect(made.threads).toMatchObject({ busy: 0, replaced: 1 });
    },
  );

  it('a call is aborted when its scope is disposed', async () => {
    const scope = container.createScope();
    const of = await scope.resolve(offloaded(Hasher));
    const gate = cells();
    const held = failureOf(of.hold(gate));
    await set(gate, 0);
    await scope.dispose();
    expect(await held).toMatchObject({ code: 'TURNO_DISPOSED' });
  });

  it('a call of an object that a singleton holds is aborted with the container', async () => {
    const made = await Container.create(base);
    const { hasher: of } = await made.resolve(fixture.Keeper);
    const gate = cells();
    const held = failureOf(of.hold(gate));
    await set(gate, 0);
    await made.dispose();
    expect((await held).message).toMatch(/^The container is disposed\./);
  });

  it('a call fails alone when it ends its thread', async () => {
    const error = await failureOf(hasher.exit());
    expect(error).toMatchObject({ code: 'TURNO_THREAD_DIED' });
    expect(error.message).toContain('Hasher.exit');
    expect(await hasher.hash('next')).toBe('saltsalt next');
  });

  it('a call is refused when the queue is full', async () => {
    await using made = await Container.create({ ...base, threads: { size: 1, queue: 1 } });
    const of = await made.resolve(offloaded(Hasher));
    const gate = cells();
    const held = of.hold(gate);
    await set(gate, 0);
    const queued = of.hash('queued');
    await expect(of.hash('refused')).rejects.toMatchObject({ code: 'TURNO_QUEUE_FULL' });
    letGo(gate);
    expect(await Promise.all([held, queued])).toEqual(['let go', 'saltsalt queued']);
  });

  it('a class that joins late is imported again by a thread that replaces another', async () => {
    const translator = await container.resolve(offloaded(Translator));
    const first = await translator.thread();
    await failureOf(hasher.exit());
    const second = await translator.thread();
    expect([first, second]).not.toContain(threadId);
    expect(second).not.toBe(first);
  });

  it('a class that joins late and that no thread can reach is named', async () => {
    const { InsideLate } = hiddenLate();
    const inside = await container.resolve(offloaded(InsideLate));
    const error = await failureOf(inside.method());
    expect(error).toMatchObject({ code: 'TURNO_UNREACHABLE' });
    expect(error.message).toMatch(/^InsideLate runs in a worker thread, .*inside a function/);
    await expect(inside.method()).rejects.toThrow(error.message);
  });

  it('a class that no thread can reach is named by what resolves it, where none run yet', async () => {
    await using made = await Container.create({ threads: { size: 1 } });
    const { Inside } = fixture.hidden();
    await expect(made.resolve(offloaded(Inside))).rejects.toMatchObject({ code: 'TURNO_GRAPH' });
    // The container itself is as good as before.
    expect(await made.resolve(FakeHasher)).toBeInstanceOf(FakeHasher);
  });

  it('threads that could not start for a class start for another one, and again for that one', async () => {
    await using made = await Container.create({ threads: { size: 1 } });
    const problem = { code: 'TURNO_GRAPH', errors: [{ provider: 'Flaky' }] };
    writeFileSync(flag, '');
    try {
      await expect(made.resolve(offloaded(Flaky))).rejects.toMatchObject(problem);
      await expect(made.resolve(offloaded(Flaky))).rejects.toMatchObject(problem);
    } finally {
      rmSync(flag);
    }
    const [flaky, fake] = await Promise.all([
      made.resolve(offloaded(Flaky)),
      made.resolve(offloaded(FakeHasher)),
    ]);
    expect(await Promise.all([flaky.double(21), fake.hash('x')])).toEqual([
      42,
      'fake x in a thread',
    ]);
    expect(made.threads).toMatchObject({ threads: 1, hops: 2 });
  });

  it('a class that no thread can reach does not stand in the way of another one', async () => {
    await using made = await Container.create({ threads: { size: 1 } });
    const { Inside } = fixture.hidden();
    const inside = made.resolve(offloaded(Inside));
    const fake = made.resolve(offloaded(FakeHasher));
    await expect(inside).rejects.toMatchObject({ code: 'TURNO_GRAPH' });
    expect(await (await fake).hash('x')).toBe('fake x in a thread');
  });

  it('a program may call a class of the file that has started its container', async () => {
    const program = fileURLToPath(new URL('fixtures/offloaded-program.ts', import.meta.url));
    const register = new URL('../../../register.mjs', import.meta.url).href;
    const child = spawn(process.execPath, ['--import', register, program], {
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout.setEncoding('utf8');
    let output = '';
    child.stdout.on('data', (text: string) => (output += text));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect([output, code]).toEqual(['saltsalt first 42 0\n', 0]);
  });
});

describe('at start', () => {
  it('a class without a decorator is missing, with the way to it', async () => {
    const Use = token<number>('Use');
    class User_ {
      @Provides(Use) static async use(
        @Inject(offloaded(Model)) _model: Offloaded<fixture.Model>,
      ): Promise<number> {
        return 1;
      }
    }
    const [problem, ...others] = await problemsOf({ providers: [User_] });
    expect(others).toEqual([]);
    expect(problem?.code).toBe('TURNO_MISSING_PROVIDER');
    expect(problem?.path).toEqual(['User_.use', 'offloaded(Model)', 'Model']);
    expect(problem?.message).toContain('Decorate "Model" with @Injectable()');
  });

  it('a class whose dependency cannot cross is refused by name', async () => {
    const use = usedBy(fixture.Reports);
    const [problem, ...others] = await problemsOf({ providers: [use] });
    expect(others).toEqual([]);
    expect(problem?.code).toBe('TURNO_NOT_PORTABLE');
    expect(problem?.message).toContain(
      'Reports is built in a thread, since offloaded(Reports) calls its methods there, but its dependency Database lives on the event loop',
    );
    expect(problem?.path).toEqual([
      expect.stringContaining('provide(Used'),
      'offloaded(Reports)',
      'Reports',
      'Database',
    ]);
  });

  it('a provider on the loop is refused, with what to do', async () => {
    const [problem] = await problemsOf({ providers: [usedBy(Model), fixture.ModelsOnLoop] });
    expect(problem?.message).toMatch(
      /^offloaded\(Model\) calls methods of Model in a thread, but ModelsOnLoop\.load makes it on the event loop, and it is not portable\. Give ModelsOnLoop\.load scope 'thread', or ask for Model itself\./,
    );
  });

  it('a provider whose value the loop would have to hold is told of scope thread', async () => {
    const [problem, ...others] = await problemsOf({
      providers: [usedBy(Model), fixture.ModelsHeld],
    });
    expect(others).toEqual([]);
    expect(problem?.message).toContain("Give ModelsHeld.load scope 'thread'");
  });

  it('a longer-lived consumer of a class of a request is refused', async () => {
    const [problem] = await problemsOf({ providers: [usedBy(Greeter)], scopeValues: [User] });
    expect(problem).toMatchObject({ code: 'TURNO_SCOPE', dependency: 'Greeter' });
  });

  it('a plain method that asks for one is told to ask for the class', async () => {
    const problems = await problemsOf({ providers: [fixture.Pantry, fixture.SyncUser] });
    expect(problems.map(({ code }) => code)).toEqual(['TURNO_NOT_PORTABLE']);
    expect(problems[0]?.message).toMatch(
      /SyncUser\.hash runs in a thread, .* Ask for Hasher itself, or make SyncUser\.hash async\./,
    );
  });

  it('a class that needs itself is a cycle', async () => {
    const [problem] = await problemsOf({ providers: [usedBy(fixture.Selfish)] });
    expect(problem).toMatchObject({
      code: 'TURNO_CYCLE',
      path: ['offloaded(Selfish)', 'Selfish', 'offloaded(Selfish)'],
    });
  });

  it('a class without methods is refused', async () => {
    const [problem] = await problemsOf({ providers: [usedBy(fixture.Empty)] });
    expect(problem).toMatchObject({ code: 'TURNO_DECLARATION' });
    expect(problem?.message).toMatch(/^offloaded\(Empty\) has no method to call/);
    const [list] = await problemsOf({ providers: [usedBy(all(Named))] });
    expect(list?.message).toMatch(/^offloaded\(all\(Named\)\) has no method to call/);
  });

  it('a class that no thread can reach is refused', async () => {
    const { InsideToo } = fixture.hiddenToo();
    const [problem] = await problemsOf({ providers: [usedBy(InsideToo)], threads: { size: 1 } });
    expect(problem?.code).toBe('TURNO_UNREACHABLE');
    expect(problem?.message).toMatch(/^InsideToo runs in a worker thread, .*inside a function/);
    expect(problem?.message).not.toContain('make it async');
  });

  it('threads run where nothing else needs them', async () => {
    await using container = await Container.create({
      providers: [usedBy(FakeHasher)],
      threads: { size: 1 },
    });
    expect(container.threads.threads).toBe(1);
  });

  it('what is no token is refused at the call', () => {
    expect(() => offloaded(undefined as never)).toThrow(
      /forwardRef\(\(\) => offloaded\(TheToken\)\)/,
    );
    expect(offloaded(Hasher)).toBe(offloaded(Hasher));
  });
});

const Used = token<unknown>('Used');

/** A singleton on the loop that asks for an offloaded class. */
function usedBy(of: Parameters<typeof offloaded>[0]) {
  return provide(Used, { deps: [offloaded(of)] }, async (given) => given);
}

describe('the graph', () => {
  it('shows the object, and behind it what its methods are called on', async () => {
    await using container = await Container.create({ ...base, threads: { executor: 'inline' } });
    const { nodes, edges } = container.graph;
    const node = nodes.find(({ kind }) => kind === 'offloaded');
    expect(node).toMatchObject({
      label: 'offloaded(Hasher)',
      token: 'offloaded(Hasher)',
      scope: 'transient',
      placement: 'loop',
    });
    const named = (id: string) => nodes.find((each) => each.id === id)?.label;
    expect(
      edges
        .filter(({ from, to }) => from === node?.id || to === node?.id)
        .map(({ from, to, kind }) => [named(from), named(to), kind]),
    ).toEqual([
      ['Auth.hash', 'offloaded(Hasher)', 'parameter'],
      ['Keeper', 'offloaded(Hasher)', 'parameter'],
      ['offloaded(Hasher)', 'Hasher', 'instance'],
    ]);
    expect(nodes.find(({ label }) => label === 'Hasher')?.placement).toBe('thread');
    expect(toMermaid(container.graph)).toContain('offloaded(Hasher)');
    expect(toDot(container.graph)).toContain('offloaded(Hasher)');
  });

  it('is explained with where the calls run', async () => {
    await using container = await Container.create({ ...base, threads: { executor: 'inline' } });
    expect(container.explain(Hash)).toContain(
      'offloaded(Hasher)  [offloaded]  loop, calls in threads',
    );
  });
});
