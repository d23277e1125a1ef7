/** What is made in one straight pass: the same as by a run, whoever comes between, and however often. */
import { beforeEach, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  Container,
  errorPath,
  Inject,
  Injectable,
  lazy,
  Provides,
  token,
  value,
  type ScopeInstance,
  type Token,
} from '@turno/core';
import { constructsItself } from '../dist/constructs-itself.js';
import { gate } from './support/gate.js';

const Asked = token<string>('Asked');
const request = { scope: 'request' } as const;
const transient = { scope: 'transient' } as const;

let log: string[];
/** What the constructor of `Middle` does at the end. */
let between: () => void;
beforeEach(() => {
  log = [];
  between = () => undefined;
});

class Noted implements Disposable {
  constructor() {
    log.push(`+${this.constructor.name}`);
  }
  [Symbol.dispose](): void {
    log.push(`-${this.constructor.name}`);
  }
}

@Injectable()
class Shared {}

@Injectable(request)
class First extends Noted {
  constructor(@Inject(Shared) readonly shared: Shared) {
    super();
  }
}

@Injectable(request)
class Middle extends Noted {
  constructor(@Inject(First) readonly first: First) {
    super();
    between();
  }
}

@Injectable(transient)
class Piece extends Noted {
  async [Symbol.asyncDispose](): Promise<void> {
    log.push('-Piece, async');
    await Promise.resolve();
  }
}

@Injectable(request)
class Last extends Noted {
  constructor(
    @Inject(Middle) readonly middle: Middle,
    @Inject(Piece) readonly piece: Piece,
    @Inject(First) readonly first: First,
    @Inject(Piece) readonly other: Piece,
  ) {
    super();
  }
}

const inOrder = ['+First', '+Middle', '+Piece', '+Piece', '+Last'];
const backwards = ['-Last', '-Piece, async', '-Piece, async', '-Middle', '-First'];

async function resolveAndDispose<T>(container: Container, wanted: Token<T>): Promise<T> {
  await using scope = container.createScope();
  return await scope.resolve(wanted);
}

/** A straight pass is a loop at first, and written as a function when it has been made a hundred times. */
describe.each([
  ['by the loop', 0],
  ['by the function', 300],
])('a pass %s', (_, times) => {
  async function warm(container: Container): Promise<void> {
    for (let time = 0; time < times; time++) await resolveAndDispose(container, Last);
    log = [];
  }

  it('makes each value once, in order, and disposes them in reverse', async () => {
    await using container = await Container.create({});
    await warm(container);
    for (let time = 0; time < 3; time++) {
      log = [];
      const scope = container.createScope();
      const last = await scope.resolve(Last);
      expect(last.first).toBe(last.middle.first);
      expect(last.piece).not.toBe(last.other);
      expect(last.first.shared).toBe(await container.resolve(Shared));
      expect(await scope.resolve(Middle)).toBe(last.middle);
      expect(await scope.resolve(Last)).toBe(last);
      await scope.dispose();
      expect(log).toEqual([...inOrder, ...backwards]);
    }
  });

  it('is left to a run when a constructor throws: with the path, and all torn down', async () => {
    await using container = await Container.create({});
    await warm(container);
    const failure = new Error('broken');
    between = () => {
      throw failure;
    };
    const scope = container.createScope();
    const caught = await scope.resolve(Last).catch((error: unknown) => error);
    expect(caught).toBe(failure);
    expect(errorPath(caught)).toEqual(['Last', 'Middle']);
    expect(log).toEqual(['+First', '+Middle', '-First']);
    // What failed is not kept.
    between = () => undefined;
    log = [];
    await scope.resolve(Last);
    await scope.dispose();
    expect(log).toEqual([...inOrder, ...backwards]);
  });

  it('is left to a run when somebody asks for what it makes, and shares that with him', async () => {
    await using container = await Container.create({});
    await warm(container);
    const scope = container.createScope();
    const asked: Promise<unknown>[] = [];
    between = () => asked.push(scope.resolve(First), scope.resolve(Middle), scope.resolve(Last));
    const last = await scope.resolve(Last);
    expect(await Promise.all(asked)).toEqual([last.first, last.middle, last]);
    expect((await Promise.all(asked))[2]).toBe(last);
    await scope.dispose();
    expect(log).toEqual([...inOrder, ...backwards]);
  });

  it('tears down what it has made alone, not what somebody between has made', async () => {
    await using container = await Container.create({});
    await warm(container);
    const scope = container.createScope();
    let piece: Promise<Piece> | undefined;
    between = () => {
      piece = scope.resolve(Piece);
      throw new Error('broken');
    };
    await expect(scope.resolve(Last)).rejects.toThrow('broken');
    expect(await piece).toBeInstanceOf(Piece);
    expect(log).toEqual(['+First', '+Middle', '+Piece', '-First']);
    await scope.dispose();
    expect(log.slice(4)).toEqual(['-Piece, async']);
  });

  it('whose inputs are refused has made nothing that the scope could keep', async () => {
    const Given = token<string>('Given');
    class Asking {
      @Provides(Asked, { ...request, on: 'loop' })
      static asked(@Inject(First) _first: First, @Inject(Given) given: string): string {
        return given;
      }
    }
    await using container = await Container.create({
      scopeValues: [Given],
      providers: [Asking],
    });
    for (let time = 0; time < times; time++) {
      await container.run((scope) => scope.resolve(Asked), [value(Given, 'given')]);
    }
    log = [];
    const scope = container.createScope();
    await expect(scope.resolve(Asked)).rejects.toMatchObject({ code: 'TURNO_SCOPE_VALUE' });
    expect(await scope.resolve(First)).toBeInstanceOf(First);
    await scope.dispose();
    expect(log).toEqual(['+First', '-First']);
  });

  it('may meet the end of its scope: what it makes is disposed with it', async () => {
    await using container = await Container.create({});
    await warm(container);
    const scope = container.createScope();
    let end: Promise<void> | undefined;
    between = () => {
      end = scope.dispose();
    };
    await scope.resolve(Last).catch(() => undefined);
    await end;
    expect(log.filter((line) => line.startsWith('-')).sort()).toEqual([...backwards].sort());
  });
});

describe('a straight pass', () => {
  it('that meets a promise goes on as a run', async () => {
    const opened = gate();
    const Slow = token<string>('Slow');
    const Both = token<string>('Both');
    class Making {
      @Provides(Slow, { ...request, on: 'loop' })
      static slow(@Inject(First) _first: First): string {
        return opened.passed.then(() => 'slow') as never;
      }
      @Provides(Both, { ...request, on: 'loop' })
      static both(@Inject(Slow) slow: string, @Inject(Middle) middle: Middle): string {
        return `${slow} and ${middle.constructor.name}`;
      }
    }
    await using container = await Container.create({ providers: [Making] });
    for (let time = 0; time < 2; time++) {
      const scope = container.createScope();
      const both = scope.resolve(Both);
      const slow = scope.resolve(Slow);
      opened.open();
      expect(await both).toBe('slow and Middle');
      expect(await slow).toBe('slow');
      await scope.dispose();
    }
    const once = ['+First', '+Middle', '-Middle', '-First'];
    expect(log).toEqual([...once, ...once]);
  });

  it('of a value that a lazy function leads back to makes it once', async () => {
    let asking: Promise<unknown> | undefined;
    @Injectable(request)
    class Round {
      constructor(@Inject(lazy(First)) first: () => Promise<First>) {
        asking = first();
      }
    }
    await using container = await Container.create({ providers: [] });
    await using scope = container.createScope();
    await scope.resolve(Round);
    expect(await asking).toBe(await scope.resolve(First));
    expect(log).toEqual(['+First']);
  });

  it('that nobody waits for any more does not outlive its scope', async () => {
    await using container = await Container.create({});
    const scope = container.createScope();
    void scope.resolve(Last);
    await scope.dispose();
    expect(log).toEqual([...inOrder, ...backwards]);
  });
});

it('values that a step of a run makes are each looked at for an end of their own, however often', async () => {
  const Made = token<object>('Made');
  let wanted = (): object => ({});
  class Maker {
    @Provides(Made, request) static async made(): Promise<object> {
      return wanted();
    }
  }
  const end = (name: string) => () => log.push(name);
  const unknowing = {
    get(_: object, key: string | symbol): unknown {
      if (key === Symbol.asyncDispose || key === Symbol.dispose) throw new TypeError('unknown');
      return undefined;
    },
  };
  await using container = await Container.create({ providers: [Maker] });
  const values: readonly (() => object)[] = [
    () => ({}),
    () => ({ [Symbol.dispose]: end('own') }),
    () => new Piece(),
    () => ({ [Symbol.asyncDispose]: end('async'), [Symbol.dispose]: end('never') }),
    () => new Proxy({}, unknowing),
    () => Object.assign(() => undefined, { [Symbol.dispose]: end('function') }),
    () => ({ [Symbol.dispose]: 'no function' }),
  ];
  for (let time = 0; time < 40; time++) {
    for (const make of values) {
      wanted = make;
      await container.run((scope) => scope.resolve(Made));
    }
    expect(log.splice(0)).toEqual(['own', '+Piece', '-Piece, async', 'async', 'function']);
  }
});

describe('a value that is handed on', () => {
  const Handed = token<Middle>('Handed');
  class Handing {
    @Provides(Handed, { ...transient, on: 'loop' })
    static hand(): Middle {
      return held as Middle;
    }
  }
  let held: Middle | undefined;

  it('out of another scope, once that holds it, is disposed there, and there only', async () => {
    await using container = await Container.create({ providers: [Handing] });
    const one: ScopeInstance = container.createScope();
    held = await one.resolve(Middle);
    log = [];
    const other = container.createScope();
    expect(await other.resolve(Handed)).toBe(held);
    await other.dispose();
    expect(log).toEqual([]);
    await one.dispose();
    expect(log).toEqual(['-Middle', '-First']);
    // Now it has no owner, and who hands it out again has made it.
    const third = container.createScope();
    await third.resolve(Handed);
    await third.dispose();
    expect(log).toEqual(['-Middle', '-First', '-Middle']);
  });

  it('out of a scope in others, in whatever container of the same base, is disposed there', async () => {
    // Its source tells that `new` makes it, so that it is held without a note.
    @Injectable(request)
    class Simple {
      [Symbol.dispose](): void {
        log.push('-Simple');
      }
    }
    const Given = token<object>('Given');
    let given: object = {};
    class Giving {
      @Provides(Given, { ...transient, on: 'loop' }) static give(): object {
        return given;
      }
    }
    expect(constructsItself(Simple)).toBe(true);
    for (const depth of [0, 1, 5]) {
      await using base = await Container.create({ providers: [Giving] });
      const [one, other] = await Promise.all([base.fork(), base.fork()]);
      const outer = one.createScope();
      let inner = outer;
      for (let level = 0; level < depth; level++) inner = inner.createScope();
      given = await inner.resolve(Simple);
      for (const scope of [inner.createScope(), one.createScope(), other.createScope()]) {
        expect(await scope.resolve(Given)).toBe(given);
        await scope.dispose();
      }
      expect(await base.resolve(Given)).toBe(given);
      expect(log.splice(0)).toEqual([]);
      await outer.dispose();
      expect(log.splice(0)).toEqual(['-Simple']);
    }
  });

  it('by what runs at the end of that scope has an owner still', async () => {
    const other = gate();
    class Ending {
      @Provides(Ended, request) static async *ended(@Inject(Middle) middle: Middle) {
        yield 'ended';
        held = middle;
        const scope = container.createScope();
        await scope.resolve(Handed);
        await scope.dispose();
        other.open();
      }
    }
    const container = await Container.create({ providers: [Handing, Ending] });
    const scope = container.createScope();
    await scope.resolve(Middle);
    await scope.resolve(Ended);
    log = [];
    await scope.dispose();
    await other.passed;
    expect(log).toEqual(['-Middle', '-First']);
    await container.dispose();
  });

  const Ended = token<string>('Ended');

  it('by its constructor has one owner', async () => {
    const made: Disposable[] = [];
    @Injectable(transient)
    class Single {
      constructor() {
        if (made[0] !== undefined) return made[0];
        made.push(this);
      }
      [Symbol.dispose](): void {
        log.push('-Single');
      }
    }
    await using container = await Container.create({});
    const [one, other] = [container.createScope(), container.createScope()];
    expect(await one.resolve(Single)).toBe(await other.resolve(Single));
    await other.dispose();
    expect(log).toEqual([]);
    await one.dispose();
    expect(log).toEqual(['-Single']);
  });
});

describe('a class', () => {
  it('constructs itself where no constructor of it and its ancestors may return', () => {
    class Plain {
      readonly name = 'return {}';
      method(): number {
        return 1;
      }
    }
    class Written extends Plain {
      constructor(readonly more: string) {
        // return, says a comment
        super();
        this.more = 'return';
        if (more === '{') this.more = 'x';
      }
      other(): string {
        return this.more;
      }
    }
    class Defaulting {
      constructor(readonly options: object = {}) {
        this.options = { ...options };
      }
      options2(): object {
        return this.options;
      }
    }
    const all = [Plain, Written, Defaulting, class extends Defaulting {}];
    expect(all.filter((each) => !constructsItself(each))).toEqual([]);
  });

  it('does not where one may, or where its source does not tell', () => {
    class Returning {
      constructor() {
        if (log.length < 0) return {};
      }
    }
    class Defaulting {
      constructor({ length } = {} as { length?: number }, other = {}) {
        if (length === 1) return other;
      }
    }
    class Inheriting extends Returning {}
    class Templated {
      constructor(readonly name: string) {
        this.name = `}${name}`;
      }
    }
    class Changing {
      constructor() {
        Object.setPrototypeOf(this, null);
      }
    }
    function Old(): void {
      // As they were written once.
    }
    const others = [Map, class extends Map {}, class extends Promise<void> {}, Old.bind(undefined)];
    const all = [Returning, Defaulting, Inheriting, Templated, Changing, Old, ...others];
    expect(all.filter((each) => constructsItself(each))).toEqual([]);
    expect(constructsItself(new Proxy(Shared, {}))).toBe(false);
  });
});

it('is made all the same where code from strings is forbidden', async () => {
  const program = fileURLToPath(new URL('./fixtures/no-code-from-strings.mjs', import.meta.url));
  const flags = ['--disallow-code-generation-from-strings', program];
  const { stdout } = await promisify(execFile)(process.execPath, flags);
  expect(JSON.parse(stdout)).toEqual({ forbidden: 'EvalError', made: 600, disposed: 600 });
});
