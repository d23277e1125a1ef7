/**
 * Takes candidates in turn, round by round: whatever slows the machine down for a while slows all of them
 * down, and ratios are taken within a round. Each round begins with another one.
 */
export async function inRounds<T>(
  candidates: readonly T[],
  rounds: number,
  measure: (candidate: T) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let index = 0; index < candidates.length; index++) {
      await measure(candidates[(index + round) % candidates.length]!);
    }
  }
}
