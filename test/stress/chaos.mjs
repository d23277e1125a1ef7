/**
 * Throws at a container's threads whatever may happen to them, and counts what becomes of it:
 * `node --expose-gc test/stress/chaos.mjs [--tasks 100000] [--size 2] [--seed 1] [--back 250]`.
 *
 * Of every 20 tasks, one each: ends its thread by `process.exit`, throws, runs out of memory, loops
 * until its deadline, is aborted while it runs, is aborted while it waits, has an argument that cannot
 * cross, has a result that cannot cross. Of the others some run in a group of their own or between two
 * groups, use what their thread keeps, have generators, end their thread when they have answered (at
 * once or much later), change how many threads there are, or do all that in a process. Ends with a line
 * that sums up, and with code 1 if anything is not as it must be. `--back` is how soon after the last
 * task all threads must be there again, in milliseconds; a machine that does something else meanwhile
 * says nothing about that.
 */
import { subscribe } from 'node:diagnostics_channel';
import { parseArgs } from 'node:util';
import { Container, value } from '@turno/core';
import { Argument, Gate, kinds, providers, tally, Tally } from './chaos-tasks.mjs';

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

// Whatever ends it before its last line is a failure.
process.exitCode = 1;
const wrong = [];
function expect(condition, what) {
  if (!condition) wrong.push(what);
}
let warned = 0;
process.on('warning', ({ code, message }) => {
  if (code === 'TURNO_THREAD') warned++;
  else wrong.push(`a warning: ${message}`);
});
process.on('unhandledRejection', (reason) => wrong.push(`an unhandled rejection: ${reason}`));
process.on('uncaughtException', (error) => {
  wrong.push('an uncaught exception');
  console.error(error);
});

/** Threads that have ended in order: those dispose what they keep, and no others do. */
const inOrder = new Set();
/** How many have ended between two hops, of which the program is warned. */
let unheard = 0;
let isOver = false;
subscribe('turno.thread', ({ event, threadId, reason, held }) => {
  if (event !== 'ended') return;
  if (reason === 'it is not needed any more') inOrder.add(threadId);
  const isOwn = reason === 'it was ended' || inOrder.has(threadId);
  if (!isOwn && !isOver && held.length === 0) unheard++;
});

// Not more values are kept than threads are started, and not more of those than there are tasks.
const cells = new Int32Array(new SharedArrayBuffer(4 * (tally.values + 4 * tasks + 64)));
const heap = { maxOldGenerationSizeMb: 16 };
const container = await Container.create({
  providers: [...providers, value(Tally, cells)],
  scopeValues: [Argument, Gate],
  threads: {
    size,
    resourceLimits: { ...heap, maxYoungGenerationSizeMb: 4 },
    groups: {
      side: { size: 1 },
      late: { size: 1 },
      processes: { size: 1, runtime: 'child_process', resourceLimits: heap },
    },
  },
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

/** How many of 120 tasks are of a kind; all others are fine. What ends processes takes longest. */
const shares = {
  ...{ exit: 6, throw: 6, heap: 6, loop: 6, deaf: 3, heeding: 3 },
  ...{ queued: 6, badArgument: 6, badResult: 6 },
  ...{ grouped: 4, between: 4, kept: 6, flaky: 3, generator: 6, translated: 3, lastWords: 3 },
  ...{ late: 2, resize: 2, process: 4, processThrow: 1 },
  ...{ processExit: 1, processSignal: 1, processLoop: 1, processFault: 1, processLastWords: 1 },
};
const all = Object.entries(shares).flatMap(([kind, share]) => Array(share).fill(kind));

/** The first tasks are one of each kind, so that a short run has them all. */
function kindOf(number) {
  return Object.keys(shares)[number] ?? all[Math.floor(random() * 120)] ?? 'fine';
}

const isDoubled = ({ result, number }) => result === number * 2;
const isThrown = (error, number) =>
  error?.code === 'E_CHAOS' && error instanceof RangeError && error.message === `thrown ${number}`;
/** @param hasCause - whether an error of that number has ended it. */
const hasDied =
  (noun, hasCause = false) =>
  ({ error, number }) =>
    error?.code === 'TURNO_THREAD_DIED' &&
    error.message.startsWith(`The ${noun} that ran `) &&
    (hasCause ? isThrown(error.cause, number) : !isThrown(error.cause, number));
const isAborted = ({ error }) => error === 'aborted';
const isLate = ({ error }) => error?.code === 'TURNO_DEADLINE';
const isRefused = ({ error }) => error?.code === 'TURNO_NOT_PORTABLE';

/** What threads keep, by thread. */
const kept = new Map();
function isKept({ result }) {
  if (result === undefined) return false;
  const { thread, id, uses } = result;
  const before = kept.get(thread) ?? { id, uses: 0 };
  kept.set(thread, { id, uses });
  return before.id === id && uses > before.uses;
}

/** Threads that have failed to make something, and threads that have it. */
const failed = new Set();
const having = new Set();
function isFlaky({ result, error }) {
  if (error === undefined) return failed.has(result) && having.add(result) !== undefined;
  const { thread } = error;
  const isFirst = isThrown(error, 'once') && !failed.has(thread) && !having.has(thread);
  failed.add(thread);
  return isFirst;
}

/** What each kind of task must end in. */
const ends = {
  fine: isDoubled,
  exit: hasDied('worker thread'),
  throw: ({ error, number }) => isThrown(error, number),
  heap: hasDied('worker thread'),
  loop: isLate,
  deaf: isAborted,
  heeding: isAborted,
  queued: isAborted,
  badArgument: isRefused,
  badResult: isRefused,
  grouped: isDoubled,
  between: isDoubled,
  kept: isKept,
  flaky: isFlaky,
  generator: isDoubled,
  translated: ({ error, number }) =>
    error?.code === 'E_TRANSLATED' && isThrown(error.cause, number),
  lastWords: isDoubled,
  late: isDoubled,
  held: hasDied('worker thread', true),
  afterwards: isDoubled,
  process: isDoubled,
  processThrow: ({ error, number }) => isThrown(error, number),
  processExit: hasDied('process'),
  processSignal: hasDied('process'),
  processLoop: isLate,
  processFault: hasDied('process', true),
  processLastWords: isDoubled,
};

const counts = {};
let started = 0;
let settled = 0;
let mostQueued = 0;

/** Begins to make the value of a kind. @returns `ended`, when that has been looked at. */
function attempt(kind, number, argument = number) {
  started++;
  const caller = new AbortController();
  const gate = new Int32Array(new SharedArrayBuffer(8));
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
  const check = async () => {
    const end = await running;
    expect(
      ends[kind](end),
      `${kind} ${number} ended in ${JSON.stringify(end)}: ${end.error?.stack}, ${end.error?.cause?.stack}`,
    );
    await new Promise(setImmediate);
    settled += times;
    expect(times === 1, `${kind} ${number} has settled ${times} times`);
  };
  return { caller, gate, ended: check() };
}

async function abortRunning(kind, number) {
  const { caller, gate, ended } = attempt(kind, number);
  await Atomics.waitAsync(gate, 0, 0).value;
  caller.abort('aborted');
  await ended;
}

/** One after the other: what ends late ends what is there then, and nothing else. */
let lastLate = Promise.resolve();
async function runLate(number) {
  const late = attempt('late', number);
  await late.ended;
  const held = attempt('held', number);
  await Atomics.waitAsync(held.gate, 0, 0).value;
  const afterwards = attempt('afterwards', number);
  Atomics.store(late.gate, 1, 1);
  Atomics.notify(late.gate, 1);
  await Promise.all([held.ended, afterwards.ended]);
}

async function resize(number) {
  const group = number % 3 === 0 ? 'side' : number % 3 === 1 ? 'processes' : 'default';
  const most = group === 'processes' ? 2 : 2 * size;
  await container.resizeThreads(1 + Math.floor(random() * most), group);
}

/** What is no simple making of a value. */
const special = {
  badArgument: (kind, number) => attempt(kind, number, { deep: [() => number] }).ended,
  queued: async (kind, number) => {
    const { caller, ended } = attempt(kind, number);
    await Promise.resolve();
    caller.abort('aborted');
    await ended;
  },
  deaf: abortRunning,
  heeding: abortRunning,
  late: (_kind, number) => (lastLate = lastLate.then(() => runLate(number))),
  resize: (_kind, number) => resize(number),
};

async function run(number) {
  const kind = kindOf(number);
  counts[kind] = (counts[kind] ?? 0) + 1;
  await (special[kind]?.(kind, number) ?? attempt(kind, number).ended);
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
  const sizes = { default: size, side: 1, processes: 1 };
  await Promise.all(
    Object.entries(sizes).map(([group, count]) => container.resizeThreads(count, group)),
  );
  while (container.threads.threads < container.threads.size && performance.now() - began < 10_000) {
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
expect(settled === started, `${settled} of ${started} attempts have settled`);
expect(threads === size + 3, `${threads} threads are left of ${size + 3}`);
expect(back <= longest, `the threads were back after ${back.toFixed(0)} ms`);
expect(busy === 0 && queued === 0 && stuck === 0, `busy ${busy}, queued ${queued}, stuck ${stuck}`);
expect(after.handles <= before.handles, `handles: ${before.handles}, then ${after.handles}`);
expect(
  after.heap - before.heap < 8,
  `heap: ${before.heap.toFixed(1)} MB, then ${after.heap.toFixed(1)} MB`,
);
isOver = true;
await container.dispose();
expect(container.threads.threads === 0, 'threads are left after dispose');
expect(warned === unheard, `${unheard} threads ended between two hops, ${warned} warnings`);
const [generators, ended] = [cells[tally.begun], cells[tally.ended]];
expect(generators === ended, `${ended} of ${generators} generators have ended`);
for (let id = 0; id < cells[tally.made]; id++) {
  const place = tally.values + 3 * id;
  const [thread, disposed, hasEndedItself] = cells.slice(place, place + 3);
  const due = inOrder.has(thread) && hasEndedItself === 0 ? 1 : 0;
  expect(disposed === due, `what thread ${thread} kept was disposed ${disposed} times, not ${due}`);
}

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
