/**
 * How long large JSON bodies hold up the event loop: `node benchmarks/http-bodies.mjs [megabytes]`. A
 * handler in a thread has its body decoded and its answer encoded there; beside it, one on the loop.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { isMainThread } from 'node:worker_threads';
import { Injectable } from '@turno/core';
import { Body, Controller, createApp, Get, Post } from '@turno/http-adapter';

const size = Number(process.argv[2] ?? 1) * 1024 * 1024;
const item = { id: 1, name: 'cheeseburger', price: 7.5, with: ['onions', 'pickles'] };
const items = Array.from({ length: Math.ceil(size / JSON.stringify(item).length) }, () => item);

class Bodies {
  take(body) {
    return body.length;
  }
  give() {
    return items;
  }
  async takeOnLoop(body) {
    return body.length;
  }
  async giveOnLoop() {
    return items;
  }
}
// The first decorator of a class says where threads find it.
Injectable()(Bodies);
Controller()(Bodies);
for (const [name, decorate] of [
  ['take', Post('/thread')],
  ['takeOnLoop', Post('/loop')],
  ['give', Get('/thread')],
  ['giveOnLoop', Get('/loop')],
]) {
  decorate(Bodies.prototype, name, {});
  if (name.startsWith('take')) Body()(Bodies.prototype, name, 0);
}

const app = await createApp({
  controllers: [Bodies],
  bodyLimit: 2 * size,
  threads: { size: 1 },
  logger: false,
});
if (isMainThread) {
  const { url } = await app.listen({ port: 0 });
  // The client is another process: its own work must not count.
  const { spawn } = await import('node:child_process');
  const client = (path, method) =>
    new Promise((resolve) => {
      const source = `
        const body = ${method === 'POST' ? `JSON.stringify(Array.from({ length: ${items.length} }, () => (${JSON.stringify(item)})))` : 'undefined'};
        for (let i = 0; i < 20; i++) {
          const response = await fetch('${url}${path}', {
            method: '${method}', body, headers: { 'content-type': 'application/json' },
          });
          await response.arrayBuffer();
          if (response.status !== 200) throw new Error(String(response.status));
        }`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
        stdio: 'inherit',
      });
      child.once('exit', resolve);
    });
  for (const method of ['POST', 'GET']) {
    for (const path of ['/thread', '/loop']) {
      await client(path, method);
      const delay = monitorEventLoopDelay({ resolution: 1 });
      const before = performance.eventLoopUtilization();
      delay.enable();
      await client(path, method);
      delay.disable();
      const { active } = performance.eventLoopUtilization(before);
      const ms = (nanoseconds) => (nanoseconds / 1e6).toFixed(1);
      console.log(
        `${method} ${path}: loop busy ${(active / 20).toFixed(1)} ms a request, delay p50 ${ms(delay.percentile(50))}, p99 ${ms(delay.percentile(99))}, max ${ms(delay.max)} ms`,
      );
    }
  }
  await app.close();
}
