/** Functions of one tensor, element by element. Gradients are PyTorch's, at kinks and poles too. */
import { checkMapped } from "../types/arguments.js";
import type { Domain } from "../types/dtype.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { withDomain } from "../types/views.js";
import { bindKernels } from "../ir/kernels.js";
import { add, div, maximum, minimum, mul } from "./arithmetic.js";
import { equal, notEqual } from "./comparison.js";
import { applyUnary, withOp } from "./elementwise.js";
import { defineFusedOp } from "./fused.js";
import {
  absOp,
  ceilOp,
  cosOp,
  erfOp,
  expm1Op,
  expOp,
  floorOp,
  isFiniteOp,
  log1pOp,
  logOp,
  negOp,
  roundOp,
  signOp,
  sinOp,
  sqrtOp,
  tanhOp,
  type NoAttributes,
} from "./primitives.js";

/** Beyond it x² + 1 is x² in float32, whose square overflows later on. */
const asinhFar = 1e9;

/** `asinh.op`. */
const asinhOp = /* @__PURE__ */ bindKernels(
  defineFusedOp<NoAttributes>({
    name: "asinh",
    inputs: [{ name: "x", dtype: "float32" }],
    infer: ([x]) => [{ ...x!, domain: "real" }],
    // ln(|x| + √(x² + 1)) of the part below `asinhFar`, which keeps its digits near 0, and of what the rest multiplies it by.
    decompose([x]) {
      const size = abs(x!);
      const near = minimum(size, asinhFar);
      const root = sqrt(add(mul(near, near), 1));
      const y = log1p(add(near, div(mul(near, near), add(root, 1))));
      return [mul(sign(x!), add(y, log(maximum(div(size, asinhFar), 1))))];
    },
    // √(x² + 1) from the larger of |x| and 1, so that nothing overflows.
    gradient([g], [x]) {
      const [large, small] = [maximum(abs(x!), 1), minimum(abs(x!), 1)];
      const ratio = div(small, large);
      return [div(g!, mul(large, sqrt(add(mul(ratio, ratio), 1))))];
    },
  }),
);

/**
 * −x.
 *
 * @example
 * neg(tensor([1, -2])); // => [-1, 2]
 */
export function neg(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("neg", arguments, 1);
  return counting(negOp, x);
}

/**
 * |x|. The gradient at 0 is 0.
 *
 * @example
 * abs(tensor([1, -2])); // => [1, 2]
 */
export function abs(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("abs", arguments, 1);
  return counting(absOp, x);
}

/**
 * −1, 0 or 1; NaN stays NaN. No gradient.
 *
 * @example
 * sign(tensor([3, -2, 0])); // => [1, -1, 0]
 */
export function sign(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("sign", arguments, 1);
  return counting(signOp, x);
}

/** The domain of exp(x): the exponential of log probabilities is probabilities. */
export type ExpDomain<D extends Domain> = unknown extends D ? D : D extends "logProbabilities" ? "probabilities" : "real";

/** The domain of log(x). */
export type LogDomain<D extends Domain> = unknown extends D ? D : D extends "probabilities" ? "logProbabilities" : "real";

/**
 * eˣ. Of log probabilities: probabilities.
 *
 * @example
 * exp(tensor([0, 1])); // => [1, 2.7183]
 */
export function exp<D extends Domain>(x: Tensor<D>): Tensor<ExpDomain<D>> {
  if (arguments.length > 1) checkMapped("exp", arguments, 1);
  return applyUnary(expOp, x, "float32");
}

/**
 * ln x; −∞ at 0, NaN below. Of probabilities: log probabilities.
 *
 * @example
 * log(tensor([1, 10])); // => [0, 2.3026]
 */
export function log<D extends Domain>(x: Tensor<D>): Tensor<LogDomain<D>> {
  if (arguments.length > 1) checkMapped("log", arguments, 1);
  return applyUnary(logOp, x, "float32");
}

/**
 * ln(1 + x), exact near 0.
 *
 * @example
 * log1p(tensor([0, 1])); // => [0, 0.6931]
 */
export function log1p(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("log1p", arguments, 1);
  return applyUnary(log1pOp, x, "float32");
}

/**
 * eˣ − 1, exact near 0.
 *
 * @example
 * expm1(tensor([0, 1])); // => [0, 1.7183]
 */
export function expm1(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("expm1", arguments, 1);
  return applyUnary(expm1Op, x, "float32");
}

/**
 * √x. The gradient at 0 is ∞, as PyTorch's.
 *
 * @example
 * sqrt(tensor([4, 9])); // => [2, 3]
 */
export function sqrt(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("sqrt", arguments, 1);
  return applyUnary(sqrtOp, x, "float32");
}

/**
 * sin x, x in radians; float32.
 *
 * @example
 * sin(tensor([0, 1])); // => [0, 0.8415]
 */
export function sin(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("sin", arguments, 1);
  return applyUnary(sinOp, x, "float32");
}
/**
 * cos x, x in radians; float32.
 *
 * @example
 * cos(tensor([0, 1])); // => [1, 0.5403]
 */
export function cos(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("cos", arguments, 1);
  return applyUnary(cosOp, x, "float32");
}

/**
 * f(x) = tanh x, the hyperbolic tangent; also an activation.
 *
 * - formula: (eˣ − e⁻ˣ) / (eˣ + e⁻ˣ)
 * - derivative: 1 − tanh²x
 * - range: (−1, 1)
 * - saturates: both sides
 * - role: Recurrent layers; outputs between −1 and 1.
 *
 * @param x values of any shape, float32
 * @example
 * tanh(tensor([-1, 2])); // => [-0.7616, 0.964]
 */
export function tanh(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("tanh", arguments, 1);
  return applyUnary(tanhOp, x, "float32");
}

/**
 * The inverse of the hyperbolic sine, ln(x + √(x² + 1)); derivative 1 / √(x² + 1).
 *
 * @example
 * asinh(tensor([0, -1])); // => [0, -0.8814]
 */
export const asinh = /* @__PURE__ */ withOp(asinhOp, function asinh(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("asinh", arguments, 1);
  return applyUnary(asinhOp, x, "float32");
});

/**
 * The error function 2/√π ∫₀ˣ e^(−t²) dt.
 *
 * @example
 * erf(tensor([0, 1])); // => [0, 0.8427]
 */
export function erf(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("erf", arguments, 1);
  return applyUnary(erfOp, x, "float32");
}

/**
 * The integer at or below. No gradient. int32 stays as it is.
 *
 * @example
 * floor(tensor([1.5, -1.5])); // => [1, -2]
 */
export function floor(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("floor", arguments, 1);
  return rounding(floorOp, x);
}

/**
 * The integer at or above. No gradient.
 *
 * @example
 * ceil(tensor([1.5, -1.25])); // => [2, -1]
 */
export function ceil(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("ceil", arguments, 1);
  return rounding(ceilOp, x);
}

/**
 * The nearest integer, halves to even. No gradient.
 *
 * @example
 * round(tensor([0.5, 1.5, 2.4])); // => [0, 2, 2]
 */
export function round(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("round", arguments, 1);
  return rounding(roundOp, x);
}

/** bool counts as 0 and 1. */
function counting(op: typeof negOp, x: Tensor): Tensor<"real"> {
  checkTensor(op.name, x);
  return applyUnary(op, x, x.dtype === "bool" ? "int32" : x.dtype);
}

function rounding(op: typeof floorOp, x: Tensor): Tensor<"real"> {
  checkTensor(op.name, x);
  return x.dtype === "float32" ? applyUnary(op, x) : withDomain(x, "real");
}

/**
 * x².
 *
 * @example
 * square(tensor([3, -2])); // => [9, 4]
 */
export function square(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("square", arguments, 1);
  checkTensor("square", x);
  return mul(x, x);
}

/**
 * 1 / x.
 *
 * @example
 * reciprocal(tensor([2, 4])); // => [0.5, 0.25]
 */
export function reciprocal(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("reciprocal", arguments, 1);
  checkTensor("reciprocal", x);
  return div(1, x);
}

/**
 * 1 / √x.
 *
 * @example
 * rsqrt(tensor([4, 16])); // => [0.5, 0.25]
 */
export function rsqrt(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("rsqrt", arguments, 1);
  checkTensor("rsqrt", x);
  return div(1, sqrt(x));
}

/**
 * true where x is neither NaN nor ±∞.
 *
 * @example
 * isFinite(tensor([1, Infinity, NaN])); // => [true, false, false]
 */
export function isFinite(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("isFinite", arguments, 1);
  return applyUnary(isFiniteOp, x, "float32");
}

/**
 * true where x is NaN.
 *
 * @example
 * isNaN(tensor([1, Infinity, NaN])); // => [false, false, true]
 */
export function isNaN(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("isNaN", arguments, 1);
  checkTensor("isNaN", x);
  return notEqual(x, x);
}

/**
 * true where x is ∞ or −∞.
 *
 * @example
 * isInfinite(tensor([1, Infinity, NaN])); // => [false, true, false]
 */
export function isInfinite(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("isInfinite", arguments, 1);
  checkTensor("isInfinite", x);
  return equal(abs(x), Infinity);
}
