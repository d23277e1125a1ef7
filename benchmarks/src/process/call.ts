/** The messages between the benchmark and the process of a candidate. */

export interface Call {
  readonly id: number;
  /** An export of the candidate's module. */
  readonly name: string;
  readonly args: readonly unknown[];
}

export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  /** What was thrown, as text. */
  readonly error?: string;
}
