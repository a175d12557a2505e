/** Reductions, order and running sums. */
import { argMax, cast, gather, logical, reduce, reshape, scalar, select, unary } from "./calls.js";
import type { Emitter, Lowering, Operand, Supports } from "./emitter.js";

type Reduce = { readonly axes: readonly number[]; readonly keepDims: boolean };

const over =
  (name: string): Lowering =>
  (e, [x], { axes, keepDims }: Reduce) => [reduce(e, name, x!, axes, keepDims)];

const isNaN = (e: Emitter, x: Operand): Operand => unary(e, "IsNan", x, "bool");

/** A NaN counts as the largest, and the first of them is taken; TensorFlow's ArgMax passes over it. */
function firstLargest(e: Emitter, x: Operand, axis: number): Operand {
  const largest = argMax(e, x, axis);
  if (x.dtype !== "float32") return largest;
  const nan = isNaN(e, x);
  return select(e, reduce(e, "Any", nan, [axis], false), argMax(e, cast(e, nan, "float32"), axis), largest);
}

/** Indices that put the last axis in descending order; equal ones keep theirs. */
function descending(e: Emitter, x: Operand): Operand {
  const size = e.size(x.shape.at(-1)!);
  const types = [
    { shape: x.shape, dtype: x.dtype },
    { shape: x.shape, dtype: "int32" as const },
  ];
  return e.op("TopKV2", [x, size], { T: { type: x.dtype }, sorted: { bool: true } }, types)[1]!;
}

/** By the numbers, then once more by whether they are NaN, which is the largest: the sort is stable, so the rest stays in order. */
function sorted(e: Emitter, x: Operand, largestFirst: boolean): { values: Operand; indices: Operand } {
  const rank = x.shape.length;
  const along = (of: Operand, indices: Operand): Operand => gather(e, of, indices, rank - 1, rank - 1);
  if (x.dtype === "int32") {
    // ~x = −x − 1 turns the order around and cannot overflow.
    const indices = descending(e, largestFirst ? x : unary(e, "Invert", x));
    return { values: along(x, indices), indices };
  }
  const nan = isNaN(e, x);
  const comparable = select(e, nan, scalar(e, 0), largestFirst ? x : unary(e, "Neg", x));
  const first = descending(e, comparable);
  const isFirst = along(nan, first);
  const last = descending(e, cast(e, largestFirst ? isFirst : logical(e, "LogicalNot", isFirst), "float32"));
  const indices = along(first, last);
  return { values: along(x, indices), indices };
}

/** The permutation that brings `axis` to the end; it is not its own inverse. */
const toEnd = (rank: number, axis: number): number[] => [
  ...Array.from({ length: rank }, (_, i) => i).filter((i) => i !== axis),
  axis,
];

/** The largest and the smallest are finite only where all between them are; both keep a NaN. Nothing is written but two numbers. */
function allFinite(e: Emitter, x: Operand): Operand {
  const axes = x.shape.map((_, axis) => axis);
  const [largest, smallest] = ["Max", "Min"].map((name) => unary(e, "IsFinite", reduce(e, name, x, axes, false), "bool"));
  return logical(e, "LogicalAnd", largest!, smallest!);
}

export const reductionLowerings: Readonly<Record<string, Lowering>> = {
  sum: over("Sum"),
  prod: over("Prod"),
  max: over("Max"),
  min: over("Min"),
  argMax: (e, [x], { axis }: { axis: number }, [y]) => [reshape(e, firstLargest(e, x!, axis), y!.shape)],
  sort(e, [x], { axis, descending: largestFirst }: { axis: number; descending: boolean }) {
    const rank = x!.shape.length;
    if (rank === 0) return [x!, scalar(e, 0, "int32")];
    const permutation = toEnd(rank, axis);
    const back = permutation.map((_, i) => permutation.indexOf(i));
    const { values, indices } = sorted(e, e.transpose(x!, permutation), largestFirst);
    return [e.transpose(values, back), e.transpose(indices, back)];
  },
  allFinite: (e, [x]) => [allFinite(e, x!)],
  cumsum: (e, [x], { axis }: { axis: number }) =>
    e.op(
      "Cumsum",
      [x!, scalar(e, axis, "int32")],
      { T: { type: x!.dtype }, Tidx: { type: "int32" }, exclusive: { bool: false }, reverse: { bool: false } },
      [x!],
    ),
};

export const reductionSupports: Readonly<Record<string, Supports>> = {
  // Of nothing, the largest is −∞.
  allFinite: ([x]) => !x!.shape.includes(0),
};
