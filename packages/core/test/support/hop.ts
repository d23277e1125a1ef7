/** Writes definitions of hops by hand, as the compiler of plans does. */
/// <reference lib="es2024.sharedmemory" />
import { findRecord } from '../../dist/record.js';
import type { HopDefinition, HopStep, Manifest, NeededClass } from '../../dist/threads/executor.js';
import type { AbstractClass } from '@turno/core';

type Part = Omit<HopStep, 'arguments'> & { readonly arguments: readonly number[] };

/** The operand that stands for the value of a step. */
export const step = (index: number): number => ~index;

export function idOf(type: AbstractClass): string {
  return findRecord(type)!.id;
}

/** Calls a static method. */
export function call(type: AbstractClass, method: string, ...operands: readonly number[]): Part {
  return {
    label: `${type.name}.${method}`,
    operation: 'call',
    classId: idOf(type),
    method,
    arguments: operands,
  };
}

/** Calls a method of the value of an operand. */
export function callOn(
  self: number,
  type: AbstractClass,
  method: string,
  ...operands: readonly number[]
): Part {
  return { ...call(type, method, ...operands), self };
}

export function construct(type: AbstractClass, ...operands: readonly number[]): Part {
  return { label: type.name, operation: 'construct', classId: idOf(type), arguments: operands };
}

/** As {@link call}, for a class that this side does not import. */
export function callIn(
  module: string,
  type: string,
  method: string,
  ...operands: readonly number[]
): Part {
  return {
    label: `${type}.${method}`,
    operation: 'call',
    classId: `${module}#${type}`,
    method,
    arguments: operands,
  };
}

export const signal: Part = { label: 'signal', operation: 'signal', classId: '', arguments: [] };

let last = 0;

/** A hop of these steps; without `outputs` the last one's value comes back. */
export function hop(
  steps: readonly HopStep[],
  { outputs = [steps.length - 1], extras = [] as readonly number[] } = {},
): HopDefinition {
  const inputs = Math.max(-1, ...steps.flatMap((of) => of.arguments)) + 1;
  const consumer = (index: number) => steps.find((of) => of.arguments.includes(index));
  return {
    id: (last += 1),
    group: 'default',
    steps,
    outputs,
    extras,
    inputs: Array.from({ length: inputs }, (_, index) => ({
      consumer: consumer(index)?.label ?? '',
      parameter: `parameter ${(consumer(index)?.arguments.indexOf(index) ?? 0) + 1}`,
    })),
  };
}

/** What threads need of classes that stand in one module. */
export function manifestOf(
  module: string,
  types: readonly AbstractClass[],
  rest: Partial<Manifest> = {},
): Manifest {
  const needs = types.map((type): NeededClass => ({
    classId: idOf(type),
    module,
    labels: [type.name],
    methods: [],
    twins: 1,
    ambiguous: false,
  }));
  return { modules: [module], portableModules: [], groups: ['default'], needs, ...rest };
}

/** Cells that a test shares with threads: 0 is set by the thread, 1 by the test. */
export function cells(count = 16): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * Int32Array.BYTES_PER_ELEMENT));
}

/** Waits until a cell is no longer zero. */
export async function set(of: Int32Array, index: number): Promise<void> {
  await Atomics.waitAsync(of, index, 0).value;
}

/** Lets whoever waits for cell 1 go on. */
export function letGo(of: Int32Array): void {
  Atomics.store(of, 1, 1);
  Atomics.notify(of, 1);
}

/** The entries of a list that threads have written. */
export function entries(log: Int32Array): number[] {
  return [...log.slice(1, 1 + (log[0] ?? 0))];
}
