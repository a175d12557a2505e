/** Gradients of matrix products. */
import { apply1 } from "../../ops/apply.js";
import { gradientOf } from "../../ops/gradient.js";
import { type linearOp, rows } from "../../ops/linear.js";
import { matmulOp } from "../../ops/matmul.js";
import { sum, sumTo } from "../../ops/reduction.js";
import { reshape } from "../../ops/shape.js";
import type { Tensor } from "../../types/tensor.js";

const product = (a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor =>
  apply1(matmulOp, [a, b], { transposeA, transposeB });

export const matmulGradient = gradientOf<typeof matmulOp>(
  "matmul",
  ([g], [a, b], _, { transposeA: ta, transposeB: tb }, needed) => {
    const toA = () => (ta ? product(b!, g!, tb, true) : product(g!, b!, false, !tb));
    const toB = () => (tb ? product(g!, a!, true, ta) : product(a!, g!, !ta, false));
    return [needed[0] ? sumTo(toA(), a!.shape) : undefined, needed[1] ? sumTo(toB(), b!.shape) : undefined];
  },
);

export const linearGradient = gradientOf<typeof linearOp>("linear", ([g], [x, weight, bias], _, __, needed) => {
  const flat = rows(g!);
  return [
    needed[0] ? reshape(apply1(matmulOp, [flat, weight], { transposeA: false, transposeB: false }), x!.shape) : undefined,
    needed[1] ? apply1(matmulOp, [flat, rows(x!)], { transposeA: true, transposeB: false }) : undefined,
    bias === undefined || !needed[2] ? undefined : sum(flat, { axis: 0 }),
  ];
});
