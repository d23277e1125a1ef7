// What the chaos run does in threads: workers import this module.
import { threadId } from 'node:worker_threads';
import { provide, token } from '@turno/core';

/** What a task is told: its kind's argument, and cells that say that it has begun. */
export const Argument = token('Argument');
export const Gate = token('Gate');

/** Cells that all threads share; see `tally`. */
export const Tally = token('Tally');

/**
 * Positions in these cells: how many generators have begun and ended, how many values threads have made
 * for themselves; then three cells for each of those: its thread, whether it was disposed, and whether
 * its thread has ended itself right behind an answer, so that nothing could be disposed any more.
 */
export const tally = { begun: 0, ended: 1, made: 2, values: 3 };

/** A token for each kind of task; its provider runs in a thread. */
export const kinds = {};

function enter(gate) {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

const kind = (name) => (kinds[name] = token(name));
const request = { scope: 'request' };
const ofArgument = { ...request, deps: [Argument] };

/** What is thrown in the name of a task. */
function thrown(argument) {
  return Object.assign(new RangeError(`thrown ${argument}`), { code: 'E_CHAOS' });
}

const inThreads = [
  provide(kind('fine'), ofArgument, (argument) => argument * 2),
  provide(kind('exit'), ofArgument, (code) => process.exit(code % 2)),
  provide(kind('throw'), ofArgument, (argument) => {
    throw thrown(argument);
  }),
  provide(kind('heap'), ofArgument, () => {
    const kept = [];
    for (;;) kept.push(new Array(2_000_000).fill(kept.length));
  }),
  provide(kind('loop'), { ...ofArgument, deadline: 20 }, () => {
    for (;;);
  }),
  provide(kind('deaf'), { ...request, deps: [Gate] }, (gate) => {
    enter(gate);
    for (;;);
  }),
  provide(kind('heeding'), { ...request, deps: [Gate, AbortSignal] }, (gate, signal) => {
    enter(gate);
    while (!signal.aborted);
    throw new Error('it has stopped by itself');
  }),
  provide(kind('queued'), ofArgument, (argument) => argument),
  provide(kind('badArgument'), ofArgument, () => 'never'),
  provide(kind('badResult'), ofArgument, () => ({ deep: [() => 1] })),
  // Ends its thread, and has answered.
  provide(kind('lastWords'), { ...request, deps: [Argument, Tally] }, (argument, cells) => {
    process.nextTick(() => {
      if (keptPlace !== undefined) Atomics.store(cells, keptPlace + 2, 1);
      throw thrown(argument);
    });
    return argument * 2;
  }),
];

/** In a group of their own, and between two groups. */
const inGroup = { ...request, threads: 'side' };
const inGroups = [
  provide(kind('grouped'), { ...inGroup, deps: [Argument] }, (argument) => argument * 2),
  provide(kind('between'), { ...inGroup, deps: [kinds.fine] }, (fine) => fine),
];

/** Kept by their threads; the flaky one fails once in each. */
const Kept = token('Kept');
const Flaky = token('Flaky');
let hasFailed = false;
/** Where the cells are of what this thread keeps. */
let keptPlace;
const keeping = [
  provide(Kept, { scope: 'thread', deps: [Tally] }, (cells) => {
    const id = Atomics.add(cells, tally.made, 1);
    const place = (keptPlace = tally.values + 3 * id);
    Atomics.store(cells, place, threadId);
    return { id, uses: 0, [Symbol.dispose]: () => Atomics.add(cells, place + 1, 1) };
  }),
  provide(Flaky, { scope: 'thread', deps: [], on: 'thread' }, async () => {
    await new Promise(setImmediate);
    if (hasFailed) return threadId;
    hasFailed = true;
    throw Object.assign(thrown('once'), { thread: threadId });
  }),
  provide(kind('kept'), { ...request, deps: [Kept] }, (kept) => {
    kept.uses++;
    return { thread: threadId, id: kept.id, uses: kept.uses };
  }),
  provide(kind('flaky'), { ...request, deps: [Flaky] }, (thread) => thread),
];

/** Generators on both sides, with what comes of them. */
const InThread = token('InThread');
const OnLoop = token('OnLoop');
const Translating = token('Translating');
const generating = [
  provide(OnLoop, { ...request, deps: [kinds.fine, Tally] }, async function* (fine, cells) {
    Atomics.add(cells, tally.begun, 1);
    try {
      yield fine;
    } finally {
      await new Promise(setImmediate);
      Atomics.add(cells, tally.ended, 1);
    }
  }),
  // Not portable, so that it stays in its trip.
  provide(InThread, { ...request, deps: [OnLoop, Tally] }, function* (fine, cells) {
    Atomics.add(cells, tally.begun, 1);
    try {
      yield { get: () => fine };
    } finally {
      Atomics.add(cells, tally.ended, 1);
    }
  }),
  provide(Translating, { ...request, deps: [Tally] }, function* (cells) {
    Atomics.add(cells, tally.begun, 1);
    try {
      yield 'value';
    } catch (error) {
      Atomics.add(cells, tally.ended, 1);
      throw Object.assign(new TypeError('translated'), { code: 'E_TRANSLATED', cause: error });
    }
  }),
  provide(kind('generator'), { ...request, deps: [InThread] }, (generated) => generated.get()),
  provide(kind('translated'), { ...request, deps: [Translating, Argument] }, (_value, argument) => {
    throw thrown(argument);
  }),
];

/** What ends a thread long after it has answered, and what is there then. */
const late = { ...request, threads: 'late', on: 'thread' };
const lateOnes = [
  provide(kind('late'), { ...late, deps: [Argument, Gate] }, (argument, gate) => {
    const opened = Atomics.waitAsync(gate, 1, 0).value;
    // A throw from a callback, and a rejection that nobody sees.
    if (argument % 2 === 0) void opened.then(() => setImmediate(() => fail(argument)));
    else void opened.then(() => fail(argument));
    return argument * 2;
  }),
  provide(kind('held'), { ...late, deps: [Gate] }, async (gate) => {
    enter(gate);
    await new Promise(() => undefined);
  }),
  provide(kind('afterwards'), { ...late, deps: [Argument] }, (argument) => argument * 2),
];

function fail(argument) {
  throw thrown(argument);
}

/** In processes. */
const inProcess = { ...request, threads: 'processes', deps: [Argument] };
const inProcesses = [
  provide(kind('process'), inProcess, (argument) => argument * 2),
  provide(kind('processThrow'), inProcess, (argument) => {
    throw thrown(argument);
  }),
  provide(kind('processExit'), inProcess, (code) => process.exit(code % 2)),
  provide(kind('processSignal'), inProcess, () => {
    process.kill(process.pid, 'SIGSEGV');
    for (;;);
  }),
  provide(kind('processLoop'), { ...inProcess, deadline: 20 }, () => {
    for (;;);
  }),
  provide(kind('processFault'), { ...inProcess, on: 'thread' }, async (argument) => {
    setImmediate(() => fail(argument));
    await new Promise(() => undefined);
  }),
  provide(kind('processLastWords'), inProcess, (argument) => {
    void Promise.reject(thrown(argument));
    return argument * 2;
  }),
];

export const providers = [
  ...inThreads,
  ...inGroups,
  ...keeping,
  ...generating,
  ...lateOnes,
  ...inProcesses,
];
