/** Imports the modules of the manifest into this thread, and says what is missing afterwards. */
import { encodeThrown } from '../portable/codec.js';
import { importUntilParked } from '../thread-context.js';
import type { NeededClass } from '../threads/executor.js';
import type { Report, SetupTask } from '../threads/message.js';
import { whyUnreachable, type Reason } from '../threads/reach.js';
import { lateImport, noteImport } from '../threads/import-cells.js';

/** How the import of a module has ended. */
type Outcome = 'imported' | 'parked' | 'waiting' | { readonly error: unknown };

/** The modules of one thread. */
export class ThreadModules {
  readonly #outcomes = new Map<string, Outcome>();

  constructor(
    private readonly setup: SetupTask,
    /** Told the index of each module, before it is imported, where no cells are. */
    private readonly tellImport: (index: number) => void,
  ) {}

  /** Imports all modules, in order: those of one file may count on what another has done. */
  async importAll(): Promise<void> {
    const { manifest } = this.setup;
    for (const [index, module] of manifest.modules.entries()) {
      this.#note(index);
      await this.#import(module);
    }
    this.#note(manifest.modules.length);
  }

  #note(index: number): void {
    const { progress } = this.setup;
    if (progress === undefined) this.tellImport(index);
    else noteImport(progress, index);
  }

  report(thread: number): Report {
    const { needs, modules } = this.setup.manifest;
    const unreachable = needs.flatMap((need, index) => {
      const why = whyUnreachable(need, (missing) => this.#whyMissing(missing));
      return why === undefined ? [] : [{ need: index, ...why }];
    });
    const failed = modules.flatMap((module) => {
      const outcome = this.#outcomes.get(module);
      return typeof outcome === 'object'
        ? [{ module, error: encodeThrown(outcome.error).encoded }]
        : [];
    });
    return { thread, unreachable, failed };
  }

  /**
   * Imports the module that declares a `@Portable` class, once, and only if it is one of those that
   * the loop has named at the start: what arrives in a message selects nothing else.
   */
  async find(classId: string): Promise<void> {
    const module = moduleOf(classId);
    const position = this.setup.manifest.portableModules.indexOf(module);
    if (position >= 0) await this.#importLate(module, position);
  }

  /**
   * Imports the module of a class that has joined the graph after the start, once. The loop has named
   * it in the definition of a hop, which nothing that arrives from outside has a part in.
   * @param position - of the class in `late` of the hop.
   */
  async load({ module }: NeededClass, position: number): Promise<void> {
    const { portableModules } = this.setup.manifest;
    if (module !== undefined) await this.#importLate(module, portableModules.length + position);
  }

  async #importLate(module: string, position: number): Promise<void> {
    if (this.#outcomes.has(module)) return;
    const { length } = this.setup.manifest.modules;
    this.#note(lateImport(length, position));
    await this.#import(module);
    this.#note(length);
  }

  /** Why a class is not known. */
  reason(classId: string): string {
    const module = moduleOf(classId);
    return this.#explain(module === '' ? undefined : module).reason;
  }

  #whyMissing({ module, call }: NeededClass): Reason {
    return this.#explain(module, call);
  }

  #explain(module: string | undefined, call?: string): Reason {
    if (module === undefined) {
      return {
        reason: 'the module that declares it is not known',
        remedy: 'Name that module in `modules`',
      };
    }
    const outcome = this.#outcomes.get(module);
    if (outcome === undefined) {
      return { reason: `its module is not one of those that threads import (${module})` };
    }
    if (outcome === 'parked') {
      return {
        reason:
          'it stands below the start of a container (Container.create, createApp, or an `await` that leads to one), where a thread stops importing',
        remedy: 'Move it above, or into a module of its own',
      };
    }
    if (outcome === 'waiting') {
      return {
        reason:
          'its module imports one that starts a container (Container.create or createApp), where a thread stops importing',
        remedy: 'Let its module not import that one',
      };
    }
    if (outcome === 'imported') {
      return {
        reason:
          call === undefined
            ? `it is declared inside a function, or under a condition (${module})`
            : `the call of ${call} is not at the top level of its module (${module})`,
      };
    }
    const { error } = outcome;
    const message = error instanceof Error ? error.message : String(error);
    const reason = `its module (${module}) could not be imported: ${(message.split('\n')[0] ?? '').replace(/\.$/, '')}`;
    return lacksLoader(module, error)
      ? { reason, needsLoader: true }
      : { reason, remedy: 'Let that module be imported in a thread (see the cause)' };
  }

  async #import(module: string): Promise<void> {
    let outcome: Outcome;
    try {
      outcome = await this.#settle(module);
    } catch (error) {
      outcome = { error };
    }
    this.#outcomes.set(module, outcome);
  }

  /**
   * A module that imports one which has parked waits for ever, and does not park itself. Where that
   * is possible, a quarter of the time for the start is enough to tell.
   */
  async #settle(module: string): Promise<Outcome> {
    const importing = importUntilParked(module).then((parked) => (parked ? 'parked' : 'imported'));
    if (![...this.#outcomes.values()].includes('parked')) return importing;
    let timer: NodeJS.Timeout | undefined;
    const waiting = new Promise<'waiting'>((resolve) => {
      timer = setTimeout(() => resolve('waiting'), this.setup.startTimeout / 4);
    });
    return Promise.race([importing, waiting]).finally(() => clearTimeout(timer));
  }
}

/** Codes of Node for a file that is TypeScript to it, or that only a loader of TypeScript finds. */
const loaderCodes: ReadonlySet<unknown> = new Set([
  'ERR_UNKNOWN_FILE_EXTENSION',
  'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX',
  'ERR_INVALID_TYPESCRIPT_SYNTAX',
  'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING',
  'ERR_NO_TYPESCRIPT',
  // `./kitchen.js` stands for `./kitchen.ts` only where a loader says so.
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
]);

/** Whether a module is TypeScript, and failed since nothing in this thread loads all of that. */
function lacksLoader(module: string, error: unknown): boolean {
  if (!/\.[cm]?tsx?(?:\?|$)/.test(module)) return false;
  // Decorators, to Node alone, are a SyntaxError without a code.
  if (error instanceof SyntaxError) return true;
  return loaderCodes.has(((error ?? {}) as { readonly code?: unknown }).code);
}

/** The part of a class id that says where the class stands. */
function moduleOf(classId: string): string {
  return classId.slice(0, Math.max(classId.lastIndexOf('#'), 0));
}
