/** The whole quotient, exactly. */
import { checkMapped } from "../types/arguments.js";
import { builtinOp } from "../ir/op.js";
import { broadcastShapes } from "../types/dim.js";
import type { Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";
import { add, div, mul, remainder, sub } from "./arithmetic.js";
import { cast } from "./cast.js";
import { equal, less, logicalAnd, notEqual } from "./comparison.js";
import { promoteOperands, type Operand } from "./elementwise.js";
import type { NoAttributes } from "./primitives.js";
import { round } from "./unary.js";
import { where } from "./where.js";

/** The op of `floorDivide`. */
export const floorDivideOp = builtinOp<NoAttributes>({
  name: "floorDivide",
  inputs: [
    { name: "a", dtype: "numeric", differentiable: false },
    { name: "b", dtype: { sameAs: "a" }, differentiable: false },
  ],
  broadcasts: true,
  infer: ([a, b]) => [{ shape: broadcastShapes("floorDivide", a!.shape, b!.shape), dtype: a!.dtype, domain: "real" }],
  decompose: ([a, b]) => [a!.dtype === "int32" ? wholeQuotient(a!, b!) : floatQuotient(a!, b!)],
});

/** Without the remainder a is a multiple of b. */
function floatQuotient(a: Tensor, b: Tensor): Tensor {
  const quotient = div(a, b);
  const rest = remainder(a, b);
  // By ±∞ the multiple is 0 or one of ∞, and ∞ / ∞ is NaN.
  const endless = where(equal(rest, a), 0, -1);
  const finite = equal(sub(b, b), 0);
  const among = where(finite, round(div(sub(a, rest), b)), where(equal(rest, rest), endless, NaN));
  return where(equal(b, 0), quotient, among);
}

/** float32 gives the quotient to a part in 2²³; what it leaves over is divided again, and is then less than b. Products and sums may wrap on the way. */
function wholeQuotient(a: Tensor, b: Tensor): Tensor {
  const none = equal(b, 0);
  const by = where(none, 1, b);
  const near = (x: Tensor): Tensor => cast(round(div(x, by)), "int32");
  const first = near(a);
  const over = sub(a, mul(first, by));
  const second = near(over);
  const rest = sub(over, mul(second, by));
  const below = logicalAnd(notEqual(rest, 0), notEqual(less(rest, 0), less(by, 0)));
  return where(none, 0, sub(add(first, second), cast(below, "int32")));
}

/**
 * ⌊a / b⌋ of the exact quotient, which a / b may round up: 1 and 0.1 give 9. With the remainder: a = b · floorDivide(a, b) + remainder(a, b).
 *
 * int32 stays int32 and is exact; by 0 it is 0, and −2³¹ by −1 is −2³¹ (its quotient is no int32). float32 by 0 is a / b, ±∞ or NaN. As PyTorch's
 * `floor_divide`, but for int32 by 0, which is an error there. There is no gradient.
 *
 * @example
 * floorDivide(tensor([7, -7]), 2); // => [3, -4]
 */
export function floorDivide(a: Operand, b: Operand): Tensor<"real"> {
  if (arguments.length > 2) checkMapped("floorDivide", arguments, 2);
  const [x, y] = promoteOperands("floorDivide", a, b);
  return apply1(floorDivideOp, [x, y], {});
}
