// What the chaos run does in threads: workers import this module.
import { provide, token } from '@turno/core';

/** What a task is told: its kind's argument, and cells that say that it has begun. */
export const Argument = token('Argument');
export const Gate = token('Gate');

/** A token for each kind of task; its provider runs in a thread. */
export const kinds = {};

function enter(gate) {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

export const Fine = (kinds.fine = token('Fine'));
export const Exit = (kinds.exit = token('Exit'));
export const Throw = (kinds.throw = token('Throw'));
export const Heap = (kinds.heap = token('Heap'));
export const Loop = (kinds.loop = token('Loop'));
export const Deaf = (kinds.deaf = token('Deaf'));
export const Heeding = (kinds.heeding = token('Heeding'));
export const Queued = (kinds.queued = token('Queued'));
export const BadArgument = (kinds.badArgument = token('BadArgument'));
export const BadResult = (kinds.badResult = token('BadResult'));

const request = { scope: 'request' };

export const providers = [
  provide(Fine, { ...request, deps: [Argument] }, (argument) => argument * 2),
  provide(Exit, { ...request, deps: [Argument] }, (code) => process.exit(code % 2)),
  provide(Throw, { ...request, deps: [Argument] }, (argument) => {
    throw Object.assign(new RangeError(`thrown ${argument}`), { code: 'E_CHAOS' });
  }),
  provide(Heap, { ...request, deps: [Argument] }, () => {
    const kept = [];
    for (;;) kept.push(new Array(2_000_000).fill(kept.length));
  }),
  provide(Loop, { ...request, deps: [Argument], deadline: 20 }, () => {
    for (;;);
  }),
  provide(Deaf, { ...request, deps: [Gate] }, (gate) => {
    enter(gate);
    for (;;);
  }),
  provide(Heeding, { ...request, deps: [Gate, AbortSignal] }, (gate, signal) => {
    enter(gate);
    while (!signal.aborted);
    throw new Error('it has stopped by itself');
  }),
  provide(Queued, { ...request, deps: [Argument] }, (argument) => argument),
  provide(BadArgument, { ...request, deps: [Argument] }, () => 'never'),
  provide(BadResult, { ...request, deps: [Argument] }, () => ({ deep: [() => 1] })),
];
