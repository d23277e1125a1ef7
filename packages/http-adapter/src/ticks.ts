/** Keeps `process.nextTick` fast, which node:http calls about ten times for each request. */
import { executionAsyncResource } from 'node:async_hooks';

/**
 * Each tick is an object, and its shape dies when garbage is collected again and again while no tick is there.
 * What was compiled for that shape is then given up for as long as the process lives, and a tick takes 0.5 µs
 * instead of 0.1: 4 µs for each request. One tick that stays keeps the shape alive. (Exported, since what
 * nobody can reach is collected, too.)
 */
export const kept: object[] = [];

process.nextTick(() => kept.push(executionAsyncResource()));
