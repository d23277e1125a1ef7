/**
 * Throws at a container's threads whatever may happen to them, and counts what becomes of it:
 * `node --expose-gc test/stress/chaos.mjs [--tasks 100000] [--size 2] [--seed 1] [--back 250]`.
 *
 * Of every 20 tasks, one each: ends its thread by `process.exit`, throws, runs out of memory, loops
 * until its deadline, is aborted while it runs, is aborted while it waits, has an argument that cannot
 * cross, has a result that cannot cross. Ends with a line that sums up, and with code 1 if anything is
 * not as it must be. `--back` is how soon after the last task all threads must be there again, in
 * milliseconds; a machine that does something else meanwhile says nothing about that.
 */
import { parseArgs } from 'node:util';
import { Container, value } from '@turno/core';
import { Argument, Gate, kinds, providers } from './chaos-tasks.mjs';

const { values: options } = parseArgs({
  options: {
    tasks: { type: 'string', default: '100000' },
    size: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    back: { type: 'string', default: '10000' },
  },
});
const [tasks, size, seed, longest] = [options.tasks, options.size, options.seed, options.back].map(
  Number,
);
/** Kept in flight, so that there is always a queue. */
const inFlight = 16 * size;

const wrong = [];
function expect(condition, what) {
  if (!condition) wrong.push(what);
}
process.on('warning', (warning) => wrong.push(`a warning: ${warning.message}`));
process.on('unhandledRejection', (reason) => wrong.push(`an unhandled rejection: ${reason}`));
process.on('uncaughtException', (error) => wrong.push(`an uncaught exception: ${error.stack}`));

const container = await Container.create({
  providers,
  scopeValues: [Argument, Gate],
  threads: { size, resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 } },
});

/** The same for the same seed. */
function randoms(from) {
  let state = from >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
const random = randoms(seed);
const bad = ['exit', 'throw', 'heap', 'loop', 'aborted', 'queued', 'badArgument', 'badResult'];

function kindOf() {
  const kind = bad[Math.floor(random() * 20)] ?? 'fine';
  if (kind !== 'aborted') return kind;
  return random() < 0.5 ? 'deaf' : 'heeding';
}

/** What each kind of task may end in. */
const ends = {
  fine: ({ result, number }) => result === number * 2,
  exit: ({ error }) => error?.code === 'TURNO_THREAD_DIED',
  throw: ({ error }) => error?.code === 'E_CHAOS' && error instanceof RangeError,
  heap: ({ error }) => error?.code === 'TURNO_THREAD_DIED',
  loop: ({ error }) => error?.code === 'TURNO_DEADLINE',
  deaf: ({ error }) => error === 'aborted',
  heeding: ({ error }) => error === 'aborted',
  queued: ({ error }) => error === 'aborted',
  badArgument: ({ error }) => error?.code === 'TURNO_NOT_PORTABLE',
  badResult: ({ error }) => error?.code === 'TURNO_NOT_PORTABLE',
};

const counts = {};
let settled = 0;
let mostQueued = 0;

async function run(number) {
  const kind = kindOf();
  counts[kind] = (counts[kind] ?? 0) + 1;
  const caller = new AbortController();
  const gate = new Int32Array(new SharedArrayBuffer(4));
  const argument = kind === 'badArgument' ? { deep: [() => number] } : number;
  const values = [value(Argument, argument), value(Gate, gate)];
  let times = 0;
  const running = container
    .run((scope) => scope.resolve(kinds[kind], { signal: caller.signal }), values)
    .then(
      (result) => ({ result, number }),
      (error) => ({ error, number }),
    )
    .finally(() => times++);
  mostQueued = Math.max(mostQueued, container.threads.queued);
  if (kind === 'queued') {
    await Promise.resolve();
    caller.abort('aborted');
  } else if (kind === 'deaf' || kind === 'heeding') {
    await Atomics.waitAsync(gate, 0, 0).value;
    caller.abort('aborted');
  }
  const end = await running;
  await new Promise(setImmediate);
  settled += times;
  expect(times === 1, `${kind} ${number} has settled ${times} times`);
  expect(ends[kind](end), `${kind} ${number} ended in ${JSON.stringify(end)}: ${end.error?.stack}`);
}

async function batch(count, from) {
  let next = 0;
  const lane = async () => {
    while (next < count) await run(from + next++);
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
}

/** Waits until the threads are back, and says how long that took; in milliseconds. */
async function backToSize() {
  const began = performance.now();
  while (container.threads.threads < size && performance.now() - began < 10_000) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return performance.now() - began;
}

function standing() {
  globalThis.gc?.();
  globalThis.gc?.();
  const handles = process
    .getActiveResourcesInfo()
    .filter((name) => !/^(Timeout|Immediate|TTYWrap|PipeWrap)$/.test(name));
  return { heap: process.memoryUsage().heapUsed / 2 ** 20, handles: handles.length };
}

const began = performance.now();
// Warm: what is made once is there.
await batch(Math.min(500, tasks), 0);
await backToSize();
await new Promise((resolve) => setTimeout(resolve, 300));
const before = standing();
for (let done = 500; done < tasks; done += 1_000) {
  await batch(Math.min(1_000, tasks - done), done);
  if (done % 10_000 === 500 && done > 500) console.log(`${done} tasks, ${wrong.length} wrong`);
}
const back = await backToSize();
await new Promise((resolve) => setTimeout(resolve, 300));
const after = standing();
const { threads, busy, queued, stuck, replaced } = container.threads;
expect(settled === tasks, `${settled} of ${tasks} tasks have settled`);
expect(threads === size, `${threads} threads are left of ${size}`);
expect(back <= longest, `the threads were back after ${back.toFixed(0)} ms`);
expect(busy === 0 && queued === 0 && stuck === 0, `busy ${busy}, queued ${queued}, stuck ${stuck}`);
expect(after.handles <= before.handles, `handles: ${before.handles}, then ${after.handles}`);
expect(
  after.heap - before.heap < 8,
  `heap: ${before.heap.toFixed(1)} MB, then ${after.heap.toFixed(1)} MB`,
);
await container.dispose();
expect(container.threads.threads === 0, 'threads are left after dispose');

for (const line of wrong.slice(0, 20)) console.error(line);
const each = Object.entries(counts)
  .sort()
  .map(([kind, count]) => `${kind} ${count}`)
  .join(', ');
console.log(
  `chaos: ${tasks} tasks (${each}), each settled once; ${replaced} threads replaced, back within ${back.toFixed(0)} ms; ` +
    `heap ${(after.heap - before.heap).toFixed(1)} MB, handles ${after.handles - before.handles}, up to ${mostQueued} queued; ` +
    `${((performance.now() - began) / 1_000).toFixed(1)} s; ${wrong.length} wrong`,
);
process.exitCode = wrong.length === 0 ? 0 : 1;
