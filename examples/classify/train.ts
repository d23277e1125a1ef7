/**
 * Trains the model: `npm run example -- classify train` writes model.json, the same each time, or with
 * `MODEL_FILE` another file.
 */
import { writeFileSync } from 'node:fs';
import KNN from 'ml-knn';
import { digits } from './digits.js';
import { features } from './drawing.js';

const examples = digits(120, 1);
const seen = examples.map(({ drawing }) => features(drawing));
const labels = examples.map(({ digit }) => digit);
const model = new KNN(seen, labels, { k: 3 });
const file = process.env.MODEL_FILE ?? new URL('model.json', import.meta.url);
writeFileSync(file, `${JSON.stringify(model)}\n`);

const others = digits(100, 2);
const right = others.filter(({ digit, drawing }) => model.predict(features(drawing)) === digit);
console.log(
  `Trained with ${examples.length} drawings, right for ${right.length} of ${others.length} others.`,
);
