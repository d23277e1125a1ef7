import { describe, expect, it } from '@jest/globals';

import { Pace } from '../src/threads/pace.js';

function paceOf(times: readonly number[]): Pace {
  const pace = new Pace();
  for (const time of times) pace.note(time);
  return pace;
}

describe('the pace of a hop', () => {
  it('is not known before it has run eight times', () => {
    expect(paceOf([1, 1, 1, 1, 1, 1, 1]).expected).toBe(Infinity);
    expect(paceOf([1, 1, 1, 1, 1, 1, 1, 1]).expected).toBe(1);
  });

  it('is what three of four of its last times do not exceed', () => {
    expect(paceOf([8, 7, 6, 5, 4, 3, 2, 1]).expected).toBe(6);
  });

  it('does not change where its thread has waited for a core once', () => {
    expect(paceOf([1, 1, 1, 1, 900, 1, 1, 1, 1, 1, 700]).expected).toBe(1);
  });

  it('changes as soon as three of the last eight took longer, and back when they are past', () => {
    const short = [1, 1, 1, 1, 1, 1, 1, 1];
    expect(paceOf([...short, 50, 50, 50]).expected).toBe(50);
    expect(paceOf([...short, 50, 50, 50, ...short]).expected).toBe(1);
  });

  it('is not known of what moves memory, which nobody could take back', () => {
    const pace = paceOf([1, 1, 1, 1, 1, 1, 1, 1]);
    pace.noteMove();
    expect(pace.expected).toBe(Infinity);
  });
});
