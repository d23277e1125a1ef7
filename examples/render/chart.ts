/** What a chart is, and how it is drawn: synchronous code that knows nothing of servers and threads. */
import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';
import { scaleBand, scaleLinear } from 'd3-scale';
import { z } from 'zod';

/** XML knows no control characters, however they are written. */
const text = (longest: number) =>
  z
    .string()
    .max(longest)
    .regex(/^\P{Cc}*$/u, 'must be one line without control characters');

/** What is drawn, as clients send it. */
export const Chart = z.object({
  title: text(100),
  kind: z.enum(['bars', 'line']).default('bars'),
  /** In pixels. */
  width: z.int().min(100).max(2_000).default(800),
  height: z.int().min(100).max(2_000).default(450),
  points: z
    .array(z.object({ label: text(40), value: z.number().min(-1e12).max(1e12) }))
    .min(1)
    .max(500),
});
export type Chart = z.infer<typeof Chart>;

/** A compiled template: makes SVG of what {@link layOut} has placed. */
export type Template = (drawing: ReturnType<typeof layOut>) => string;

/** Text that goes to the left of the vertical axis, and below the horizontal one, has this much room. */
const margin = { top: 60, right: 20, bottom: 50, left: 70 };

/** Places everything: numbers and texts only, which the template writes down. */
export function layOut({ title, kind, width, height, points }: Chart) {
  const values = points.map(({ value }) => value);
  const across = scaleBand(points.keys(), [margin.left, width - margin.right]).padding(0.2);
  const up = scaleLinear(
    [Math.min(0, ...values), Math.max(0, ...values)],
    [height - margin.bottom, margin.top],
  ).nice();
  const write = up.tickFormat();
  const placed = points.map(({ label, value }, index) => {
    const [y, zero] = [up(value), up(0)];
    return {
      label,
      x: across(index)!,
      middle: across(index)! + across.bandwidth() / 2,
      width: across.bandwidth(),
      y,
      top: Math.min(y, zero),
      height: Math.abs(y - zero),
    };
  });
  // Not more labels than fit side by side.
  const every = Math.ceil(90 / across.step());
  return {
    title,
    width,
    height,
    left: margin.left,
    right: width - margin.right,
    bottom: height - margin.bottom + 25,
    isLine: kind === 'line',
    line: placed.map(({ middle, y }) => `${middle},${y}`).join(' '),
    points: placed,
    labels: placed.filter((_, index) => index % every === 0),
    ticks: up.ticks(6).map((tick) => ({ y: up(tick), text: write(tick) })),
  };
}

const { resolve } = createRequire(import.meta.url);
/** The same letters on every machine, also where none has any. */
const fontFiles = ['DejaVuSans', 'DejaVuSans-Bold'].map((name) =>
  resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`),
);

/** @returns a PNG. Synchronous and native: nothing can interrupt it, so sizes are limited above. */
export function toPng(svg: string): Uint8Array {
  const font = { fontFiles, loadSystemFonts: false, defaultFontFamily: 'DejaVu Sans' };
  return new Resvg(svg, { font }).render().asPng();
}
