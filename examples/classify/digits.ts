/** Drawings of digits, made up: a data set that is nobody's, and the same for the same seed. */
import { blank, side, type Drawing } from './drawing.js';

export interface Example {
  readonly digit: number;
  readonly drawing: Drawing;
}

type Point = readonly [x: number, y: number];
type Stroke = readonly Point[];

/** An arc around a point, clockwise on the screen, from one angle to another in degrees: 0 is right, 90 is down. */
function arc([x, y]: Point, [rx, ry]: Point, from: number, to: number): Stroke {
  const steps = 24;
  return Array.from({ length: steps + 1 }, (_, step) => {
    const angle = ((from + ((to - from) * step) / steps) * Math.PI) / 180;
    return [x + rx * Math.cos(angle), y + ry * Math.sin(angle)] as const;
  });
}

const line = (...points: Point[]): Stroke => points;

/** How people write each digit, in a box from 0 to 1: one of several ways, of strokes. */
const ways: readonly (readonly (readonly Stroke[])[])[] = [
  [[arc([0.5, 0.5], [0.32, 0.48], -90, 270)], [arc([0.5, 0.5], [0.42, 0.45], -60, 300)]],
  [
    [line([0.5, 0], [0.5, 1])],
    [line([0.25, 0.28], [0.55, 0], [0.55, 1])],
    [line([0.3, 0.22], [0.52, 0], [0.52, 1]), line([0.25, 1], [0.8, 1])],
  ],
  [
    [[...arc([0.5, 0.27], [0.34, 0.27], -170, 40), [0.15, 1], [0.88, 1]]],
    [
      [
        ...arc([0.48, 0.26], [0.34, 0.26], -160, 60),
        [0.35, 0.75],
        ...arc([0.28, 0.88], [0.12, 0.12], -60, -300),
        [0.55, 0.93],
        [0.9, 0.95],
      ],
    ],
  ],
  [
    [[...arc([0.46, 0.26], [0.32, 0.26], -160, 90), ...arc([0.46, 0.75], [0.36, 0.25], -90, 150)]],
    [[[0.15, 0], [0.8, 0], [0.45, 0.4], ...arc([0.45, 0.7], [0.38, 0.3], -80, 150)]],
  ],
  [
    [line([0.62, 0], [0.1, 0.68], [0.9, 0.68]), line([0.68, 0.3], [0.68, 1])],
    [line([0.2, 0], [0.15, 0.52], [0.82, 0.52]), line([0.78, 0], [0.76, 1])],
    [line([0.7, 1], [0.7, 0], [0.08, 0.7], [0.95, 0.7])],
  ],
  [
    [[[0.82, 0], [0.25, 0], [0.2, 0.45], ...arc([0.46, 0.69], [0.36, 0.31], -110, 150)]],
    [
      [[0.25, 0.02], [0.2, 0.42], ...arc([0.46, 0.68], [0.36, 0.3], -100, 150)],
      line([0.25, 0.02], [0.85, 0]),
    ],
  ],
  [
    [[[0.68, 0], [0.38, 0.25], [0.2, 0.6], ...arc([0.5, 0.72], [0.32, 0.28], 180, -180)]],
    [[...arc([0.62, 0.5], [0.45, 0.5], -70, -180), ...arc([0.5, 0.74], [0.33, 0.26], 180, -150)]],
  ],
  [
    [line([0.1, 0], [0.88, 0], [0.42, 1])],
    [line([0.1, 0.02], [0.86, 0], [0.45, 1]), line([0.35, 0.5], [0.85, 0.5])],
    [line([0.12, 0.15], [0.12, 0], [0.85, 0], [0.55, 0.45], [0.42, 1])],
  ],
  [
    [arc([0.5, 0.25], [0.28, 0.25], 90, 450), arc([0.5, 0.75], [0.34, 0.25], -90, 270)],
    [
      [
        ...arc([0.5, 0.25], [0.3, 0.25], -20, -270),
        ...arc([0.5, 0.75], [0.33, 0.25], -90, 250),
        [0.75, 0.15],
      ],
    ],
  ],
  [
    [arc([0.48, 0.29], [0.32, 0.29], 0, -360), line([0.8, 0.25], [0.76, 0.6], [0.6, 1])],
    [
      [
        ...arc([0.48, 0.28], [0.32, 0.28], 0, -360),
        [0.78, 0.65],
        ...arc([0.48, 0.8], [0.3, 0.2], 20, 150),
      ],
    ],
    [arc([0.48, 0.28], [0.3, 0.28], 0, -360), line([0.78, 0.2], [0.78, 1])],
  ],
];

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomOf(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** As many drawings of each digit, by as many hands. */
export function digits(each: number, seed: number): Example[] {
  const random = randomOf(seed);
  return Array.from({ length: each * 10 }, (_, index) => ({
    digit: index % 10,
    drawing: draw(ways[index % 10]!, random),
  }));
}

function draw(all: readonly (readonly Stroke[])[], random: () => number): Drawing {
  const between = (least: number, most: number) => least + (most - least) * random();
  const strokes = all[Math.floor(random() * all.length)]!;
  const [angle, shear] = [between(-0.22, 0.22), between(-0.3, 0.2)];
  const [width, height] = [between(7, 18), between(12, 23)];
  const [left, top] = [side / 2 + between(-2, 2), side / 2 + between(-2, 2)];
  // A hand is never quite where it wants to be: two slow waves across the whole drawing.
  const waves = Array.from(
    { length: 4 },
    () => [between(0.01, 0.055), between(2, 7), between(0, 6.3)] as const,
  );
  const wave = (of: number, at: number) =>
    waves[of]![0] * Math.sin(waves[of]![1] * at + waves[of]![2]);
  const place = ([px, py]: Point): Point => {
    const x = px + wave(0, py) + wave(1, px) - 0.5;
    const y = py + wave(2, px) + wave(3, py) - 0.5;
    const [w, h] = [(x - shear * y) * width, y * height];
    return [
      left + w * Math.cos(angle) - h * Math.sin(angle),
      top + w * Math.sin(angle) + h * Math.cos(angle),
    ];
  };
  const drawing = blank();
  const radius = between(0.9, 1.7);
  for (const stroke of strokes) ink(drawing, stroke.map(place), radius);
  return drawing;
}

/** Draws along the points with a round pen. */
function ink(drawing: Drawing, points: Stroke, radius: number): void {
  for (const [index, [x, y]] of points.slice(1).entries()) {
    const [fromX, fromY] = points[index]!;
    const steps = Math.ceil(Math.hypot(x - fromX, y - fromY) * 3) || 1;
    for (let step = 0; step <= steps; step++) {
      const done = step / steps;
      dot(drawing, [fromX + (x - fromX) * done, fromY + (y - fromY) * done], radius);
    }
  }
}

function dot(drawing: Drawing, [x, y]: Point, radius: number): void {
  const within = (at: number) => Math.min(side - 1, Math.max(0, Math.floor(at)));
  const reach = radius + 1;
  for (let row = within(y - reach); row <= within(y + reach); row++) {
    for (let column = within(x - reach); column <= within(x + reach); column++) {
      const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
      const value = Math.round(255 * Math.min(1, Math.max(0, radius + 0.5 - distance)));
      const at = row * side + column;
      drawing[at] = Math.max(drawing[at]!, value);
    }
  }
}
