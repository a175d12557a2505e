/** Adam for tables: rows that were not looked up stay as they are, and so do their moments. */
import { ErmineError } from "@ermine/core";
import { portableMath } from "@ermine/core/define";
import type { Rate } from "../schedules/schedule.js";
import { builtinOptimizer, checkRange } from "./definition.js";
import type { SparseAdamOptions } from "./options.js";
import { adamLink } from "./transforms/adaptive.js";
import { scaleByLearningRate } from "./transforms/scale.js";

/**
 * For each row of an embedding that is looked up: m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²;
 * θ ← θ − lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε), t the updates of the whole table. The others, and their moments, wait.
 *
 * A lazy adam: not adam's numbers, whose moments move every row at every step. For a group of embeddings; a parameter that is used otherwise is
 * an error. On cpu a step touches the rows of the batch and no others. Other optimizers do so in a group with `lazy: true`.
 * Defaults: learningRate 0.001, beta1 0.9, beta2 0.999, eps 1e-8, as PyTorch's SparseAdam.
 *
 * @example
 * sparseAdam({ learningRate: 1e-3 });
 */
export const sparseAdam = builtinOptimizer<SparseAdamOptions>({
  name: "sparseAdam",
  // Adam's own step on the rows, with other corrections.
  op: "adamUpdate",
  defaults: {
    learningRate: 0.001 as Rate,
    weightDecay: 0 as Rate,
    maximize: false,
    beta1: 0.9 as Rate,
    beta2: 0.999,
    eps: 1e-8,
  },
  momentum: "beta1",
  check(options) {
    checkRange("sparseAdam", options, ["beta1", "beta2"], 0, 1);
    checkRange("sparseAdam", options, ["eps"], 0, Infinity);
    if (options.weightDecay !== 0)
      throw new ErmineError("ERMINE_OPTION", "sparseAdam has no weight decay: rows that are not looked up could not decay.");
  },
  rows: () => "only",
  links: ({ learningRate, beta1, beta2, eps }) => [
    adamLink({ beta1, beta2, eps, amsgrad: false }, (t, beta) => ({
      first: Math.sqrt(1 - portableMath.pow(beta2, t)) / (1 - portableMath.pow(beta, t)),
      second: 1,
    })),
    scaleByLearningRate(learningRate),
  ],
});
