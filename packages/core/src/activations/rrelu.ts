/** The rectifier whose leak is random in training and fixed in evaluation. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { add, mul } from "../ops/arithmetic.js";
import { greater } from "../ops/comparison.js";
import { where } from "../ops/where.js";
import { drawUniform } from "../random/generator.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { builtinActivation, type Activation } from "./definition.js";
import { leakyRelu } from "./leakyRelu.js";

/** The bounds of `rrelu`'s slope. */
export type RReluOptions = {
  /** The least slope below 0. Default 1/8. */
  readonly lower: number;
  /** The largest slope below 0; not below `lower`. Default 1/3. */
  readonly upper: number;
};

const standard: RReluOptions = { lower: 1 / 8, upper: 1 / 3 };

function check({ lower, upper }: RReluOptions): void {
  if (lower > upper) throw new ErmineError("ERMINE_OPTION", `rrelu: lower ${lower} must not be above upper ${upper}.`);
}

/**
 * rrelu in evaluation: leakyRelu whose slope is the mean of `lower` and `upper`.
 *
 * @example
 * rreluEval(tensor([-24, 3])); // => [-5.5, 3]
 */
export const rreluEval = builtinActivation({
  name: "rrelu",
  options: standard,
  optionExamples: { lower: 0, upper: 1 },
  check,
  kinks: () => [0],
  decompose: (x, { lower, upper }) => leakyRelu(x, { negativeSlope: (lower + upper) / 2 }),
});

function drawn(
  x: Tensor,
  options: Partial<RReluOptions> & {
    /** Draw a slope for each element. Default false: all have the mean of the bounds. */
    readonly training?: boolean;
  } = {},
): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("rrelu", arguments, 2);
  checkTensor("rrelu", x);
  checkOptions("rrelu", options, { lower: "number", upper: "number", training: "boolean" }, "x");
  const { training = false, ...bounds } = options;
  if (!training) return rreluEval(x, bounds);
  rreluEval.check(bounds);
  const { lower, upper } = { ...standard, ...bounds };
  const slope = add(mul(drawUniform(x.shape, "rrelu"), upper - lower), lower);
  return where(greater(x, 0), x, mul(x, slope));
}

/**
 * f(x) = x for x > 0, a · x elsewhere. Where the option `training` is true, a is drawn from U(lower, upper) for each element; otherwise it is their mean.
 *
 * - formula: x for x > 0, else a · x, a = (lower + upper) / 2 (in training a ~ U(lower, upper))
 * - derivative: 1 for x > 0, else a
 * - range: (−∞, ∞)
 * - saturates: no
 * - role: Hidden layers of small-data classifiers: the random slope regularizes.
 * - source: Xu et al. 2015
 *
 * @param x values of any shape, float32
 * @example
 * rrelu(tensor([-24, 3])); // => [-5.5, 3]
 */
export const rrelu: Activation<RReluOptions, "real"> & typeof drawn = /* @__PURE__ */ Object.assign(drawn, rreluEval, {
  training: true as const,
});
