/** The rectifier whose leak is random in training and fixed in evaluation. */
import { ErmineError } from "../types/errors.js";
import { checkArguments, checkOptions } from "../types/options.js";
import { add, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { drawUniform } from "../random/generator.js";
import type { Tensor } from "../types/tensor.js";
import { builtinActivation, type Activation, type ActivationProse } from "./definition.js";
import { leakyRelu } from "./leakyRelu.js";

const standard = { lower: 1 / 8, upper: 1 / 3 };

function check({ lower, upper }: typeof standard): void {
  if (lower > upper) throw new ErmineError("ERMINE_OPTION", `rrelu: lower ${lower} must not be above upper ${upper}.`);
}

/** rrelu in evaluation: leakyRelu whose slope is the mean of `lower` and `upper`. */
export const rreluEval = builtinActivation({
  name: "rrelu",
  options: standard,
  witnesses: { lower: 0, upper: 1 },
  check,
  kinks: () => [0],
  decompose: (x, { lower, upper }) => leakyRelu(x, { negativeSlope: (lower + upper) / 2 }),
});

function drawn(x: Tensor, options: { lower?: number; upper?: number; training?: boolean } = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("rrelu", arguments, 2);
  checkOptions("rrelu", options, { lower: "number", upper: "number", training: "boolean" }, "x");
  const { training = false, ...bounds } = options;
  if (!training) return rreluEval(x, bounds);
  rreluEval.check(bounds);
  const { lower, upper } = { ...standard, ...bounds };
  const slope = add(mul(drawUniform(x.shape, "rrelu"), upper - lower), lower);
  return where(greater(x, 0), x, mul(x, slope));
}

/**
 * f(x) = x for x > 0, a · x elsewhere; a is drawn from U(lower, upper) for each element where `training`, and their mean
 * otherwise. Defaults: lower 1/8, upper 1/3, training false, as PyTorch's.
 */
export const rrelu: Activation<typeof standard, "real"> & typeof drawn = /* @__PURE__ */ Object.assign(drawn, rreluEval, {
  training: true as const,
});

export const rreluProse: ActivationProse = {
  formula: "x for x > 0, else a · x, a = (lower + upper) / 2 (in training a ~ U(lower, upper))",
  derivative: "1 for x > 0, else a",
  range: "(−∞, ∞)",
  saturates: "no",
  role: "Hidden layers of small-data classifiers: the random slope regularizes.",
  source: "Xu et al. 2015",
};
