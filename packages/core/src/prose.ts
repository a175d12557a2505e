/** Descriptions of activations and losses, taken from the lists in their docstrings. */

/** The list in the docstring of an activation, for pages and galleries. */
export interface ActivationProse {
  /** f(x). */
  readonly formula: string;
  /** f′(x). */
  readonly derivative: string;
  /** Which values f takes. */
  readonly range: string;
  /** Where the gradient vanishes: "both sides", "below", "no". */
  readonly saturates: string;
  /** Where it is used and why. */
  readonly role: string;
  /** Where it was published. */
  readonly source?: string;
}

/** The list in the docstring of a loss, for pages and galleries. */
export interface LossProse {
  /** The value of an element. */
  readonly formula: string;
  /** Its derivative with respect to the prediction. */
  readonly derivative: string;
  /** The meaning of the prediction. */
  readonly expects: string;
  /** The meaning of the target. */
  readonly targets: string;
  /** When to take it. */
  readonly use: string;
  /** The divisor of the reduction "mean". */
  readonly mean: string;
  /** The handling of invalid targets and predictions. */
  readonly outliers: string;
  /** Where it was published. */
  readonly source?: string;
}
