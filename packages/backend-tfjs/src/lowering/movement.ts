/** Numbers that move: shapes, slices, rows by index, ranges. */
import { type DType, type Shape, type Size } from "@ermine/core";
import { addSizes, mulSizes, sizeOf } from "@ermine/core/define";
import {
  binary,
  broadcastTo,
  call,
  cast,
  concat,
  fill,
  gather,
  ints,
  pad,
  range,
  reshape,
  scalar,
  scatterAdd,
  scatterUpdate,
  segmentSum,
  slice,
} from "./calls.js";
import type { Emitter, Lowering, Operand } from "./emitter.js";

type Slice = { readonly starts: readonly Size[]; readonly steps: readonly number[]; readonly sizes: readonly Size[] };
type Axis = { readonly axis: number };

/** Forward pieces first, then those axes turned around whose step is negative: no end before the beginning is ever named. */
function strided(e: Emitter, x: Operand, { starts, steps, sizes }: Slice): Operand {
  if (sizeOf(sizes) === 0) return fill(e, sizes, 0, x.dtype);
  const first = starts.map((start, i) => (steps[i]! > 0 ? start : addSizes(start, mulSizes(addSizes(sizes[i]!, -1), steps[i]!))));
  const strides = steps.map(Math.abs);
  const forward = strides.every((stride) => stride === 1)
    ? slice(e, x, first, sizes)
    : call(
        e,
        "StridedSlice",
        [
          x,
          e.sizes(first),
          e.sizes(first.map((start, i) => addSizes(start, mulSizes(sizes[i]!, strides[i]!)))),
          ints(e, strides),
        ],
        sizes,
        x.dtype,
        { T: { type: x.dtype }, Index: { type: "int32" } },
      );
  const backwards = steps.flatMap((step, i) => (step < 0 ? [i] : []));
  if (backwards.length === 0) return forward;
  return call(e, "ReverseV2", [forward, ints(e, backwards)], sizes, x.dtype, { T: { type: x.dtype }, Tidx: { type: "int32" } });
}

const swapWithLast = (rank: number, axis: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === axis ? rank - 1 : i === rank - 1 ? axis : i));

const swapWithFirst = (rank: number, axis: number): number[] =>
  Array.from({ length: rank }, (_, i) => (i === axis ? 0 : i === 0 ? axis : i));

/** PyTorch's gather: outside of the axis the indices may be fewer. */
function along(e: Emitter, x: Operand, indices: Operand, axis: number): Operand {
  const rank = x.shape.length;
  const sizes = x.shape.map((size, i) => (i === axis ? size : indices.shape[i]!));
  const part = slice(
    e,
    x,
    x.shape.map(() => 0),
    sizes,
  );
  const order = swapWithLast(rank, axis);
  return e.transpose(gather(e, e.transpose(part, order), e.transpose(indices, order), rank - 1, rank - 1), order);
}

/** The indices themselves, looked up among 0 … size − 1: TensorFlow refuses others. */
const checked = (e: Emitter, indices: Operand, size: Size): Operand => gather(e, range(e, size), indices, 0);

/** PyTorch's scatter_add, over the flattened tensor: each update's place is Σ index · stride, so an index beyond its axis would be another row's. */
function addAlong(e: Emitter, base: Operand, indices: Operand, updates: Operand, axis: number): Operand {
  const rank = base.shape.length;
  let place: Operand | undefined;
  let stride: Size = 1;
  for (let i = rank - 1; i >= 0; i--) {
    const column = indices.shape.map((size, k) => (k === i ? size : 1));
    const index = i === axis ? checked(e, indices, base.shape[axis]!) : reshape(e, range(e, indices.shape[i]!), column);
    const term = stride === 1 ? index : binary(e, "Mul", index, e.size(stride));
    place = place === undefined ? term : binary(e, "AddV2", place, term);
    stride = mulSizes(stride, base.shape[i]!);
  }
  const count = [sizeOf(indices.shape)];
  const flat = reshape(e, broadcastTo(e, place!, indices.shape), count);
  return reshape(e, scatterAdd(e, reshape(e, base, [sizeOf(base.shape)]), flat, reshape(e, updates, count)), base.shape);
}

/** For each row the sum of those with its index, and 1 / how many they are: by numbers of the different indices, of which there are no more than rows. */
function summed(e: Emitter, indices: Operand, rows: Operand): Operand[] {
  const count = indices.shape[0]!;
  const vector = { shape: [count], dtype: "int32" } as const;
  const [, group] = e.op("Unique", [indices], { T: { type: "int32" }, out_idx: { type: "int32" } }, [vector, vector]);
  const total = (x: Operand): Operand => gather(e, segmentSum(e, x, group!, count), group!, 0);
  const ones = broadcastTo(e, scalar(e, 1), [count, 1]);
  return [total(rows), binary(e, "RealDiv", scalar(e, 1), total(ones))];
}

export const movementLowerings: Readonly<Record<string, Lowering>> = {
  reshape: (e, [x], { shape }: { shape: Shape }) => [reshape(e, x!, shape)],
  transpose: (e, [x], { permutation }: { permutation: readonly number[] }) => [e.transpose(x!, permutation)],
  broadcastTo: (e, [x], { shape }: { shape: Shape }) => [broadcastTo(e, x!, shape)],
  slice: (e, [x], attributes: Slice) => [strided(e, x!, attributes)],
  pad: (e, [x], { before, after, value }: { before: readonly Size[]; after: readonly Size[]; value: number }) => [
    pad(e, x!, before, after, value),
  ],
  concat: (e, inputs, { axis }: Axis) => [concat(e, inputs as readonly Operand[], axis)],
  indexSelect: (e, [x, indices], { axis }: Axis) => [gather(e, x!, indices!, axis)],
  indexAdd(e, [base, indices, updates], { axis }: Axis) {
    const order = swapWithFirst(base!.shape.length, axis);
    return [e.transpose(scatterAdd(e, e.transpose(base!, order), indices!, e.transpose(updates!, order)), order)];
  },
  sumRows: (e, [indices, rows], { size }: { size: number }) => summed(e, checked(e, indices!, size), rows!),
  setRows: (e, [table, indices, rows]) => [scatterUpdate(e, table!, indices!, rows!)],
  gather: (e, [x, indices], { axis }: Axis) => [along(e, x!, indices!, axis)],
  scatterAdd: (e, [base, indices, updates], { axis }: Axis) => [addAlong(e, base!, indices!, updates!, axis)],
  full: (e, _, { shape, value, dtype }: { shape: Shape; value: number; dtype: DType }) => [fill(e, shape, value, dtype)],
  iota: (e, _, __, [y]) => [range(e, y!.shape[0]!)],
  size(e, [x], { axes }: { axes: readonly number[] }) {
    const count = sizeOf(axes.map((axis) => x!.shape[axis]!));
    return [typeof count === "number" ? scalar(e, count) : cast(e, e.size(count), "float32")];
  },
};
