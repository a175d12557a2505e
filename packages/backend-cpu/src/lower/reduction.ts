/** Along axes: sums, extremes, places, order. */
import type { Emitter } from "../emitter.js";
import { kinds } from "../generated/instructions.js";
import { splitRange } from "./split.js";
import { around, collapse, contiguous, sizeOf, type Lowering, type Operand } from "./operand.js";

/** On float32, and on int32. */
const reductionKinds = {
  sum: [kinds.reduction.sum, kinds.reduction.sumInt],
  prod: [kinds.reduction.prod, kinds.reduction.prodInt],
  max: [kinds.reduction.max, kinds.reduction.maxInt],
  min: [kinds.reduction.min, kinds.reduction.minInt],
} as const;

/** Puts the axes that go behind those that stay, where they are not neighbours already. */
function gathered(
  e: Emitter,
  x: Operand,
  axes: readonly number[],
): { address: number; outer: number; length: number; inner: number } {
  const dropped = x.shape.map((size, axis) => axes.includes(axis) || size === 1);
  const going = x.shape.flatMap((size, axis) => (axes.includes(axis) && size !== 1 ? [axis] : []));
  const length = sizeOf(axes.map((axis) => x.shape[axis]!));
  const [first, last] = [going[0], going[going.length - 1]];
  if (first === undefined || last === undefined)
    return { address: x.address, outer: sizeOf(x.shape) / Math.max(1, length), length, inner: 1 };
  const neighbours = dropped.slice(first, last + 1).every(Boolean);
  if (neighbours)
    return { address: x.address, outer: sizeOf(x.shape.slice(0, first)), length, inner: sizeOf(x.shape.slice(last + 1)) };
  const staying = x.shape.flatMap((_, axis) => (axes.includes(axis) ? [] : [axis]));
  const order = [...staying, ...axes];
  const sourceStrides = contiguous(x.shape);
  const shape = order.map((axis) => x.shape[axis]!);
  const address = e.scratch(sizeOf(shape));
  const joined = collapse(
    shape,
    contiguous(shape),
    order.map((axis) => sourceStrides[axis]!),
  );
  e.emit("copy", address, x.address, joined.shape.length, ...joined.shape, ...joined.strides.flat());
  return { address, outer: sizeOf(staying.map((axis) => x.shape[axis]!)), length, inner: 1 };
}

const reduction = (name: keyof typeof reductionKinds): Lowering => ({
  dtypes: ["float32", "int32"],
  emit(e, [x], [y], attributes) {
    if (sizeOf(y!.shape) === 0) return;
    const kind = reductionKinds[name][x!.dtype === "float32" ? 0 : 1];
    const axes = attributes["axes"] as number[];
    if (sizeOf(x!.shape) === 0) {
      return e.emit("reduce", kind, y!.address, x!.address, sizeOf(y!.shape), 0, 1);
    }
    const { address, outer, length, inner } = gathered(e, x!, axes);
    const shares = (address & 3) === 0;
    if (kind === kinds.reduction.sum && outer === 1 && inner >= 16 && length > 1) {
      const columns = (from: number, size: number): void =>
        e.emit("sumColumns", y!.address + 4 * from, address + 4 * from, length, size, inner);
      if (shares) splitRange(e, inner, length, 16, columns);
      else columns(0, inner);
      return;
    }
    const rows = (from: number, size: number): void =>
      e.emit("reduce", kind, y!.address + 4 * from * inner, address + 4 * from * length * inner, size, length, inner);
    if (shares) splitRange(e, outer, length * inner, 1, rows);
    else rows(0, outer);
  },
});

const argMax: Lowering = {
  dtypes: ["float32", "int32"],
  emit(e, [x], [y], attributes) {
    e.emit("argMax", y!.address, x!.address, ...around(x!.shape, attributes["axis"] as number), x!.dtype === "float32" ? 0 : 1);
  },
};

const cumsum: Lowering = {
  dtypes: ["float32", "int32"],
  emit(e, [x], [y], attributes) {
    e.emit("cumsum", y!.address, x!.address, ...around(x!.shape, attributes["axis"] as number), x!.dtype === "float32" ? 0 : 1);
  },
};

const sort: Lowering = {
  dtypes: ["float32", "int32"],
  emit(e, [x], [values, places], attributes) {
    const [outer, length, inner] = around(x!.shape, attributes["axis"] as number);
    const scratch = e.scratch(4 * length);
    const whole = x!.dtype === "float32" ? 0 : 1;
    e.emit(
      "sort",
      values!.address,
      places!.address,
      x!.address,
      outer,
      length,
      inner,
      whole,
      attributes["descending"] === true ? 1 : 0,
      scratch,
    );
  },
};

export const reductions: readonly (readonly [string, Lowering])[] = [
  ...(Object.keys(reductionKinds) as (keyof typeof reductionKinds)[]).map((name) => [name, reduction(name)] as const),
  ["argMax", argMax],
  ["cumsum", cumsum],
  ["sort", sort],
];
