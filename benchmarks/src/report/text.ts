/** Tables for the terminal. */
import { ratios, type Measurements, type Table } from '../measurements.js';
import { spreadOf } from '../statistics.js';
import { shown } from './number.js';

/** @returns all tables of a suite, and what was left out. */
export function textOf(suite: string, { tables, skipped }: Measurements): string {
  const left = [...skipped].map(([name, reason]) => `  ${name}: left out, ${reason}`);
  return [`\n${suite.toUpperCase()}`, ...tables.filter(isFilled).map(tableText), ...left].join(
    '\n',
  );
}

function isFilled({ rows }: Table): boolean {
  return rows.size > 0;
}

function tableText(table: Table): string {
  const bases = table.bases.filter((base) => table.rows.has(base));
  const head = ['', table.unit, ...bases.map((base) => `of ${base} (min – max)`)];
  const rows = [...table.rows].map(([candidate, numbers]) => [
    candidate,
    shown(spreadOf(numbers).median),
    ...bases.map((base) => ratioText(table, candidate, base)),
  ]);
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => row[column]!.length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
      )
      .join('  ');
  return [`\n${table.title} (${table.better} is better)`, line(head), ...rows.map(line)].join('\n');
}

function ratioText(table: Table, candidate: string, base: string): string {
  if (candidate === base) return '1';
  const found = ratios(table, candidate, base);
  if (found.length === 0) return '–';
  const { median, min, max } = spreadOf(found);
  return `${shown(median)} (${shown(min)} – ${shown(max)})`;
}
