/** What an experiment is: a claim, and a run that shows whether it holds. */

/** A number that was measured. */
export interface Figure {
  readonly name: string;
  readonly value: number;
}

/** Lines over a common x. */
export interface Plot {
  readonly x: readonly number[];
  readonly axis: string;
  readonly logarithmic?: boolean;
  readonly lines: readonly { readonly name: string; readonly values: readonly number[] }[];
}

/** What a run has shown. */
export interface Outcome {
  readonly figures: readonly Figure[];
  /** Do the figures bear the claim out? */
  readonly holds: boolean;
  readonly plot?: Plot;
}

/** A claim about activations, losses or training, and how to see it. */
export interface Experiment {
  /** In links and on the command line. */
  readonly name: string;
  /** One sentence, which may turn out to be wrong. */
  readonly claim: string;
  /** What is done to see it. */
  readonly method: string;
  /** The same figures for the same seed, on the backend in use. */
  run(seed: number): Promise<Outcome>;
}
