import type { RequestListener, ServerResponse } from 'node:http';
import inject from 'light-my-request';
import { token, value, Injectable } from '@turno/core';
import { BackgroundTasks, Controller, createApp, Get, type AppOptions } from '@turno/http-adapter';
import { events, Order, Resources, Ticks } from './fixtures/order.js';
import { closeBuilt, makeApp, serve } from './built.js';
import { gate } from './support.js';

let ticks: Int32Array;
beforeEach(() => {
  events.length = 0;
  ticks = new Int32Array(new SharedArrayBuffer(4));
});
afterEach(closeBuilt);

/** What happens in a request, with its answer among it, until the request is over. */
async function eventsOf(path: string, options: Partial<AppOptions> = {}) {
  const { app, log } = await makeApp({
    controllers: [Order],
    providers: [Resources, value(Ticks, ticks)],
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
  const response = await inject(listener, path);
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
