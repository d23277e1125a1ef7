/** Results as JSON. */
import { ratios, type Measurements, type Table } from '../measurements.js';
import { spreadOf, type Spread } from '../statistics.js';
import type { Machine } from './machine.js';

export interface ResultData {
  readonly suite: string;
  /** Quick numbers say nothing about speed. */
  readonly quick: boolean;
  readonly machine: Machine;
  readonly tables: readonly TableData[];
  readonly skipped: Readonly<Record<string, string>>;
}

interface TableData {
  readonly title: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly bases: readonly string[];
  readonly candidates: readonly CandidateData[];
}

interface CandidateData extends Spread {
  readonly name: string;
  readonly rounds: readonly number[];
  /** By base. */
  readonly ratios: Readonly<Record<string, Spread>>;
}

export function dataOf(
  suite: string,
  quick: boolean,
  machine: Machine,
  { tables, skipped }: Measurements,
): ResultData {
  const filled = tables.filter(({ rows }) => rows.size > 0).map(tableData);
  return { suite, quick, machine, tables: filled, skipped: Object.fromEntries(skipped) };
}

function tableData(table: Table): TableData {
  const { title, unit, better, bases, rows } = table;
  const candidates = [...rows].map(([name, rounds]) => ({
    name,
    ...spreadOf(rounds),
    rounds,
    ratios: Object.fromEntries(
      bases.flatMap((base) => {
        const found = ratios(table, name, base);
        return found.length === 0 ? [] : [[base, spreadOf(found)]];
      }),
    ),
  }));
  return { title, unit, better, bases, candidates };
}
