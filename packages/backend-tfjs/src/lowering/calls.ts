/** TensorFlow's ops as functions, with the attributes that it cannot do without. */
import { type DType, type Shape, type Size } from "@ermine/core";
import { addSizes, broadcastShapes, sameShape, sizeOf } from "@ermine/core/define";
import type { Emitter, Operand, TfAttributes } from "./emitter.js";
import { foldedShape, runsOf } from "./ranks.js";

const typed = (x: Operand): TfAttributes => ({ T: { type: x.dtype } });
const indexed = { Tidx: { type: "int32" } } as const;
/** The ranks at which TensorFlow's CPU kernels (oneDNN's among them) stop. */
const highestRank = { softmax: 5, pad: 6, argMax: 5, repeat: 5 } as const;

/** One op with one result. */
export function call(
  e: Emitter,
  name: string,
  inputs: readonly Operand[],
  shape: Shape,
  dtype: DType = "float32",
  attributes: TfAttributes = {},
): Operand {
  return e.op(name, inputs, attributes, [{ shape, dtype }])[0]!;
}

export const isIdentity = (permutation: readonly number[]): boolean => permutation.every((axis, i) => axis === i);
export const inverse = (permutation: readonly number[]): number[] => permutation.map((_, axis) => permutation.indexOf(axis));

/** Ops that repeat an operand which is smaller than another one. */
const repeating = new Set(
  ["AddV2", "Sub", "Mul", "MulNoNan", "RealDiv", "FloorMod", "Pow", "Maximum", "Minimum", "SelectV2"].concat([
    "Equal",
    "NotEqual",
    "Less",
    "LessEqual",
    "LogicalAnd",
    "LogicalOr",
  ]),
);

/**
 * Elementwise: where the operands are the same reordering of other ones, what they were made from is computed with, and the
 * result is reordered: a chain of elementwise ops between two convolutions stays in the convolutions' own layout.
 */
export function elementwise(
  e: Emitter,
  name: string,
  inputs: readonly Operand[],
  dtype: DType,
  attributes: TfAttributes,
): Operand {
  const shape = broadcastShapes(name, ...inputs.map((x) => x.shape));
  if (inputs.some((x) => x.repeated !== undefined)) {
    const once = inputs.map((x) => x.repeated ?? x);
    const sharedShape = broadcastShapes(name, ...once.map((x) => x.shape));
    const repeats = inputs.length === 1 || repeating.has(name);
    if (repeats && sameShape(sharedShape, shape)) return elementwise(e, name, once, dtype, attributes);
    if (repeats && inputs.every((x) => x.repeated !== undefined || sizeOf(x.shape) === 1))
      return broadcastTo(e, elementwise(e, name, once, dtype, attributes), shape);
  }
  const lead = inputs.find((x) => x.permuted !== undefined && sameShape(x.shape, shape))?.permuted;
  if (lead !== undefined) {
    const rank = shape.length;
    const key = lead.permutation.join();
    const sources = inputs.map((x) => {
      // First, so that the result has the lead's rank also where every operand has one element.
      if (x.permuted?.permutation.join() === key) return x.permuted.source;
      if (sizeOf(x.shape) === 1) return x.shape.length === 0 ? x : reshape(e, x, []);
      // A channel's own number, [C, 1, 1] under [N, C, H, W], is moved for nothing: it is reshaped.
      const full = [...Array<Size>(rank - x.shape.length).fill(1), ...x.shape];
      const wide = full.filter((size) => size !== 1).length;
      if (wide > 1) return undefined;
      return reshape(
        e,
        x,
        inverse(lead.permutation).map((axis) => full[axis]!),
      );
    });
    if (sources.every((x) => x !== undefined)) {
      const inner = call(e, name, sources, broadcastShapes(name, ...sources.map((x) => x.shape)), dtype, attributes);
      return e.transpose(inner, lead.permutation);
    }
  }
  const operands = name === "AddV2" ? withoutRow(e, inputs) : inputs;
  const broadcasted = isSimplyBroadcast(operands, shape) ? operands : operands.map((x) => broadcastTo(e, x, shape));
  return call(e, name, broadcasted, shape, dtype, attributes);
}

/** TensorFlow repeats operands over a few runs of adjacent axes only; beyond, they are repeated before it. */
function isSimplyBroadcast(inputs: readonly Operand[], shape: Shape): boolean {
  if (shape.length <= highestRank.repeat) return true;
  const full = inputs.map((x) => [...Array<Size>(shape.length - x.shape.length).fill(1), ...x.shape]);
  const keys = shape.map((size, axis) => (size === 1 ? undefined : full.map((operandShape) => operandShape[axis] === 1).join()));
  return runsOf(keys).length <= highestRank.repeat;
}

/**
 * TensorFlow's graph optimizer takes a summand [1, …, 1, n] of a product for a bias, and the fused kernel then refuses it for not being
 * [n]: it is reshaped to that.
 */
function withoutRow(e: Emitter, inputs: readonly Operand[]): readonly Operand[] {
  const rank = Math.max(...inputs.map((x) => x.shape.length));
  const isRow = ({ shape }: Operand): boolean => shape.length > 1 && shape.slice(0, -1).every((size) => size === 1);
  const at = inputs.findLastIndex((x, i) => isRow(x) && inputs[1 - i]!.shape.length === rank);
  return inputs.map((x, i) => (i === at ? reshape(e, x, x.shape.slice(-1)) : x));
}

export const unary = (e: Emitter, name: string, x: Operand, dtype: DType = x.dtype): Operand =>
  elementwise(e, name, [x], dtype, typed(x));

export const binary = (e: Emitter, name: string, a: Operand, b: Operand, dtype: DType = a.dtype): Operand =>
  elementwise(e, name, [a, b], dtype, typed(a));

/** IsFinite and the logical ops: T where they have it. */
export const logical = (e: Emitter, name: string, ...inputs: readonly Operand[]): Operand =>
  elementwise(e, name, inputs, "bool", {});

export const select = (e: Emitter, condition: Operand, a: Operand, b: Operand): Operand =>
  elementwise(e, "SelectV2", [condition, a, b], a.dtype, typed(a));

export const cast = (e: Emitter, x: Operand, dtype: DType): Operand =>
  x.dtype === dtype
    ? x
    : elementwise(e, "Cast", [x], dtype, { SrcT: { type: x.dtype }, DstT: { type: dtype }, Truncate: { bool: false } });

export const scalar = (e: Emitter, value: number, dtype: DType = "float32"): Operand =>
  e.constant(
    dtype === "float32" ? Float32Array.of(value) : dtype === "int32" ? Int32Array.of(value) : Uint8Array.of(value),
    [],
    dtype,
  );

export const ints = (e: Emitter, values: readonly number[]): Operand =>
  e.constant(Int32Array.from(values), [values.length], "int32");

/** One symbolic size is left to TensorFlow, which then needs no arithmetic at run time. */
function target(e: Emitter, shape: Shape): Operand {
  const open = shape.filter((size) => typeof size !== "number").length;
  if (open !== 1 || shape.includes(0)) return e.sizes(shape);
  return ints(
    e,
    shape.map((size) => (typeof size === "number" ? size : -1)),
  );
}

export function reshape(e: Emitter, x: Operand, shape: Shape): Operand {
  if (sameShape(x.shape, shape)) return x;
  if (x.repeated !== undefined && sizeOf(x.repeated.shape) === 1) return broadcastTo(e, reshape(e, x.repeated, []), shape);
  return call(e, "Reshape", [x, target(e, shape)], shape, x.dtype, { ...typed(x), Tshape: { type: "int32" } });
}

export function broadcastTo(e: Emitter, x: Operand, shape: Shape): Operand {
  return sameShape(x.shape, shape) ? x : e.repeat(x, shape);
}

export const fill = (e: Emitter, shape: Shape, value: number, dtype: DType): Operand =>
  call(e, "Fill", [e.sizes(shape), scalar(e, value, dtype)], shape, dtype, { T: { type: dtype }, index_type: { type: "int32" } });

export const range = (e: Emitter, size: Size): Operand =>
  call(e, "Range", [scalar(e, 0, "int32"), e.size(size), scalar(e, 1, "int32")], [size], "int32", indexed);

/** Sum, Prod, Max, Min, Any, All. In the order of axes that the operand was made in. */
export function reduce(e: Emitter, name: string, x: Operand, axes: readonly number[], keepDims: boolean): Operand {
  if (axes.length === 0) return x;
  const shape = keepDims ? x.shape.map((size, i) => (axes.includes(i) ? 1 : size)) : x.shape.filter((_, i) => !axes.includes(i));
  const attributes: TfAttributes = {
    ...(name === "Any" || name === "All" ? {} : typed(x)),
    ...indexed,
    keep_dims: { bool: keepDims },
  };
  const { permuted } = x;
  if (permuted !== undefined && (keepDims || axes.length >= x.shape.length - 1)) {
    const sourceAxes = axes.map((axis) => permuted.permutation[axis]!).sort((a, b) => a - b);
    const { source } = permuted;
    const inner = keepDims
      ? source.shape.map((size, i) => (sourceAxes.includes(i) ? 1 : size))
      : source.shape.filter((_, i) => !sourceAxes.includes(i));
    if (keepDims)
      return e.transpose(call(e, name, [source, ints(e, sourceAxes)], inner, x.dtype, attributes), permuted.permutation);
    return sumOfRows(e, name, source, sourceAxes) ?? call(e, name, [source, ints(e, sourceAxes)], inner, x.dtype, attributes);
  }
  if (!keepDims) {
    const rows = sumOfRows(e, name, x, axes);
    if (rows !== undefined) return rows;
  }
  return call(e, name, [x, ints(e, axes)], shape, x.dtype, attributes);
}

/** A bias's gradient, the sum over all axes but the last, has a kernel of its own, which is the faster one. */
function sumOfRows(e: Emitter, name: string, x: Operand, axes: readonly number[]): Operand | undefined {
  const last = x.shape.length - 1;
  if (name !== "Sum" || x.dtype !== "float32" || axes.length !== last || last === 0 || axes.includes(last)) return undefined;
  return call(e, "BiasAddGrad", [x], [x.shape[last]!], "float32", { ...typed(x), data_format: { string: "NHWC" } });
}

export const sum = (e: Emitter, x: Operand, axes: readonly number[], keepDims = false): Operand =>
  reduce(e, "Sum", x, axes, keepDims);

/** The axis of the largest of float32 or int32 numbers; what NaN gives is TensorFlow's affair. */
export function argMax(e: Emitter, x: Operand, axis: number): Operand {
  const shape = x.shape.filter((_, i) => i !== axis);
  if (x.shape.length > highestRank.argMax) {
    const runs = runsOf(x.shape.map((_, i) => Math.sign(i - axis)));
    const folded = reshape(e, x, foldedShape(x.shape, runs));
    return reshape(e, argMax(e, folded, axis === 0 ? 0 : 1), shape);
  }
  return call(e, "ArgMax", [x, scalar(e, axis, "int32")], shape, "int32", {
    ...typed(x),
    ...indexed,
    output_type: { type: "int32" },
  });
}

export function matmul(e: Emitter, a: Operand, b: Operand, transposeA: boolean, transposeB: boolean, shape: Shape): Operand {
  // A product of no columns, or over nothing, that TensorFlow joins with a bias ends the process.
  if (shape.includes(0) || a.shape.at(transposeA ? -2 : -1) === 0) return fill(e, shape, 0, "float32");
  const [ofA, ofB] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  if (ofA.length === 0 && ofB.length === 0) {
    return call(e, "MatMul", [a, b], shape, "float32", {
      ...typed(a),
      transpose_a: { bool: transposeA },
      transpose_b: { bool: transposeB },
    });
  }
  // Where b's batch is repeated, oneDNN may read and write outside of both: one b is a product of all of a's rows, and axes are folded.
  if (!sameShape(ofA, ofB)) {
    const folded = (x: Operand, batch: Shape): Operand => reshape(e, x, [...batch, ...x.shape.slice(-2)]);
    if (!transposeA && ofB.every((size) => size === 1)) {
      const rows = sizeOf(a.shape.slice(0, -1));
      const all = reshape(e, a, [rows, a.shape.at(-1)!]);
      return reshape(e, matmul(e, all, folded(b, []), false, transposeB, [rows, shape.at(-1)!]), shape);
    }
    const batch = shape.slice(0, -2);
    const [left, right] = [ofA, ofB].map((batchOf): Shape => [...batch.slice(batchOf.length).map(() => 1), ...batchOf]) as [
      Shape,
      Shape,
    ];
    const runs = runsOf(
      batch.map((_, i) => (left[i] === 1 ? (right[i] === 1 ? undefined : "b") : right[i] === 1 ? "a" : "both")),
    );
    const product = batchMatmul(
      e,
      folded(a, foldedShape(left, runs)),
      folded(b, foldedShape(right, runs)),
      transposeA,
      transposeB,
      [...foldedShape(batch, runs), ...shape.slice(-2)],
    );
    return reshape(e, product, shape);
  }
  return batchMatmul(e, a, b, transposeA, transposeB, shape);
}

const batchMatmul = (e: Emitter, a: Operand, b: Operand, transposeA: boolean, transposeB: boolean, shape: Shape): Operand =>
  call(e, "BatchMatMulV2", [a, b], shape, "float32", {
    ...typed(a),
    adj_x: { bool: transposeA },
    adj_y: { bool: transposeB },
  });

export function concat(e: Emitter, inputs: readonly Operand[], axis: number): Operand {
  if (inputs.length === 1) return inputs[0]!;
  const total = inputs.reduce<Size>((size, x) => addSizes(size, x.shape[axis]!), 0);
  const shape = inputs[0]!.shape.map((size, i) => (i === axis ? total : size));
  return call(e, "ConcatV2", [...inputs, scalar(e, axis, "int32")], shape, inputs[0]!.dtype, {
    ...typed(inputs[0]!),
    ...indexed,
    N: { int: inputs.length },
  });
}

/** A block of consecutive elements. */
export const slice = (e: Emitter, x: Operand, starts: readonly Size[], sizes: Shape): Operand =>
  sameShape(x.shape, sizes)
    ? x
    : call(e, "Slice", [x, e.sizes(starts), e.sizes(sizes)], sizes, x.dtype, { ...typed(x), Index: { type: "int32" } });

export function pad(e: Emitter, x: Operand, before: readonly Size[], after: readonly Size[], value: number): Operand {
  const shape = x.shape.map((size, i) => addSizes(addSizes(size, before[i]!), after[i]!));
  if (sameShape(shape, x.shape)) return x;
  if (x.shape.length > highestRank.pad) return padFolded(e, x, before, after, value);
  const widths = reshape(e, e.sizes(before.flatMap((size, i) => [size, after[i]!])), [x.shape.length, 2]);
  return call(e, "PadV2", [x, widths, scalar(e, value, x.dtype)], shape, x.dtype, { ...typed(x), Tpaddings: { type: "int32" } });
}

/** Some axes at a time, those between them folded. */
function padFolded(e: Emitter, x: Operand, before: readonly Size[], after: readonly Size[], value: number): Operand {
  const isPadded = (axis: number): boolean => before[axis] !== 0 || after[axis] !== 0;
  const chosen = new Set(x.shape.flatMap((_, axis) => (isPadded(axis) ? [axis] : [])).slice(0, 2));
  const only = (widths: readonly Size[]): Size[] => widths.map((width, axis) => (chosen.has(axis) ? width : 0));
  const without = (widths: readonly Size[]): Size[] => widths.map((width, axis) => (chosen.has(axis) ? 0 : width));
  const runs = runsOf(x.shape.map((_, axis) => (chosen.has(axis) ? axis : [...chosen].filter((one) => one < axis).length - 0.5)));
  const of = (widths: readonly Size[]): Size[] => runs.map(([from]) => only(widths)[from]!);
  const folded = pad(e, reshape(e, x, foldedShape(x.shape, runs)), of(before), of(after), value);
  const wide = x.shape.map((size, axis) => addSizes(addSizes(size, only(before)[axis]!), only(after)[axis]!));
  return pad(e, reshape(e, folded, wide), without(before), without(after), value);
}

/** Slices of `axis` by index; the first `batch` axes are walked together. */
export function gather(e: Emitter, x: Operand, indices: Operand, axis: number, batch = 0): Operand {
  const shape = [...x.shape.slice(0, axis), ...indices.shape.slice(batch), ...x.shape.slice(axis + 1)];
  return call(e, "GatherV2", [x, indices, scalar(e, axis, "int32")], shape, x.dtype, {
    Tparams: { type: x.dtype },
    Tindices: { type: "int32" },
    Taxis: { type: "int32" },
    batch_dims: { int: batch },
  });
}

/** Row k is the sum of x's rows whose segment is k, of `count` of them. */
export const segmentSum = (e: Emitter, x: Operand, segments: Operand, count: Size): Operand =>
  call(e, "UnsortedSegmentSum", [x, segments, e.size(count)], [count, ...x.shape.slice(1)], x.dtype, {
    ...typed(x),
    Tindices: { type: "int32" },
    Tnumsegments: { type: "int32" },
  });

/** base with updates in the place of its slices along the first axis; those of a repeated index are the same. */
export function scatterUpdate(e: Emitter, base: Operand, indices: Operand, updates: Operand): Operand {
  if (sizeOf(base.shape) === 0) return base;
  const column = reshape(e, indices, [...indices.shape, 1]);
  return call(e, "TensorScatterUpdate", [base, column, updates], base.shape, base.dtype, {
    ...typed(base),
    Tindices: { type: "int32" },
  });
}

/** base with updates added to its slices along the first axis; repeated indices add up. */
export function scatterAdd(e: Emitter, base: Operand, indices: Operand, updates: Operand): Operand {
  // TensorFlow refuses to add nothing to nothing.
  if (sizeOf(base.shape) === 0) return base;
  const column = reshape(e, indices, [...indices.shape, 1]);
  return call(e, "TensorScatterAdd", [base, column, updates], base.shape, base.dtype, {
    ...typed(base),
    Tindices: { type: "int32" },
  });
}

export function softmax(e: Emitter, name: "Softmax" | "LogSoftmax", x: Operand): Operand {
  if (x.shape.length <= highestRank.softmax) return call(e, name, [x], x.shape, "float32", typed(x));
  const rows = reshape(e, x, [sizeOf(x.shape.slice(0, -1)), x.shape.at(-1)!]);
  return reshape(e, call(e, name, [rows], rows.shape, "float32", typed(rows)), x.shape);
}

/**
 * x repeated to `shape` by TensorFlow's op, `write`, which stops at rank 5: adjacent axes that are all repeated, or all kept, are one, and
 * where that leaves too many, some axes are repeated before the others.
 */
export function repeatFolded(e: Emitter, x: Operand, shape: Shape, write: (x: Operand, shape: Shape) => Operand): Operand {
  if (shape.length <= highestRank.repeat) return write(x, shape);
  const full = [...Array<Size>(shape.length - x.shape.length).fill(1), ...x.shape];
  const isRepeated = (axis: number): boolean => full[axis] === 1 && shape[axis] !== 1;
  const runs = runsOf(full.map((_, axis) => (shape[axis] === 1 ? undefined : isRepeated(axis))));
  if (runs.length <= highestRank.repeat)
    return reshape(e, write(reshape(e, x, foldedShape(full, runs)), foldedShape(shape, runs)), shape);
  const first = shape.flatMap((_, axis) => (isRepeated(axis) ? [axis] : [])).slice(0, 2);
  const partly = full.map((size, axis) => (first.includes(axis) ? shape[axis]! : size));
  return repeatFolded(e, repeatFolded(e, x, partly, write), shape, write);
}
