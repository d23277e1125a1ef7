/** What the core does for adapters, so that large data need not be touched on the loop. */
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Container,
  declareHandler,
  handlerToken,
  Inject,
  InputError,
  value,
  type ContainerOptions,
  type Token,
} from '@turno/core';
import { Finished, Handlers, Recorder, Sent } from './fixtures/adapters.js';

const thread = handlerToken(Handlers, 'thread') as Token<string>;
const onLoop = handlerToken(Handlers, 'onLoop') as Token<string>;

const open: Container[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((container) => container.dispose()));
});

async function handle(token: Token<string>, sent: string, recorder = new Recorder(['before'])) {
  const container = await Container.create({
    providers: [Handlers],
    scopeValues: [Sent, Recorder],
    threads: { size: 1 },
  } satisfies ContainerOptions);
  open.push(container);
  await using scope = container.createScope([value(Sent, sent), value(Recorder, recorder)]);
  return await scope.resolve(token);
}

describe('a late parameter', () => {
  it('is read in the thread of the method that takes it, on the loop for one that runs there', async () => {
    expect(await handle(thread, '1,2')).toBe('Handlers.thread: 1 thread,2 thread');
    expect(await handle(onLoop, '1')).toBe('1 loop');
  });

  it('fails with all others of its hop, before anything in that hop has run', async () => {
    const recorder = new Recorder();
    const failed = handle(thread, 'x,y', recorder);
    await expect(failed).rejects.toBeInstanceOf(InputError);
    const { faults } = (await failed.catch((error: unknown) => error)) as InputError;
    expect(faults).toMatchObject([
      { owner: 'Handlers.thread', index: 0, error: { message: '0 on the thread' } },
      { owner: 'Handlers.thread', index: 1, error: { message: '1 on the thread' } },
    ]);
    expect(recorder.lines).toEqual([]);
  });
});

it('`finish` makes in the thread what crosses in the place of a result that could not', async () => {
  expect(await handle(thread, '3,4')).toContain('3 thread,4 thread');
});

it('`finishOnLoop` makes of a result what is returned, as a part of the handler', async () => {
  const container = await Container.create({ providers: [Finished] });
  open.push(container);
  await using scope = container.createScope();
  expect(await scope.resolve(handlerToken(Finished, 'well'))).toBe('well done');
  expect(Finished.events.splice(0)).toEqual(['finish Finished.well', 'ended']);
  await expect(scope.resolve(handlerToken(Finished, 'badly'))).rejects.toThrow('no way');
  expect(Finished.events).toEqual(['finish Finished.badly', 'saw no way', 'ended']);
});

it('an input whose class has `merge` comes back with what each hop has written', async () => {
  const recorder = new Recorder(['before']);
  await handle(thread, '1,2', recorder);
  expect(recorder.lines).toEqual(['before', 'shout in a thread', 'handler in a thread']);
  const other = new Recorder();
  await handle(onLoop, '1', other);
  expect(other.lines).toEqual(['shout in a thread', 'handler on the loop']);
});

it('what a handler returns is its caller’s: no scope disposes it', async () => {
  let disposed = 0;
  class Streams {
    async stream() {
      return { [Symbol.dispose]: () => disposed++ };
    }
  }
  declareHandler(Streams.prototype, 'stream');
  const container = await Container.create({ providers: [Streams] });
  await container.run((scope) => scope.resolve(handlerToken(Streams, 'stream')));
  await container.dispose();
  expect(disposed).toBe(0);
});

it('`abort` aborts signals that were given out, also of what is made already', async () => {
  let given: AbortSignal | undefined;
  class Waits {
    async wait(signal: AbortSignal) {
      given = signal;
    }
  }
  Inject(AbortSignal)(Waits.prototype, 'wait', 0);
  declareHandler(Waits.prototype, 'wait');
  const container = await Container.create({ providers: [Waits] });
  const scope = container.createScope();
  await scope.resolve(handlerToken(Waits, 'wait'));
  expect(given?.aborted).toBe(false);
  const reason = new Error('nobody waits');
  scope.abort(reason);
  expect(given?.reason).toBe(reason);
  await scope.dispose();
  await container.dispose();
});
