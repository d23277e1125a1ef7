/** What a pass holds without entries: it is torn down as what has them, whoever comes between. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import {
  Container,
  contextVar,
  errorPath,
  Inject,
  Injectable,
  Provides,
  token,
  type ScopeInstance,
  value,
} from '@turno/core';
import { constructsItself } from '../dist/constructs-itself.js';

const request = { scope: 'request' } as const;
const variable = contextVar<string>('variable');

let log: string[];
/** What each does at its start and its end, and what it has for that: nothing else than usual. */
let starts: Partial<Record<string, () => void>>;
let ends: Partial<Record<string, () => unknown>>;
let dress: Partial<Record<string, (made: object) => void>>;
beforeEach(() => {
  log = [];
  starts = {};
  ends = {};
  dress = {};
});

function begin(name: string, made: object): void {
  log.push(`+${name}`);
  dress[name]?.(made);
  starts[name]?.();
}

function end(name: string): unknown {
  log.push(`-${name}`);
  return ends[name]?.();
}

@Injectable(request)
class A {
  constructor() {
    begin('A', this);
  }
  [Symbol.dispose](): unknown {
    return end('A');
  }
}

/** Without an end. */
@Injectable(request)
class B {
  constructor(@Inject(A) readonly a: A) {
    begin('B', this);
  }
}

@Injectable(request)
class C {
  constructor(@Inject(B) readonly b: B) {
    begin('C', this);
  }
  [Symbol.dispose](): unknown {
    return end('C');
  }
}

@Injectable(request)
class D {
  constructor(
    @Inject(C) readonly c: C,
    @Inject(A) readonly a: A,
  ) {
    begin('D', this);
  }
  [Symbol.dispose](): unknown {
    return end('D');
  }
}

/** Likewise, where one of them has an end that is async. */
@Injectable(request)
class E {
  constructor(@Inject(C) readonly c: C) {
    begin('E', this);
  }
  async [Symbol.asyncDispose](): Promise<void> {
    log.push('-E');
    await ends.E?.();
    log.push('-E, later');
  }
}

@Injectable(request)
class F {
  constructor(@Inject(E) readonly e: E) {
    begin('F', this);
  }
  [Symbol.dispose](): unknown {
    return end('F');
  }
}

const Handed = token<object>('Handed');
let handed: object;
class Handing {
  @Provides(Handed, { scope: 'transient', on: 'loop' }) static hand(): object {
    return handed;
  }
}

const Given = token<string>('Given');

@Injectable({ scope: 'transient' })
class Piece {
  [Symbol.dispose](): unknown {
    return end('Piece');
  }
}

@Injectable(request)
class Giving {
  constructor(
    @Inject(Given) readonly given: string,
    @Inject(Piece) readonly piece: Piece,
  ) {}
}

const Waited = token<string>('Waited');
class Waiting {
  @Provides(Waited, request) static async waited(@Inject(A) _a: A): Promise<string> {
    return Promise.resolve('waited');
  }
}

@Injectable(request)
class Behind {
  constructor(@Inject(Waited) readonly waited: string) {
    begin('Behind', this);
  }
  [Symbol.dispose](): unknown {
    return end('Behind');
  }
}

const all = ['+A', '+B', '+C', '+D', '-D', '-C', '-A'];

it('is what instances are that nobody has seen before', () => {
  expect([A, B, C, D, E, F, Piece, Giving, Behind].every((each) => constructsItself(each))).toBe(
    true,
  );
});

/** A pass holds what it makes once it is written as a function, when it has been made a hundred times. */
describe.each([
  ['with entries', 0],
  ['without entries', 300],
])('what is made %s', (_, times) => {
  async function created(): Promise<Container> {
    const container = await Container.create({ providers: [Handing] });
    for (let time = 0; time < times; time++) {
      await container.run((scope) => scope.resolve(D));
      await container.run((scope) => scope.resolve(F));
    }
    log = [];
    return container;
  }

  async function resolveAndDispose(container: Container): Promise<void> {
    const scope = container.createScope();
    await scope.resolve(D);
    await scope.dispose();
  }

  it('is torn down in reverse order, with its scope or the one around it', async () => {
    const container = await created();
    for (let time = 0; time < 3; time++) await resolveAndDispose(container);
    expect(log.splice(0)).toEqual([...all, ...all, ...all]);
    const scope = container.createScope();
    await scope.resolve(D);
    await container.dispose();
    await scope.dispose();
    expect(log).toEqual(all);
  });

  it('is torn down as it is then: nobody waits for what ends at once', async () => {
    await using container = await created();
    const scope = container.createScope();
    await scope.resolve(D);
    const ending = scope.dispose();
    expect(log).toEqual(all);
    await ending;
  });

  it('is torn down to the end, whatever a teardown throws', async () => {
    await using container = await created();
    const [first, second] = [new Error('D'), new TypeError('A')];
    ends.D = () => {
      throw first;
    };
    await expect(resolveAndDispose(container)).rejects.toBe(first);
    expect(log.splice(0)).toEqual(all);
    ends.A = () => {
      throw second;
    };
    const caught = await resolveAndDispose(container).catch((error: unknown) => error);
    expect(caught).toBeInstanceOf(AggregateError);
    expect((caught as AggregateError).errors).toEqual([first, second]);
    expect(log.splice(0)).toEqual(all);
    ends = { C: () => Promise.reject(first) };
    await expect(resolveAndDispose(container)).rejects.toBe(first);
    expect(log.splice(0)).toEqual(all);
    ends = {};
    await resolveAndDispose(container);
    expect(log).toEqual(all);
  });

  it('waits for what a teardown returns before it goes on', async () => {
    await using container = await created();
    ends.C = async () => {
      await Promise.resolve();
      log.push('-C, later');
    };
    await resolveAndDispose(container);
    expect(log.splice(0)).toEqual([...all.slice(0, 6), '-C, later', '-A']);
    // Neither a function nor an object without `then` is anything to wait for.
    ends.C = () => ({ then: 'later' });
    const scope = container.createScope();
    await scope.resolve(D);
    const ending = scope.dispose();
    expect(log).toEqual(all);
    await ending;
  });

  it('waits for an async end, with others before and behind it', async () => {
    await using container = await created();
    const scope = container.createScope();
    await scope.resolve(F);
    await scope.dispose();
    const made = ['+A', '+B', '+C', '+E', '+F'];
    expect(log.splice(0)).toEqual([...made, '-F', '-E', '-E, later', '-C', '-A']);
    const failure = new Error('E');
    ends.E = () => Promise.reject(failure);
    const other = container.createScope();
    await other.resolve(F);
    await expect(other.dispose()).rejects.toBe(failure);
    expect(log).toEqual([...made, '-F', '-E', '-C', '-A']);
  });

  it('is torn down by what it has itself, be it other than what others had', async () => {
    await using container = await created();
    dress.C = (made) => {
      Object.defineProperty(made, Symbol.asyncDispose, {
        value: async () => {
          await Promise.resolve();
          log.push('-C, by its own');
        },
      });
    };
    await resolveAndDispose(container);
    expect(log.splice(0)).toEqual([...all.slice(0, 5), '-C, by its own', '-A']);
    dress.C = (made) => {
      Object.defineProperty(made, Symbol.dispose, { value: undefined });
    };
    dress.B = (made) => {
      Object.defineProperty(made, Symbol.dispose, { value: () => log.push('-B') });
    };
    await resolveAndDispose(container);
    expect(log.splice(0)).toEqual([...all.slice(0, 5), '-B', '-A']);
    dress.C = (made) => {
      Object.defineProperty(made, Symbol.dispose, {
        get: () => {
          throw new Error('for a look');
        },
      });
    };
    await resolveAndDispose(container);
    expect(log.splice(0)).toEqual([...all.slice(0, 5), '-B', '-A']);
    // What one has had changes nothing for the next one.
    dress = {};
    for (let time = 0; time < 3; time++) await resolveAndDispose(container);
    expect(log).toEqual([...all, ...all, ...all]);
  });

  it('is torn down where a constructor throws, and nothing else is', async () => {
    await using container = await created();
    const failure = new Error('D');
    starts.D = () => {
      throw failure;
    };
    const scope = container.createScope();
    await expect(scope.resolve(D)).rejects.toBe(failure);
    expect(errorPath(failure)).toEqual(['D']);
    expect(log.splice(0)).toEqual(['+A', '+B', '+C', '+D', '-C', '-A']);
    starts = {};
    await scope.resolve(D);
    await scope.dispose();
    expect(log).toEqual(all);
  });

  it('stays where a later resolve of its scope fails, which tears down its own alone', async () => {
    await using container = await created();
    const failure = new Error('D');
    for (const first of [A, C]) {
      const scope = container.createScope();
      const kept = await scope.resolve<object>(first);
      log = [];
      starts.D = () => {
        throw failure;
      };
      await expect(scope.resolve(D)).rejects.toBe(failure);
      expect(log.splice(0)).toEqual(first === A ? ['+B', '+C', '+D', '-C'] : ['+D']);
      expect(await scope.resolve<object>(first)).toBe(kept);
      starts = {};
      await scope.resolve(D);
      await scope.dispose();
      const made = first === A ? ['+B', '+C', '+D'] : ['+D'];
      expect(log.splice(0)).toEqual([...made, '-D', '-C', '-A']);
    }
  });

  it('stays where a later resolve fails in which somebody hands it on', async () => {
    await using container = await created();
    const scope = container.createScope();
    handed = await scope.resolve(A);
    const other = container.createScope();
    const asked: Promise<unknown>[] = [];
    starts.B = () => {
      asked.push(other.resolve(Handed));
      throw new Error('B');
    };
    await expect(scope.resolve(B)).rejects.toThrow('B');
    await Promise.all(asked);
    expect(await scope.resolve(A)).toBe(handed);
    await other.dispose();
    expect(log).toEqual(['+A', '+B']);
    await scope.dispose();
    expect(log).toEqual(['+A', '+B', '-A']);
  });

  it('is nothing where what the scope is given is refused', async () => {
    await using container = await Container.create({ scopeValues: [Given] });
    for (let time = 0; time < times; time++) {
      await container.run((scope) => scope.resolve(Giving), [value(Given, 'given')]);
    }
    log = [];
    const scope = container.createScope();
    await expect(scope.resolve(Giving)).rejects.toMatchObject({ code: 'TURNO_SCOPE_VALUE' });
    await scope.dispose();
    expect(log).toEqual([]);
  });

  it('has the end that it has, also behind a promise that was waited for', async () => {
    await using container = await Container.create({ providers: [Waiting] });
    for (let time = 0; time < times; time++) await container.run((scope) => scope.resolve(Behind));
    const ended = async (): Promise<string[]> => {
      log = [];
      const scope = container.createScope();
      await scope.resolve(Behind);
      await scope.dispose();
      return log.splice(0);
    };
    expect(await ended()).toEqual(['+A', '+Behind', '-Behind', '-A']);
    for (const end of [{ value: 'no function' }, { value: undefined }]) {
      dress.Behind = (made) => void Object.defineProperty(made, Symbol.dispose, end);
      expect(await ended()).toEqual(['+A', '+Behind', '-A']);
    }
    dress.Behind = (made) => {
      Object.defineProperty(made, Symbol.dispose, {
        get: () => {
          throw new Error('for a look');
        },
      });
    };
    expect(await ended()).toEqual(['+A', '+Behind', '-A']);
  });

  it('is made once where a constructor asks for it, and torn down once', async () => {
    await using container = await created();
    for (const name of ['A', 'B', 'C', 'D']) {
      const scope = container.createScope();
      const asked: Promise<unknown>[] = [];
      starts[name] = () => asked.push(scope.resolve(D), scope.resolve(C));
      const made = await scope.resolve(D);
      expect(await Promise.all(asked)).toEqual([made, made.c]);
      await scope.dispose();
      expect(log.splice(0)).toEqual(all);
      starts = {};
    }
  });

  it('is torn down behind what was made later in the same scope', async () => {
    await using container = await created();
    const scope = container.createScope();
    await scope.resolve(C);
    await scope.resolve(F);
    await scope.resolve(D);
    await scope.dispose();
    const ended = ['-D', '-F', '-E', '-E, later', '-C', '-A'];
    expect(log).toEqual(['+A', '+B', '+C', '+E', '+F', '+D', ...ended]);
  });

  it('may end the scope that it is in: all who ask see the same end', async () => {
    await using container = await created();
    for (const name of ['A', 'C', 'D']) {
      const scope = container.createScope();
      const others: Promise<void>[] = [];
      ends[name] = () => void others.push(scope.dispose());
      await scope.resolve(D);
      await scope.dispose();
      await Promise.all(others);
      expect(others).toHaveLength(1);
      await expect(scope.resolve(D)).rejects.toMatchObject({ code: 'TURNO_DISPOSED' });
      expect(log.splice(0)).toEqual(all);
      ends = {};
    }
  });

  it('has one owner, whoever hands it on while its scope is open', async () => {
    await using container = await created();
    for (const name of ['a', 'c'] as const) {
      const scope = container.createScope();
      const made = await scope.resolve(D);
      handed = made[name];
      const other = container.createScope();
      expect(await other.resolve(Handed)).toBe(handed);
      await other.dispose();
      expect(log.splice(0)).toEqual(all.slice(0, 4));
      await scope.dispose();
      expect(log.splice(0)).toEqual(all.slice(4));
    }
    await resolveAndDispose(container);
    expect(log).toEqual(all);
  });

  it('has one owner, where a constructor hands on what was made before', async () => {
    await using container = await created();
    const scope = container.createScope();
    const other = container.createScope();
    const asked: Promise<unknown>[] = [];
    starts.D = () => asked.push(other.resolve(Handed));
    dress.C = (made) => (handed = made);
    await scope.resolve(D);
    await Promise.all(asked);
    await other.dispose();
    expect(log.splice(0)).toEqual(all.slice(0, 4));
    await scope.dispose();
    expect(log).toEqual(all.slice(4));
  });

  it('has one owner, where a teardown hands on what is left', async () => {
    await using container = await created();
    const scope = container.createScope();
    handed = (await scope.resolve(D)).a;
    const other: ScopeInstance = container.createScope();
    const asked: Promise<unknown>[] = [];
    ends.D = () => void asked.push(other.resolve(Handed));
    await scope.dispose();
    await Promise.all(asked);
    await other.dispose();
    expect(log).toEqual(all);
  });

  it('is torn down in the context in which it was made', async () => {
    await using container = await created();
    const seen: unknown[] = [];
    ends.C = () => void seen.push(variable.get());
    const outside = container.createScope();
    await outside.resolve(D);
    await variable.run('elsewhere', () => outside.dispose());
    const inside = container.createScope();
    await variable.run('inside', () => inside.resolve(D));
    await inside.dispose();
    expect(seen).toEqual([undefined, 'inside']);
    expect(log.filter((line) => line.startsWith('-'))).toEqual([...all.slice(4), ...all.slice(4)]);
  });
});
