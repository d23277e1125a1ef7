/** What runs in each thread of tinypool. Nothing on the loop's side imports this. */
import { threadId } from 'node:worker_threads';

import { bare, define } from '../own.js';
import { keepClasses } from '../record.js';
import { enterThread, inHop } from '../thread-context.js';
import type { Transferable } from '../threads/freight.js';
import { HopRunner, type Sent } from '../threads/hop-runner.js';
import type { HopReply, HopTask, Report, ReportTask, ThreadSetup } from '../threads/message.js';
import { ThreadModules } from './import-modules.js';

// Before any module of the user's is evaluated.
enterThread();
keepClasses();

// Where tinypool keeps the `workerData` of its options; its types come with the import of tinypool,
// which is not needed here.
const { __tinypool_state__: state } = process as unknown as {
  readonly __tinypool_state__: { readonly workerData: ThreadSetup };
};
const modules = new ThreadModules(state.workerData);
const runner = new HopRunner(threadId, modules, state.workerData.teardownTimeout);

// Tinypool calls a thread ready when its entry has been imported: a replacement takes no hop before
// it has its modules.
await modules.importAll();

/** Called by tinypool with each task. Never throws: tinypool loses what makes an error one. */
export function run(task: HopTask | ReportTask): Report | Answer | Promise<Answer> {
  if (task.task === 'report') return modules.report(threadId);
  const sent = inHop(() => runner.run(task));
  return sent instanceof Promise ? sent.then(answer) : answer(sent);
}

// Tinypool awaits this function too, and the code in a thread can put `then` on `Object.prototype`.
define(run, 'then', undefined, false);

/** A reply as tinypool takes it. */
type Answer = HopReply | Promise<unknown>;

function answer({ reply, transfer }: Sent): Answer {
  return transfer.length === 0 ? reply : moving(reply, transfer);
}

/** A reply with which something moves. Few have that, so that tinypool's main file is loaded late. */
async function moving(reply: HopReply, transfer: readonly Transferable[]): Promise<unknown> {
  const { markMovable, kTransferable, kValue } = await import('tinypool');
  const result = bare({ [kTransferable]: transfer, [kValue]: reply });
  markMovable(result);
  return result;
}
