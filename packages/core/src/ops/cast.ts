/** From one dtype to another. */
import { dispatch1 } from "../dispatch/dispatch.js";
import { builtinOp } from "../ir/op.js";
import { checkArguments } from "../types/arguments.js";
import { checkDTypeName, type DType, type Domain } from "../types/dtype.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { constant } from "./constant.js";
import { absOp, equalOp, floorOp, maximumOp, minimumOp, mulOp, reshapeOp, signOp, whereOp } from "./primitives.js";

/** The largest float32 below 2³¹: as an int32 that is stored as a float32 can be. */
const largest = 2 ** 31 - 128;

/** Attributes of `castOp`. */
export type CastAttributes = {
  /** The dtype of the output. */
  readonly dtype: DType;
};

/** The op of `cast`. */
export const castOp = builtinOp<CastAttributes>({
  name: "cast",
  inputs: [{ name: "x", differentiable: false }],
  infer: ([x], { dtype }) => [{ shape: x!.shape, dtype, domain: "real" }],
  // Where int32 and bool are float32, a copy is enough, but for the fraction.
  lowered([x], { dtype }) {
    if (dtype === "bool") return [isZero(isZero(x!))];
    if (x!.dtype !== "float32" || dtype === "float32") return [dispatch1(reshapeOp, [x], { shape: x!.shape })];
    const bound = (value: number): Tensor => constant(value, "float32", [x!]);
    const nanToZero = dispatch1(whereOp, [dispatch1(equalOp, [x, x], {}), x, bound(0)], {});
    const clamped = dispatch1(minimumOp, [dispatch1(maximumOp, [nanToZero, bound(-(2 ** 31))], {}), bound(largest)], {});
    const whole = dispatch1(floorOp, [dispatch1(absOp, [clamped], {})], {});
    return [dispatch1(mulOp, [dispatch1(signOp, [clamped], {}), whole], {})];
  },
});

const isZero = (x: Tensor): Tensor => dispatch1(equalOp, [x, constant(0, x.dtype, [x])], {});

/**
 * The same values in another dtype. The tensor itself where it has that dtype already.
 *
 * float32 → int32 cuts the fraction off; what int32 cannot hold becomes the nearest that it can, −2³¹ or 2³¹ − 1 (±∞ too), and NaN becomes 0.
 * int32 → float32 rounds above 2²⁴ to the nearest. Anything → bool is x ≠ 0, true for NaN.
 *
 * @example
 * cast(tensor([1.7, -1.7]), "int32"); // => [1, -1]
 */
export function cast<D extends Domain>(x: Tensor<D>, dtype: "float32"): Tensor<D>;
export function cast(x: Tensor, dtype: "int32" | "bool"): Tensor<"real">;
export function cast(x: Tensor, dtype: DType): Tensor;
export function cast(x: Tensor, dtype: DType): Tensor {
  checkTensor("cast", x);
  if (arguments.length > 2) checkArguments("cast", arguments, 2);
  if (x.dtype === dtype) return x;
  checkDTypeName("cast", dtype);
  return dispatch1(castOp, [x], { dtype });
}
