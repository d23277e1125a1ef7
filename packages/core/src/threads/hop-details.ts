/** What is to be said of a hop that leaves, beside its inputs: nothing, mostly. */
import type { Departure } from './lane.js';
import type { HopDetails } from './message.js';

/** @param mention - what is to be said of its definition. */
export function detailsFor(
  { isTimed, isSized, probe }: Departure,
  mention: HopDetails | undefined,
): HopDetails | undefined {
  if (mention === undefined && !isTimed && !isSized && probe === undefined) return undefined;
  return {
    ...mention,
    ...(isTimed ? { timed: true } : {}),
    ...(isSized ? { sized: true } : {}),
    ...(probe === undefined ? {} : { probe }),
  };
}
