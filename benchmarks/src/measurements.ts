/** What a suite finds out: tables of numbers, one for each candidate and round. */

export interface TableHead {
  readonly title: string;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  /** Candidates that the others are compared with; the first one is that of the chart. */
  readonly bases: readonly string[];
}

export interface Table extends TableHead {
  /** By candidate, in the order in which they were first measured. */
  readonly rows: Map<string, number[]>;
}

export class Measurements {
  readonly tables: Table[] = [];
  /** What could not be measured here, and why. */
  readonly skipped = new Map<string, string>();

  table(head: TableHead): Table {
    const table = { ...head, rows: new Map<string, number[]>() };
    this.tables.push(table);
    return table;
  }
}

/** Adds what a candidate has reached in one round. */
export function record(table: Table, candidate: string, number: number): void {
  const row = table.rows.get(candidate);
  if (row === undefined) table.rows.set(candidate, [number]);
  else row.push(number);
}

/** @returns for each round, how many times what the base reached the candidate has reached. */
export function ratios(table: Table, candidate: string, base: string): readonly number[] {
  const of = table.rows.get(base) ?? [];
  return (table.rows.get(candidate) ?? [])
    .map((number, round) => number / (of[round] ?? NaN))
    .filter((ratio) => Number.isFinite(ratio));
}
