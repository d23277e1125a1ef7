import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import inject, { type InjectOptions } from 'light-my-request';
import { token, value, Injectable } from '@turno/core';
import {
  BackgroundTasks,
  Controller,
  createApp,
  file,
  Get,
  type AppOptions,
} from '@turno/http-adapter';
import { Errors, events, Guarded, Guards, Order, Resources, Ticks } from './fixtures/order.js';
import { closeBuilt, makeApp, serve } from './built.js';
import { gate, RawClient } from './support.js';

let ticks: Int32Array;
beforeEach(() => {
  events.length = 0;
  ticks = new Int32Array(new SharedArrayBuffer(4));
});
afterEach(closeBuilt);

/** What happens in a request, with its answer among it, until the request is over. */
async function eventsOf(request: string | InjectOptions, options: Partial<AppOptions> = {}) {
  const { app, log } = await makeApp({
    controllers: [Order, Guarded],
    providers: [Resources, Guards, value(Ticks, ticks)],
    threads: { size: 1 },
    ...options,
  });
  const listener: RequestListener = (request, response) => {
    // Called once for an answer of one piece.
    const end = response.end.bind(response) as (body: string) => ServerResponse;
    response.end = (body?: unknown) => {
      events.push(String(response.statusCode));
      return end(body as string);
    };
    app.handler(request, response);
  };
  const response = await inject(listener, request);
  await app.close();
  return { events: [...events], log, response };
}

describe('on the loop', () => {
  it('the call ends before the answer, tasks run after it, the request ends last', async () => {
    const made = await eventsOf('/order/loop');
    expect(made.events).toEqual([
      '+request',
      '+call',
      'handler',
      '-call',
      '200',
      'task',
      '-request',
    ]);
    expect(made.log.faults).toEqual([]);
  });

  it('generators see the error of the handler before it is answered, and no task runs', async () => {
    const { events, log } = await eventsOf('/order/loop?handler=fails');
    expect(events).toEqual([
      '+request',
      '+call',
      'handler',
      'call sees the handler',
      '-call',
      'request sees the handler',
      '-request',
      '404',
    ]);
    expect(log.faults).toEqual([]);
  });

  it('a failed teardown of the call is the answer', async () => {
    const { events, response } = await eventsOf('/order/loop?call=fails');
    expect(response.json()).toMatchObject({ status: 409, detail: 'the call teardown' });
    expect(events).not.toContain('task');
    expect(events.indexOf('-call')).toBeLessThan(events.indexOf('409'));
  });

  it('a failed teardown of the request is logged only', async () => {
    const { events, log } = await eventsOf('/order/loop?request=fails');
    expect(events).toEqual(expect.arrayContaining(['task', '200', '-request']));
    expect(log.faults).toMatchObject([
      {
        message: 'the teardown of a request failed',
        fields: { err: { message: 'the request teardown' } },
      },
    ]);
  });
});

it('an answer that cannot be encoded is an error of the handler, wherever it runs', async () => {
  for (const place of ['loop', 'thread']) {
    events.length = 0;
    const made = await eventsOf(`/order/unsendable/${place}`);
    expect(made.events).toEqual([
      '+request',
      '+call',
      expect.stringMatching(/^call sees What "Order.unsendable.+BigInt/),
      '-call',
      expect.stringMatching(/^request sees What/),
      '-request',
      '500',
    ]);
  }
});

describe('in a thread', () => {
  it('the order is the same', async () => {
    const made = await eventsOf('/order/thread');
    expect(made.events).toEqual([
      '+request',
      '+call',
      'thread',
      '-call',
      '200',
      'task',
      '-request',
    ]);
  });

  it('generators on the loop see the error of the handler before it is answered', async () => {
    const { events } = await eventsOf('/order/thread?handler=fails');
    expect(events).toEqual([
      '+request',
      '+call',
      'call sees the handler',
      '-call',
      'request sees the handler',
      '-request',
      '404',
    ]);
  });

  it('a failed teardown of the call is the answer', async () => {
    const { events, response } = await eventsOf('/order/thread?call=fails');
    expect(response.statusCode).toBe(409);
    expect(events).not.toContain('task');
  });
});

describe.each(['loop', 'thread'])(
  'dependencies of levels come first: handler on the %s',
  (side) => {
    const post = (query: string, payload: unknown = [1, 2]) => ({
      method: 'POST' as const,
      url: `/guarded/${side}?${query}`,
      headers: { 'content-type': 'application/json' },
      payload: JSON.stringify(payload),
    });
    const handler = side === 'loop' ? ['handler'] : [];

    it('then come parameters, then the handler', async () => {
      const { events, response, log } = await eventsOf(post('user=known&n=1'));
      expect(response.json()).toEqual(['own', 2, 1]);
      expect(events).toEqual([
        ...['+guard', 'counted to 1', 'parameters', ...handler],
        ...['-guard', '200'],
      ]);
      expect(log.faults).toEqual([]);
    });

    it('one that refuses wins over what is wrong with the parameters and the body', async () => {
      const { events } = await eventsOf(post('n=x', { wrong: true }));
      expect(events).toEqual(['+guard', '401']);
      const malformed = { ...post('n=x'), payload: '{"' };
      expect((await eventsOf(malformed)).response.statusCode).toBe(401);
    });

    it('one that refuses in a thread does so, too; those before it see it', async () => {
      const { events } = await eventsOf(post('user=known&quota=0', { wrong: true }));
      expect(events).toEqual(['+guard', 'guard sees Forbidden', '-guard', '403']);
    });

    it('all faults of the parameters come together, and generators see them', async () => {
      const { events, response } = await eventsOf(post('user=known&n=x', { wrong: true }));
      const { errors } = response.json<{ errors: { location: string }[] }>();
      expect(errors.map(({ location }) => location).sort()).toEqual(['body', 'query']);
      expect(events).toEqual([
        ...['+guard', 'counted to 1', 'parameters'],
        ...['guard sees InputError', '-guard', '422'],
      ]);
    });

    it('their own faults come alone, and nothing runs', async () => {
      const { events, response } = await eventsOf(post('user=known&quota=x&n=x', { wrong: true }));
      expect(response.json()).toMatchObject({
        errors: [{ location: 'query', path: 'quota', message: 'must be a number' }],
      });
      expect(events).toEqual(['422']);
    });

    it.each([
      ['too large', 413, 'PayloadTooLarge', post('user=known', 'x'.repeat(100))],
      [
        'of another type',
        415,
        'UnsupportedMediaType',
        { ...post('user=known'), headers: { 'content-type': 'text/plain' } },
      ],
    ])('generators see that the body is %s', async (_what, status, name, request) => {
      const { events } = await eventsOf(request, { bodyLimit: 10 });
      expect(events).toEqual([
        ...['+guard', 'counted to 1'],
        ...[`guard sees ${name}`, '-guard', String(status)],
      ]);
    });

    it('a catch handler answers who is refused', async () => {
      const { events, response } = await eventsOf(post('n=x'), { catch: [Errors] });
      expect(response.payload).toBe('Log in first.');
      expect(events).toEqual(['+guard', 'caught', '401']);
    });
  },
);

describe('background tasks', () => {
  it('run one after the other, on the loop and in threads; one that fails is logged', async () => {
    const { events, log } = await eventsOf('/order/tasks');
    expect(events).toEqual(['200', 'first', '2d71', 'added by a task']);
    expect(Atomics.load(ticks, 0)).toBe(1);
    expect(log.faults).toMatchObject([
      {
        level: 'error',
        message: 'a background task failed',
        fields: { err: { message: 'nothing to hash' }, url: '/order/tasks' },
      },
    ]);
  });

  it('begin when the client has the whole answer, and find the scope of the request alive', async () => {
    const answered = gate();
    const alive: boolean[] = [];
    @Injectable({ scope: 'request' })
    class Session implements Disposable {
      isOpen = true;
      [Symbol.dispose]() {
        this.isOpen = false;
      }
    }
    @Controller()
    class Later {
      @Get('/later') async later(tasks: BackgroundTasks, session: Session) {
        tasks.add(async () => {
          // Only the client's answer lets it go on: sent before, or never.
          await answered.opened;
          alive.push(session.isOpen);
        });
        return 'sent';
      }
    }
    const { app, url } = await serve({ controllers: [Later] });
    expect(await (await fetch(`${url}/later`)).text()).toBe('sent');
    answered.open();
    await app.close();
    expect(alive).toEqual([true]);
  });

  it.each(['bytes', 'stream', 'file'])(
    'run also where the client has left before it had all of the answer: %s',
    async (kind) => {
      const [ran, left] = [gate(), gate()];
      const large = join(mkdtempSync(join(tmpdir(), 'turno-')), 'large');
      writeFileSync(large, Buffer.alloc(50_000_000));
      @Controller()
      class Large {
        @Get('/bytes') async bytes(tasks: BackgroundTasks) {
          tasks.add(async () => ran.open());
          return Buffer.alloc(50_000_000);
        }
        @Get('/stream') async *stream(tasks: BackgroundTasks) {
          tasks.add(async () => ran.open());
          for (;;) yield Buffer.alloc(100_000);
        }
        @Get('/file') async file(tasks: BackgroundTasks) {
          tasks.add(async () => ran.open());
          return file(large);
        }
        @Get('/early/:kind') async early(tasks: BackgroundTasks, signal: AbortSignal) {
          tasks.add(async () => void events.push('task'));
          left.open();
          await once(signal, 'abort');
        }
      }
      const { app, port, log } = await serve({ controllers: [Large] });
      const client = await RawClient.connect(port);
      client.send(`GET /${kind} HTTP/1.1`, 'Host: a', '', '');
      await client.until(/HTTP\/1.1 200/);
      client.destroy();
      await ran.opened;
      // Before the handler has ended there is nothing that it could have left.
      const early = await RawClient.connect(port);
      early.send(`GET /early/${kind} HTTP/1.1`, 'Host: a', '', '');
      await left.opened;
      early.destroy();
      await app.close();
      expect(events).toEqual([]);
      expect(log.faults).toEqual([]);
      rmSync(large);
    },
  );

  it('are waited for by close, within its grace; what has not begun then is dropped', async () => {
    const never = gate();
    const done: string[] = [];
    @Controller()
    class Slow {
      @Get('/slow') async slow(tasks: BackgroundTasks) {
        tasks
          .add(async () => {
            await never.opened;
            done.push('first');
          })
          .add(async () => void done.push('second'));
        return 'sent';
      }
    }
    const { app, log } = await makeApp({ controllers: [Slow] });
    await app.inject('/slow');
    await app.close({ grace: 1 });
    expect(done).toEqual([]);
    never.open();
    await new Promise(setImmediate);
    expect(done).toEqual(['first']);
    expect(log.faults).toMatchObject([
      { fields: { count: 1 }, message: 'background tasks were dropped, since the app has closed' },
    ]);
  });

  it('take nothing any more when the request is over', async () => {
    let kept: BackgroundTasks | undefined;
    @Controller()
    class Keeps {
      @Get('/keeps') async keeps(tasks: BackgroundTasks) {
        kept = tasks;
      }
    }
    const { app } = await makeApp({ controllers: [Keeps] });
    await app.inject('/keeps');
    await app.close();
    expect(() => kept?.add(async () => undefined)).toThrow(/scope/);
    expect(() => kept?.resolve(token('Any'))).toThrow(/scope/);
  });

  it('of a handler in a thread are refused at start', async () => {
    @Controller()
    class InThread {
      @Get('/') get(_tasks: BackgroundTasks) {
        return 'never';
      }
    }
    await expect(createApp({ controllers: [InThread], logger: false })).rejects.toThrow(
      /InThread\.get runs in a thread, but BackgroundTasks are added on the event loop/,
    );
  });
});
