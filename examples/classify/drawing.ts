/** A drawing, and what the model looks at of it. */
import { z } from 'zod';

/** Pixels in a row, and rows. */
export const side = 28;

/** Row by row from the top left: 0 is paper, 255 is ink. */
export const Drawing = z
  .array(z.number().int().min(0).max(255))
  .length(side * side)
  .refine((pixels) => pixels.some(isInk), 'has nothing drawn on it');
export type Drawing = z.infer<typeof Drawing>;

function isInk(pixel: number): boolean {
  return pixel >= 64;
}

export function blank(): Drawing {
  return Array.from({ length: side * side }, () => 0);
}

/** Cells in a row, and rows, of what the model looks at. */
const cells = 8;

/**
 * Cuts out what was drawn, puts it in the middle of a square, and says of each of its cells how much of
 * it is ink, from 0 to 9. So it does not matter where on the paper and how large something is drawn.
 */
export function features(drawing: Drawing): number[] {
  const inked = [...drawing.keys()].filter((at) => isInk(drawing[at]!));
  const columns = inked.map((at) => at % side);
  const rows = inked.map((at) => Math.floor(at / side));
  const [left, right] = [Math.min(...columns), Math.max(...columns) + 1];
  const [top, bottom] = [Math.min(...rows), Math.max(...rows) + 1];
  const size = Math.max(right - left, bottom - top);
  const [x0, y0] = [(left + right - size) / 2, (top + bottom - size) / 2];

  // Each cell is the mean of points in it, four by four.
  const points = 4;
  const at = (start: number, cell: number, point: number) =>
    Math.floor(start + ((cell + (point + 0.5) / points) * size) / cells);
  return Array.from({ length: cells * cells }, (_, index) => {
    let sum = 0;
    for (let point = 0; point < points * points; point++) {
      const x = at(x0, index % cells, point % points);
      const y = at(y0, Math.floor(index / cells), Math.floor(point / points));
      const isInside = x >= 0 && x < side && y >= 0 && y < side;
      if (isInside) sum += drawing[y * side + x]!;
    }
    return Math.round((sum / (points * points * 255)) * 9);
  });
}
