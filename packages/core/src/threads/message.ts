/** The messages between the loop and its threads. */
import type { MessagePort } from 'node:worker_threads';

import type { Encoded } from '../portable/codec.js';
import type { HopDefinition, Manifest, Unreachable } from './executor.js';
import type { HopCells } from './hop-control.js';
import type { ImportCells } from './import-cells.js';
import type { TicketCells } from './ticket.js';

/** The first message to each thread: what it has to import. It answers with a {@link Report}. */
export interface SetupTask {
  readonly task: 'setup';
  readonly manifest: Manifest;
  /** Milliseconds that a start may take. */
  readonly startTimeout: number;
  /** Milliseconds that one teardown may take. */
  readonly teardownTimeout: number;
  /** How far it gives way to others, from 0 to 19. */
  readonly niceness: number;
  /** Where it tells what it imports, also later on. Left out for a process, which tells by messages. */
  readonly progress?: ImportCells;
  /** Where its hops come from. Left out for a process, whose hops are tasks as this one. */
  readonly farEnd?: FarEnd;
}

/** What a thread has of the line that its hops come by. */
export interface FarEnd {
  /** Each message is an array of hops to run, in order; each answer is a message of its own. */
  readonly port: MessagePort;
  readonly tickets: TicketCells;
}

/** A task that asks for nothing. */
export interface StayTask {
  readonly task: 'stay';
}

/** What a thread has found at its start. */
export interface Report {
  /** Id of the thread; of a child process its pid. */
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
  /** An array. */
  readonly inputs: Freight;
  /** Left out where there is nothing more to say. */
  readonly details?: HopDetails | undefined;
}

/** What is to be said of few hops. */
export interface HopDetails {
  /** Left out where the thread knows it. */
  readonly definition?: HopDefinition;
  /** Id of another definition, which does not come up again unless it is sent again. */
  readonly forget?: number;
  /** Only for a controlled hop, in a thread. */
  readonly cells?: HopCells;
  /** Only for a controlled hop, in a process: the number that messages about it bear. */
  readonly run?: number;
  /** Asks how long each step ran. */
  readonly timed?: true;
  /** Asks how many bytes the answer has. */
  readonly sized?: true;
  /** Asks whether the values of these steps could cross. */
  readonly probe?: readonly number[];
}

/** A hop that has ended with an error. */
type FailedReply = Extract<HopReply, { readonly error: Freight }>;

/** How a hop has ended, as its thread tells it. */
export type HopReply = (
  | {
      /** Id of the thread. */
      readonly thread: number;
      /** An array: outputs, then extras, then returned inputs. */
      readonly values: Freight;
      /** Which of these are extras that could not cross. */
      readonly stayed: readonly number[];
    }
  | {
      readonly thread: number;
      readonly step: number;
      readonly error: Freight;
      /** What else has failed, each apart: one that cannot cross shall not take the others with it. */
      readonly hidden?: readonly Freight[];
      /** How many steps have run, with the one that failed. */
      readonly count: number;
    }
) & {
  /**
   * Milliseconds of each step, up to the last that ran; -1 for a value that the thread had kept.
   * Where it was asked for, and where a value is made that the thread keeps from now on.
   */
  readonly ran?: readonly number[];
  /** Where times were asked for: milliseconds that all of it kept the thread. */
  readonly took?: number;
  /** Milliseconds that the thread took to end what the hop had made; left out where it was nothing. */
  readonly ended?: number;
  /** Where it was asked for and can be told: about how many bytes the values have. */
  readonly bytes?: number;
  /** Where it was asked for, and the hop went well. */
  readonly crosses?: boolean;
};

/** The last message to a thread: it disposes what it keeps, and is ended after its answer. */
export interface EndTask {
  readonly task: 'end';
}

/** What the teardowns of what a thread kept have thrown: an array. */
export interface EndReply {
  readonly errors: Freight;
}

/** Whether a step has thrown. */
export function hasFailed(reply: HopReply): reply is FailedReply {
  return Object.hasOwn(reply, 'error');
}

/**
 * An encoded value in a message. `MessagePort`: one in whose queue it waits, where it could not be
 * told beforehand whether posting it succeeds. `Uint8Array`: serialised, for a process.
 */
export type Freight = Encoded | MessagePort | Uint8Array;

/** What the program tells a process beside its tasks: stop that run. */
export interface AbortNotice {
  readonly abort: number;
}

/** What a process tells beside its answers: where it is in a run, or in its imports. */
export type ProgressNotice =
  | { readonly run: number; readonly step: number; readonly since: number }
  | { readonly importing: number; readonly since: number };

/** The last word of a process that ends for an error that nobody has caught. */
export interface FaultNotice {
  readonly fault: Freight;
  /** How many hops have begun, and how many of them were answered. */
  readonly begun: number;
  readonly answered: number;
}
