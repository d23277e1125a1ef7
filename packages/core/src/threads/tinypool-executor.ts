/** Runs hops in real worker threads: the default executor. */
import { ThreadStartError } from '../errors.js';
import { decode } from '../portable/codec.js';
import { Dispatcher } from './dispatcher.js';
import type {
  Executor,
  HopDefinition,
  HopWatch,
  Manifest,
  ThreadFigures,
  Unreachable,
} from './executor.js';
import type { Report } from './message.js';
import type { ThreadSettings } from './options.js';
import { PoolLane } from './pool-lane.js';

export class TinypoolExecutor implements Executor {
  readonly #lane: PoolLane;
  readonly #dispatcher: Dispatcher;

  constructor(settings: ThreadSettings) {
    this.#lane = new PoolLane(settings, {
      onFree: () => this.#dispatcher.drain(),
      onStuck: (error) => this.#dispatcher.failQueued(error),
    });
    this.#dispatcher = new Dispatcher(this.#lane, settings.queue);
  }

  async start(manifest: Manifest): Promise<readonly Unreachable[]> {
    const ambiguous = manifest.needs.filter((need) => need.ambiguous);
    if (ambiguous.length > 0) {
      return ambiguous.map((need) => {
        const twins = need.call === undefined ? 'classes of its name' : `calls of ${need.call}`;
        const reason = `${need.twins} ${twins} are made at one place, by a function or a loop, and a thread cannot tell them apart`;
        const remedy =
          need.call === undefined
            ? 'Write each class out, at the top level of a module'
            : 'Write each call out, at the top level of a module';
        return { need, reason, remedy };
      });
    }
    const reports = await this.#lane.open(manifest);
    const unreachable = collect(reports, manifest);
    const failed = reports.flatMap((report) => report.failed)[0];
    if (unreachable.length === 0 && failed !== undefined) {
      const cause = decode(failed.error);
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ThreadStartError(
        `${failed.module} could not be imported in a thread: ${reason}`,
        cause,
      );
    }
    this.#dispatcher.drain();
    return unreachable;
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

/** What some thread could not reach, each once, in the order of the manifest. */
function collect(reports: readonly Report[], { needs }: Manifest): Unreachable[] {
  const found = new Map<number, Omit<Unreachable, 'need'>>();
  for (const { unreachable, failed } of reports) {
    for (const { need, ...why } of unreachable) {
      if (found.has(need)) continue;
      const failure = failed.find(({ module }) => module === needs[need]?.module);
      found.set(need, failure === undefined ? why : { ...why, cause: decode(failure.error) });
    }
  }
  return needs.flatMap((need, index) => {
    const why = found.get(index);
    return why === undefined ? [] : [{ need, ...why }];
  });
}
