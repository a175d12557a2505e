/** From one dtype to another. */
import type { DType, Domain } from "../tensor/dtype.js";
import type { Tensor } from "../tensor/tensor.js";
import { mulOp } from "./arithmetic.js";
import { notEqual } from "./comparison.js";
import { apply1, defineOp } from "./definition.js";
import { reshapeOp } from "./shape.js";
import { absOp, floorOp, signOp } from "./unary.js";

export type CastAttributes = { readonly dtype: DType };

export const castOp = defineOp<CastAttributes>({
  name: "cast",
  inputs: [{ name: "x" }],
  infer: ([x], { dtype }) => [{ shape: x!.shape, dtype, domain: "real" }],
  gradient: () => [undefined],
  // Where int32 and bool are float32, a copy is enough, but for the fraction.
  lowered([x], { dtype }) {
    if (dtype === "bool") return [notEqual(x!, 0)];
    if (x!.dtype !== "float32" || dtype === "float32") return [apply1(reshapeOp, [x], { shape: x!.shape })];
    const whole = apply1(floorOp, [apply1(absOp, [x], {})], {});
    return [apply1(mulOp, [apply1(signOp, [x], {}), whole], {})];
  },
});

/**
 * The same values in another dtype: float32 → int32 cuts the fraction off, anything → bool is x ≠ 0. The tensor itself where
 * it has that dtype already.
 */
export function cast<D extends Domain>(x: Tensor<D>, dtype: "float32"): Tensor<D>;
export function cast(x: Tensor, dtype: "int32" | "bool"): Tensor<"real">;
export function cast(x: Tensor, dtype: DType): Tensor;
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : apply1(castOp, [x], { dtype });
}
