/** A draw of a class through which a gradient flows. */
import { softmax } from "../activations/softmax.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { stopGradient } from "../dispatch/tapes.js";
import { add, div, sub } from "../ops/arithmetic.js";
import { cast } from "../ops/cast.js";
import { oneHot } from "../ops/oneHot.js";
import { argMax } from "../ops/reduction.js";
import { permute } from "../ops/shape.js";
import { log, neg } from "../ops/unary.js";
import { drawUniform } from "../random/generator.js";
import { normalizeAxis } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";

/** The options of `gumbelSoftmax`. */
export interface GumbelSoftmaxOptions {
  /** The temperature τ: towards 0 the draw is one class, towards ∞ it is even. Default 1. */
  readonly tau?: number;
  /** Give the drawn class alone, one-hot; the gradient is that of the soft draw. Default false. */
  readonly hard?: boolean;
  /** Along which the classes lie. Default −1. */
  readonly axis?: number;
}

/** Half of the distance of two draws: u is never 0. */
const half = 2 ** -25;

/**
 * softmax((x + g) / τ), g = −log(−log u) drawn for each element: a sample of the classes whose logits are x, as a point near a corner of the simplex. Source: Jang et al. 2017.
 *
 * @throws ErmineError ERMINE_OPTION unless τ > 0
 * @example
 * gumbelSoftmax(tensor([0, 100]), { hard: true }); // => [0, 1]
 */
export function gumbelSoftmax(logits: Tensor, options: GumbelSoftmaxOptions = {}): Tensor {
  if (arguments.length > 2) checkArguments("gumbelSoftmax", arguments, 2);
  checkTensor("gumbelSoftmax", logits);
  checkOptions("gumbelSoftmax", options, { tau: "number", hard: "boolean", axis: "integer" }, "logits");
  const { tau = 1, hard = false } = options;
  if (!(tau > 0)) throw new ErmineError("ERMINE_OPTION", `gumbelSoftmax: tau must be above 0, got ${tau}.`);
  const axis = normalizeAxis("gumbelSoftmax(logits, axis)", options.axis ?? -1, logits.rank);
  const gumbel = neg(log(neg(log(add(drawUniform(logits.shape, "gumbelSoftmax"), half)))));
  const soft = softmax(div(add(cast(logits, "float32"), gumbel), tau), { axis });
  if (!hard) return soft;
  const last = oneHot(argMax(soft, { axis }), logits.shape[axis] as number);
  const order = logits.shape.map((_, i) => (i < axis ? i : i === axis ? logits.rank - 1 : i - 1));
  return add(sub(permute(last, order), stopGradient(soft)), soft);
}
