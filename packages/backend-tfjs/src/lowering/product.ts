/** Products of matrices, and the affine map of a fully connected layer. */
import { sizeOf } from "@ermine/core/define";
import { matmul, reshape } from "./calls.js";
import { biasAdd } from "./convolution.js";
import type { Lowering } from "./emitter.js";

export const productLowerings: Readonly<Record<string, Lowering>> = {
  matmul: (e, [a, b], { transposeA, transposeB }: { transposeA: boolean; transposeB: boolean }, [y]) => [
    matmul(e, a!, b!, transposeA, transposeB, y!.shape),
  ],
  linear(e, [x, weight, bias], _, [y]) {
    const inner = x!.shape.at(-1)!;
    const rows = sizeOf(x!.shape.slice(0, -1));
    const flat = matmul(e, reshape(e, x!, [rows, inner]), weight!, false, true, [rows, weight!.shape[0]!]);
    return [reshape(e, bias === undefined ? flat : biasAdd(e, flat, bias), y!.shape)];
  },
};
