/** What the page and the worker of the experiments tell each other. */
import type { Outcome } from "../../../src/experiments/experiment.js";

export interface ToWorker {
  readonly seed: number;
}

export type FromWorker =
  | { readonly type: "outcome"; readonly name: string; readonly outcome: Outcome; readonly seconds: number }
  | { readonly type: "failed"; readonly name: string | undefined; readonly message: string };
