// A CommonJS application (these imports become `require`): exits with 0 by itself if all is well.
import assert from 'node:assert/strict';
import { Container } from '@turno/core';
import { createApp } from '@turno/http-adapter';
import { Burgers, Kitchen, Order, Patties } from './kitchen.js';

async function resolveWithoutHttp(): Promise<void> {
  await using container = await Container.create({ providers: [Kitchen] });
  await using scope = container.createScope();
  const patties = await scope.resolve(Patties);
  assert.ok(patties instanceof Patties);
  assert.ok(patties.order instanceof Order);
  assert.equal(patties.grams, 300);
  assert.equal(patties.madeInThread, true);
  assert.equal(patties.order.madeOnLoop, true);
}

async function requestOverHttp(): Promise<void> {
  const app = await createApp({ controllers: [Burgers], providers: [Kitchen] });
  const { url } = await app.listen({ port: 0, host: '127.0.0.1' });

  const concurrent = await fetch(new URL('/burgers/concurrent?sauce=red', url));
  assert.equal(concurrent.status, 200);
  assert.deepEqual(await concurrent.json(), { sauce: 'red', burgers: 2, onLoop: [true, true] });

  const parallel = await fetch(new URL('/burgers/parallel?sauce=red', url));
  assert.equal(parallel.status, 200);
  assert.deepEqual(await parallel.json(), { sauce: 'red', grams: 300, inThread: [true, true] });

  await app.close();
}

assert.equal(typeof require, 'function', 'compiled to CommonJS');
void resolveWithoutHttp().then(requestOverHttp);
