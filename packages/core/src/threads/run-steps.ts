/** Runs the steps of one hop, in the thread. */
import { types } from 'node:util';

import { inHop } from '../context.js';
import { isThenable, type ProviderGenerator } from '../disposal.js';
import { GeneratorError, InputError, UnreachableError, type InputFault } from '../errors.js';
import { methodTypes } from '../metadata.js';
import { classById, findInMethods } from '../record.js';
import type { Class } from '../token.js';
import type { HopStep, Operand } from './executor.js';
import type { HopSignal } from './hop-signal.js';
import type { ThreadValues } from './thread-values.js';

/** Which step failed, and with what. */
export class StepFailure {
  constructor(
    readonly step: number,
    readonly error: unknown,
  ) {}
}

/** One run of a hop's steps. Synchronous, without any promise, as long as no step returns one. */
export class StepsRun {
  /** Of the steps that have run. */
  readonly values: unknown[] = [];
  /** Generators that have yielded, by the index of their step; undefined where there are none. */
  generators: Map<number, ProviderGenerator> | undefined = undefined;

  constructor(
    readonly steps: readonly HopStep[],
    readonly inputs: readonly unknown[],
    private readonly kept: ThreadValues,
    private readonly signal: HopSignal,
    /** Why a class is not known; a sentence without its full stop. */
    private readonly missing: (classId: string) => string,
    /** Gets how long each step ran, in milliseconds, up to the last that did; -1 for what was kept. */
    private readonly ran: number[] | undefined,
    /** Told of each step that begins. */
    private readonly begin: ((index: number) => void) | undefined,
  ) {}

  /**
   * Runs all steps, up to the first that fails. @returns a promise only where a step has returned
   * one.
   */
  run(): StepFailure | undefined | Promise<StepFailure | undefined> {
    for (let index = this.values.length; index < this.steps.length; index++) {
      const step = this.steps[index] as HopStep;
      const started = this.ran === undefined ? 0 : this.startTime(step);
      this.begin?.(index);
      let made: unknown;
      try {
        made = this.valueOf(step);
        if (isPromise(made, step)) return this.resume(index, made, started);
      } catch (error) {
        this.noteTime(started);
        return step.operation === 'read'
          ? this.readRest(index, error)
          : new StepFailure(index, error);
      }
      this.noteTime(started);
      this.values.push(made);
    }
    return undefined;
  }

  /** A parameter has a fault: those that are left are read too, so that all faults are told together. */
  private readRest(index: number, error: unknown): StepFailure {
    const faults = [faultOf(this.steps[index], error)];
    for (const step of this.steps.slice(index + 1)) {
      if (step.operation !== 'read') continue;
      try {
        this.make(step);
      } catch (error) {
        faults.push(faultOf(step, error));
      }
    }
    return new StepFailure(index, new InputError(faults));
  }

  private async resume(
    index: number,
    pending: PromiseLike<unknown>,
    started: number,
  ): Promise<StepFailure | undefined> {
    this.signal.watch();
    let made: unknown;
    try {
      made = await pending;
    } catch (error) {
      this.noteTime(started);
      return new StepFailure(index, error);
    }
    this.noteTime(started);
    this.values.push(made);
    return this.run();
  }

  /** @returns -1 for a step whose value the thread has. */
  private startTime({ perThread }: HopStep): number {
    return perThread !== undefined && this.kept.has(perThread) ? -1 : performance.now();
  }

  private noteTime(started: number): void {
    this.ran?.push(started < 0 ? -1 : performance.now() - started);
  }

  private valueOf(step: HopStep): unknown {
    const { perThread } = step;
    if (perThread === undefined) return this.make(step);
    if (this.kept.has(perThread)) return this.kept.get(perThread);
    // It outlives the hop: what it sees shall not be what the first one that needs it has brought.
    return inHop(undefined, () => {
      const made = this.make(step);
      return this.kept.keep(perThread, step.label, made, {
        isPending: isPromise(made, step),
        isYielded: step.generator === true,
      });
    });
  }

  private make(step: HopStep): unknown {
    if (step.operation === 'signal') return this.signal.signal;
    if (step.operation === 'list') return step.arguments.map((operand) => this.operand(operand));
    if (step.rest !== undefined) return this.callWithRest(step, step.rest);
    const type = classById(step.classId);
    if (type === undefined) throw this.unreachable(step);
    const args = step.arguments.map((operand) => this.operand(operand));
    if (step.operation === 'read') return readerOf(type, step)(args[0]);
    if (step.operation === 'construct') return new type(...args);
    const target = step.self === undefined ? type : this.operand(step.self);
    const method = methodOf(target, step);
    if (typeof method !== 'function') throw this.unreachable(step);
    const made = method.apply(target, args);
    if (step.finish) return finish(type, step, made);
    return step.generator ? this.enter(step, made as ProviderGenerator) : made;
  }

  /** Calls a method of whatever there is, with arguments that have come with the run. */
  private callWithRest(step: HopStep, rest: number): unknown {
    const target = this.operand(step.self ?? 0);
    const method = methodOf(target, step);
    if (typeof method !== 'function') {
      throw new TypeError(`${step.label} is not a method of what was made in the thread for it.`);
    }
    const given = step.arguments.map((operand) => this.operand(operand));
    return method.apply(target, [...(this.inputs[rest] as readonly unknown[]), ...given]);
  }

  /** Runs a generator up to its `yield`, which gives the value. */
  private enter({ label, perThread }: HopStep, generator: ProviderGenerator): unknown {
    const index = this.values.length;
    const entered = ({ done, value }: IteratorResult<unknown>): unknown => {
      if (done === true) throw new GeneratorError(label, 'does not yield');
      if (perThread === undefined) (this.generators ??= new Map()).set(index, generator);
      else this.kept.keepGenerator(label, generator);
      return value;
    };
    const first = generator.next();
    // A generator returns a result or a real promise, whatever stands on `Object.prototype`.
    return types.isPromise(first) ? first.then(entered) : entered(first);
  }

  private operand(operand: Operand): unknown {
    return operand >= 0 ? this.inputs[operand] : this.values[~operand];
  }

  private unreachable({ classId, label }: HopStep): UnreachableError {
    const hash = classId.lastIndexOf('#');
    return new UnreachableError(label, classId.slice(0, hash), this.missing(classId));
  }
}

function methodOf(
  target: unknown,
  { method = '' }: HopStep,
): ((...args: unknown[]) => unknown) | undefined {
  // A provider may have made anything.
  return (target as Record<string, ((...args: unknown[]) => unknown) | undefined> | undefined)?.[
    method
  ];
}

const readers = new WeakMap<HopStep, (picked: unknown) => unknown>();

/** What reads a parameter: its decorator has noted it in this thread as well. */
function readerOf(type: Class, step: HopStep): (picked: unknown) => unknown {
  const known = readers.get(step);
  if (known !== undefined) return known;
  const { method = '', parameter = { index: 0, owner: '', static: false } } = step;
  const { index, owner, static: isStatic } = parameter;
  const source = findInMethods(
    type,
    method,
    isStatic,
    ({ parameters }) => parameters.get(index)?.source,
  );
  if (source?.late === undefined) {
    throw new Error(`This thread does not know how to read ${step.label} of ${owner}.`);
  }
  const holder = (isStatic ? type : type.prototype) as object;
  const reader = source.late.reader({ owner, index, type: methodTypes(holder, method)?.[index] });
  readers.set(step, reader);
  return reader;
}

function faultOf(step: HopStep | undefined, error: unknown): InputFault {
  const { index = 0, owner = '' } = step?.parameter ?? {};
  return { owner, index, error };
}

/** Makes of what a handler has returned what crosses in its place. */
function finish(type: Class, { method = '', self, label }: HopStep, made: unknown): unknown {
  const isStatic = self === undefined;
  const end = findInMethods(type, method, isStatic, ({ handler }) => handler)?.finish;
  if (end === undefined) return made;
  return isThenable(made) ? made.then((result) => end(result, label)) : end(made, label);
}

/** Thenables are awaited too, as `await` does; an instance that was constructed never is. */
function isPromise(made: unknown, { operation }: HopStep): made is PromiseLike<unknown> {
  return operation === 'call' && isThenable(made);
}
