/** Results as a drawing: for each table, the ratios to its first base, or the numbers where it has none. */
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import type { ResultData } from './data.js';
import { shown } from './number.js';

type TableData = ResultData['tables'][number];
type Document = ReturnType<typeof parseHTML>['document'];

interface Bar {
  readonly candidate: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const width = 760;
const titleHeight = 34;

/** @returns an SVG document. */
export function chartOf({ suite, quick, machine, tables }: ResultData): string {
  const { document } = parseHTML('<html></html>');
  const note = `${quick ? 'quick, says nothing about speed; ' : ''}${machine.date.slice(0, 10)}, Node ${machine.versions.node!}, ${machine.cores} × ${machine.cpu}`;
  let y = 2 * titleHeight;
  const parts = [heading(`${suite} (${note})`, titleHeight, 15)];
  for (const table of tables) {
    const bars = barsOf(table);
    const height = 50 + 22 * bars.length;
    parts.push(
      heading(`${table.title}: ${axisOf(table)}, ${table.better} is better`, y, 13),
      plotOf(table, bars, height, document).replace('<svg', `<svg x="0" y="${y + 6}"`),
    );
    y += height + titleHeight;
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${y}" font-family="system-ui, sans-serif">
<rect width="100%" height="100%" fill="white"/>
${parts.join('\n')}
</svg>
`;
}

function axisOf({ bases, unit }: TableData): string {
  return bases[0] === undefined ? unit : `× ${bases[0]}`;
}

function barsOf({ bases, candidates }: TableData): readonly Bar[] {
  const [base] = bases;
  return candidates.flatMap(({ name: candidate, median, min, max, ratios }) => {
    if (base === undefined) return [{ candidate, median, min, max }];
    const spread = ratios[base];
    return spread === undefined ? [] : [{ candidate, ...spread }];
  });
}

function plotOf(
  { bases }: TableData,
  bars: readonly Bar[],
  height: number,
  document: Document,
): string {
  const numbers = bars.map(({ max }) => max);
  // Where one is far ahead of another, a linear scale would show that one only.
  const isWide = Math.max(...numbers) > 20 * Math.min(...bars.map(({ min }) => min));
  const figure = Plot.plot({
    document: document,
    width,
    height,
    marginLeft: 230,
    marginRight: 30,
    x: {
      type: isWide ? 'log' : 'linear',
      grid: true,
      label: null,
      tickFormat: shown,
      ...(isWide ? {} : { zero: true }),
    },
    y: { domain: bars.map(({ candidate }) => candidate), label: null },
    marks: [
      ...(bases.length > 0 ? [Plot.ruleX([1], { stroke: '#999' })] : []),
      Plot.ruleY(bars, { y: 'candidate', x1: 'min', x2: 'max', stroke: colour, strokeWidth: 3 }),
      Plot.dot(bars, { y: 'candidate', x: 'median', fill: colour, r: 5 }),
    ],
  });
  return figure.outerHTML;
}

function colour({ candidate }: Bar): string {
  return candidate.startsWith('turno') ? '#d1495b' : '#4c78a8';
}

function heading(text: string, y: number, size: number): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="8" y="${y}" font-size="${size}" font-weight="600">${escaped}</text>`;
}
