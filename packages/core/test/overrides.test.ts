/** Overrides in force for a while, forks, and the deadline of a start. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  alias,
  all,
  Container,
  Inject,
  Injectable,
  original,
  provide,
  Provides,
  token,
  value,
} from '@turno/core';
import * as kitchen from './fixtures/kitchen.js';
import { gate, turn } from './support/gate.js';

const request = { scope: 'request' } as const;
const Clock = token<number>('Clock');
const Time = token<string>('Time');
const Other = token<object>('Other');

let log: string[];
beforeEach(() => {
  log = [];
});

class Times {
  @Provides(Clock) static async clock(): Promise<number> {
    log.push('clock');
    return 1;
  }
  @Provides(Time, request) static async time(@Inject(Clock) clock: number): Promise<string> {
    return `it is ${clock}`;
  }
  @Provides(Other) static async other(): Promise<object> {
    log.push('other');
    return { [Symbol.dispose]: () => log.push('-other') };
  }
}

const timeOf = (container: Container) => container.run((scope) => scope.resolve(Time));

describe('container.override', () => {
  it('replaces a provider until it is restored', async () => {
    await using container = await Container.create({ providers: [Times] });
    const override = await container.override(value(Clock, 2));
    expect(await timeOf(container)).toBe('it is 2');
    expect(await container.resolve(Clock)).toBe(2);
    await override.restore();
    expect(await timeOf(container)).toBe('it is 1');
    await override.restore();
  });

  it('keeps the singletons that do not depend on what is replaced, and does not end them', async () => {
    const container = await Container.create({ providers: [Times] });
    const before = await container.resolve(Other);
    {
      await using _override = await container.override(value(Clock, 2));
      expect(await container.resolve(Other)).toBe(before);
    }
    expect(log).toEqual(['clock', 'other']);
    await container.dispose();
    expect(log).toEqual(['clock', 'other', '-other']);
  });

  it('makes singletons anew that depend on what is replaced, and ends those when it is restored', async () => {
    @Injectable()
    class Watch {
      constructor(@Inject(Clock) readonly clock: number) {}
      [Symbol.dispose]() {
        log.push(`-watch ${this.clock}`);
      }
    }
    const container = await Container.create({ providers: [Times, Watch] });
    const override = await container.override(value(Clock, 2));
    expect((await container.resolve(Watch)).clock).toBe(2);
    await override.restore();
    expect(log.at(-1)).toBe('-watch 2');
    expect((await container.resolve(Watch)).clock).toBe(1);
    await container.dispose();
    expect(log).toContain('-watch 1');
  });

  it('may ask for the original, layer by layer', async () => {
    class Doubling {
      @Provides(Clock) static async clock(@Inject(original(Clock)) clock: number): Promise<number> {
        return clock * 2;
      }
    }
    await using container = await Container.create({ providers: [Times], overrides: [Doubling] });
    expect(await timeOf(container)).toBe('it is 2');
    await using _again = await container
      .override(alias(Clock, token<number>('unknown')))
      .catch(async (error: unknown) => {
        expect(error).toMatchObject({ code: 'TURNO_GRAPH' });
        return container.override(Doubling);
      });
    expect(await timeOf(container)).toBe('it is 4');
  });

  it('leaves the container as it was when it cannot be made', async () => {
    await using container = await Container.create({ providers: [Times] });
    const nobody = token<number>('nobody');
    await expect(container.override(value(nobody, 1))).rejects.toMatchObject({
      code: 'TURNO_GRAPH',
    });
    expect(await timeOf(container)).toBe('it is 1');
  });

  it('is restored in reverse order', async () => {
    await using container = await Container.create({ providers: [Times] });
    const one = await container.override(value(Clock, 2));
    const two = await container.override(value(Clock, 3));
    await expect(one.restore()).rejects.toThrow('in reverse order');
    expect(await timeOf(container)).toBe('it is 3');
    await two.restore();
    expect(await timeOf(container)).toBe('it is 2');
    await one.restore();
    expect(await timeOf(container)).toBe('it is 1');
  });

  it('may be begun twice at the same time: one is built on the other', async () => {
    await using container = await Container.create({ providers: [Times] });
    const Name = token<string>('Name');
    class Named {
      @Provides(Name) static async name(): Promise<string> {
        return 'real';
      }
    }
    await using other = await Container.create({ providers: [Times, Named] });
    const [one, two] = await Promise.all([
      other.override(value(Clock, 2)),
      other.override(value(Name, 'fake')),
    ]);
    expect([await other.resolve(Clock), await other.resolve(Name)]).toEqual([2, 'fake']);
    await two.restore();
    await one.restore();
    expect(await timeOf(container)).toBe('it is 1');
  });

  it('uses the same threads, unless it brings code that they do not know', async () => {
    await using container = await Container.create({
      providers: [kitchen.Orders],
      threads: { size: 1 },
    });
    await using _same = await container.override(value(kitchen.Half, new kitchen.Order(7)));
    expect(await container.run((scope) => scope.resolve(kitchen.Doubled))).toBe(8);
    await using _other = await container.override(kitchen.OtherDoubled);
    expect(await container.run((scope) => scope.resolve(kitchen.Doubled))).toBe(-8);
  });
});

describe('container.fork', () => {
  it('shares nothing but the threads', async () => {
    await using container = await Container.create({
      providers: [Times, kitchen.Orders],
      threads: { size: 1 },
    });
    const forks = await Promise.all([
      container.fork({ overrides: [value(Clock, 2)] }),
      container.fork({ overrides: [value(Clock, 3)] }),
      container.fork(),
    ]);
    expect(await Promise.all(forks.map(timeOf))).toEqual(['it is 2', 'it is 3', 'it is 1']);
    const others = await Promise.all(forks.map((fork) => fork.resolve(Other)));
    expect(new Set([...others, await container.resolve(Other)]).size).toBe(4);
    expect(await forks[0].run((scope) => scope.resolve(kitchen.Doubled))).toBe(8);
    await Promise.all(forks.map((fork) => fork.dispose()));
    expect(log.filter((entry) => entry === '-other')).toHaveLength(3);
    expect(await container.run((scope) => scope.resolve(kitchen.Doubled))).toBe(8);
  });

  it('that is made while the container is disposed is ended too', async () => {
    const container = await Container.create({ providers: [Times] });
    const fork = container.fork();
    const override = container.override(value(Clock, 2));
    await container.dispose();
    await expect(fork).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
    await expect(override).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
    expect(log.filter((entry) => entry === 'other')).toHaveLength(
      log.filter((entry) => entry === '-other').length,
    );
  });

  it('ends with the container at the latest', async () => {
    const container = await Container.create({ providers: [Times] });
    const fork = await container.fork();
    await container.dispose();
    expect(log.filter((entry) => entry === '-other')).toHaveLength(2);
    await expect(fork.resolve(Clock)).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
    await expect(container.fork()).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
  });
});

describe('the start', () => {
  it('names the singleton that is late, not those that wait for it', async () => {
    const never = gate<string>();
    const Waiting = token<string>('Waiting');
    class Slow {
      @Provides(Time) static async time(): Promise<string> {
        return never.passed;
      }
      @Provides(Waiting) static async waiting(@Inject(Time) time: string): Promise<string> {
        return time;
      }
    }
    const options = { providers: [Slow], startTimeout: 10, teardownTimeout: 10 };
    await expect(Container.create(options)).rejects.toMatchObject({
      code: 'TURNO_START_TIMEOUT',
      late: ['Slow.time'],
    });
  });

  it('that fails tells the singletons that are still being made', async () => {
    const failure = new Error('no database');
    class Failing {
      @Provides(Clock) static async clock(): Promise<number> {
        await turn();
        throw failure;
      }
      @Provides(Time) static async time(signal: AbortSignal): Promise<string> {
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            log.push('told');
            reject(signal.reason as Error);
          });
        });
      }
    }
    await expect(Container.create({ providers: [Failing] })).rejects.toBe(failure);
    expect(log).toEqual(['told']);
  });

  it('makes the container ready, until it is disposed', async () => {
    const container = await Container.create();
    expect(container.isReady).toBe(true);
    const disposed = container.dispose();
    expect(container.isReady).toBe(false);
    await disposed;
  });

  it.each([0, -1, NaN, 2 ** 31])('refuses %p for a time', async (startTimeout) => {
    await expect(Container.create({ startTimeout })).rejects.toMatchObject({
      code: 'TURNO_DECLARATION',
    });
  });
});

describe('an override of several', () => {
  const Each = token<string>('Each');
  const providers = ['x', 'y', 'z'].map((each) => value(Each, each, { many: true }));

  it.each([
    ['all(original(…))', all(original(Each))],
    ['original(all(…))', original(all(Each))],
  ])('gets all that it replaces by %s', async (_, replaced) => {
    const override = provide(Each, { many: true, deps: [replaced] }, async (of) => of.join());
    await using container = await Container.create({ providers, overrides: [override] });
    expect(await container.resolve(all(Each))).toEqual(['x,y,z']);
  });

  it('is told to ask for all of them', async () => {
    const override = provide(Each, { many: true, deps: [original(Each)] }, async (of) => of);
    const failed = Container.create({ providers, overrides: [override] });
    await expect(failed).rejects.toMatchObject({
      errors: [
        {
          code: 'TURNO_MISSING_PROVIDER',
          message: expect.stringContaining('ask for @Inject(all(original(Each)))') as unknown,
        },
      ],
    });
  });
});
