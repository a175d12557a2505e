/** Functions of one tensor, element by element. Gradients are PyTorch's, at kinks and poles too. */
import type { Domain } from "../types/dtype.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { withDomain } from "../types/views.js";
import { bindKernels } from "../ir/kernels.js";
import { add, div, maximum, minimum, mul } from "./arithmetic.js";
import { equal, notEqual } from "./comparison.js";
import { applyUnary } from "./elementwise.js";
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

/** The op behind `asinh`. */
export const asinhOp = /* @__PURE__ */ bindKernels(
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
export const neg = (x: Tensor): Tensor<"real"> => applyUnary(negOp, x, x.dtype === "bool" ? "int32" : x.dtype);

/**
 * |x|. The gradient at 0 is 0.
 *
 * @example
 * abs(tensor([1, -2])); // => [1, 2]
 */
export const abs = (x: Tensor): Tensor<"real"> => applyUnary(absOp, x, x.dtype === "bool" ? "int32" : x.dtype);

/**
 * −1, 0 or 1; NaN stays NaN. No gradient.
 *
 * @example
 * sign(tensor([3, -2, 0])); // => [1, -1, 0]
 */
export const sign = (x: Tensor): Tensor<"real"> => applyUnary(signOp, x, x.dtype === "bool" ? "int32" : x.dtype);

/** What `exp` makes of a domain: the exponential of log probabilities is probabilities. */
export type ExpDomain<D extends Domain> = unknown extends D ? D : D extends "logProbabilities" ? "probabilities" : "real";

/** What `log` makes of a domain. */
export type LogDomain<D extends Domain> = unknown extends D ? D : D extends "probabilities" ? "logProbabilities" : "real";

/**
 * eˣ. Of log probabilities: probabilities.
 *
 * @example
 * exp(tensor([0, 1])); // => [1, 2.7183]
 */
export const exp = <D extends Domain>(x: Tensor<D>): Tensor<ExpDomain<D>> => applyUnary(expOp, x, "float32");

/**
 * ln x; −∞ at 0, NaN below. Of probabilities: log probabilities.
 *
 * @example
 * log(tensor([1, 10])); // => [0, 2.3026]
 */
export const log = <D extends Domain>(x: Tensor<D>): Tensor<LogDomain<D>> => applyUnary(logOp, x, "float32");

/**
 * ln(1 + x), exact near 0.
 *
 * @example
 * log1p(tensor([0, 1])); // => [0, 0.6931]
 */
export const log1p = (x: Tensor): Tensor<"real"> => applyUnary(log1pOp, x, "float32");

/**
 * eˣ − 1, exact near 0.
 *
 * @example
 * expm1(tensor([0, 1])); // => [0, 1.7183]
 */
export const expm1 = (x: Tensor): Tensor<"real"> => applyUnary(expm1Op, x, "float32");

/**
 * √x. The gradient at 0 is ∞, as PyTorch's.
 *
 * @example
 * sqrt(tensor([4, 9])); // => [2, 3]
 */
export const sqrt = (x: Tensor): Tensor<"real"> => applyUnary(sqrtOp, x, "float32");

/**
 * sin x, x in radians; float32.
 *
 * @example
 * sin(tensor([0, 1])); // => [0, 0.8415]
 */
export const sin = (x: Tensor): Tensor<"real"> => applyUnary(sinOp, x, "float32");
/**
 * cos x, x in radians; float32.
 *
 * @example
 * cos(tensor([0, 1])); // => [1, 0.5403]
 */
export const cos = (x: Tensor): Tensor<"real"> => applyUnary(cosOp, x, "float32");

/**
 * The hyperbolic tangent; derivative 1 − tanh²x.
 *
 * @example
 * tanh(tensor([-1, 2])); // => [-0.7616, 0.964]
 */
export const tanh = (x: Tensor): Tensor<"real"> => applyUnary(tanhOp, x, "float32");

/**
 * The inverse of the hyperbolic sine, ln(x + √(x² + 1)); derivative 1 / √(x² + 1).
 *
 * @example
 * asinh(tensor([0, -1])); // => [0, -0.8814]
 */
export const asinh = (x: Tensor): Tensor<"real"> => applyUnary(asinhOp, x, "float32");

/**
 * The error function 2/√π ∫₀ˣ e^(−t²) dt.
 *
 * @example
 * erf(tensor([0, 1])); // => [0, 0.8427]
 */
export const erf = (x: Tensor): Tensor<"real"> => applyUnary(erfOp, x, "float32");

/**
 * The integer at or below. No gradient. int32 stays as it is.
 *
 * @example
 * floor(tensor([1.5, -1.5])); // => [1, -2]
 */
export const floor = (x: Tensor): Tensor<"real"> => rounding(floorOp, x);

/**
 * The integer at or above. No gradient.
 *
 * @example
 * ceil(tensor([1.5, -1.25])); // => [2, -1]
 */
export const ceil = (x: Tensor): Tensor<"real"> => rounding(ceilOp, x);

/**
 * The nearest integer, halves to even. No gradient.
 *
 * @example
 * round(tensor([0.5, 1.5, 2.4])); // => [0, 2, 2]
 */
export const round = (x: Tensor): Tensor<"real"> => rounding(roundOp, x);

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
export const square = (x: Tensor): Tensor<"real"> => mul(x, x);

/**
 * 1 / x.
 *
 * @example
 * reciprocal(tensor([2, 4])); // => [0.5, 0.25]
 */
export const reciprocal = (x: Tensor): Tensor<"real"> => div(1, x);

/**
 * 1 / √x.
 *
 * @example
 * rsqrt(tensor([4, 16])); // => [0.5, 0.25]
 */
export const rsqrt = (x: Tensor): Tensor<"real"> => div(1, sqrt(x));

/**
 * true where x is neither NaN nor ±∞.
 *
 * @example
 * isFinite(tensor([1, Infinity, NaN])); // => [true, false, false]
 */
export const isFinite = (x: Tensor): Tensor<"real"> => applyUnary(isFiniteOp, x, "float32");

/**
 * true where x is NaN.
 *
 * @example
 * isNaN(tensor([1, Infinity, NaN])); // => [false, false, true]
 */
export const isNaN = (x: Tensor): Tensor<"real"> => notEqual(x, x);

/**
 * true where x is ∞ or −∞.
 *
 * @example
 * isInfinite(tensor([1, Infinity, NaN])); // => [false, true, false]
 */
export const isInfinite = (x: Tensor): Tensor<"real"> => equal(abs(x), Infinity);
