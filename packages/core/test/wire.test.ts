import { describe, expect, it } from '@jest/globals';

import { encodedAs } from '../src/portable/encoded.js';
import type { HopReply, HopTask } from '../src/threads/message.js';
import { addToWire, fromWireReply, fromWireTasks, toWireReply } from '../src/threads/wire.js';

function taskOf(hop: number, inputs: readonly unknown[], timed?: true): HopTask {
  const details = timed === undefined ? undefined : { timed };
  return { task: 'hop', hop, inputs: encodedAs(inputs), details };
}

const replyOf = (values: unknown): HopReply => ({
  thread: 7,
  values: encodedAs(values),
  stayed: [],
});

describe('a message of hops', () => {
  it('brings each with its ticket, its inputs and what else there is to say of it', () => {
    const tasks = [
      taskOf(4, []),
      taskOf(4, [1, 2, 3]),
      taskOf(5, [{ a: 1 }], true),
      taskOf(6, [[1], 'b', undefined]),
    ];
    const message: unknown[] = [];
    for (const [at, task] of tasks.entries()) addToWire(message, at + 10, task, undefined);
    const arrived = fromWireTasks(structuredClone(message));
    expect(arrived).toEqual(tasks.map((task, at) => ({ ticket: at + 10, task })));
  });

  it('brings what is not plain, and cells, in whole', () => {
    const cells = new Int32Array(new SharedArrayBuffer(16));
    const encoded = { ...encodedAs([1]), buffers: [new Uint8Array(1)] };
    const message: unknown[] = [];
    addToWire(message, 1, { ...taskOf(1, []), inputs: encoded }, undefined);
    addToWire(message, 2, taskOf(2, [8]), cells);
    const [first, second] = fromWireTasks(message);
    expect(first?.task.inputs).toEqual(encoded);
    expect([second?.ticket, second?.task.details]).toEqual([2, { cells }]);
  });
});

describe('an answer', () => {
  it.each([
    ['a text', ['a']],
    ['a number', [0]],
    ['yes or no', [false]],
    ['nothing', [undefined]],
    ['null', [null]],
    ['a big number', [1n]],
    ['an object', [{ thread: 1, values: 2 }]],
    ['a list', [[1, 2]]],
    ['an empty list', [[]]],
    ['several values', [1, 'b']],
    ['no value', []],
  ])('of %s arrives as it was', (_, values) => {
    const reply = replyOf(values);
    expect(fromWireReply(structuredClone(toWireReply(reply)), 7)).toEqual(reply);
  });

  it('arrives with all else that is said of it', () => {
    const failed: HopReply = { thread: 7, step: 0, error: encodedAs('no'), count: 1 };
    const timed: HopReply = { ...replyOf(['a']), took: 3 };
    const stays: HopReply = { ...replyOf(['a', undefined]), stayed: [1] };
    for (const reply of [failed, timed, stays]) {
      expect(fromWireReply(structuredClone(toWireReply(reply)), 7)).toEqual(reply);
    }
  });
});
