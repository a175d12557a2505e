/** The complement of the error function, which keeps its digits where erf is 1. */
import { checkMapped } from "../types/arguments.js";
import type { Tensor } from "../types/tensor.js";
import { add, div, minimum, mul, sub } from "./arithmetic.js";
import { less } from "./comparison.js";
import { builtinOp } from "../ir/op.js";
import { applyUnary } from "./elementwise.js";
import type { NoAttributes } from "./primitives.js";
import { abs, exp, neg, round } from "./unary.js";
import { where } from "./where.js";

/** e^(a²) erfc a = P(a) / Q(a) for a ≥ 0, fitted up to 10.2, where erfc is no float32 any more: 6e-9 of it at most. Lowest powers first. */
const numerator = [1.000000006, 1.239681758, 0.7329364419, 0.2298541329, 0.03292997452];
const denominator = [1, 2.368061519, 2.404998149, 1.327855735, 0.4074316313, 0.05836618279];

const polynomial = (x: Tensor, coefficients: readonly number[]): Tensor => {
  const [top, next, ...rest] = coefficients.toReversed();
  return rest.reduce<Tensor>((sum, c) => add(mul(sum, x), c), add(mul(x, top!), next!));
};

/** e^(−a²): a rounded to 64ths has an exact square, and what is left of a² is small. */
function gaussian(a: Tensor): Tensor {
  const high = div(round(mul(a, 64)), 64);
  return mul(exp(neg(mul(high, high))), exp(neg(mul(sub(a, high), add(a, high)))));
}

/** A backend's own kernel may be better; in double precision it must be, for the decomposition is float32's. */
export const erfcOp = builtinOp<NoAttributes>({
  name: "erfc",
  inputs: [{ name: "x", dtype: "float32" }],
  infer([x]) {
    return [{ ...x!, domain: "real" }];
  },
  decompose([x]) {
    const a = minimum(abs(x!), 28);
    const tail = mul(gaussian(a), div(polynomial(a, numerator), polynomial(a, denominator)));
    return [where(less(x!, 0), sub(2, tail), tail)];
  },
});

/**
 * 1 − erf x = 2/√π ∫ₓ^∞ e^(−t²) dt, without the cancellation: erfc(9) is 4.1e-37, where erf is 1.
 *
 * @example
 * erfc(tensor([0, 1])); // => [1, 0.1573]
 */
export function erfc(x: Tensor): Tensor<"real"> {
  if (arguments.length > 1) checkMapped("erfc", arguments, 1);
  return applyUnary(erfcOp, x, "float32");
}
