/**
 * How long large JSON bodies hold up the event loop:
 * `node benchmarks/http-bodies.mjs [megabytes] [repetitions] [path]`. A handler in a thread has its
 * body decoded and its answer encoded there; beside it, one on the loop. The client is another process,
 * at a socket. For comparison, the loop's delay when nothing happens, and when only a thread and
 * another process compute: what the machine alone does to it.
 *
 * `delay` is that of `monitorEventLoopDelay`, over all repetitions. `turn` is the longest time from one
 * round of the loop to the next in each repetition, less the time that the loop's thread was ready and
 * waited for a processor (which only Linux tells): the longest of all repetitions, and the middle one.
 */
import { fork } from 'node:child_process';
import { openSync, readSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { Injectable } from '@turno/core';
import { Body, Controller, createApp, Get, Post } from '@turno/http-adapter';

const [megabytes = '10', times = '20', only = ''] = process.argv.slice(2);
const size = Number(megabytes) * 1_000_000;
const repetitions = Number(times);

let made;
/** Made where it is needed first: the loop of a service does not hold what its threads answer with. */
function items() {
  const item = () => ({ id: 1, name: 'cheeseburger', price: 7.5, with: ['onions', 'pickles'] });
  const length = Math.ceil(size / (JSON.stringify(item()).length + 1));
  return (made ??= Array.from({ length }, item));
}

class Bodies {
  take(body) {
    return body.length;
  }
  give() {
    return items();
  }
  both(body) {
    return body;
  }
  compute(time) {
    compute(time);
  }
  async takeOnLoop(body) {
    return body.length;
  }
  async giveOnLoop() {
    return items();
  }
  async bothOnLoop(body) {
    return body;
  }
}
// The first decorator of a class says where threads find it.
Injectable()(Bodies);
Controller()(Bodies);
for (const [name, decorate] of [
  ['take', Post('/thread/in')],
  ['give', Get('/thread/out')],
  ['both', Post('/thread/both')],
  ['takeOnLoop', Post('/loop/in')],
  ['giveOnLoop', Get('/loop/out')],
  ['bothOnLoop', Post('/loop/both')],
  ['compute', Post('/compute')],
]) {
  decorate(Bodies.prototype, name, {});
  const type = name === 'compute' ? Number : Array;
  if (!name.startsWith('give')) Body({ type })(Bodies.prototype, name, 0);
}

function compute(time) {
  const end = performance.now() + time;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
  return sum;
}

const computing = 100;

/** In a process of its own: its work must not count. */
async function runClient() {
  const json = JSON.stringify(items());
  const headers = { 'content-type': 'application/json' };
  process.on('message', async ({ url, method }) => {
    const isComputing = url.endsWith('/compute');
    const body = method === 'GET' ? undefined : isComputing ? String(computing) : json;
    const pending = fetch(url, { method, body, headers });
    if (isComputing) compute(computing);
    const response = await pending;
    await response.arrayBuffer();
    if (!response.ok) throw new Error(String(response.status));
    process.send('done');
  });
  process.send('ready');
}

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** Milliseconds for which this thread was ready to run and did not. */
const waited = (() => {
  if (process.platform !== 'linux') return () => 0;
  const file = openSync(`/proc/self/task/${process.pid}/schedstat`);
  const bytes = Buffer.alloc(100);
  return () => Number(bytes.latin1Slice(0, readSync(file, bytes, 0, 100, 0)).split(' ')[1]) / 1e6;
})();

async function delayWhile(action) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const turns = [];
  let longest = 0;
  let last = performance.now();
  let lastWaited = waited();
  const timer = setInterval(() => {
    const now = performance.now();
    const nowWaited = waited();
    longest = Math.max(longest, now - last - (nowWaited - lastWaited));
    last = now;
    lastWaited = nowWaited;
  }, 1);
  delay.enable();
  // It counts from its second look on.
  await pause(20);
  const before = performance.eventLoopUtilization();
  for (let repetition = 0; repetition < repetitions; repetition++) {
    longest = 0;
    await action();
    // Of a loop that was blocked the delay is noted when it turns again.
    await pause(20);
    turns.push(longest);
  }
  const { active } = performance.eventLoopUtilization(before);
  delay.disable();
  clearInterval(timer);
  turns.sort((a, b) => a - b);
  const text = (milliseconds) => milliseconds.toFixed(1).padStart(6);
  return `delay max ${text(delay.max / 1e6)}, p99 ${text(delay.percentile(99) / 1e6)}; turn max ${text(turns.at(-1))}, median ${text(turns[repetitions >> 1])}; busy ${text(active / repetitions)} a request`;
}

async function runServer() {
  const app = await createApp({
    controllers: [Bodies],
    bodyLimit: 2 * size,
    threads: { size: 1 },
    logger: false,
  });
  if (!isMainThread) return;
  const { url } = await app.listen({ port: 0 });
  const client = fork(fileURLToPath(import.meta.url), process.argv.slice(2), {
    env: { ...process.env, BENCHMARK_CLIENT: '1' },
    execArgv: [],
  });
  const ask = (method, path) =>
    new Promise((resolve, reject) => {
      const fail = (code) => reject(new Error(`The client has ended with ${code}.`));
      client.once('exit', fail);
      client.once('message', () => {
        client.off('exit', fail);
        resolve();
      });
      if (path !== undefined) client.send({ url: `${url}${path}`, method });
    });
  // It is ready.
  await ask();
  console.log(`${megabytes} MB, ${repetitions} repetitions, milliseconds`);
  console.log(`idle          ${await delayWhile(() => pause(computing))}`);
  for (const path of ['', '/in', '/out', '/both'].flatMap((what) =>
    what === '' ? ['/compute'] : [`/thread${what}`, `/loop${what}`],
  )) {
    if (path !== '/compute' && !path.startsWith(only)) continue;
    const method = path.endsWith('/out') ? 'GET' : 'POST';
    // Code and memory get warm.
    for (let warm = 0; warm < 3; warm++) await ask(method, path);
    console.log(`${path.padEnd(13)} ${await delayWhile(() => ask(method, path))}`);
  }
  client.disconnect();
  await app.close();
}

await (process.env.BENCHMARK_CLIENT === undefined ? runServer() : runClient());
