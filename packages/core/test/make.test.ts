/** What steps make on the loop, before and after a function is written for each. */
import { describe, expect, it } from '@jest/globals';
import {
  all,
  Container,
  errorPath,
  Inject,
  Injectable,
  provide,
  Provides,
  token,
  value,
} from '@turno/core';

const transient = { scope: 'transient' } as const;
const onLoop = { ...transient, on: 'loop' } as const;
const Part = token<number>('Part');
const Each = token<number>('Each');
const Static = token<unknown[]>('Static');
const Own = token<unknown[]>('Own');
const Given = token<unknown[]>('Given');
const Waited = token<unknown[]>('Waited');
const Broken = token<unknown>('Broken');

@Injectable(transient)
class One {
  constructor(@Inject(Part) readonly part: number) {}
}

@Injectable(transient)
class Many {
  readonly parts: readonly unknown[];
  constructor(
    @Inject(One) one: One,
    @Inject(Part) second: number,
    @Inject(One) third: One,
    @Inject(all(Each)) parts: readonly number[],
    @Inject(Part) fifth: number,
  ) {
    this.parts = [one.part, second, third.part, parts, fifth];
  }
}

class Holder {
  @Provides(Static, onLoop)
  static made(@Inject(One) one: One, @Inject(Many) many: Many): unknown[] {
    return [this.name, one.part, many.parts];
  }
}

@Injectable()
class Instance {
  readonly own = 'own';

  @Provides(Own, onLoop) made(@Inject(One) one: One): unknown[] {
    return [this.own, one.part];
  }

  @Provides(Broken, onLoop) broken(): unknown {
    throw new RangeError('broken');
  }
}

const parts = [3, 3, 3, [1, 2, 3], 3];

describe.each([0, 300])('after %d times', (times) => {
  async function created(): Promise<Container> {
    const container = await Container.create({
      providers: [
        value(Part, 3),
        ...[1, 2, 3].map((each) => value(Each, each, { many: true })),
        Holder,
        Instance,
        provide(Given, { ...onLoop, deps: [One, Many, Part, One] }, (...made) => made),
        provide(Waited, { ...transient, deps: [Given, Static] }, async (...made) => made),
      ],
    });
    for (let time = 0; time < times; time++) {
      for (const each of [Many, Static, Own, Waited]) await container.resolve<unknown>(each);
      await container.resolve(Broken).catch(() => undefined);
    }
    return container;
  }

  it('each gets what it needs, in order, and its object', async () => {
    await using container = await created();
    expect((await container.resolve(Many)).parts).toEqual(parts);
    expect(await container.resolve(Static)).toEqual(['Holder', 3, parts]);
    expect(await container.resolve(Own)).toEqual(['own', 3]);
    const one = expect.objectContaining({ part: 3 });
    const given = [one, expect.objectContaining({ parts }), 3, one];
    expect(await container.resolve(Given)).toEqual(given);
    expect(await container.resolve(Waited)).toEqual([given, ['Holder', 3, parts]]);
  });

  it('what throws is named', async () => {
    await using container = await created();
    const caught = await container.resolve(Broken).catch((error: unknown) => error);
    expect(caught).toEqual(new RangeError('broken'));
    expect(errorPath(caught)).toEqual(['Instance.broken']);
  });

  it('a method is the one that stands there now', async () => {
    await using container = await created();
    const made = Object.getOwnPropertyDescriptor(Holder, 'made') as PropertyDescriptor;
    try {
      Object.defineProperty(Holder, 'made', { ...made, value: () => ['another'] });
      expect(await container.resolve(Static)).toEqual(['another']);
      Object.defineProperty(Holder, 'made', { ...made, value: 'none' });
      await expect(container.resolve(Static)).rejects.toThrow(
        new TypeError('Holder.made is not a method of what provides Holder.'),
      );
    } finally {
      Object.defineProperty(Holder, 'made', made);
    }
    const instance = await container.resolve(Instance);
    Object.defineProperty(instance, 'made', { value: () => ['of its own'] });
    expect(await container.resolve(Own)).toEqual(['of its own']);
  });
});
