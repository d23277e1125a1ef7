/** Inputs that are read when what is made before a handler is there. */
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import {
  Container,
  DeadlineError,
  declareHandler,
  declareParameter,
  errorPath,
  handlerToken,
  Inject,
  InputError,
  Provides,
  token,
  value,
  type ContainerOptions,
  type ParameterSource,
  type ResolveOptions,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import * as threads from './fixtures/before.js';
import { gate, turn } from './support/gate.js';

const log: string[] = [];
let release = gate();

afterEach(() => {
  log.length = 0;
  release = gate();
  jest.useRealTimers();
});

type Texts = Record<string, string | undefined>;

const Given = token<Texts>('Given');

/** Reads a text; it is a fault where there is none. */
function text(name: string): ParameterSource<Texts> {
  return {
    from: Given,
    name,
    reader: () => (texts) => {
      log.push(`read ${name}`);
      if (texts[name] === undefined) throw new Error(`${name} is missing`);
      return texts[name];
    },
  };
}

const Guard = token('Guard');
const Call = token('Call');
const Part = token<string>('Part');

class Providers {
  @Provides(Guard, { scope: 'request' }) async *guard(key: string) {
    log.push('+guard');
    if (key === 'refused') throw new Error('refused');
    try {
      yield 'guard';
    } catch (error) {
      log.push(`guard sees ${nameOf(error)}`);
      throw error;
    } finally {
      log.push('-guard');
    }
  }
  @Provides(Call, { scope: 'call' }) async *call() {
    log.push('+call');
    try {
      yield 'call';
    } catch (error) {
      log.push(`call sees ${nameOf(error)}`);
      throw error;
    } finally {
      log.push('-call');
    }
  }
  @Provides(Part, { scope: 'request' }) async part(size: string) {
    log.push('part');
    return size;
  }
}
declareParameter(Providers.prototype, 'guard', 0, text('key'));
declareParameter(Providers.prototype, 'part', 0, text('size'));

class Handlers {
  async handle(sauce: string, @Inject(Part) part: string) {
    log.push('handle');
    return [sauce, part];
  }
  async plain() {
    log.push('plain');
  }
  async limited(_sauce: string) {
    log.push('limited');
    await release.passed;
  }
  inThread(sauce: string) {
    return sauce;
  }
}
declareParameter(Handlers.prototype, 'handle', 0, text('sauce'));
declareParameter(Handlers.prototype, 'limited', 0, text('sauce'));
declareParameter(Handlers.prototype, 'inThread', 0, text('sauce'));
for (const name of ['handle', 'plain', 'inThread']) declareHandler(Handlers.prototype, name);
declareHandler(Handlers.prototype, 'limited', { deadline: 1000 });

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

const tokenOf = (name: keyof Handlers): Token => handlerToken(Handlers, name);

async function start(
  name: keyof Handlers,
  before: readonly Token[],
  options: ContainerOptions = {},
): Promise<Container> {
  return Container.create({
    providers: [Providers, Handlers],
    scopeValues: [Given],
    threads: { executor: 'inline' },
    before: new Map([[tokenOf(name), before]]),
    ...options,
  });
}

const all: Texts = { key: 'key', size: 'large', sauce: 'hot' };

async function run(
  container: Container,
  name: keyof Handlers,
  texts = all,
  options: ResolveOptions = {},
): Promise<unknown> {
  const given = [value(Given, texts)];
  return container.run((scope: ScopeInstance) => scope.resolve(tokenOf(name), options), given);
}

async function failureOf(pending: Promise<unknown>): Promise<unknown> {
  return pending.then(
    () => {
      throw new Error('It did not fail.');
    },
    (error: unknown) => error,
  );
}

describe('what a handler and its providers take is read', () => {
  it('when all that is made before the handler is there', async () => {
    await using container = await start('handle', [Guard, Call]);
    expect(await run(container, 'handle')).toEqual(['hot', 'large']);
    expect(log).toEqual([
      ...['read key', '+guard', '+call', 'read sauce', 'read size', 'part', 'handle'],
      ...['-call', '-guard'],
    ]);
  });

  it('after what the caller waits for there, which may change what it is read from', async () => {
    await using container = await start('handle', [Guard]);
    const texts: Texts = { key: 'key' };
    const between = async () => {
      log.push('between');
      await Promise.resolve();
      Object.assign(texts, all);
    };
    expect(await run(container, 'handle', texts, { between })).toEqual(['hot', 'large']);
    expect(log.slice(0, 5)).toEqual(['read key', '+guard', 'between', 'read sauce', 'read size']);
  });

  it('before anything runs where nothing is made before it; nobody is waited for then', async () => {
    await using container = await start('handle', []);
    const between = async () => void log.push('between');
    await run(container, 'handle', all, { between });
    expect(log).toEqual(['read sauce', 'read size', 'part', 'handle']);
  });

  it('before anything runs where it is what comes first that takes it', async () => {
    await using container = await start('handle', [Part]);
    await run(container, 'handle');
    expect(log).toEqual(['read size', 'part', 'read sauce', 'handle']);
  });

  it('nowhere if it takes nothing: nobody is waited for', async () => {
    await using container = await start('plain', [Guard]);
    const between = async () => void log.push('between');
    await run(container, 'plain', all, { between });
    expect(log).toEqual(['read key', '+guard', 'plain', '-guard']);
  });

  it('as an adapter is told', async () => {
    await using container = await start('handle', [Guard]);
    const names = (sources: readonly ParameterSource[]) => sources.map(({ name }) => name);
    expect(names(container.inputs(tokenOf('handle')))).toEqual(['key', 'sauce', 'size']);
    expect(names(container.laterInputs(tokenOf('handle')))).toEqual(['sauce', 'size']);
    expect(container.laterInputs(tokenOf('plain'))).toEqual([]);
    await using _override = await container.override(value(Guard, 'none'));
    expect(container.laterInputs(tokenOf('handle'))).toEqual([]);
  });
});

describe('what fails', () => {
  it('of what is read first comes alone, and nothing is made', async () => {
    await using container = await start('handle', [Guard]);
    const error = await failureOf(run(container, 'handle', {}));
    expect((error as InputError).faults.map(({ owner }) => owner)).toEqual(['Providers.guard']);
    expect(log).toEqual(['read key']);
  });

  it('of what is made first hides all faults that come later', async () => {
    await using container = await start('handle', [Guard]);
    const between = async () => void log.push('between');
    const error = await failureOf(run(container, 'handle', { key: 'refused' }, { between }));
    expect((error as Error).message).toBe('refused');
    expect(log).toEqual(['read key', '+guard']);
  });

  it('of what is read later comes together, and is seen by what was made before', async () => {
    await using container = await start('handle', [Guard, Call]);
    const error = await failureOf(run(container, 'handle', { key: 'key' }));
    expect(error).toBeInstanceOf(InputError);
    const { faults, message } = error as InputError;
    expect(faults.map(({ owner }) => owner)).toEqual(['Handlers.handle', 'Providers.part']);
    expect(errorPath(error)).toEqual(['Handlers.handle']);
    expect(log.slice(3)).toEqual([
      ...['read sauce', 'read size'],
      ...[`call sees InputError: ${message}`, '-call'],
      ...[`guard sees InputError: ${message}`, '-guard'],
    ]);
  });

  it.each([
    ['later', async () => Promise.reject(new Error('too large'))],
    [
      'at once',
      () => {
        throw new Error('too large');
      },
    ],
  ])('while the caller is waited for is seen too: %s', async (_when, between) => {
    await using container = await start('handle', [Guard]);
    const error = await failureOf(run(container, 'handle', all, { between }));
    expect((error as Error).message).toBe('too large');
    expect(log).toEqual(['read key', '+guard', 'guard sees Error: too large', '-guard']);
  });

  it('leaves nothing behind: the next resolve in the scope makes all anew', async () => {
    await using container = await start('handle', [Guard]);
    const texts: Texts = { key: 'key' };
    await using scope = container.createScope([value(Given, texts)]);
    await failureOf(scope.resolve(tokenOf('handle')));
    Object.assign(texts, all);
    expect(await scope.resolve(tokenOf('handle'))).toEqual(['hot', 'large']);
    expect(log.filter((line) => line === '+guard')).toHaveLength(2);
  });
});

describe('while the caller is waited for', () => {
  it('a scope that ends does not wait, and what comes too late changes nothing', async () => {
    await using container = await start('handle', [Guard]);
    const [entered, waiting] = [gate(), gate()];
    const scope = container.createScope([value(Given, all)]);
    const between = async () => {
      entered.open();
      await waiting.passed;
      throw new Error('too late');
    };
    const failure = failureOf(scope.resolve(tokenOf('handle'), { between }));
    await entered.passed;
    await scope.dispose(new Error('gone'));
    expect(await failure).toMatchObject({ message: 'gone' });
    waiting.open();
    await turn();
    expect(log).toEqual(['read key', '+guard', 'guard sees Error: gone', '-guard']);
  });

  it.each([
    ['it ends in time', 399, undefined],
    ['it is too late', 400, DeadlineError],
  ])('the deadline of the handler does not run: %s', async (_how, time, failure) => {
    await using container = await start('limited', [Guard]);
    jest.useFakeTimers({ doNotFake: ['nextTick', 'queueMicrotask', 'setImmediate'] });
    const [entered, waiting] = [gate(), gate()];
    const between = () => {
      // What has been used up before counts.
      jest.advanceTimersByTime(600);
      entered.open();
      return waiting.passed;
    };
    await using scope = container.createScope([value(Given, all)]);
    const outcome = scope
      .resolve(tokenOf('limited'), { between })
      .catch((error: unknown) => (error as Error).constructor);
    await entered.passed;
    jest.advanceTimersByTime(60_000);
    waiting.open();
    while (!log.includes('limited')) await turn();
    jest.advanceTimersByTime(time);
    release.open();
    expect(await outcome).toBe(failure);
  });
});

describe('hops', () => {
  const startIn = async (handler: Token, ...before: readonly Token[]) =>
    Container.create({
      providers: [threads.Checks, threads.Handlers, threads.Readers],
      scopeValues: [threads.Words],
      threads: { size: 1 },
      before: new Map([[handler, before]]),
    });
  const takes = handlerToken(threads.Readers, 'takes');

  it('end where something is read in between', async () => {
    await using container = await startIn(takes, threads.Counted);
    const text = container.explain(takes);
    expect(text).toContain('2 hops to a thread');
    expect(text).toMatch(/further parameters +\[phase\] +loop +after (\d+)\n/);
    const words = ['first'];
    await using scope = container.createScope([value(threads.Words, words)]);
    const between = async () => void words.push('second');
    expect(await scope.resolve(takes, { between })).toEqual(['counted in a thread', 'second']);
  });

  it('go on where nothing is', async () => {
    const handler = handlerToken(threads.Handlers, 'inThread');
    await using container = await startIn(handler, threads.Checked);
    expect(container.explain(handler)).toContain('1 hop to a thread');
    expect(container.explain(handler)).not.toContain('[phase]');
  });

  it('have what a class is made of, where that comes before the handler', async () => {
    const handler = handlerToken(threads.Readers, 'given');
    await using container = await startIn(handler, threads.Session);
    expect(container.explain(handler)).toContain('2 hops to a thread');
    await using scope = container.createScope([value(threads.Words, ['word'])]);
    expect(await scope.resolve(handler)).toEqual(['counted in a thread', 'word']);
  });

  it('that fail before end the plan', async () => {
    await using container = await startIn(takes, threads.Refused);
    await using scope = container.createScope([value(threads.Words, [])]);
    const between = async () => void log.push('between');
    await expect(scope.resolve(takes, { between })).rejects.toThrow('refused');
    expect(log).toEqual([]);
  });
});
