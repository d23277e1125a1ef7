/** What runs in each thread or process of tinypool. Nothing on the loop's side imports this. */
import { threadId } from 'node:worker_threads';

import { bare, define, own } from '../own.js';
import { keepClasses } from '../record.js';
import { enterThread } from '../thread-context.js';
import { processPacker, threadPacker, type Transferable } from '../threads/freight.js';
import { HopRunner, type Sent } from '../threads/hop-runner.js';
import type {
  EndReply,
  EndTask,
  HopReply,
  HopTask,
  Report,
  SetupTask,
  StayTask,
} from '../threads/message.js';
import { giveWay } from './give-way.js';
import { HopPort } from './hop-port.js';
import { ThreadModules } from './import-modules.js';
import { ProcessLink } from './process-link.js';

// Before any module of the user's is evaluated.
enterThread();
keepClasses();

// Not by `process.send`: the program may be a process with a channel itself.
const { __tinypool_state__: state } = process as unknown as {
  readonly __tinypool_state__: { readonly isChildProcess?: boolean };
};
const isProcess = state.isChildProcess === true;

/** What the first task has set up. */
let runner: HopRunner | undefined;
let link: ProcessLink | undefined;

/**
 * Called by tinypool with each task; the hops of a thread do not come this way. Never throws: tinypool
 * loses what makes an error one.
 */
export function run(
  task: SetupTask | HopTask | EndTask | StayTask,
): Report | Answer | Promise<unknown> | undefined {
  if (task.task === 'setup') return setUp(task);
  if (task.task === 'stay') return undefined;
  if (runner === undefined) throw new Error('A task came before the setup of its thread.');
  if (task.task === 'end') return runner.end().then(answer);
  // Ends before it can answer.
  if (link?.noteBegin() === false) return new Promise(() => undefined);
  runner.learn(task);
  const sent = runner.run(task);
  return sent instanceof Promise ? sent.then(answerHop) : answerHop(sent);
}

async function setUp(task: SetupTask): Promise<Report> {
  link = isProcess ? new ProcessLink() : undefined;
  const modules = new ThreadModules(task, (index) => link?.noteImport(index));
  const [id, packer] = isProcess ? [process.pid, processPacker] : [threadId, threadPacker];
  runner = new HopRunner(id, modules, packer, task.teardownTimeout, link);
  await modules.importAll();
  // Importing is not put off: who starts waits for it.
  giveWay(task.niceness, isProcess);
  const farEnd = own(task, 'farEnd');
  if (farEnd !== undefined) new HopPort(farEnd, runner).open();
  return bare(modules.report(id));
}

// Tinypool awaits this function too, and the code in a thread can put `then` on `Object.prototype`.
define(run, 'then', undefined, false);

/** A reply as tinypool takes it. */
type Answer = HopReply | EndReply | Promise<unknown>;

function answerHop(sent: Sent): Answer {
  link?.noteAnswer();
  return answer(sent);
}

function answer({ reply, transfer }: Sent<HopReply | EndReply>): Answer {
  return transfer.length === 0 ? reply : moving(reply, transfer);
}

/** A reply with which something moves. Few have that, so that tinypool's main file is loaded late. */
async function moving(reply: object, transfer: readonly Transferable[]): Promise<unknown> {
  const { markMovable, kTransferable, kValue } = await import('tinypool');
  const result = bare({ [kTransferable]: transfer, [kValue]: reply });
  markMovable(result);
  return result;
}
