/** Runs hops on the event loop, through the same codec: for unit tests without threads. */
import type { Manifest } from './executor.js';
import { processPacker, threadPacker, type Packer, type Transferable } from './freight.js';
import { abortCells, newCells, progressIn } from './hop-control.js';
import { ThreadGone } from './thread-gone.js';
import { HopRunner, type Sent } from './hop-runner.js';
import { KnownHops } from './known-hops.js';
import type { Departure, Lane, LaneEvents, Trip } from './lane.js';
import { decode } from '../portable/codec.js';
import { detailsFor } from './hop-details.js';
import { hasFailed, type Freight, type HopReply, type HopTask, type Report } from './message.js';
import type { GroupSettings } from './options.js';
import { unpack } from './freight.js';
import { whyUnreachable } from './reach.js';

/** Id of the only "thread"; real ones count from 1. */
const thread = 0;

export class InlineLane implements Lane {
  readonly starting = 0;
  readonly stuck = 0;
  readonly behind = 0;
  replaced = 0;
  #size: number;
  #isOpen = false;
  #running = 0;
  readonly #packer: Packer;
  readonly #runner: HopRunner;
  readonly #known = new KnownHops();

  constructor(
    { size, runtime, teardownTimeout }: GroupSettings,
    private readonly events: LaneEvents,
  ) {
    this.#size = size;
    this.#packer = runtime === 'child_process' ? processPacker : threadPacker;
    // All modules are imported on this side already.
    const classes = {
      find: () => Promise.resolve(),
      load: () => Promise.resolve(),
      reason: () => 'its module has not been imported',
    };
    this.#runner = new HopRunner(thread, classes, this.#packer, teardownTimeout);
  }

  open(manifest: Manifest): Promise<readonly Report[]> {
    this.#isOpen = true;
    const unreachable = manifest.needs.flatMap((need, index) => {
      const why = whyUnreachable(need, () => ({ reason: 'its class is not known' }));
      return why === undefined ? [] : [{ need: index, ...why }];
    });
    return Promise.resolve([{ thread, unreachable, failed: [] }]);
  }

  prepare(): void {
    this.#isOpen = true;
  }

  get size(): number {
    return this.#size;
  }

  get threads(): number {
    return this.#isOpen ? this.#size : 0;
  }

  get free(): number {
    return this.#isOpen ? Math.max(0, this.#size - this.#running) : 0;
  }

  wake(): void {
    // It never gives up.
  }

  hasRoom(): boolean {
    return false;
  }

  send(departure: Departure): Trip {
    const { definition, inputs, isControlled, isSized } = departure;
    const { freight, transfer, bytes } = this.#packer.pack(inputs, isSized);
    const cells = isControlled ? newCells() : undefined;
    const details = detailsFor(departure, this.#known.mention(definition));
    const task: HopTask = {
      task: 'hop',
      hop: definition.id,
      inputs: cross(freight, transfer),
      details: cells === undefined ? details : { ...details, cells },
    };
    this.#running++;
    let isOver = false;
    const leave = (): boolean => {
      if (isOver) return false;
      isOver = true;
      this.#running--;
      return true;
    };
    // As with threads, nothing of the hop happens within the caller's turn.
    void Promise.resolve()
      .then(() => {
        this.#runner.learn(task);
        return this.#runner.run(task);
      })
      .then((sent) => {
        if (leave()) departure.answered(crossReply(sent));
      });
    return {
      thread,
      bytes,
      moves: false,
      isFirst: true,
      since: performance.now(),
      importing: undefined,
      get progress() {
        return cells === undefined ? undefined : progressIn(cells);
      },
      abort: () => cells !== undefined && abortCells(cells),
      takeBack: () => false,
      // There is no thread that could be ended: its work is left behind, as if it had been.
      end: () => {
        if (leave()) {
          this.replaced++;
          departure.gone(new ThreadGone('it was ended'));
        }
        return true;
      },
    };
  }

  resize(size: number): Promise<void> {
    this.#size = size;
    this.events.onFree();
    return Promise.resolve();
  }

  async close(): Promise<readonly unknown[]> {
    this.#isOpen = false;
    const { reply } = await this.#runner.end();
    return decode(unpack(reply.errors)) as unknown[];
  }
}

function crossReply({ reply, transfer }: Sent): HopReply {
  return hasFailed(reply)
    ? {
        ...reply,
        error: cross(reply.error, transfer),
        ...(reply.hidden === undefined
          ? {}
          : { hidden: reply.hidden.map((each) => cross(each, [])) }),
      }
    : { ...reply, values: cross(reply.values, transfer) };
}

/** What posting does to a value. A port has done it already. */
function cross(freight: Freight, transfer: readonly Transferable[]): Freight {
  return (transfer as readonly unknown[]).includes(freight)
    ? freight
    : structuredClone(freight, { transfer: transfer as Transferable[] });
}
