/** Runs hops on the event loop, through the same codec: for unit tests without threads. */
import { Dispatcher } from './dispatcher.js';
import type {
  Executor,
  HopDefinition,
  HopWatch,
  Manifest,
  ThreadFigures,
  Unreachable,
} from './executor.js';
import { HopRunner, type Sent } from './hop-runner.js';
import type { Departure, Lane } from './lane.js';
import { hasFailed, type Freight, type HopReply } from './message.js';
import type { Transferable } from './freight.js';
import type { ThreadSettings } from './options.js';
import { whyUnreachable } from './reach.js';

/** Id of the only "thread"; real ones count from 1. */
const thread = 0;

export class InlineExecutor implements Executor {
  readonly #lane: InlineLane;
  readonly #dispatcher: Dispatcher;

  constructor(settings: ThreadSettings) {
    this.#lane = new InlineLane(settings.size, settings.teardownTimeout);
    this.#dispatcher = new Dispatcher(this.#lane, settings.queue);
  }

  start(manifest: Manifest): Promise<readonly Unreachable[]> {
    const unreachable = manifest.needs.flatMap((need) => {
      const why = whyUnreachable(need, () => ({ reason: 'its class is not known' }));
      return why === undefined ? [] : [{ need, ...why }];
    });
    this.#lane.isOpen = true;
    this.#dispatcher.drain();
    return Promise.resolve(unreachable);
  }

  run(
    definition: HopDefinition,
    inputs: readonly unknown[],
    signal?: AbortSignal,
    watch?: HopWatch,
  ): Promise<unknown[]> {
    return this.#dispatcher.run(definition, inputs, signal, watch);
  }

  get figures(): ThreadFigures {
    return this.#dispatcher.figures;
  }

  dispose(): Promise<void> {
    return this.#dispatcher.dispose();
  }
}

class InlineLane implements Lane {
  isOpen = false;
  readonly replaced = 0;
  /** There is no thread that could be ended. */
  readonly mayEndThreads = false;
  #running = 0;
  readonly #runner: HopRunner;

  constructor(
    readonly size: number,
    teardownTimeout: number,
  ) {
    // All modules are imported on this side already.
    const classes = {
      find: () => Promise.resolve(),
      reason: () => 'its module has not been imported',
    };
    this.#runner = new HopRunner(thread, classes, teardownTimeout);
  }

  get free(): number {
    return this.isOpen ? this.size - this.#running : 0;
  }

  wake(): void {
    // It never gives up.
  }

  async send({ definition, inputs, abort, timed }: Departure): Promise<HopReply> {
    this.#running++;
    try {
      // As with threads, nothing of the hop happens within the caller's turn.
      await Promise.resolve();
      const { reply, transfer } = await this.#runner.run({
        task: 'hop',
        hop: definition.id,
        definition,
        inputs: cross(inputs.freight, inputs.transfer),
        ...(abort === undefined ? {} : { abort }),
        ...(timed ? { timed } : {}),
      });
      return crossReply({ reply, transfer });
    } finally {
      this.#running--;
    }
  }

  close(): Promise<void> {
    this.isOpen = false;
    return Promise.resolve();
  }
}

function crossReply({ reply, transfer }: Sent): HopReply {
  return hasFailed(reply)
    ? { ...reply, error: cross(reply.error, transfer) as typeof reply.error }
    : { ...reply, values: cross(reply.values, transfer) };
}

/** What posting does to a value. A port has done it already. */
function cross(freight: Freight, transfer: readonly Transferable[]): Freight {
  return (transfer as readonly unknown[]).includes(freight)
    ? freight
    : structuredClone(freight, { transfer: transfer as Transferable[] });
}
