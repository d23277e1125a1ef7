/** Runs hops in groups of threads, each with a queue of its own. */
import { DeclarationError, DisposedError, ThreadStartError } from '../errors.js';
import { nearNames } from '../near-name.js';
import { decode } from '../portable/codec.js';
import type { Abortable } from '../stop-signal.js';
import { Dispatcher } from './dispatcher.js';
import type {
  Executor,
  GroupFigures,
  HopCaller,
  HopDefinition,
  HopWatch,
  Manifest,
  ThreadFigures,
  Unreachable,
} from './executor.js';
import { Figures } from './figures.js';
import { unpack } from './freight.js';
import type { Lane, LaneEvents } from './lane.js';
import type { Report } from './message.js';
import { bare } from '../own.js';
import { checkNumber, type GroupSettings } from './options.js';
import { findAmbiguous } from './reach.js';

/** Makes the lane of a group. */
export type LaneMaker = (settings: GroupSettings, events: LaneEvents) => Lane;

interface Group {
  readonly lane: Lane;
  readonly dispatcher: Dispatcher;
}

export class GroupExecutor implements Executor {
  readonly #groups = new Map<string, Group>();
  readonly measured = new Figures();
  #isDisposed = false;

  /**
   * @param sharesClasses - whether hops find the very classes of the program, which need not be told
   * apart by where they stand.
   */
  constructor(
    private readonly settings: readonly GroupSettings[],
    private readonly makeLane: LaneMaker,
    private readonly sharesClasses: boolean,
  ) {
    this.#makeGroups();
  }

  #makeGroups(): void {
    for (const group of this.settings) {
      // A group that has been there before may have been resized.
      const size = this.#groups.get(group.name)?.lane.size ?? group.size;
      const lane = this.makeLane(bare({ ...group, size }), {
        onFree: () => dispatcher.drain(),
        onStuck: (error) => dispatcher.failQueued(error),
      });
      const meter = this.measured.group(group.name);
      const dispatcher = new Dispatcher(lane, meter, group.queue, group.grace, group.startTimeout);
      this.#groups.set(group.name, { lane, dispatcher });
    }
  }

  async start(manifest: Manifest): Promise<readonly Unreachable[]> {
    if (this.#isDisposed) throw new DisposedError('container');
    const ambiguous = this.sharesClasses ? [] : findAmbiguous(manifest.needs);
    if (ambiguous.length > 0) return ambiguous;
    try {
      const unreachable = await this.#open(manifest);
      if (unreachable.length > 0) await this.#renew();
      return unreachable;
    } catch (error) {
      await this.#renew();
      throw error;
    }
  }

  /** Ends what has started, so that another start finds all as it was. */
  async #renew(): Promise<void> {
    const ends = [...this.#groups.values()].map(({ dispatcher }) => dispatcher.dispose());
    await Promise.all(ends);
    if (!this.#isDisposed) this.#makeGroups();
  }

  async #open(manifest: Manifest): Promise<readonly Unreachable[]> {
    const opened: Promise<readonly Report[]>[] = [];
    for (const [name, { lane }] of this.#groups) {
      if (manifest.groups.includes(name)) opened.push(lane.open(manifest));
      else lane.prepare(manifest);
    }
    const reports = (await Promise.all(opened)).flat();
    const unreachable = collect(reports, manifest);
    const failed = reports.flatMap((report) => report.failed)[0];
    if (unreachable.length === 0 && failed !== undefined) {
      const cause = decode(unpack(failed.error));
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new ThreadStartError(
        `${failed.module} could not be imported in a thread: ${reason}`,
        cause,
      );
    }
    for (const { dispatcher } of this.#groups.values()) dispatcher.drain();
    return unreachable;
  }

  run(
    definition: HopDefinition,
    inputs: readonly unknown[],
    signal?: Abortable,
    watch?: HopWatch,
    caller?: HopCaller,
  ): Promise<unknown[]> {
    return this.#group(definition.group).dispatcher.run(definition, inputs, signal, watch, caller);
  }

  free(group: string): number {
    return this.#group(group).dispatcher.free;
  }

  async resize(name: string, size: number): Promise<void> {
    const { lane, dispatcher } = this.#group(name);
    checkNumber('The size of a group of threads', size, 1);
    await lane.resize(size);
    dispatcher.drain();
  }

  get groups(): readonly string[] {
    return [...this.#groups.keys()];
  }

  get figures(): ThreadFigures {
    const groups = Object.fromEntries(
      [...this.#groups].map(([name, { dispatcher }]) => [name, dispatcher.figures]),
    );
    const { measured } = this;
    return {
      ...sum(Object.values(groups)),
      groups,
      // Whoever looks at the others often does not pay for these.
      get providers() {
        return measured.providers;
      },
    };
  }

  async dispose(): Promise<readonly unknown[]> {
    this.#isDisposed = true;
    const ends = [...this.#groups.values()].map(({ dispatcher }) => dispatcher.dispose());
    return (await Promise.all(ends)).flat();
  }

  #group(name: string): Group {
    const group = this.#groups.get(name);
    if (group !== undefined) return group;
    throw unknownGroup(`The group of threads '${name}' does not exist.`, name, this.groups);
  }
}

/** @param fact - what names the group. */
export function unknownGroup(
  fact: string,
  name: string,
  groups: readonly string[],
): DeclarationError {
  const [near] = nearNames(name, groups);
  const meant = near === undefined ? '' : ` Did you mean '${near}'?`;
  return new DeclarationError(
    `${fact}${meant}`,
    `The groups are ${groups.map((each) => `'${each}'`).join(', ')}; declare more by \`threads: { groups: { ${name}: { size: 1 } } }\`.`,
  );
}

function sum(figures: readonly GroupFigures[]): Omit<GroupFigures, 'overhead'> {
  const total = { size: 0, threads: 0, busy: 0, queued: 0, waited: 0, ran: 0, hops: 0 };
  const all = { ...total, replaced: 0, stuck: 0 };
  for (const group of figures) {
    for (const name of Object.keys(all) as (keyof typeof all)[]) all[name] += group[name];
  }
  return all;
}

/** What some thread could not reach, each once, in the order of the manifest. */
function collect(reports: readonly Report[], { needs }: Manifest): Unreachable[] {
  const found = new Map<number, Omit<Unreachable, 'need'>>();
  for (const { unreachable, failed } of reports) {
    for (const { need, ...why } of unreachable) {
      if (found.has(need)) continue;
      const failure = failed.find(({ module }) => module === needs[need]?.module);
      found.set(
        need,
        failure === undefined ? why : { ...why, cause: decode(unpack(failure.error)) },
      );
    }
  }
  return needs.flatMap((need, index) => {
    const why = found.get(index);
    return why === undefined ? [] : [{ need, ...why }];
  });
}
