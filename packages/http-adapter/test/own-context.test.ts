/** A request goes on in its own asynchronous context, whoever comes to its scope while its handler waits. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Inject, Injectable, lazy, Provides, type Lazy } from '@turno/core';
import { BackgroundTasks, Controller, Get } from '../src/index.js';
import { closeAll, gate, Log, makeApp, RawClient, type Gate } from './support.js';

describe('a request whose scope somebody comes to while its handler waits', () => {
  const user = new AsyncLocalStorage<string>();
  let seen: string[];
  let begun: Gate;
  let held: Gate;
  let gone: Gate;
  const note = (what: string): number => seen.push(`${what} ${user.getStore()}`);

  class NotingLog extends Log {
    override readonly info = (_fields: object, message: string) => void note(message);
    override readonly error = (_fields: object, message: string) => void note(message);
  }

  class Entered implements Disposable {
    [Symbol.dispose](): void {
      note('teardown');
    }
  }

  @Injectable({ scope: 'request' })
  class Late {}

  class Users {
    @Provides(Entered, { scope: 'request' }) static async entered() {
      user.enterWith('entered');
      return new Entered();
    }
  }

  @Controller()
  class Slow {
    @Get('/inner') async inner(
      @Inject(lazy(Late)) late: Lazy<Late>,
      @Inject(BackgroundTasks) tasks: BackgroundTasks,
    ) {
      tasks.add(async () => note('task'));
      await held.opened;
      await user.run('inner', late);
      return (async function* () {
        note('piece');
        yield 'x';
      })();
    }

    @Get('/left') async left() {
      begun.open();
      await held.opened;
      throw new Error('late');
    }

    @Get('/entered') async entered(@Inject(Entered) _entered: Entered) {
      return {};
    }
  }

  beforeEach(() => {
    seen = [];
    [begun, held, gone] = [gate(), gate(), gate()];
  });
  afterEach(closeAll);

  async function start() {
    const made = await makeApp({
      controllers: [Slow],
      providers: [Users],
      logger: new NotingLog(),
      logRequests: true,
    });
    made.app.use((_request, response, next) => {
      response.once('close', gone.open);
      user.run('alice', next);
    });
    return made.app;
  }

  it('goes on in its own context, whatever that one’s is', async () => {
    const slow = await start();
    held.open();
    expect((await slow.inject('/inner')).body).toBe('x');
    await slow.close();
    expect(seen).toEqual(['piece alice', 'request alice', 'task alice']);
  });

  it('fails there as well when its client has gone', async () => {
    const slow = await start();
    const { port } = await slow.listen({ port: 0 });
    seen = [];
    const client = await RawClient.connect(port);
    client.send('GET /left HTTP/1.1', 'host: x', '', '');
    await begun.opened;
    client.destroy();
    await gone.opened;
    held.open();
    await slow.close();
    expect(seen).toEqual(['request alice', 'request failed after its client had gone alice']);
  });

  it('ends in what its providers have entered', async () => {
    const slow = await start();
    expect((await slow.inject('/entered')).json()).toEqual({});
    await slow.close();
    expect(seen).toEqual(['request entered', 'teardown entered']);
  });
});
