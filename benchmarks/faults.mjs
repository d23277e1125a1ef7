/**
 * How soon what has gone wrong in threads is over: `node benchmarks/faults.mjs`. Medians and maxima of
 * some repetitions, in milliseconds.
 */
import { subscribe } from 'node:diagnostics_channel';
import { Container, provide, token } from '@turno/core';

const Loops = token('Loops');
const Exits = token('Exits');
const Blocks = token('Blocks');
const Quick = token('Quick');

function forever() {
  for (;;);
}

/** Sleeps in native code, where no signal and no end of its thread can reach it. */
function block() {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
}

const scope = 'request';
const providers = [
  provide(Loops, { scope, deadline: 50 }, forever),
  provide(Exits, { scope }, () => process.exit(1)),
  provide(Blocks, { scope, deadline: 50 }, block),
  provide(Quick, { scope }, () => 1),
];

const repetitions = 20;
const resolve = (container, of) => container.run((own) => own.resolve(of));
const pause = (time) => new Promise((done) => setTimeout(done, time));

function show(what, times) {
  const sorted = times.toSorted((a, b) => a - b);
  const [median, max] = [sorted[Math.floor(sorted.length / 2)], sorted.at(-1)];
  console.log(`${what.padEnd(66)} median ${median.toFixed(1)}, max ${max.toFixed(1)}`);
}

async function repeat(what, measure, times = repetitions) {
  const all = [];
  for (let time = 0; time < times; time++) all.push(await measure());
  show(what, all);
}

/** @param of - what ends its thread. @returns from the end of that thread until another is ready. */
async function replacement(container, of) {
  let ended;
  let ready;
  const isReady = new Promise((done) => (ready = done));
  const listener = ({ event }) => {
    if (event === 'ended') ended ??= performance.now();
    else if (event === 'ready' && ended !== undefined) ready();
  };
  subscribe('turno.thread', listener);
  await resolve(container, of).catch(() => undefined);
  await isReady;
  return performance.now() - ended;
}

async function refusal(container) {
  const began = performance.now();
  const error = await resolve(container, Quick).catch((thrown) => thrown);
  if (error.code !== 'TURNO_QUEUE_FULL')
    throw new Error('The queue was not full.', { cause: error });
  return performance.now() - began;
}

{
  const container = await Container.create({ providers, threads: { size: 2 } });
  await repeat('a thread that exits is replaced', () => replacement(container, Exits));
  await repeat('one that loops, ended at its deadline, is replaced', () =>
    replacement(container, Loops),
  );
  await container.dispose();
}
{
  const container = await Container.create({ providers, threads: { size: 1, queue: 1 } });
  const busy = Promise.allSettled([resolve(container, Loops), resolve(container, Loops)]);
  await repeat('a full queue refuses', () => refusal(container));
  await busy;
  await container.dispose();
}
for (const [what, of] of [
  ['loops', Loops],
  ['is blocked in native code', Blocks],
]) {
  await repeat(
    `dispose, while a thread ${what} and 10 hops wait`,
    async () => {
      const options = { providers, threads: { size: 1 }, teardownTimeout: 1_000 };
      const container = await Container.create(options);
      const work = [of, ...Array.from({ length: 10 }, () => Quick)];
      const settled = Promise.allSettled(work.map((each) => resolve(container, each)));
      await pause(20);
      const began = performance.now();
      await container.dispose();
      const time = performance.now() - began;
      await settled;
      return time;
    },
    3,
  );
}
