/** The codec: what may cross between loop and thread, and as what it arrives. */
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventEmitter } from 'node:events';
import { deserialize, serialize } from 'node:v8';
import { markAsUntransferable, receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { Portable } from '../src/decorators.js';
import {
  CycleError,
  GraphError,
  NotPortableError,
  QueueFullError,
  TurnoError,
} from '../src/errors.js';
import { deepest } from '../src/portable/limits.js';
import {
  decode,
  encode,
  encodeExactly,
  encodeThrown,
  Obstacle,
  transfer,
  type Encoded,
  type Parcel,
} from '../src/portable/codec.js';
import { encodedAs } from '../src/portable/encoded.js';
import { isKnownUnportable } from '../src/portable/portable-class.js';
import { threadPacker, unpack } from '../src/threads/freight.js';

/** What posting does. In Jest, what comes out of it belongs to another realm, as from a worker. */
function post({ encoded, transfer: moved }: Parcel): Encoded {
  return structuredClone(encoded, { transfer: moved as ArrayBuffer[] });
}

/** A value on the other side. */
function cross<T>(value: T): T {
  return decode(post(encode(value))) as T;
}

/** A value decoded where message and code share one realm, as they do outside of Jest. */
function crossWithinRealm<T>(value: T): T {
  return decode(encodeExactly(value).encoded) as T;
}

function throwAcross(thrown: unknown): unknown {
  return decode(post(encodeThrown(thrown)));
}

function obstacleOf(value: unknown): Obstacle {
  try {
    encode(value);
  } catch (error) {
    if (error instanceof Obstacle) return error;
    throw error;
  }
  throw new Error('The value was not refused.');
}

/**
 * What a value is, down to the bit, whatever realm its objects belong to. Twice, because V8 writes
 * an array that it has read itself in another form than one that was made by code.
 */
const bytes = (value: unknown): string =>
  serialize(deserialize(serialize(value)) as unknown).toString('hex');

@Portable()
class Order {
  note?: unknown;

  constructor(
    readonly id: number,
    readonly items: readonly unknown[] = [],
  ) {
    constructed += 1;
  }

  next(): number {
    return this.id + 1;
  }
}

let constructed = 0;

@Portable()
class BigOrder extends Order {
  override next(): number {
    return super.next() + 100;
  }
}

class PlainSubclass extends Order {}

@Portable<Money, string>({
  encode: (money) => money.text,
  decode: (text) => new Money(...(text.split(' ') as [string, string])),
})
class Money {
  readonly #amount: string;

  constructor(
    amount: string,
    readonly currency: string,
  ) {
    this.#amount = amount;
  }

  get text(): string {
    return `${this.#amount} ${this.currency}`;
  }
}

/** Its encoded form is given by the test. */
@Portable<Wrapper, unknown>({ encode: ({ data }) => data, decode: (data) => new Wrapper(data) })
class Wrapper {
  constructor(public data: unknown) {}
}

@Portable()
class Secret {
  #key = 'k';

  read(): string {
    return this.#key;
  }
}

@Portable()
class SecretOrder extends Secret {}

@Portable()
class Index extends Map<string, number> {}

@Portable<Sealed, string>({ encode: () => '' } as never)
class Sealed {}

@Portable()
class BurntError extends Error {
  readonly code = 'BURNT';

  constructor(
    message: string,
    readonly order?: unknown,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

class UnknownError extends TypeError {
  override name = 'UnknownError';
  code = 'E_UNKNOWN';
  status = 404;
  socket = new EventEmitter();
}

describe('data that crosses', () => {
  it.each<[string, unknown]>([
    ['undefined', undefined],
    ['null', null],
    ['a string', 'text'],
    ['NaN', NaN],
    ['minus zero', -0],
    ['a bigint', 12345678901234567890n],
    ['an empty object', {}],
    ['a nested object', { a: { b: [1, { c: 'd' }] }, e: undefined }],
    ['an array with holes', [1, , 3]],
    ['an empty array of some length', new Array(3)],
    ['a match, which is an array with properties', /(?<x>b)/.exec('abc')],
    ['a map', new Map<unknown, unknown>([[{ k: 1 }, new Map([['a', [1]]])]])],
    ['a set', new Set([1, 'a', { b: new Set() }])],
    ['a date', new Date(86_400_000)],
    ['a regular expression', /a.b/giu],
    ['boxed primitives', [Object(1), Object('text'), Object(true), Object(1n)]],
    ['floats', new Float64Array([1.5, NaN])],
    ['a view of a part', new Uint16Array(new ArrayBuffer(16), 4, 2)],
    ['a data view', new DataView(new ArrayBuffer(8), 2)],
    ['memory', new Uint8Array([1, 2, 3]).buffer],
    ['frozen data', Object.freeze({ a: Object.freeze([1]) })],
  ])('%s arrives as it left', (_name, value) => {
    expect(bytes(cross(value))).toBe(bytes(value));
    expect(bytes(crossWithinRealm(value))).toBe(bytes(value));
  });

  it('belongs to the realm of whoever receives it', () => {
    const value = {
      list: [1],
      map: new Map([['a', {}]]),
      set: new Set([1]),
      date: new Date(0),
      floats: new Float64Array(1),
    };
    const arrived = cross(value);
    expect(arrived).toStrictEqual(value);
    expect(arrived.list).toBeInstanceOf(Array);
    expect(arrived.map).toBeInstanceOf(Map);
    expect(arrived.map.get('a')).toBeInstanceOf(Object);
    expect(arrived.floats).toBeInstanceOf(Float64Array);
  });

  it('may come from another realm', () => {
    const foreign = structuredClone({ map: new Map([['a', [new Date(0)]]]) });
    expect(foreign.map).not.toBeInstanceOf(Map);
    expect(cross(foreign)).toStrictEqual({ map: new Map([['a', [new Date(0)]]]) });
  });

  it('keeps cycles and shared references', () => {
    const shared = { name: 'shared' };
    const value: { list: object[]; self?: object; map: Map<string, object> } = {
      list: [shared, shared],
      map: new Map([['shared', shared]]),
    };
    value.self = value;
    value.map.set('value', value);
    for (const arrived of [cross(value), crossWithinRealm(value)]) {
      expect(arrived.self).toBe(arrived);
      expect(arrived.list[0]).toBe(arrived.list[1]);
      expect(arrived.map.get('shared')).toBe(arrived.list[0]);
      expect(arrived.map.get('value')).toBe(arrived);
    }
  });

  it('is a snapshot: accessors arrive as values, null-prototype objects as ordinary ones', () => {
    const value = Object.create(null, {
      half: { enumerable: true, get: () => 21 },
    }) as { half: number };
    expect(Object.getOwnPropertyDescriptor(cross(value), 'half')).toMatchObject({ value: 21 });
    expect(Object.getPrototypeOf(cross(value))).toBe(Object.prototype);
  });

  it('is read through a Proxy', () => {
    expect(cross(new Proxy({ a: [1] }, {}))).toStrictEqual({ a: [1] });
  });

  it('leaves symbol keys and properties that are not enumerable behind', () => {
    const value = Object.defineProperty({ a: 1, [Symbol('tag')]: 2 }, 'hidden', { value: 3 });
    const arrived = cross(value);
    expect(Reflect.ownKeys(arrived)).toEqual(['a']);
  });

  it('keeps a property called __proto__ inert', () => {
    const value = JSON.parse('{"a":{"__proto__":{"isAdmin":true,"when":[]}}}') as { a: object };
    for (const given of [value, { ...value, order: new Order(1), error: new Error('') }]) {
      const { a } = cross(given);
      expect(Object.keys(a)).toEqual(['__proto__']);
      expect('isAdmin' in a).toBe(false);
      expect(Object.getPrototypeOf(a)).toBe(Object.prototype);
    }
  });

  it('keeps __proto__ inert where something beneath it is rebuilt', () => {
    const value = JSON.parse('{"__proto__":{"cause":null}}') as { __proto__: { cause: unknown } };
    Object.getOwnPropertyDescriptor(value, '__proto__')!.value.cause = new RangeError('why');
    const own = Object.getOwnPropertyDescriptor(cross(value), '__proto__')!.value;
    expect(own.cause).toBeInstanceOf(RangeError);
    expect(Object.getPrototypeOf(cross(value))).toBe(Object.prototype);
  });

  it('shares the memory of a SharedArrayBuffer', () => {
    const cells = new Int32Array(new SharedArrayBuffer(8));
    const arrived = cross({ cells });
    Atomics.store(arrived.cells, 1, 7);
    expect(cells[1]).toBe(7);
  });

  it('keeps what structured clone keeps, for any data', () => {
    const data = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      maxDepth: 4,
    });
    fc.assert(
      fc.property(data, (value) => {
        const expected = bytes(structuredClone(value));
        expect(bytes(cross(value))).toBe(expected);
        expect(bytes(crossWithinRealm(value))).toBe(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('crosses a second time as it did the first, whatever is in it', () => {
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.oneof(fc.integer(), fc.string(), fc.constant(undefined)),
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4 }),
        fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 }).map((e) => new Map(e)),
        fc.array(tie('tree'), { maxLength: 3 }).map((items) => new Set(items)),
        fc.array(tie('tree'), { maxLength: 3 }).map((items) => new BigOrder(1, items)),
        tie('tree').map((part) => new Wrapper({ part })),
        tie('tree').map((part) => new BurntError('x', part, { cause: part })),
        tie('tree').map((part) => new RangeError('x', { cause: part })),
        fc.uint8Array().map((array) => Buffer.from(array)),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        // Cloned, as that is where a Buffer becomes the array that the form says it is.
        const form = (of: unknown) => bytes(structuredClone(encodeExactly(of).encoded));
        expect(form(cross(value))).toBe(form(value));
        expect(form(crossWithinRealm(value))).toBe(form(value));
      }),
      { numRuns: 500 },
    );
  });
});

describe('a Buffer', () => {
  it('arrives as a Buffer, alone and nested', () => {
    const { list } = cross({ list: [Buffer.from('héllo')] });
    expect(Buffer.isBuffer(list[0])).toBe(true);
    expect(list[0]?.toString()).toBe('héllo');
    expect(Buffer.isBuffer(crossWithinRealm(Buffer.from('a')))).toBe(true);
  });

  it('does not take the rest of its pool along', () => {
    const part = Buffer.from('pooled');
    expect(part.buffer.byteLength).toBeGreaterThan(part.byteLength);
    expect(cross(part).buffer.byteLength).toBe(part.byteLength);
  });

  it('stays usable where it came from, however large', () => {
    const part = Buffer.alloc(200_001).subarray(1);
    expect(cross(part).byteLength).toBe(200_000);
    expect(part.byteLength).toBe(200_000);
  });

  it('is shared if its memory is', () => {
    const shared = Buffer.from(new SharedArrayBuffer(4), 1, 2);
    const arrived = cross(shared);
    arrived[0] = 9;
    expect(shared[0]).toBe(9);
    expect(Buffer.isBuffer(arrived)).toBe(true);
  });
});

describe('an instance of a @Portable class', () => {
  it('arrives with its class and fields, wherever it is nested, without being constructed', () => {
    const before = new Order(1, [new Map([[new Order(2), new Set([new Order(3)])]])]);
    const count = constructed;
    for (const after of [cross(before), crossWithinRealm(before)]) {
      expect(after).toBeInstanceOf(Order);
      expect(after.next()).toBe(2);
      const [[key, set]] = [...(after.items[0] as Map<Order, Set<Order>>)] as [[Order, Set<Order>]];
      expect([key.next(), ...[...set].map((order) => order.next())]).toEqual([3, 4]);
    }
    expect(constructed).toBe(count);
  });

  it('keeps the class of its own where it inherits', () => {
    const arrived = cross(new BigOrder(1));
    expect(arrived).toBeInstanceOf(BigOrder);
    expect(arrived.next()).toBe(102);
  });

  it('is one object on the other side too, in a cycle as well', () => {
    const order = new Order(1);
    order.note = { of: order };
    const [one, two] = cross<[Order, Order]>([order, order]);
    expect(one).toBe(two);
    expect((one.note as { of: Order }).of).toBe(one);
  });

  it('arrives through `encode` and `decode`, with private fields', () => {
    const { price, prices } = cross({ price: new Money('3', 'EUR'), prices: new Set<Money>() });
    expect(price).toBeInstanceOf(Money);
    expect(price.text).toBe('3 EUR');
    expect(prices).toBeInstanceOf(Set);
    const money = new Money('4', 'EUR');
    for (const map of [
      cross(new Map([[money, money]])),
      crossWithinRealm(new Map([[money, money]])),
    ]) {
      const [[key, item]] = [...map] as [[Money, Money]];
      expect(key.text).toBe('4 EUR');
      expect(item).toBe(key);
    }
  });

  it('may encode itself as anything that crosses, other instances included', () => {
    const { data } = cross(new Wrapper([new Wrapper(new Order(1)), new Money('1', 'EUR')]));
    const [inner, money] = data as [Wrapper, Money];
    expect((inner.data as Order).next()).toBe(2);
    expect(money.text).toBe('1 EUR');
  });

  it('is refused if its encoded form holds it', () => {
    const wrapper = new Wrapper([]);
    (wrapper.data as unknown[]).push({ again: wrapper });
    expect(obstacleOf(wrapper).message).toMatch(
      /Wrapper inside its own encoded form.*\[0\]\.again/,
    );
  });

  it('is refused if `encode` throws, with what it threw as the cause', () => {
    const cause = new Error('sold out');
    const wrapper = Object.defineProperty(new Wrapper(1), 'data', {
      get: () => {
        throw cause;
      },
    });
    expect(obstacleOf({ wrapper })).toMatchObject({ cause, path: ['wrapper'] });
  });

  it('that cannot be decoded is an error with what `decode` threw as the cause', () => {
    const { encoded } = encodeExactly(new Money('1', 'EUR'));
    (encoded.stands![0] as { data: unknown }).data = 7;
    expect(() => decode(encoded)).toThrow(NotPortableError);
    expect(() => decode(encoded)).toThrow(/Money.*`decode` failed/);
  });

  it('whose class is not known is an error that names it and says why', () => {
    const { encoded } = encodeExactly(new Order(1));
    const orders = [...encoded.instances!.values()][0]!;
    encoded.instances = new Map([['file:///gone.js#Receipt', orders]]);
    expect(() => decode(encoded, () => 'its module is gone')).toThrow(
      /class Receipt arrived.*its module is gone\./,
    );
  });

  it.each<[string, object, RegExp, RegExp]>([
    ['with private fields', new Secret(), /Secret, .*private field #key/, /private key/],
    ['with inherited private fields', new SecretOrder(), /private field #key/, /encode/],
    ['that extends a built-in class', new Index(), /Index, which extends Map/, /encode/],
    ['with encode alone', new Sealed(), /encode without decode/, /both/],
    ['of an undecorated subclass', new PlainSubclass(1), /PlainSubclass, .*not @Portable/, /@Port/],
  ])('%s is refused, with a remedy', (_name, value, found, remedy) => {
    expect(obstacleOf(value).message).toMatch(found);
    expect(obstacleOf(value).remedy).toMatch(remedy);
  });

  it('may have what only looks like a private field', () => {
    @Portable()
    class Colours {
      readonly red = '#f00 = this.#f00;';
      // #green; and this.#green
      readonly pattern = /[#a-z]/;
      readonly text = `
        #blue = this.#blue;
      `;
    }
    expect(cross(new Colours())).toStrictEqual(new Colours());
  });
});

describe('what cannot cross is refused with its path', () => {
  class Renderer {
    render(): string {
      return '';
    }
  }
  const generator = (function* () {
    yield 1;
  })();
  const detached = new ArrayBuffer(8);
  const view = new Uint8Array(detached, 4);
  structuredClone(detached, { transfer: [detached] });

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'a function'],
    [
      'a method',
      { order: { items: [0, 1, 2, { render() {} }] } },
      'a function at "order.items[3].render"',
    ],
    ['a class', { Renderer }, 'the class Renderer at "Renderer"'],
    ['a symbol', [Symbol('s')], 'a symbol at "[0]"'],
    ['a boxed symbol', [Object(Symbol('s'))], 'a Symbol at "[0]"'],
    ['a promise', { later: Promise.resolve() }, 'a Promise at "later"'],
    [
      'an instance',
      { a: new Renderer() },
      'an instance of Renderer, which is not @Portable at "a"',
    ],
    [
      'an instance without a name',
      [new (class {})()],
      'an object with a prototype of its own at "[0]"',
    ],
    [
      'a derived object',
      [Object.create({ a: 1 })],
      'an object with a prototype of its own at "[0]"',
    ],
    ['a WeakMap', { 'a b': new WeakMap() }, 'a WeakMap at "["a b"]"'],
    ['a generator', { generator }, 'an object with a prototype of its own at "generator"'],
    [
      'an emitter',
      { e: new EventEmitter() },
      'an instance of EventEmitter, which is not @Portable at "e"',
    ],
    ['a URL', new URL('http://a/'), 'an instance of URL, which is not @Portable'],
    [
      'an AbortSignal',
      { signal: AbortSignal.abort() },
      'an instance of AbortSignal, which is not @Portable at "signal"',
    ],
    ['a value of a map', new Map([['k', [() => 1]]]), 'a function at "get("k")[0]"'],
    ['a key of a map', { m: new Map([[() => 1, 1]]) }, 'a function at "m.<key 0>"'],
    ['an element of a set', new Set([1, () => 1]), 'a function at "<element 1>"'],
    [
      'a map with properties',
      [Object.assign(new Map(), { a: 1 })],
      'a Map with a property of its own (a) at "[0]"',
    ],
    [
      'a date with properties',
      Object.assign(new Date(), { a: 1 }),
      'a Date with a property of its own (a)',
    ],
    ['what pretends to be a map', Object.create(Map.prototype), 'a Map'],
    ['a property of an array', Object.assign([1], { total: () => 1 }), 'a function at "total"'],
    [
      'a property of an array with a hole',
      Object.assign([1, , 2], { total: () => 1 }),
      'a function at "total"',
    ],
    [
      'an iterable',
      [{ *[Symbol.iterator]() {} }],
      'an object with a method [Symbol.iterator] at "[0]"',
    ],
    [
      'a disposable',
      { d: { [Symbol.dispose]() {} } },
      'an object with a method [Symbol.dispose] at "d"',
    ],
    [
      'moved memory',
      { detached },
      'binary data that has been moved away (its ArrayBuffer is detached) at "detached"',
    ],
    [
      'a view of moved memory',
      [view],
      'binary data that has been moved away (its ArrayBuffer is detached) at "[0]"',
    ],
    ['a field of an instance', new Order(1, [() => 1]), 'a function at "items[0]"'],
    ['encoded data', new Wrapper({ f() {} }), 'a function at "<encoded>.f"'],
    ['a field of a portable error', { e: new BurntError('', () => 1) }, 'a function at "e.order"'],
    [
      'a cause',
      new RangeError('', { cause: new BurntError('', new Renderer()) }),
      'an instance of Renderer, which is not @Portable at "cause.order"',
    ],
  ])('%s', (_name, value, message) => {
    expect(obstacleOf(value).message).toBe(`There is ${message}.`);
  });

  it('a module', async () => {
    const module: unknown = await import('./support/gate.js');
    expect(obstacleOf({ module }).message).toBe('There is a module at "module".');
  });

  it('and with what a getter threw', () => {
    const cause = new Error('closed');
    const value = {
      get broken() {
        throw cause;
      },
    };
    expect(obstacleOf([value])).toMatchObject({ cause, path: [0] });
  });

  it('as the error that users see', () => {
    const error = obstacleOf({ f: () => 1 }).toError('A.b runs in a thread, but', 'do c');
    expect(error).toBeInstanceOf(NotPortableError);
    expect(error.message).toBe(
      'A.b runs in a thread, but: a function at "f". Code cannot be sent; pass the data that it works on. Or do c.',
    );
  });
});

describe('depth', () => {
  const nest = (levels: number, inner: unknown = 1): unknown => {
    let value = inner;
    for (let level = 0; level < levels; level++) value = { a: value };
    return value;
  };

  it('is allowed up to the limit', () => {
    expect(bytes(cross(nest(deepest)))).toBe(bytes(nest(deepest)));
  });

  it.each([deepest + 2, 100_000])(
    'of %i levels is refused with the start of the path',
    (levels) => {
      const { message } = obstacleOf({ order: nest(levels) });
      expect(message).toMatch(/nested more than 1,000 levels deep at "order(\.a){11}…"/);
    },
  );

  it('is no matter for how often data is shared', () => {
    let value: unknown = ['leaf'];
    for (let level = 0; level < 60; level++) value = [value, value];
    const [left, right] = cross(value) as [unknown, unknown];
    expect(left).toBe(right);
  });
});

describe('a list of little', () => {
  it.each<[string, readonly unknown[]]>([
    ['primitives', [1, 'two', undefined, null, true, 3n]],
    ['an array among them', [1, ['a', 'b']]],
    ['a plain object among them', [{ id: 1, name: 'two' }, 'three']],
  ])('is a copy that nothing changes any more: %s', (_what, value) => {
    const { encoded, exact, settled } = encode(value);
    expect([exact, settled]).toEqual([true, true]);
    expect(encoded.value).not.toBe(value);
    expect(cross(value)).toStrictEqual(value);
    const nested = value.find((item) => typeof item === 'object' && item !== null);
    if (nested !== undefined) expect(encoded.value as unknown[]).not.toContain(nested);
  });

  it('keeps what a second look would not find the same', () => {
    const shared = { id: 1 };
    const [first, second] = cross([shared, shared]) as [object, object];
    expect(first).toBe(second);
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    const [inner] = cross<readonly unknown[]>([cyclic]) as [unknown[]];
    expect(inner[0]).toBe(inner);

    expect(cross([[1, , 3]])).toStrictEqual([[1, , 3]]);
    const named = Object.assign(['a'], { index: 4 });
    expect((cross([named]) as [{ index: number }])[0].index).toBe(4);
  });

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'a function'],
    ['a symbol', Symbol('s'), 'a symbol'],
    ['an object with a method for the language', { [Symbol.iterator]: () => 1 }, 'Symbol.iterator'],
    [
      'a getter that throws',
      Object.defineProperty({}, 'a', { enumerable: true, get: thrower }),
      '',
    ],
    ['a deeper function', { a: () => 1 }, 'a function'],
  ])('refuses as ever: %s', (_what, value, found) => {
    expect(() => encode([1, value])).toThrow(Obstacle);
    try {
      encode([1, value]);
    } catch (error) {
      expect((error as Obstacle).found).toContain(found);
      expect((error as Obstacle).path[0]).toBe(1);
    }
  });

  it('invents no items where a getter shortens the list that it stands in', () => {
    const list: unknown[] = [];
    const shortens = {
      get first() {
        list.length = 1;
        return 1;
      },
    };
    list.push(shortens, 2, 3);
    expect(cross(list)).toEqual([{ first: 1 }]);
  });

  it('is not settled where memory of the user is in it', () => {
    expect(encode([new Uint8Array(2)]).settled).toBe(false);
    expect(encode([new Date(0)]).settled).toBe(false);
    expect(encode([[new Uint8Array(2)]]).settled).toBe(false);
    expect(encode([new Order(1)]).settled).toBe(true);
  });
});

function thrower(): never {
  throw new Error('read');
}

describe('large plain data', () => {
  const rows = () => Array.from({ length: 1_000 }, (_, id) => ({ id, tags: ['a', 'b'] }));

  it('is sent as it is, without a copy', () => {
    const value = rows();
    const { encoded, exact } = encode(value);
    expect(encoded).toEqual({ value });
    expect(encoded.value).toBe(value);
    expect(exact).toBe(false);
    expect(cross(value)).toStrictEqual(value);
  });

  it('needs no work on arrival', () => {
    const encoded = encodedAs(Object.freeze(rows()));
    expect(decode(encoded)).toBe(encoded.value);
  });

  it.each<[string, (last: { tags: unknown }) => void, (tags: unknown) => void]>([
    [
      'an instance',
      (row) => (row.tags = new Order(4)),
      (tags) => expect((tags as Order).next()).toBe(5),
    ],
    [
      'a date',
      (row) => (row.tags = new Date(7)),
      (tags) => expect(tags).toStrictEqual(new Date(7)),
    ],
    ['a map', (row) => (row.tags = new Map()), (tags) => expect(tags).toBeInstanceOf(Map)],
    [
      'an error',
      (row) => (row.tags = new RangeError('')),
      (tags) => expect(tags).toBeInstanceOf(RangeError),
    ],
    [
      'a buffer',
      (row) => (row.tags = Buffer.from('a')),
      (tags) => expect(Buffer.isBuffer(tags)).toBe(true),
    ],
  ])('with %s at its end keeps that', (_name, change, check) => {
    const value: { tags: unknown }[] = rows();
    change(value[999]!);
    check(cross(value)[999]!.tags);
  });

  it('keeps what stands beside the items of an array', () => {
    const value = Object.assign(rows(), { first: new Order(1), holes: [1, , 3] });
    const arrived = cross(value);
    expect(arrived.first.next()).toBe(2);
    expect(arrived.holes).toStrictEqual([1, , 3]);
    expect(arrived).toHaveLength(1_000);
  });

  it('with a cycle at its end keeps that', () => {
    const value: { tags: unknown }[] = rows();
    value[999]!.tags = value;
    const arrived = cross(value);
    expect(arrived[999]!.tags).toBe(arrived);
  });

  it.each<[string, unknown, string]>([
    ['a function', () => 1, 'a function at "[999].tags"'],
    [
      'a method under a symbol',
      { *[Symbol.iterator]() {} },
      'an object with a method [Symbol.iterator] at "[999].tags"',
    ],
    ['an instance', new Secret(), '#key'],
    ['a date with properties', Object.assign(new Date(), { a: 1 }), 'a Date with a property'],
    ['what pretends to be a date', Object.create(Date.prototype), 'a Date at "[999].tags"'],
  ])('with %s at its end is refused', (_name, tags, message) => {
    const value: { tags: unknown }[] = rows();
    value[999]!.tags = tags;
    expect(obstacleOf(value).message).toContain(message);
  });

  it('that cannot be posted after all is packed as a copy, or refused with its path', () => {
    const value: { tags: unknown }[] = rows();
    let reads = 0;
    Object.defineProperty(value[999]!, 'tags', {
      enumerable: true,
      // The first read is the check, the second one that of posting.
      get: () => (++reads === 2 ? () => 1 : ['a']),
    });
    const packed = threadPacker.pack(value);
    expect((decode(unpack(packed.freight)) as unknown[]).length).toBe(1_000);
    const extras: { tags: unknown }[] = rows();
    extras[999]!.tags = Object.assign(['a'], { total: () => 1 });
    expect(() => threadPacker.pack(extras)).toThrow('There is a function at "[999].tags.total".');
  });

  it('travels in the queue of a port', () => {
    const value = rows();
    const { freight, transfer: moved } = threadPacker.pack(value);
    expect(moved).toEqual([freight]);
    const port = freight as MessagePort;
    expect((receiveMessageOnPort(port) as { message: Encoded }).message.value).toHaveLength(1_000);
    port.close();
  });
});

describe('transfer', () => {
  it('moves memory instead of copying it, and only once', () => {
    const pixels = new Uint8Array([1, 2, 3]);
    const arrived = cross({ pixels: transfer(pixels) });
    expect([...arrived.pixels]).toEqual([1, 2, 3]);
    expect(pixels.byteLength).toBe(0);
    expect(obstacleOf({ pixels }).message).toContain('moved away');
  });

  it('takes an ArrayBuffer, with all views of it', () => {
    const memory = transfer(new ArrayBuffer(8));
    const arrived = cross([memory, new Uint8Array(memory, 2, 2)]) as [ArrayBuffer, Uint8Array];
    expect(memory.byteLength).toBe(0);
    expect(arrived[1].buffer).toBe(arrived[0]);
  });

  it('copies a view of a part, which others may see too', () => {
    const part = transfer(Buffer.from('pooled'));
    expect(cross(part).toString()).toBe('pooled');
    expect(part.toString()).toBe('pooled');
  });

  it('copies memory that is not to be moved', () => {
    const view = transfer(new Uint8Array([1, 2, 3]));
    // As Node marks its own pool. Versions before 21 copy such memory, later ones refuse to post it.
    markAsUntransferable(view.buffer);
    const packed = threadPacker.pack(view);
    const moved = packed.transfer.filter((item) => item instanceof ArrayBuffer);
    const encoded = unpack(packed.freight);
    expect(decode(post({ encoded, transfer: moved, exact: true, settled: true }))).toEqual(view);
    expect(view).toHaveLength(3);
  });

  it('does not move what leaves with an error', () => {
    const pixels = transfer(new Uint8Array(4));
    expect(throwAcross(new BurntError('', pixels))).toMatchObject({ order: { byteLength: 4 } });
    expect(pixels).toHaveLength(4);
  });
});

describe('an error', () => {
  it('of a @Portable class arrives with class, fields, cause and stack', () => {
    const before = new BurntError('burnt', new Order(3), { cause: new RangeError('why') });
    for (const after of [cross(before), crossWithinRealm(before)]) {
      expect(after).toBeInstanceOf(BurntError);
      expect(after).toMatchObject({ message: 'burnt', code: 'BURNT' });
      expect((after.order as Order).next()).toBe(4);
      expect(after.cause).toBeInstanceOf(RangeError);
      expect(after.stack).toBe(before.stack);
      expect(Object.keys(after)).toEqual(Object.keys(before));
    }
  });

  it('of the library arrives as it left', () => {
    const before = new QueueFullError('A.b', 64);
    const after = cross(before);
    expect(after).toBeInstanceOf(QueueFullError);
    expect(after).toBeInstanceOf(TurnoError);
    expect(Object.entries(after)).toEqual(Object.entries(before));
    expect([after.name, after.message]).toEqual(['QueueFullError', before.message]);
  });

  it.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])(
    'of the built-in %p keeps its class',
    (type) => {
      const after = cross(new type('text'));
      expect(Object.getPrototypeOf(after)).toBe(type.prototype);
      expect(after.message).toBe('text');
      expect(Object.keys(after)).toEqual([]);
    },
  );

  it('of another class arrives as its built-in class, with name, code and primitive fields', () => {
    const after = cross(new UnknownError('lost')) as Error;
    expect(Object.getPrototypeOf(after)).toBe(TypeError.prototype);
    expect(after).toMatchObject({
      name: 'UnknownError',
      message: 'lost',
      code: 'E_UNKNOWN',
      status: 404,
    });
    expect('socket' in after).toBe(false);
    expect(after.stack).toContain('lost');
  });

  it('keeps a code that comes from a getter', () => {
    class Coded extends Error {
      constructor(private readonly number: number) {
        super();
      }
      get code(): string {
        return `E_${this.number}`;
      }
    }
    expect(cross(new Coded(7))).toMatchObject({ code: 'E_7' });
  });

  it('of several keeps them all', () => {
    const after = cross(new AggregateError([new RangeError('a'), new BurntError('b')], 'both'));
    expect(after).toBeInstanceOf(AggregateError);
    expect(after.message).toBe('both');
    expect(after.errors[0]).toBeInstanceOf(RangeError);
    expect(after.errors[1]).toBeInstanceOf(BurntError);
  });

  it('of a graph keeps all problems', () => {
    const after = cross(new GraphError([new CycleError(['A', 'A'])], 'a hint'));
    expect(after).toBeInstanceOf(GraphError);
    expect(after.errors[0]).toBeInstanceOf(CycleError);
    expect(after.errors[0]).toMatchObject({ path: ['A', 'A'] });
    expect(after.message).toContain('There is 1 problem in the graph of providers:\n  a hint');
    expect(after.hint).toBe('a hint');
  });

  it('may be its own cause', () => {
    const before = new BurntError('a');
    before.cause = new RangeError('b', { cause: before });
    const after = cross(before);
    expect((after.cause as Error).cause).toBe(after);
  });

  it('that is a DOMException stays one', () => {
    const after = cross(new DOMException('stopped', 'AbortError'));
    expect(after).toBeInstanceOf(DOMException);
    expect(after).toMatchObject({ name: 'AbortError', message: 'stopped', code: 20 });
  });

  it('of another realm becomes one of this', () => {
    const after = cross(structuredClone(new RangeError('far')));
    expect(after).toBeInstanceOf(RangeError);
    expect(after.message).toBe('far');
  });
});

describe('what was thrown', () => {
  it.each<[unknown]>([[null], [undefined], ['text'], [7n], [{ code: 1 }]])(
    '%p arrives',
    (thrown) => {
      expect(throwAcross(thrown)).toStrictEqual(thrown);
    },
  );

  it('arrives without the fields that cannot cross', () => {
    const after = throwAcross(new BurntError('burnt', { deep: () => 1 }, { cause: { f() {} } }));
    expect(after).toBeInstanceOf(BurntError);
    expect(after).toMatchObject({ message: 'burnt', code: 'BURNT' });
    expect('order' in (after as object)).toBe(false);
    expect('cause' in (after as object)).toBe(false);
  });

  it('keeps those of several errors that can cross', () => {
    const after = throwAcross(
      new AggregateError([new BurntError('', () => 1), () => 1, 'text'], 'x'),
    );
    expect((after as AggregateError).errors).toHaveLength(2);
    expect((after as AggregateError).errors[0]).toBeInstanceOf(BurntError);
  });

  it('keeps a long chain of causes', () => {
    let error = new Error('0');
    for (let depth = 1; depth < 200; depth++)
      error = new BurntError(String(depth), () => 1, { cause: error });
    let length = 0;
    for (let at = throwAcross(error); at instanceof Error; at = at.cause) length += 1;
    expect(length).toBe(200);
  });

  it('and cannot cross becomes an error that says so', () => {
    expect(throwAcross(() => 1)).toMatchObject({
      message: 'Thrown in a thread, and lost on the way: a function',
    });
  });
});

describe('a class is known not to be portable', () => {
  class Shape {
    constructor(readonly size: number) {}
  }
  abstract class Drawing {
    abstract draw(): void;
  }
  class Pen {
    draw(): void {}
  }
  @Portable()
  class Circle extends Drawing {
    draw(): void {}
  }

  it.each<[string, never, boolean, boolean]>([
    ['a portable class', Order as never, false, false],
    ['a portable class with private fields', Secret as never, true, true],
    ['a class of data', Map as never, false, false],
    ['a built-in error', RangeError as never, false, false],
    ['Object, as which interfaces are emitted', Object as never, false, false],
    ['Function', Function as never, true, true],
    ['a class without methods, which a literal may have the shape of', Shape as never, true, false],
    ['a class with methods', Pen as never, true, true],
    [`a class with the portable subclass ${Circle.name}`, Drawing as never, true, false],
    ['WeakMap', WeakMap as never, true, true],
  ])('%s: exactly %p', (name, type, exact, declared) => {
    expect([name, isKnownUnportable(type, true), isKnownUnportable(type, false)]).toEqual([
      name,
      exact,
      declared,
    ]);
  });
});
