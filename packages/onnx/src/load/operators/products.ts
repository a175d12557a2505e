/** Matrix products. */
import { add, cast, einsum, linear, matmul, mul, type Tensor } from "@ermine/core";
import type { Entries, Operator } from "./operator.js";

const whole = (product: Tensor, ...inputs: readonly Tensor[]): Tensor =>
  inputs.every(({ dtype }) => dtype === "int32") ? cast(product, "int32") : product;

const gemm: Operator = {
  layout: (position, attributes) => (position === 1 && !attributes.flag("transB") ? "inputFirst" : undefined),
  run(call) {
    const [a, b, c] = [call.tensor(0), call.tensor(1), call.optional(2)];
    const [transposeA, transposeB] = [call.attributes.flag("transA"), call.attributes.flag("transB")];
    const [alpha, beta] = [call.attributes.float("alpha", 1), call.attributes.float("beta", 1)];
    const isLinear =
      !transposeA && transposeB && alpha === 1 && (c === undefined || (beta === 1 && c.rank === 1 && c.shape[0] === b.shape[0]));
    if (isLinear && a.dtype === "float32") return linear(a, b, c);
    const product = whole(matmul(a, b, { transposeA, transposeB }), a, b);
    const scaled = alpha === 1 ? product : mul(product, alpha);
    return c === undefined || beta === 0 ? scaled : add(scaled, beta === 1 ? c : mul(c, beta));
  },
};

const matrixProduct: Operator = {
  layout: (position) => (position === 1 ? "inputFirst" : undefined),
  run(call) {
    const [a, b] = [call.tensor(0), call.tensor(1)];
    return whole(matmul(a, b), a, b);
  },
};

export const products: Entries = [
  ["MatMul", matrixProduct],
  ["Gemm", gemm],
  [
    "Einsum",
    {
      run(call) {
        const equation = call.attributes.string("equation", "");
        return einsum(equation, ...call.tensors());
      },
    },
  ],
];
