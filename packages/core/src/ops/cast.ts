/** From one dtype to another. */
import { checkDTypeName, type DType, type Domain } from "../types/dtype.js";
import type { Tensor } from "../types/tensor.js";
import { mulOp } from "./arithmetic.js";
import { equal, notEqual } from "./comparison.js";
import { apply1, builtinOp } from "../dispatch/dispatch.js";
import { reshapeOp } from "./shape.js";
import { absOp, floorOp, signOp } from "./unary.js";
import { clamp, where } from "./where.js";

/** The largest float32 below 2³¹: as an int32 that is stored as a float32 can be. */
const largest = 2 ** 31 - 128;

/** What `castOp` is told. */
export type CastAttributes = {
  /** The dtype of the output. */
  readonly dtype: DType;
};

/** The op behind `cast`. */
export const castOp = builtinOp<CastAttributes>({
  name: "cast",
  inputs: [{ name: "x" }],
  infer: ([x], { dtype }) => [{ shape: x!.shape, dtype, domain: "real" }],
  gradient: () => [undefined],
  // Where int32 and bool are float32, a copy is enough, but for the fraction.
  lowered([x], { dtype }) {
    if (dtype === "bool") return [notEqual(x!, 0)];
    if (x!.dtype !== "float32" || dtype === "float32") return [apply1(reshapeOp, [x], { shape: x!.shape })];
    const held = clamp(where(equal(x!, x!), x!, 0), -(2 ** 31), largest);
    const whole = apply1(floorOp, [apply1(absOp, [held], {})], {});
    return [apply1(mulOp, [apply1(signOp, [held], {}), whole], {})];
  },
});

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
  if (x.dtype === dtype) return x;
  checkDTypeName("cast", dtype);
  return apply1(castOp, [x], { dtype });
}
