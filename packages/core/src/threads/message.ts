/** The messages between the loop and its threads. */
import type { MessagePort } from 'node:worker_threads';

import type { Encoded } from '../portable/codec.js';
import type { HopDefinition, Manifest, Unreachable } from './executor.js';

/** What each thread gets when it starts. */
export interface ThreadSetup {
  readonly manifest: Manifest;
  /** Milliseconds that a start may take. */
  readonly startTimeout: number;
  /** Milliseconds that one teardown may take. */
  readonly teardownTimeout: number;
  /** Shared by all threads: the index of the module being imported, for the message of a deadline. */
  readonly progress: Int32Array;
}

/** Asks a thread what it has found. */
export interface ReportTask {
  readonly task: 'report';
}

/** What a thread has found at its start. */
export interface Report {
  /** Id of the thread. */
  readonly thread: number;
  /** By index into `Manifest.needs`. */
  readonly unreachable: readonly ({ readonly need: number } & Omit<
    Unreachable,
    'need' | 'cause'
  >)[];
  /** Modules of `Manifest.modules` that could not be imported. */
  readonly failed: readonly { readonly module: string; readonly error: Encoded }[];
}

/** Runs a hop. */
export interface HopTask {
  readonly task: 'hop';
  /** Id of the definition. */
  readonly hop: number;
  /** Left out where all threads know it. */
  readonly definition?: HopDefinition;
  /** An array. */
  readonly inputs: Freight;
  /** One cell, which the loop sets to 1 when the hop is aborted; only for hops that ask for it. */
  readonly abort?: Int32Array;
  /** Asks how long each step ran. */
  readonly timed?: true;
}

/** A hop that has ended with an error. */
type FailedReply = Extract<HopReply, { readonly error: Encoded }>;

/** How a hop has ended, as its thread tells it. */
export type HopReply = (
  | {
      /** Id of the thread. */
      readonly thread: number;
      /** An array: outputs, then extras. */
      readonly values: Freight;
      /** Which of these are extras that could not cross. */
      readonly stayed: readonly number[];
    }
  | { readonly thread: number; readonly step: number; readonly error: Encoded }
) & {
  /** Where it was asked for: milliseconds of each step, up to the last that ran. */
  readonly ran?: readonly number[];
};

/** Whether a step has thrown. */
export function hasFailed(reply: HopReply): reply is FailedReply {
  return Object.hasOwn(reply, 'error');
}

/**
 * An encoded value in a message; or a port in whose queue it waits, where it could not be told
 * beforehand whether posting it succeeds.
 */
export type Freight = Encoded | MessagePort;
