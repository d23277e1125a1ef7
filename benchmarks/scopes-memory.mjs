// One million scopes, one after the other in waves of 100: each is opened, makes five values (one of them
// disposable) and is closed. Afterwards the heap may have grown by 5 MB at most. Run it with
// `node --expose-gc benchmarks/scopes-memory.mjs [scopes]`; it exits with 1 if the heap has grown more.
import process from 'node:process';
import { Container, Inject, Provides, token, value } from '@turno/core';

const scopes = Number(process.argv[2] ?? 1_000_000);
const wave = 100;
const limit = 5;

if (globalThis.gc === undefined) {
  console.error('Run it with --expose-gc: the heap is measured after collection.');
  process.exit(2);
}

const request = { scope: 'request' };
const Request = token('Request');
const User = token('User');
const Basket = token('Basket');
const Connection = token('Connection');
const Price = token('Price');
const Answer = token('Answer');

let closed = 0;

/** Declares a static method without the syntax of decorators, which plain JavaScript lacks. */
function provide(owner, name, provided, options, needs) {
  needs.forEach((need, index) => Inject(need)(owner, name, index));
  Provides(provided, options)(owner, name, Object.getOwnPropertyDescriptor(owner, name));
}

class Shop {
  static async user(request) {
    return { id: request.id };
  }
  static basket(user) {
    return { of: user, burgers: [1, 2, 3] };
  }
  static async connection() {
    return { [Symbol.dispose]: () => closed++ };
  }
  static async price(basket) {
    return basket.burgers.length * 5;
  }
  static async answer(user, basket, price) {
    return { user, basket, price };
  }
}
provide(Shop, 'user', User, request, [Request]);
provide(Shop, 'basket', Basket, { ...request, on: 'loop' }, [User]);
provide(Shop, 'connection', Connection, request, []);
provide(Shop, 'price', Price, request, [Basket, Connection]);
provide(Shop, 'answer', Answer, request, [User, Basket, Price]);

const container = await Container.create({ providers: [Shop], scopeValues: [Request] });

async function serve(id) {
  const scope = container.createScope([value(Request, { id })]);
  try {
    const { price } = await scope.resolve(Answer);
    if (price !== 15) throw new Error(`The price is ${price}.`);
  } finally {
    await scope.dispose();
  }
}

async function run(count) {
  for (let done = 0; done < count; done += wave) {
    await Promise.all(Array.from({ length: wave }, (_, index) => serve(done + index)));
  }
}

/** Megabytes in use after collection. */
async function heap() {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc();
  }
  return process.memoryUsage().heapUsed / 2 ** 20;
}

// Plans and what the engine compiles are not growth.
const warmUp = 20_000;
await run(warmUp);
const before = await heap();
const started = process.hrtime.bigint();
await run(scopes);
const seconds = Number(process.hrtime.bigint() - started) / 1e9;
const grown = (await heap()) - before;
await container.dispose();

const isWithin = grown <= limit && closed === scopes + warmUp;
console.log(
  `${scopes.toLocaleString('en')} scopes: heap ${grown >= 0 ? '+' : ''}${grown.toFixed(2)} MB ` +
    `(at most ${limit}), ${closed.toLocaleString('en')} values disposed, ` +
    `${((seconds / scopes) * 1e6).toFixed(1)} µs each: ${isWithin ? 'ok' : 'FAILED'}`,
);
process.exitCode = isWithin ? 0 : 1;
