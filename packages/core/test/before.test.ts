import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Container,
  declareHandler,
  declareParameter,
  errorPath,
  GraphError,
  handlerToken,
  Inject,
  Injectable,
  InputError,
  MissingProviderError,
  Provides,
  token,
  value,
  type ParameterSource,
  type Token,
} from '@turno/core';
import * as threads from './fixtures/before.js';

const log: string[] = [];
let gates = new Map<string, () => void>();

afterEach(() => {
  log.length = 0;
  gates = new Map();
});

/** Waits until the test opens the gate of that name. */
function gate(name: string): Promise<void> {
  return new Promise((open) => gates.set(name, open));
}

/** Lets everything run that needs no gate. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
}

const First = token<string>('First');
const Second = token<string>('Second');
const Needed = token<string>('Needed');
const Shared = token<string>('Shared');
const Parameter = token<string>('Parameter');
const InThread = token<string>('InThread');
const Yielding = token<string>('Yielding');
const Text = token<string>('Text');

const textSource: ParameterSource<string> = {
  from: Text,
  name: 'text',
  reader: () => (text) => {
    if (text === '') throw new Error('is empty');
    return text;
  },
};

class Providers {
  @Provides(Shared, { scope: 'request' }) async shared() {
    log.push('shared');
    return 'shared';
  }
  @Provides(Needed, { scope: 'request' }) async needed() {
    log.push('needed');
    await gate('needed');
    return 'needed';
  }
  @Provides(First, { scope: 'request' }) async first(
    @Inject(Needed) needed: string,
    @Inject(Shared) shared: string,
  ) {
    log.push(`first ${needed} ${shared}`);
    await gate('first');
    return 'first';
  }
  @Provides(Second, { scope: 'request' }) async second(@Inject(Text) text: string) {
    log.push(`second ${text}`);
    await gate('second');
    return 'second';
  }
  @Provides(Parameter, { scope: 'request' }) async parameter(@Inject(Shared) shared: string) {
    log.push(`parameter ${shared}`);
    return 'parameter';
  }
  @Provides(InThread, { scope: 'request' }) inThread() {
    log.push('in thread');
    return 'in thread';
  }
  @Provides(Yielding, { scope: 'request' }) async *yielding() {
    log.push('open');
    try {
      yield 'yielded';
      log.push('close');
    } catch (error) {
      log.push(`undo: ${(error as Error).message}`);
      throw error;
    }
  }
}
declareParameter(Providers.prototype, 'second', 0, textSource);

class Handlers {
  async handle(@Inject(Parameter) parameter: string, @Inject(First) first: string) {
    log.push('handle');
    return [parameter, first];
  }
  async plain(@Inject(Parameter) _parameter: string) {
    log.push('plain');
  }
  sync(@Inject(InThread) value: string) {
    log.push('sync');
    return value;
  }
  async failing() {
    throw new Error('failed');
  }
}
for (const name of ['handle', 'plain', 'sync', 'failing']) {
  declareHandler(Handlers.prototype, name);
}

const tokenOf = (name: keyof Handlers): Token => handlerToken(Handlers, name);

async function start(name: keyof Handlers, ...before: readonly Token[]): Promise<Container> {
  return Container.create({
    providers: [Providers, Handlers],
    scopeValues: [Text],
    threads: { executor: 'inline' },
    before: new Map([[tokenOf(name), before]]),
  });
}

async function run(container: Container, name: keyof Handlers, text = 'text'): Promise<unknown> {
  await using scope = container.createScope([value(Text, text)]);
  return await scope.resolve(tokenOf(name));
}

describe('what is made before a handler', () => {
  it('comes one after the other, each with all that it needs, before anything else', async () => {
    await using container = await start('handle', First, Second);
    const result = run(container, 'handle');
    await settle();
    expect(log).toEqual(['needed', 'shared']);
    gates.get('needed')?.();
    await settle();
    expect(log.slice(2)).toEqual(['first needed shared']);
    gates.get('first')?.();
    await settle();
    expect(log.slice(3)).toEqual(['second text']);
    gates.get('second')?.();
    expect(await result).toEqual(['parameter', 'first']);
    expect(log.slice(4)).toEqual(['parameter shared', 'handle']);
  });

  it('is not passed on', async () => {
    await using container = await start('sync', Shared);
    expect(await run(container, 'sync')).toBe('in thread');
    expect(log).toEqual(['shared', 'in thread', 'sync']);
  });

  it('is made once, however often it is listed', async () => {
    await using container = await start('plain', Shared, Parameter, Shared);
    await run(container, 'plain');
    expect(log).toEqual(['shared', 'parameter shared', 'plain']);
  });

  it('shares the trip of a handler in a thread', async () => {
    await using container = await start('sync', InThread);
    expect(container.explain(tokenOf('sync'))).toContain('1 hop to a thread');
    await run(container, 'sync');
    expect(log).toEqual(['in thread', 'sync']);
  });

  it('may be made in a thread before a handler on the loop', async () => {
    await using container = await start('plain', InThread);
    await run(container, 'plain');
    expect(log).toEqual(['in thread', 'shared', 'parameter shared', 'plain']);
  });

  it('may change sides and back', async () => {
    await using container = await start('sync', InThread, Yielding);
    await run(container, 'sync');
    expect(log).toEqual(['in thread', 'open', 'sync', 'close']);
  });

  it('may be a class, a value or a list of nothing', async () => {
    @Injectable({ scope: 'request' })
    class Guard {
      readonly seen = log.push('guard');
    }
    await using container = await start('plain', Text, Guard);
    await run(container, 'plain');
    expect(log).toEqual(['guard', 'shared', 'parameter shared', 'plain']);
  });

  it('is torn down as usual, and sees the error of the handler', async () => {
    await using container = await start('failing', Yielding);
    await expect(run(container, 'failing')).rejects.toThrow('failed');
    expect(log).toEqual(['open', 'undo: failed']);
  });

  it('ends the plan where it fails, with the way to it', async () => {
    const Guard = token('Guard');
    class Guards {
      @Provides(Guard, { scope: 'request' }) async guard(): Promise<unknown> {
        throw new Error('refused');
      }
    }
    await using container = await Container.create({
      providers: [Providers, Handlers, Guards],
      scopeValues: [Text],
      threads: { executor: 'inline' },
      before: new Map([[tokenOf('plain'), [Guard]]]),
    });
    const error: unknown = await run(container, 'plain').catch((thrown: unknown) => thrown);
    expect((error as Error).message).toBe('refused');
    expect(errorPath(error)).toEqual(['Handlers.plain', 'Guards.guard']);
    expect(log).toEqual([]);
  });

  it('has its inputs read before anything runs', async () => {
    await using container = await start('plain', Second);
    expect(container.inputs(tokenOf('plain'))).toEqual([textSource]);
    await expect(run(container, 'plain', '')).rejects.toThrow(InputError);
    expect(log).toEqual([]);
  });

  it('is shown', async () => {
    await using container = await start('plain', Yielding);
    expect(container.explain(tokenOf('plain'))).toMatch(
      /2 {2}Providers\.yielding .*\n.*\n +4 {2}Providers\.shared +\[request\] +loop +after 1, 2\n/,
    );
    const { nodes, edges } = container.graph;
    const labelOf = (id: string) => nodes.find((node) => node.id === id)?.label;
    const before = edges.filter(({ kind }) => kind === 'before');
    expect(before.map(({ from, to }) => [labelOf(from), labelOf(to)])).toEqual([
      ['Handlers.plain', 'Providers.yielding'],
    ]);
  });

  it('is the same under an override', async () => {
    await using container = await start('plain', Shared);
    await using _override = await container.override(value(Shared, 'other'));
    await run(container, 'plain');
    expect(log).toEqual(['parameter other', 'plain']);
  });

  it('is refused where nothing provides it, or it belongs to threads', async () => {
    @Injectable({ scope: 'thread' })
    class Model {}
    const Missing = token('Missing');
    const error: unknown = await start('plain', Missing, Model).catch((thrown: unknown) => thrown);
    const { errors } = error as GraphError;
    expect(errors[0]).toBeInstanceOf(MissingProviderError);
    expect(errors.map(({ message }) => message)).toEqual([
      expect.stringMatching(
        /^There is no provider for "Missing", which Handlers\.plain asks for \(made before it\)\./,
      ),
      expect.stringMatching(/^Model is to be made before Handlers\.plain, but has scope 'thread'/),
    ]);
  });
});

describe('in real threads', () => {
  const startIn = async (name: 'onLoop' | 'inThread', ...before: readonly Token[]) =>
    Container.create({
      providers: [threads.Checks, threads.Handlers],
      threads: { size: 1 },
      before: new Map([[handlerToken(threads.Handlers, name), before]]),
    });

  it.each([
    ['onLoop', 0],
    ['inThread', true],
  ] as const)('it is made before %s, in one trip', async (name, expected) => {
    await using container = await startIn(name, threads.Checked);
    expect(container.explain(handlerToken(threads.Handlers, name))).toContain('1 hop to a thread');
    await using scope = container.createScope();
    expect(await scope.resolve(handlerToken(threads.Handlers, name))).toBe(expected);
  });

  it.each([threads.Kept, threads.Generated])(
    'it is refused at start if it cannot leave its thread, where the loop comes between: %p',
    async (made) => {
      const inThread = handlerToken(threads.LaterHandlers, 'inThread');
      const options = { providers: [threads.LaterChecks, threads.LaterHandlers] };
      const create = (...before: readonly Token[]) =>
        Container.create({
          ...options,
          threads: { size: 1 },
          before: new Map([[inThread, before]]),
        });
      const error: unknown = await create(made, threads.OnLoop).catch((thrown: unknown) => thrown);
      expect((error as GraphError).errors).toHaveLength(1);
      expect((error as GraphError).errors[0]).toMatchObject({ code: 'TURNO_NOT_PORTABLE' });
      expect((error as GraphError).errors[0]?.message).toMatch(
        /but LaterHandlers\.inThread needs it after LaterChecks\.onLoop, which is made before LaterHandlers\.inThread and outside of that trip\. .* Path: LaterHandlers\.inThread -> LaterChecks\.(?:kept|generated)\.$/,
      );
      // The other way round both run in one trip.
      await using container = await create(threads.OnLoop, made);
      await using scope = container.createScope();
      expect(await scope.resolve(inThread)).toBe(7);
    },
  );

  it('it is refused at start if it cannot leave its thread, where parameters are read in between', async () => {
    const takes = handlerToken(threads.LaterReaders, 'takes');
    const error: unknown = await Container.create({
      providers: [threads.LaterChecks, threads.LaterReaders],
      scopeValues: [threads.Words],
      threads: { size: 1 },
      before: new Map([[takes, [threads.Kept]]]),
    }).catch((thrown: unknown) => thrown);
    expect((error as GraphError).errors).toHaveLength(1);
    expect((error as GraphError).errors[0]?.message).toMatch(
      /^LaterChecks\.kept runs in a thread and makes a Connection, .* but LaterReaders\.takes needs it after its parameters are read, outside of that trip\. .* Path: LaterReaders\.takes -> LaterChecks\.kept\.$/,
    );
  });

  it('it ends the plan where it fails', async () => {
    await using container = await startIn('onLoop', threads.Refused);
    await using scope = container.createScope();
    const result = scope.resolve(handlerToken(threads.Handlers, 'onLoop'));
    await expect(result).rejects.toThrow('refused');
  });
});
