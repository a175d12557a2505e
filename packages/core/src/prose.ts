/** What docstrings of activations and losses say in their lists. */

/** What the docstring of an activation says in its list, for pages and galleries. */
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

/** What the docstring of a loss says in its list, for pages and galleries. */
export interface LossProse {
  /** The value of an element. */
  readonly formula: string;
  /** Its derivative with respect to the prediction. */
  readonly derivative: string;
  /** What the prediction is. */
  readonly expects: string;
  /** What the target is. */
  readonly targets: string;
  /** When to take it. */
  readonly use: string;
  /** What the reduction "mean" divides the sum by. */
  readonly mean: string;
  /** What a bad target or prediction does. */
  readonly outliers: string;
  /** Where it was published. */
  readonly source?: string;
}
