/** Sums, products and extremes over axes, matrix products and normalization. */
import { sameSize, type Op } from "@ermine/core/define";
import {
  type ReduceAttributes,
  batchNormInferenceOp,
  argMaxOp,
  cumsumOp,
  groupNormOp,
  linearOp,
  matmulOp,
  maxOp,
  minOp,
  prodOp,
  scaledDotProductAttentionOp,
  sumOp,
} from "@ermine/core/backend";
import { elementTypes, tensorProto } from "../../elements.js";
import type { GraphBuilder, Operand } from "../builder.js";
import { entry, type Entry } from "./call.js";
import { permuted } from "./movement.js";

const reduces = (op: Op<ReduceAttributes>, opType: string): Entry =>
  entry(op, ({ builder, inputs: [x], attributes: { axes, keepDims } }) => [
    builder.node(opType, [x!.name, builder.int64s(axes)], { keepdims: keepDims ? 1n : 0n, noop_with_empty_axes: 1n }),
  ]);

/** The matrices with their last two axes swapped. */
function swapped(builder: GraphBuilder, { name, shape }: Operand): string {
  const axes = shape.map((_, axis) => axis);
  return permuted(builder, name, [...axes.slice(0, -2), axes.at(-1)!, axes.at(-2)!]);
}

export const reduction = (): readonly Entry[] => [
  reduces(sumOp, "ReduceSum"),
  reduces(prodOp, "ReduceProd"),
  reduces(maxOp, "ReduceMax"),
  reduces(minOp, "ReduceMin"),
  entry(argMaxOp, ({ builder, inputs: [x], attributes: { axis, keepDims } }) => {
    const position = builder.node("ArgMax", [x!.name], { axis: BigInt(axis), keepdims: keepDims ? 1n : 0n });
    return [builder.node("Cast", [position], { to: BigInt(elementTypes.int32) })];
  }),
  entry(cumsumOp, ({ builder, inputs: [x], attributes: { axis } }) => [
    builder.node("CumSum", [x!.name, builder.scalar(axis, "int32")]),
  ]),
  entry(matmulOp, ({ builder, inputs: [a, b], attributes: { transposeA, transposeB } }) => {
    if (a!.shape.length === 2 && b!.shape.length === 2 && (transposeA || transposeB)) {
      const attributes = { ...(transposeA && { transA: 1n }), ...(transposeB && { transB: 1n }) };
      return [builder.node("Gemm", [a!.name, b!.name], attributes)];
    }
    const left = transposeA ? swapped(builder, a!) : a!.name;
    return [builder.node("MatMul", [left, transposeB ? swapped(builder, b!) : b!.name])];
  }),
  entry(linearOp, ({ builder, inputs: [x, weight, bias] }) => {
    if (x!.shape.length === 2) return [builder.node("Gemm", [x!.name, weight!.name, bias?.name ?? ""], { transB: 1n })];
    const product = builder.node("MatMul", [x!.name, permuted(builder, weight!.name, [1, 0])]);
    return [bias === undefined ? product : builder.node("Add", [product, bias.name])];
  }),
  // One group of rows is what a layer normalizes.
  entry(groupNormOp, ({ builder, inputs: [x, weight, bias], used, attributes: { groups, eps, centered } }) => {
    if (groups !== 1 || x!.shape.length !== 2 || typeof x!.shape[1] !== "number" || used.lastIndexOf(true) > 0) return undefined;
    const attributes = { axis: -1n, epsilon: eps };
    const scale = weight?.name ?? filled(builder, 1, x!.shape[1]);
    if (centered) return [builder.node("LayerNormalization", [x!.name, scale, bias?.name ?? ""], attributes)];
    if (builder.opset < 23) return undefined;
    const y = builder.node("RMSNormalization", [x!.name, scale], attributes);
    return [bias === undefined ? y : builder.node("Add", [y, bias.name])];
  }),
  // A query that may attend to nothing is NaN there, and so are causal ones otherwise where there are more queries than keys.
  entry(scaledDotProductAttentionOp, ({ builder, inputs: [q, k, v, mask], attributes: { scale, causal, nothing } }) => {
    const [length, source] = [q!.shape.at(-2)!, k!.shape.at(-2)!];
    const isSame = (mask === undefined || nothing === "NaN") && (!causal || sameSize(length, source));
    if (builder.opset < 23 || q!.shape.length !== 4 || !isSame) return undefined;
    const attributes = { scale, ...(causal && { is_causal: 1n }) };
    return [builder.node("Attention", [q!.name, k!.name, v!.name, mask?.name ?? ""], attributes)];
  }),
  entry(batchNormInferenceOp, ({ builder, inputs: [x, center, spread, weight, bias], attributes: { eps } }) => {
    const channels = center!.shape[0] as number;
    const [scale, shift] = [weight?.name ?? filled(builder, 1, channels), bias?.name ?? filled(builder, 0, channels)];
    return [builder.node("BatchNormalization", [x!.name, scale, shift, center!.name, spread!.name], { epsilon: eps })];
  }),
];

/** A list of one value as often as that. */
const filled = (builder: GraphBuilder, value: number, count: number): string =>
  builder.constant(tensorProto(new Float32Array(count).fill(value), [count], "float32"));
