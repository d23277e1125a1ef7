/** What of ml-knn is used here: it brings no types of its own. */
declare module 'ml-knn' {
  class KNN {
    constructor(examples: number[][], labels: number[], options?: { readonly k?: number });
    /** @param model - what `toJSON` gave, parsed. */
    static load(model: unknown): KNN;
    predict(example: number[]): number;
    toJSON(): object;
  }
  export { KNN as default };
}
