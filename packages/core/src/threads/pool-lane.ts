/** Keeps a pool of real threads going: opens it, and puts a new one in place of one that broke. */
import { existsSync } from 'node:fs';

import { DisposedError, ThreadStartError } from '../errors.js';
import { Definitions } from './definitions.js';
import type { Manifest } from './executor.js';
import type { Departure, Lane } from './lane.js';
import type { HopReply, HopTask, Report, ThreadSetup } from './message.js';
import type { ThreadSettings } from './options.js';
import { goneFor, Pool } from './pool.js';

/** What its owner hears of a lane. */
export interface LaneEvents {
  /** Hops that wait may start now. */
  onFree(): void;
  /** There is no thread left, and starting new ones has failed. */
  onStuck(error: ThreadStartError): void;
}

/** How many new pools in a row may fail to start before the lane gives up until somebody asks. */
const attempts = 3;

/**
 * What tinypool loads in each thread. Built, it is JavaScript; when this file itself runs as
 * TypeScript, then threads inherit what makes that possible.
 * @throws ThreadStartError where a bundler has taken this file away from its neighbours.
 */
function workerEntry(): URL {
  // Undefined where a bundler has made CommonJS of this file.
  const here = import.meta.url as string | undefined;
  if (here !== undefined) {
    const file = here.endsWith('.ts') ? '../worker/entry.ts' : '../worker/entry.js';
    const entry = new URL(file, here);
    if (existsSync(entry)) return entry;
  }
  throw new ThreadStartError(
    '@turno/core is part of a bundle, and the file that threads run is not there',
    undefined,
    'Leave @turno/core out of the bundle: with esbuild by --external:@turno/core or --packages=external.',
  );
}

export class PoolLane implements Lane {
  readonly #definitions = new Definitions();
  /** All pools that are not closed: the current one, retired ones, one that starts. */
  readonly #pools = new Set<Pool>();
  #current: Pool | undefined;
  #setup: ThreadSetup | undefined;
  #isRebuilding = false;
  #isStuck = false;
  #isClosed = false;
  #replaced = 0;

  constructor(
    private readonly settings: ThreadSettings,
    private readonly events: LaneEvents,
  ) {}

  /** @throws ThreadStartError */
  async open(manifest: Manifest): Promise<Report[]> {
    this.#setup = {
      manifest,
      startTimeout: this.settings.startTimeout,
      teardownTimeout: this.settings.teardownTimeout,
      progress: new Int32Array(new SharedArrayBuffer(4)),
    };
    const { pool, reports } = await this.#start(this.#setup);
    this.#current = pool;
    return reports;
  }

  get free(): number {
    return this.#current?.free ?? 0;
  }

  get size(): number {
    return this.#current?.size ?? 0;
  }

  get replaced(): number {
    return this.#replaced;
  }

  get mayEndThreads(): boolean {
    return this.#current?.mayEndThreads ?? false;
  }

  wake(): void {
    if (this.#isStuck && this.size === 0) void this.#rebuild();
  }

  async send({ definition, inputs, abort, timed, stop }: Departure): Promise<HopReply> {
    const pool = this.#current;
    if (pool === undefined) throw new DisposedError('container');
    const isKnown = this.#definitions.areKnown(definition.id, pool.readyIds());
    const task: HopTask = {
      task: 'hop',
      hop: definition.id,
      ...(isKnown ? {} : { definition }),
      inputs: inputs.freight,
      ...(abort === undefined ? {} : { abort }),
      ...(timed ? { timed } : {}),
    };
    try {
      const reply = await pool.run(task, inputs.transfer, stop);
      this.#definitions.learn(definition.id, reply.thread);
      return reply;
    } finally {
      if (pool !== this.#current && pool.isIdle) this.#retire(pool);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#pools].map((pool) => pool.close()));
    this.#current = undefined;
  }

  /** Starts a pool and waits until each of its threads has reported. */
  async #start(setup: ThreadSetup): Promise<{ pool: Pool; reports: Report[] }> {
    if (this.#hasClosed()) throw new DisposedError('container');
    const pool: Pool = new Pool(this.settings, workerEntry(), setup, {
      onReady: () => {
        this.#isStuck = false;
        if (pool === this.#current) this.events.onFree();
      },
      onGone: (thread) => {
        this.#definitions.forget(thread);
        this.#replaced++;
      },
      onBroken: () => {
        if (pool === this.#current) void this.#rebuild();
      },
    });
    this.#pools.add(pool);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      const { startTimeout } = this.settings;
      timer = setTimeout(() => {
        reject(
          new ThreadStartError(
            `they took longer than ${startTimeout} ms${whereIn(setup)}`,
            undefined,
            'Let the modules do less when they are imported, or set `threads: { startTimeout }`.',
          ),
        );
      }, startTimeout);
    });
    try {
      return { pool, reports: await Promise.race([pool.reports(), late]) };
    } catch (error) {
      const wasClosed = this.#hasClosed();
      this.#retire(pool);
      await pool.close();
      if (wasClosed) throw new DisposedError('container');
      if (error instanceof ThreadStartError) throw error;
      const { message, cause } = goneFor(error);
      throw new ThreadStartError(
        `one of them ended${whereIn(setup)}: ${message}`,
        cause,
        cause === undefined
          ? 'Let no module end the process where it is imported in a thread (see `isMainThread`).'
          : 'See the cause.',
      );
    } finally {
      clearTimeout(timer);
    }
  }

  /** Puts a new pool in place of the current one; hops that run go on in the old one. */
  async #rebuild(): Promise<void> {
    if (this.#isRebuilding || this.#setup === undefined) return;
    this.#isRebuilding = true;
    let failure: unknown;
    for (let attempt = 0; attempt < attempts && !this.#isClosed; attempt++) {
      try {
        const { pool } = await this.#start(this.#setup);
        const old = this.#current;
        this.#current = pool;
        if (old?.isIdle === true) this.#retire(old);
        failure = undefined;
        break;
      } catch (error) {
        failure = error;
      }
    }
    this.#isRebuilding = false;
    if (this.#isClosed) return;
    if (failure === undefined) {
      this.events.onFree();
      return;
    }
    this.#isStuck = true;
    if (this.size === 0) this.events.onStuck(failure as ThreadStartError);
  }

  /** A method, since the answer changes during an `await`. */
  #hasClosed(): boolean {
    return this.#isClosed;
  }

  #retire(pool: Pool): void {
    void pool.close().then(() => this.#pools.delete(pool));
  }
}

/** Where the threads stood last, for messages. */
function whereIn({ manifest, progress }: ThreadSetup): string {
  const module = manifest.modules[Atomics.load(progress, 0)];
  return module === undefined ? '' : ` while importing ${module}`;
}
