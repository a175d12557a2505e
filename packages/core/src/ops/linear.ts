/** The affine map of a fully connected layer. */
import { checkArguments } from "../types/arguments.js";
import { ErmineError } from "../types/errors.js";
import { countElements, formatShape, sameSize, sizeOf, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { add } from "./arithmetic.js";
import { apply1 } from "./apply.js";
import { builtinOp, type Op } from "../ir/op.js";
import type { NoAttributes } from "./primitives.js";
import { matmulOp } from "./matmul.js";
import { reshape } from "./shape.js";

export const rows = (t: Tensor): Tensor => reshape(t, [sizeOf(t.shape.slice(0, -1)), t.shape.at(-1)!]);

/** The op of `linear`. */
export const linearOp: Op<NoAttributes> = builtinOp<NoAttributes>({
  name: "linear",
  inputs: [
    { name: "x", dtype: "float32" },
    { name: "weight", dtype: "float32" },
    { name: "bias", dtype: "float32", optional: true },
  ],
  infer([x, weight, bias]) {
    const [out, inner] = weight!.shape as [Size, Size];
    if (weight!.shape.length !== 2 || x!.shape.length === 0 || !sameSize(x!.shape.at(-1)!, inner)) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `linear: x is ${formatShape(x!.shape)} and the weight ${formatShape(weight!.shape)}: x's last size must be the weight's second.`,
      );
    }
    if (bias !== undefined && (bias.shape.length !== 1 || !sameSize(bias.shape[0]!, out))) {
      throw new ErmineError("ERMINE_SHAPE", `linear: the bias is ${formatShape(bias.shape)} and should be [${out}].`);
    }
    return [{ shape: [...x!.shape.slice(0, -1), out], dtype: "float32", domain: "real" }];
  },
  flops: ([, weight], [y]) => (y === undefined ? 0 : 2 * countElements(y.shape) * (weight!.shape[1] as number)),
  decompose([x, weight, bias]) {
    const out = weight!.shape[0]!;
    const flat = x!.rank === 2 ? x! : rows(x!);
    const product = apply1(matmulOp, [flat, weight], { transposeA: false, transposeB: true });
    const shifted = bias === undefined ? product : add(product, bias);
    return [reshape(shifted, [...x!.shape.slice(0, -1), out])];
  },
});

/**
 * x · weightᵀ + bias: x [..., in], weight [out, in], bias [out] → [..., out].
 *
 * @throws ErmineError ERMINE_SHAPE where the sizes do not fit
 * @example
 * linear(tensor([[1, 2]]), tensor([[3, 4]]), tensor([0.5])); // => [[11.5]]
 */
export function linear(x: Tensor, weight: Tensor, bias?: Tensor): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("linear", arguments, 3);
  checkTensor("linear", x);
  checkTensor("linear", weight);
  return apply1(linearOp, [x, weight, bias], {});
}
