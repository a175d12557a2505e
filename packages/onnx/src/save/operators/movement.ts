/** Ops that move, pick and make elements. */
import { type Shape, type Size } from "@ermine/core";
import {
  broadcastToOp,
  concatOp,
  embeddingOp,
  fullOp,
  gatherOp,
  indexAddOp,
  indexSelectOp,
  iotaOp,
  padOp,
  reshapeOp,
  scatterAddOp,
  sizeOp,
  sliceOp,
  sortOp,
  transposeOp,
} from "@ermine/core/backend";
import { sizeOf, addSizes, mulSizes } from "@ermine/core/define";
import { elementTypes, tensorProto } from "../../elements.js";
import type { GraphBuilder } from "../builder.js";
import { entry, type Entry } from "./call.js";

/** Further down than any axis reaches: where a slice that runs backwards ends after the first element. */
const beforeTheFirst = -(2n ** 63n) + 1n;

/** x under another shape, of which one open size is −1. */
export function reshaped(builder: GraphBuilder, x: string, shape: Shape): string {
  const open = shape.filter((size) => typeof size !== "number").length;
  const isEmpty = shape.includes(0);
  const sizes =
    open === 1 && !isEmpty ? builder.int64s(shape.map((size) => (typeof size === "number" ? size : -1))) : builder.shape(shape);
  return builder.node("Reshape", [x, sizes], isEmpty ? { allowzero: 1n } : {});
}

export const permuted = (builder: GraphBuilder, x: string, permutation: readonly number[]): string =>
  builder.node("Transpose", [x], { perm: permutation.map(BigInt) });

/** Where a slice ends, exclusively. */
function sliceEnd(start: Size, size: Size, step: number): Size | bigint {
  const end = addSizes(start, mulSizes(size, step));
  return step < 0 && typeof end === "number" && end < 0 ? beforeTheFirst : end;
}

function ends(builder: GraphBuilder, list: readonly (Size | bigint)[]): string {
  if (list.every((end) => typeof end !== "object")) return builder.int64s(list);
  const parts = list.map((end) => (typeof end === "bigint" ? builder.int64s([end]) : builder.size(end)));
  return parts.length === 1 ? parts[0]! : builder.node("Concat", parts, { axis: 0n });
}

export const movement = (): readonly Entry[] => [
  entry(reshapeOp, ({ builder, inputs: [x], attributes }) => [reshaped(builder, x!.name, attributes.shape)]),
  entry(transposeOp, ({ builder, inputs: [x], attributes }) => [permuted(builder, x!.name, attributes.permutation)]),
  entry(broadcastToOp, ({ builder, inputs: [x], attributes }) => [
    builder.node("Expand", [x!.name, builder.shape(attributes.shape)]),
  ]),
  entry(sliceOp, ({ builder, inputs: [x], attributes: { starts, sizes, steps } }) => {
    const axes = sizes.flatMap((size, axis) => (isWhole(x!.shape[axis]!, starts[axis]!, size, steps[axis]!) ? [] : [axis]));
    if (axes.length === 0) return [builder.node("Identity", [x!.name])];
    const last = axes.map((axis) => sliceEnd(starts[axis]!, sizes[axis]!, steps[axis]!));
    const by = axes.every((axis) => steps[axis] === 1) ? "" : builder.int64s(axes.map((axis) => steps[axis]!));
    return [
      builder.node("Slice", [
        x!.name,
        builder.shape(axes.map((axis) => starts[axis]!)),
        ends(builder, last),
        builder.int64s(axes),
        by,
      ]),
    ];
  }),
  entry(padOp, ({ builder, inputs: [x], attributes: { before, after, value } }) => [
    builder.node("Pad", [x!.name, builder.shape([...before, ...after]), builder.scalar(value, x!.dtype)]),
  ]),
  entry(concatOp, ({ builder, inputs, attributes: { axis } }) => [
    builder.node(
      "Concat",
      inputs.map((input) => input!.name),
      { axis: BigInt(axis) },
    ),
  ]),
  entry(fullOp, ({ builder, attributes: { shape, value, dtype } }) =>
    shape.length === 0
      ? [builder.scalar(value, dtype)]
      : [builder.node("ConstantOfShape", [builder.shape(shape)], { value: tensorProto([value], [1], dtype) })],
  ),
  entry(iotaOp, ({ builder, attributes: { size } }) => {
    const one = builder.scalar(1, "int32");
    if (typeof size === "number")
      return [builder.node("Range", [builder.scalar(0, "int32"), builder.scalar(size, "int32"), one])];
    const limit = builder.node("Cast", [builder.node("Squeeze", [builder.size(size)])], { to: BigInt(elementTypes.int32) });
    return [builder.node("Range", [builder.scalar(0, "int32"), limit, one])];
  }),
  entry(sizeOp, ({ builder, inputs: [x], attributes: { axes } }) => {
    const count = builder.size(sizeOf(axes.map((axis) => x!.shape[axis]!)));
    return [builder.node("Cast", [builder.node("Squeeze", [count])], { to: BigInt(elementTypes.float32) })];
  }),
  entry(indexSelectOp, ({ builder, inputs: [x, indices], attributes: { axis } }) => [
    builder.node("Gather", [x!.name, indices!.name], { axis: BigInt(axis) }),
  ]),
  entry(embeddingOp, ({ builder, inputs: [table, indices] }) => [builder.node("Gather", [table!.name, indices!.name])]),
  entry(gatherOp, ({ builder, inputs: [x, indices], attributes: { axis } }) => [
    builder.node("GatherElements", [x!.name, indices!.name], { axis: BigInt(axis) }),
  ]),
  entry(scatterAddOp, ({ builder, inputs: [base, indices, updates], attributes: { axis } }) => [
    builder.node("ScatterElements", [base!.name, indices!.name, updates!.name], { axis: BigInt(axis), reduction: "add" }),
  ]),
  entry(indexAddOp, ({ builder, inputs: [base, indices, updates], attributes: { axis } }) => {
    const along = updates!.shape.map((size, i) => (i === axis ? size : 1));
    const column = reshaped(builder, indices!.name, along);
    const places = builder.node("Expand", [column, builder.node("Shape", [updates!.name])]);
    return [builder.node("ScatterElements", [base!.name, places, updates!.name], { axis: BigInt(axis), reduction: "add" })];
  }),
  entry(sortOp, ({ builder, inputs: [x], attributes: { axis, descending } }) => {
    const attributes = { axis: BigInt(axis), largest: descending ? 1n : 0n, sorted: 1n };
    const [values, positions] = builder.add("TopK", [x!.name, builder.size(x!.shape[axis]!)], { attributes, outputs: 2 });
    return [values!, builder.node("Cast", [positions!], { to: BigInt(elementTypes.int32) })];
  }),
];

/** Is it the axis as it is? */
const isWhole = (length: Size, start: Size, size: Size, step: number): boolean =>
  step === 1 && start === 0 && (length === size || String(length) === String(size));
