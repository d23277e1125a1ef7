/**
 * How long the event loop is held up while a provider computes for two seconds without a pause:
 * `node benchmarks/loop-delay.mjs`. Beside it, the same provider on the loop.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Container, provide, token } from '@turno/core';

const InThread = token('InThread');
const OnLoop = token('OnLoop');

function compute() {
  const end = performance.now() + 2_000;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
  return sum;
}

const providers = [
  provide(InThread, { scope: 'request' }, compute),
  provide(OnLoop, { scope: 'request', on: 'loop' }, compute),
];

const container = await Container.create({ providers, threads: { size: 1 } });

async function delayWhile(of) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const pause = () => new Promise((resolve) => setTimeout(resolve, 50));
  // It counts from its second look on.
  await pause();
  await container.run((scope) => scope.resolve(of));
  // Of a loop that was blocked the delay is noted when it turns again.
  await pause();
  delay.disable();
  const milliseconds = (nanoseconds) => `${(nanoseconds / 1e6).toFixed(1)} ms`;
  return `p50 ${milliseconds(delay.percentile(50))}, p99 ${milliseconds(delay.percentile(99))}, max ${milliseconds(delay.max)}`;
}

await container.run((scope) => scope.resolve(InThread));
console.log(`in a thread:   ${await delayWhile(InThread)}`);
console.log(`on the loop:   ${await delayWhile(OnLoop)}`);
await container.dispose();
