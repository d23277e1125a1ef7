import { describe, expect, test } from '@jest/globals';
import { Measurements, ratios, record } from '../src/measurements.js';
import { readOptions } from '../src/options.js';
import { inRounds } from '../src/rounds.js';
import { percentile, spreadOf } from '../src/statistics.js';

function tableOf(rows: Readonly<Record<string, readonly number[]>>) {
  const head = { title: '', unit: '', better: 'higher', bases: ['base'] } as const;
  const table = new Measurements().table(head);
  for (const [name, numbers] of Object.entries(rows)) {
    for (const number of numbers) record(table, name, number);
  }
  return table;
}

describe('what is said of measurements', () => {
  test('ratios are taken within a round', () => {
    const table = tableOf({ base: [10, 100], other: [5, 200] });
    expect(ratios(table, 'other', 'base')).toEqual([0.5, 2]);
  });

  test('there are no ratios to what was not measured', () => {
    expect(ratios(tableOf({ other: [5, 200] }), 'other', 'base')).toEqual([]);
  });

  test('the median of an even number of rounds lies between the two in the middle', () => {
    expect(spreadOf([40, 10, 20, 30])).toEqual({ median: 25, min: 10, max: 40 });
    expect(spreadOf([3, 1, 2])).toEqual({ median: 2, min: 1, max: 3 });
  });

  test('a percentile is one of the numbers, the smallest that is not below that share', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
    expect(percentile(hundred, 0.99)).toBe(99);
    expect(percentile([7], 0.5)).toBe(7);
  });

  test('each round begins with another candidate', async () => {
    const order: string[] = [];
    await inRounds(['a', 'b', 'c'], 2, async (name) => void order.push(name));
    expect(order.join('')).toBe('abcbca');
  });

  test('the command line names suites, or one script with its own arguments', () => {
    expect(readOptions(['http', 'hop', '--quick'])).toMatchObject({
      suites: ['http', 'hop'],
      quick: true,
      script: undefined,
    });
    expect(readOptions(['scopes-memory', '1000'])).toMatchObject({
      script: 'scopes-memory',
      scriptArguments: ['1000'],
    });
    expect(() => readOptions(['--rounds', '0'])).toThrow('Give a whole number above 0');
  });
});
