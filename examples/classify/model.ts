/** The model: k nearest neighbours, by ml-knn. It was trained by train.ts. */
import { readFileSync } from 'node:fs';
import { Provides } from '@turno/core';
import KNN from 'ml-knn';
import { features, type Drawing } from './drawing.js';

export class Model {
  readonly #neighbours: KNN;

  constructor(json: string) {
    this.#neighbours = KNN.load(JSON.parse(json));
  }

  /** Takes some milliseconds, in which it compares the drawing with all that it has learned from. */
  digitOf(drawing: Drawing): number {
    return this.#neighbours.predict(features(drawing));
  }
}

export class Models {
  /**
   * Scope `thread`: each thread loads the model when it first needs it, and keeps it. A model that a
   * singleton held would be on the event loop, and could not cross to a thread.
   */
  @Provides(Model, { scope: 'thread' })
  load(): Model {
    return new Model(readFileSync(new URL('model.json', import.meta.url), 'utf8'));
  }
}
