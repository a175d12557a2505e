/** Numbers that only move: shapes, slices, look-ups, random draws. */
import type { DType } from "@ermine/core";
import type { Attributes } from "@ermine/core/define";
import type { Emitter } from "../emitter.js";
import { float } from "../emitter.js";
import { splitRange } from "./split.js";
import {
  allInRows,
  around,
  broadcastStrides,
  collapse,
  contiguous,
  sizeOf,
  type Lowering,
  type Operand,
  type StridedView,
} from "./operand.js";

const all = ["float32", "int32", "bool"] as const;

/** A strided copy of `shape` between two places. */
function copy(
  e: Emitter,
  shape: readonly number[],
  to: number,
  toStrides: readonly number[],
  from: number,
  fromStrides: readonly number[],
): void {
  if (sizeOf(shape) === 0) return;
  const joined = collapse(shape, toStrides, fromStrides);
  e.emit("copy", to, from, joined.shape.length, ...joined.shape, ...joined.strides.flat());
}

const reshape: Lowering = {
  dtypes: all,
  view: (_, output) => ({ offset: 0, strides: contiguous(output) }),
  emit: (e, [x], [y]) => e.emit("move", y!.address, x!.address, sizeOf(y!.shape)),
};

const transpose: Lowering = {
  dtypes: all,
  emit(e, [x], [y], attributes) {
    const sourceStrides = contiguous(x!.shape);
    const strides = (attributes["permutation"] as number[]).map((axis) => sourceStrides[axis]!);
    copy(e, y!.shape, y!.address, contiguous(y!.shape), x!.address, strides);
  },
};

const broadcastTo: Lowering = {
  dtypes: all,
  view: (input, output) => ({ offset: 0, strides: broadcastStrides(input, output) }),
  emit: (e, [x], [y]) => copy(e, y!.shape, y!.address, contiguous(y!.shape), x!.address, broadcastStrides(x!.shape, y!.shape)),
};

function sliceView(input: readonly number[], attributes: Attributes): StridedView {
  const { starts, steps } = attributes as { starts: number[]; steps: number[] };
  const dense = contiguous(input);
  return {
    offset: starts.reduce((sum, start, axis) => sum + start * dense[axis]!, 0),
    strides: dense.map((stride, axis) => stride * steps[axis]!),
  };
}

const slice: Lowering = {
  dtypes: all,
  // A chain reads forwards.
  view: (input, _, attributes) =>
    (attributes as { steps: number[] }).steps.every((step) => step > 0) ? sliceView(input, attributes) : undefined,
  inRows(rows, _, [x], attributes) {
    const { starts, steps, sizes } = attributes as { starts: number[]; steps: number[]; sizes: number[] };
    const isWhole = starts[0] === 0 && steps[0] === 1 && sizes[0] === x!.shape[0];
    return isWhole ? { ...attributes, sizes: [rows, ...sizes.slice(1)] } : undefined;
  },
  emit(e, [x], [y], attributes) {
    const { offset, strides } = sliceView(x!.shape, attributes);
    copy(e, y!.shape, y!.address, contiguous(y!.shape), x!.address + 4 * offset, strides);
  },
};

const pad: Lowering = {
  dtypes: all,
  emit(e, [x], [y], attributes) {
    const { before, value } = attributes as { before: number[]; value: number };
    const strides = contiguous(y!.shape);
    const offset = before.reduce((sum, count, axis) => sum + count * strides[axis]!, 0);
    e.emit("fill", y!.address, sizeOf(y!.shape), y!.dtype === "float32" ? float(value) : value);
    copy(e, x!.shape, y!.address + 4 * offset, strides, x!.address, contiguous(x!.shape));
  },
};

const concat: Lowering = {
  dtypes: all,
  inRows: (rows, parted, inputs, attributes) =>
    attributes["axis"] === 0 ? undefined : allInRows(rows, parted, inputs, attributes),
  emit(e, inputs, [y], attributes) {
    const axis = attributes["axis"] as number;
    const strides = contiguous(y!.shape);
    let at = 0;
    for (const x of inputs as readonly Operand[]) {
      copy(e, x.shape, y!.address + 4 * at * strides[axis]!, strides, x.address, contiguous(x.shape));
      at += x.shape[axis]!;
    }
  },
};

const full: Lowering = {
  dtypes: all,
  constant: ({ value }) => Number(value),
  emit(e, _, [y], attributes) {
    const value = Number(attributes["value"]);
    e.emit(
      "fill",
      y!.address,
      sizeOf(y!.shape),
      y!.dtype === "float32" ? float(value) : y!.dtype === "bool" ? Number(value !== 0) : value,
    );
  },
};

const iota: Lowering = { dtypes: all, emit: (e, _, [y]) => e.emit("iota", y!.address, sizeOf(y!.shape)) };

const size: Lowering = {
  dtypes: all,
  emit(e, [x], [y], attributes) {
    const count = sizeOf((attributes["axes"] as number[]).map((axis) => x!.shape[axis]!));
    e.emit("fill", y!.address, 1, float(count));
  },
};

type Lookup = NonNullable<Lowering["lookup"]>;
const alongAxis: Lookup = ([x], attributes) => ({ input: 1, size: x!.shape[attributes["axis"] as number]! });
const ofRows: Lookup = ([table]) => ({ input: 1, size: table!.shape[0]! });

/** The result of a lookup whose index is outside of the axis: NaN, 0 or false. */
export const missing = (dtype: DType): number => (dtype === "float32" ? float(NaN) : 0);

const indexSelect: Lowering = {
  dtypes: all,
  lookup: alongAxis,
  emit(e, [x, indices], [y], attributes) {
    const [outer, length, inner] = around(x!.shape, attributes["axis"] as number);
    const count = sizeOf(indices!.shape);
    const pick = (to: number, from: number, many: number): void =>
      e.emit("indexSelect", to, x!.address, from, outer, length, inner, many, missing(y!.dtype));
    if (outer > 1) return pick(y!.address, indices!.address, count);
    splitRange(e, count, inner, 1, (from, many) => pick(y!.address + 4 * from * inner, indices!.address + 4 * from, many));
  },
};

/** Into the first input's own place it adds the updates and nothing else. */
const indexAdd: Lowering = {
  dtypes: ["float32", "int32"],
  lookup: alongAxis,
  inPlace: true,
  readsOwnPlace: (input) => input === 0,
  emit(e, [base, indices, updates], [y], attributes) {
    const [outer, length, inner] = around(base!.shape, attributes["axis"] as number);
    if (y!.address !== base!.address) e.emit("move", y!.address, base!.address, sizeOf(y!.shape));
    const whole = y!.dtype === "float32" ? 0 : 1;
    e.emit("indexAdd", y!.address, indices!.address, updates!.address, outer, length, inner, sizeOf(indices!.shape), whole);
  },
};

const sumRows: Lowering = {
  dtypes: ["int32"],
  optionalOutputs: true,
  lookup: (_, attributes) => ({ input: 0, size: attributes["size"] as number }),
  emit(e, [indices, rows], [sums, share], attributes) {
    const size = attributes["size"] as number;
    const [count, inner] = rows!.shape as [number, number];
    const first = e.inPart ? e.scratch(size) : e.shared(size);
    e.emit("firstRows", first, indices!.address, size, count);
    // Whoever reads no share has no place for it.
    if (share !== undefined) e.emit("shareRows", share.address, first, indices!.address, size, count);
    if (sums === undefined) return;
    splitRange(e, inner, count, 16, (from, columns) =>
      e.emit("sumRows", sums.address, indices!.address, rows!.address, size, inner, count, first, from, from + columns),
    );
  },
};

const bagModes = ["sum", "mean", "max"];

const embeddingBag: Lowering = {
  dtypes: ["float32"],
  lookup: ofRows,
  optionalOutputs: true,
  emit(e, [table, indices, offsets, weights], [values, places], attributes) {
    const { mode, paddingIdx, bags } = attributes as { mode: string; paddingIdx: number | null; bags: number };
    const [size, inner] = table!.shape as [number, number];
    const count = sizeOf(indices!.shape);
    if (offsets !== undefined) e.check(offsets.address, bags, { op: "embeddingBag", path: "", size: count + 1 });
    const bag = [bagModes.indexOf(mode), size, inner, count, bags, paddingIdx ?? -1] as const;
    // Of a bag whose values nobody reads there are the places alone.
    const dst = values?.address ?? e.scratch(bags * inner);
    const from = [table!.address, indices!.address, offsets?.address ?? 0, weights?.address ?? 0] as const;
    splitRange(e, values === undefined ? 1 : bags, (count * inner) / Math.max(1, bags), 1, (first, many) =>
      e.emit(
        "embeddingBag",
        dst,
        places?.address ?? 0,
        ...from,
        ...bag,
        values === undefined ? 0 : first,
        values === undefined ? bags : first + many,
      ),
    );
  },
};

/** Into the table's own place it writes those rows and nothing else. */
const setRows: Lowering = {
  dtypes: ["float32"],
  lookup: ofRows,
  inPlace: true,
  readsOwnPlace: (input) => input === 0,
  emit(e, [table, indices, rows], [y]) {
    const [size, inner] = table!.shape as [number, number];
    e.emit("setRows", y!.address, table!.address, indices!.address, rows!.address, size, inner, sizeOf(indices!.shape));
  },
};

/** x cut to the sizes of `like` but along `axis`, as PyTorch's gather and scatter_add allow. */
function cut(e: Emitter, x: Operand, like: readonly number[], axis: number): { address: number; shape: number[] } {
  const shape = x.shape.map((size, i) => (i === axis ? size : like[i]!));
  if (shape.every((size, i) => size === x.shape[i])) return { address: x.address, shape };
  const address = e.scratch(sizeOf(shape));
  copy(e, shape, address, contiguous(shape), x.address, contiguous(x.shape));
  return { address, shape };
}

const gather: Lowering = {
  dtypes: all,
  lookup: alongAxis,
  emit(e, [x, indices], [y], attributes) {
    const axis = attributes["axis"] as number;
    if (sizeOf(y!.shape) === 0) return;
    const source = cut(e, x!, indices!.shape, axis);
    const [outer, length, inner] = around(source.shape, axis);
    const count = indices!.shape[axis] ?? 1;
    e.emit("gather", y!.address, source.address, indices!.address, outer, length, inner, count, missing(y!.dtype));
  },
};

const scatterAdd: Lowering = {
  dtypes: ["float32", "int32"],
  lookup: alongAxis,
  emit(e, [base, indices, updates], [y], attributes) {
    const axis = attributes["axis"] as number;
    e.emit("move", y!.address, base!.address, sizeOf(y!.shape));
    if (sizeOf(indices!.shape) === 0) return;
    const source = cut(
      e,
      updates!,
      indices!.shape.map((count, i) => (i === axis ? updates!.shape[i]! : count)),
      axis,
    );
    const shape = base!.shape.map((size, i) => (i === axis ? size : indices!.shape[i]!));
    const whole = y!.dtype === "float32" ? 0 : 1;
    const [outer, length, inner] = around(shape, axis);
    const args = [outer, length, inner, indices!.shape[axis] ?? 1, whole] as const;
    const same = shape.every((size, i) => size === base!.shape[i]);
    if (same) return e.emit("scatterAdd", y!.address, indices!.address, source.address, ...args);
    // The part that is added to, out and back.
    const part = e.scratch(sizeOf(shape), sizeOf(source.shape));
    copy(e, shape, part, contiguous(shape), y!.address, contiguous(y!.shape));
    e.emit("scatterAdd", part, indices!.address, source.address, ...args);
    copy(e, shape, y!.address, contiguous(y!.shape), part, contiguous(shape));
  },
};

const randomUniform: Lowering = {
  dtypes: ["int32"],
  emit(e, [counters], [y], attributes) {
    const [key0, key1] = attributes["key"] as [number, number];
    e.emit("randomUniform", y!.address, sizeOf(y!.shape), key0 | 0, key1 | 0, counters!.address);
  },
};

export const movement: readonly (readonly [string, Lowering])[] = Object.entries({
  reshape,
  transpose,
  broadcastTo,
  slice,
  pad,
  concat,
  full,
  iota,
  size,
  indexSelect,
  indexAdd,
  sumRows,
  setRows,
  embeddingBag,
  gather,
  scatterAdd,
  randomUniform,
});
