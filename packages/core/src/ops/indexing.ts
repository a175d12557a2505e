/** NumPy's indexing, `x.at(…)`: numbers, ranges, new axes, "...", arrays of indices and masks. */
import { checkOptions, isPlainObject, show } from "../types/options.js";
import { checkCopy } from "../types/copy.js";
import { ErmineError } from "../types/errors.js";
import { addSizes, broadcastShapes, formatShape, mulSizes, sizeOf, type Shape, type Size } from "../types/dim.js";
import type { NestedNumbers } from "../types/print.js";
import type { Domain } from "../types/dtype.js";
import { checkTensor, Tensor } from "../types/tensor.js";
import { leaves } from "../types/tree.js";
import { add, mul } from "./arithmetic.js";
import { less } from "./comparison.js";
import { checkIndices, tensor } from "./creation.js";
import { apply1 } from "./apply.js";
import { checkedIndices, indexSelectOp } from "./gather.js";
import { broadcastTo, permute, reshape } from "./shape.js";
import { sliceOp } from "./slice.js";
import { where } from "./where.js";

/** `start` (included) to `stop` (not included) by `step`, each as in Python: negative from the end, cut at the bounds. */
export interface Range {
  /** The first position; negative ones count from the end. Default: where the step starts from. */
  readonly start?: number;
  /** The position before which it ends; negative ones count from the end. Default: all. */
  readonly stop?: number;
  /** The distance of two positions; not 0. Default 1. */
  readonly step?: number;
}

/** An index of `at` for one axis (a bool mask: for as many axes as it has). */
export type Index = number | Range | null | "..." | Tensor | readonly NestedNumbers[];

/** One axis of the result before index arrays are applied: a slice of x's axis, or a new one. */
interface Plan {
  readonly starts: Size[];
  readonly steps: number[];
  readonly sizes: Size[];
  /** The result's axes: x's axis, or "new" for null. Axes indexed by a number are not among them. */
  readonly axes: (number | "new")[];
  readonly arrays: Map<number, Tensor>;
}

/**
 * NumPy's indexing: numbers (negative from the end), ranges `{ start, stop, step }`, `null` for a new axis, `"..."`, an
 * int32 tensor or array of indices, a bool mask.
 *
 * @example at(x, 0, { start: 1 })   // NumPy's x[0, 1:]
 * @throws ErmineError ERMINE_SHAPE for too many indices or one out of bounds, ERMINE_UNSUPPORTED for a mask inside a trace
 */
export function at<D extends Domain>(x: Tensor<D>, ...indices: readonly Index[]): Tensor<D> {
  checkTensor("at", x);
  const plan = planFor(x, expandMasks(x, indices));
  const plain = plan.steps.every((step) => step === 1) && plan.sizes.every((size, axis) => size === x.shape[axis]);
  const sliced = plain ? x : apply1(sliceOp, [x], { starts: plan.starts, steps: plan.steps, sizes: plan.sizes });
  const shape = plan.axes.map((axis) => (axis === "new" ? 1 : plan.sizes[axis]!));
  const dense = reshape(sliced, shape);
  if (plan.arrays.size === 0) return dense;
  return selectArrays(dense, new Map([...plan.arrays].map(([axis, array]) => [plan.axes.indexOf(axis), array])));
}

/** A mask of rank k becomes the k index arrays of its true elements. */
function expandMasks(x: Tensor, indices: readonly Index[]): Index[] {
  return indices.flatMap((item): Index[] => {
    checkCopy("at", item);
    const mask = Array.isArray(item) || item instanceof Tensor ? asTensor(item) : undefined;
    if (mask === undefined) return [item];
    if (mask.dtype !== "bool") return [mask];
    if (mask.state.kind === "traced") {
      throw new ErmineError(
        "ERMINE_UNSUPPORTED",
        "at(mask): how many elements a mask picks is not known while a function is traced. Use where(mask, x, 0), or index outside.",
      );
    }
    const shape = mask.shape as readonly number[];
    const data = mask.dataSync();
    const nonzero: number[] = [];
    data.forEach((value, i) => {
      if (value !== 0) nonzero.push(i);
    });
    checkMask(x, indices, item, shape);
    return shape.map((size, axis) => {
      const stride = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
      return tensor(Int32Array.from(nonzero, (position) => Math.floor(position / stride) % size));
    });
  });
}

const axesOf = (item: Index): number => {
  if (item === null || item === "...") return 0;
  const array = Array.isArray(item) || item instanceof Tensor ? asTensor(item) : undefined;
  return array?.dtype === "bool" ? array.rank : 1;
};

function checkMask(x: Tensor, indices: readonly Index[], mask: Index, shape: readonly number[]): void {
  const position = indices.indexOf(mask);
  const after = indices.indexOf("...") >= 0 && indices.indexOf("...") < position;
  const count = (items: readonly Index[]): number => items.reduce<number>((sum, item) => sum + axesOf(item), 0);
  const first = after ? x.rank - count(indices.slice(position)) : count(indices.slice(0, position));
  const wrong = shape.findIndex((size, i) => x.shape[first + i] !== size);
  if (wrong >= 0) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `at: the mask ${formatShape(shape)} does not fit ${formatShape(x.shape)} from axis ${first} on.`,
    );
  }
}

const asTensor = (item: Tensor | readonly NestedNumbers[]): Tensor => {
  if (item instanceof Tensor) return item;
  const flat = leaves(item);
  if (flat.length > 0 && flat.every((value) => typeof value === "boolean")) return tensor(item);
  return tensor(item, { dtype: "int32" });
};

function planFor(x: Tensor, indices: readonly Index[]): Plan {
  const used = indices.filter((item) => item !== null && item !== "...").length;
  const ellipses = indices.filter((item) => item === "...").length;
  if (used > x.rank || ellipses > 1) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      ellipses > 1 ? 'at: "..." can stand once.' : `at: ${used} indices for ${formatShape(x.shape)}, which has ${x.rank} axes.`,
    );
  }
  const full = ellipses === 1 ? indices : [...indices, "..." as const];
  const plan: Plan = { starts: [], steps: [], sizes: [], axes: [], arrays: new Map() };
  let axis = 0;
  const take = (start: Size, step: number, size: Size, keep: boolean): void => {
    plan.starts.push(start);
    plan.steps.push(step);
    plan.sizes.push(size);
    if (keep) plan.axes.push(axis);
    axis++;
  };
  for (const item of full) {
    const size = x.shape[axis];
    if (item === null) plan.axes.push("new");
    else if (item === "...") for (let rest = x.rank - used; rest > 0; rest--) take(0, 1, x.shape[axis]!, true);
    else if (typeof item === "number") take(positionOf(item, size!, axis), 1, 1, false);
    else if (item instanceof Tensor || Array.isArray(item)) {
      plan.arrays.set(axis, indexArray(asTensor(item), size!));
      take(0, 1, size!, true);
    } else {
      if (!isPlainObject(item)) throw noIndex(item);
      const { start, step, count } = rangeOf(item as Range, size!, axis);
      take(start, step, count, true);
    }
  }
  return plan;
}

const noIndex = (item: unknown): ErmineError =>
  new ErmineError(
    "ERMINE_USAGE",
    `at: an index is a whole number, a range { start, stop, step }, null, "...", a tensor or an array, got ${show(item)}.`,
  );

function positionOf(position: number, size: Size, axis: number): Size {
  if (!Number.isInteger(position))
    throw new ErmineError("ERMINE_VALUE", `at: an index is a whole number, got ${show(position)}.`);
  if (typeof size !== "number") return position < 0 ? addSizes(size, position) : position;
  if (position < -size || position >= size) {
    throw new ErmineError("ERMINE_SHAPE", `at: ${position} is outside of axis ${axis}, whose size is ${size}.`);
  }
  return position < 0 ? position + size : position;
}

function rangeOf(range: Range, size: Size, axis: number): { start: Size; step: number; count: Size } {
  const { step = 1 } = range;
  checkOptions("at: a range", range, { start: "any", stop: "any", step: "any" });
  if (!Number.isInteger(step) || step === 0)
    throw new ErmineError("ERMINE_VALUE", `at: a step is a whole number and not 0, got ${show(step)}.`);
  if (typeof size !== "number") return openRange(range, size, axis, step);
  const [least, most] = step > 0 ? [0, size] : [-1, size - 1];
  const cut = (bound: number | undefined, absent: number): number => {
    if (bound === undefined) return absent;
    if (!Number.isInteger(bound)) throw new ErmineError("ERMINE_VALUE", `at: a bound is a whole number, got ${show(bound)}.`);
    return Math.min(most, Math.max(least, bound < 0 ? bound + size : bound));
  };
  const start = cut(range.start, step > 0 ? 0 : size - 1);
  const stop = cut(range.stop, step > 0 ? size : -1);
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return { start: count === 0 ? 0 : start, step, count };
}

/** On an axis whose size is not known yet, bounds are taken to lie within it. */
function openRange(range: Range, size: Size, axis: number, step: number): { start: Size; step: number; count: Size } {
  if (Math.abs(step) !== 1)
    throw new ErmineError("ERMINE_SHAPE", `at: a step of ${step} needs a known size, axis ${axis} is ${size}.`);
  const place = (bound: number): Size => (bound < 0 ? addSizes(size, bound) : bound);
  const start = range.start === undefined ? (step > 0 ? 0 : addSizes(size, -1)) : place(range.start);
  const stop = range.stop === undefined ? (step > 0 ? size : -1) : place(range.stop);
  return { start, step, count: mulSizes(addSizes(stop, mulSizes(start, -1)), step) };
}

/** int32 indices counted from the start. */
function indexArray(array: Tensor, size: Size): Tensor {
  if (array.dtype !== "int32") {
    throw new ErmineError(
      "ERMINE_DTYPE",
      `at: index tensors are int32 (or bool masks), got ${array.dtype}. Use cast(indices, "int32").`,
    );
  }
  checkIndices("at", array, size, true);
  const { state } = array;
  if (state.kind === "eager" && state.host !== undefined) {
    if (state.host.every((value) => value >= 0) || typeof size !== "number") return array;
    return tensor(
      Int32Array.from(state.host, (value) => (value < 0 ? value + size : value)),
      { shape: array.shape as readonly number[] },
    );
  }
  if (typeof size !== "number") return array;
  return where(less(array, 0), add(array, size), array);
}

/** PyTorch's rule, after integers took their axes away: arrays broadcast together; their axes come where the arrays stand, or first where something lies between them. */
function selectArrays(x: Tensor, arrays: ReadonlyMap<number, Tensor>): Tensor {
  const axes = [...arrays.keys()].sort((a, b) => a - b);
  const adjacent = axes.every((axis, i) => i === 0 || axis === axes[i - 1]! + 1);
  const place = adjacent ? axes[0]! : 0;
  const others = x.shape.flatMap((_, axis) => (arrays.has(axis) ? [] : [axis]));
  const order = [...others.slice(0, place), ...axes, ...others.slice(place)];
  const arranged = permute(x, order);
  const sizes = axes.map((axis) => x.shape[axis]!);
  const before = arranged.shape.slice(0, place);
  const after = arranged.shape.slice(place + axes.length);
  const merged = reshape(arranged, [...before, sizeOf(sizes), ...after]);
  const shape: Shape = broadcastShapes("at", ...axes.map((axis) => arrays.get(axis)!.shape));
  let flat: Tensor | undefined;
  axes.forEach((axis, i) => {
    // Of several arrays each is checked by itself: together an index beyond its axis would be another row's.
    const array = axes.length === 1 ? arrays.get(axis)! : checkedIndices("at", arrays.get(axis)!, sizes[i]!);
    const axisIndex = broadcastTo(array, shape);
    flat = flat === undefined ? axisIndex : add(mul(flat, fixedSize(sizes[i]!)), axisIndex);
  });
  const picked = apply1(indexSelectOp, [merged, reshape(flat!, [sizeOf(shape)])], { axis: place });
  return reshape(picked, [...before, ...shape, ...after]);
}

function fixedSize(size: Size): number {
  if (typeof size === "number") return size;
  throw new ErmineError("ERMINE_SHAPE", `at: several index arrays need axes of known size, got ${size}.`);
}
