/** Sums, means, products, norms and extremes over axes, running sums, and order. */
import {
  abs,
  argMax,
  argMin,
  cast,
  cumsum,
  ErmineError,
  exp,
  flip,
  full,
  log,
  logSumExp,
  max,
  mean,
  min,
  mul,
  pad,
  prod,
  slice,
  sqrt,
  square,
  sub,
  sum,
  topK,
  type ReduceOptions,
  type Tensor,
} from "@ermine/core";
import { mostFolded } from "../host.js";
import { countOf, type HostArray } from "../value.js";
import { normalizedAxes, normalizedAxis } from "./axes.js";
import type { Call, Entries, Operator } from "./operator.js";

/** The axes that a call reduces; undefined: none, x is its own result. */
function axesOf(call: Call, rank: number): readonly number[] | undefined {
  const given = call.ints("axes", 1);
  if (given === undefined || given.length === 0)
    return call.attributes.flag("noop_with_empty_axes") ? undefined : normalizedAxes(undefined, rank);
  return normalizedAxes(given, rank);
}

type Reduce = (x: Tensor, options: Required<Pick<ReduceOptions, "keepDims">> & { readonly axis: readonly number[] }) => Tensor;

const reducing = (name: string, run: Reduce, onHost?: (elements: readonly number[]) => number): Entries[number] => [
  name,
  {
    run(call) {
      const x = call.tensor(0);
      const axis = axesOf(call, x.rank);
      const keepDims = call.attributes.flag("keepdims", true);
      // Over no axes each element is what a reduction of it alone is.
      return run(x, { axis: axis ?? [], keepDims });
    },
    statics: [1],
    ...(onHost && {
      fold(call: Call, [x]: readonly (HostArray | undefined)[]): HostArray | undefined {
        if (countOf(x!.shape) > mostFolded || Array.prototype.some.call(x!.elements, (e) => typeof e !== "number"))
          return undefined;
        const axes = axesOf(call, x!.shape.length);
        if (axes?.length !== x!.shape.length) return undefined;
        const shape = call.attributes.flag("keepdims", true) ? x!.shape.map(() => 1) : [];
        return { shape, dtype: x!.dtype, elements: [onHost(Array.from(x!.elements) as readonly number[])] };
      },
    }),
  },
];

/** Extremes of nothing are ∓∞, of integers the least or the greatest. */
const extreme =
  (fn: Reduce, isLargest: boolean): Reduce =>
  (x, options) => {
    const isEmpty = options.axis.some((axis) => x.shape[axis] === 0);
    if (!isEmpty) return x.dtype === "bool" ? cast(fn(cast(x, "int32"), options), "bool") : fn(x, options);
    const shape = x.shape.flatMap((size, axis) => (options.axis.includes(axis) ? (options.keepDims ? [1] : []) : [size]));
    const limit = x.dtype === "float32" ? Infinity : x.dtype === "bool" ? 1 : 2 ** 31 - 1;
    const none =
      x.dtype === "bool"
        ? Number(!isLargest)
        : x.dtype === "int32"
          ? isLargest
            ? -(2 ** 31)
            : limit
          : isLargest
            ? -limit
            : limit;
    return full(shape, none, { dtype: x.dtype });
  };

/** In whole numbers where x has them. */
const whole =
  (fn: Reduce): Reduce =>
  (x, options) =>
    x.dtype === "int32" ? cast(fn(cast(x, "float32"), options), "int32") : fn(x, options);

const product = (numbers: readonly number[]): number => numbers.reduce((a, b) => a * b, 1);

const positionOf = (fn: typeof argMax): Operator => ({
  run(call) {
    const x = call.tensor(0);
    const axis = normalizedAxis(call.attributes.int("axis", 0), x.rank);
    const keepDims = call.attributes.flag("keepdims", true);
    if (!call.attributes.flag("select_last_index")) return fn(x, { axis, keepDims });
    return sub((x.shape[axis] as number) - 1, fn(flip(x, axis), { axis, keepDims }));
  },
  opaque: "all",
});

const running = (fn: (x: Tensor, axis: number) => Tensor, none: number): Operator => ({
  run(call) {
    const x = call.tensor(0);
    const axis = normalizedAxis(call.number(1), x.rank);
    const isReverse = call.attributes.flag("reverse");
    const ordered = isReverse ? flip(x, axis) : x;
    let result = fn(ordered, axis);
    if (call.attributes.flag("exclusive")) {
      // Without each element itself: one step later, from what nothing gives.
      const size = x.shape[axis] as number;
      const before = slice(
        result,
        x.shape.map(() => 0),
        x.shape.map((own, i) => (i === axis ? size - 1 : own)),
      );
      result = pad(
        before,
        x.shape.map((_, i) => (i === axis ? ([1, 0] as const) : ([0, 0] as const))),
        none,
      );
    }
    return isReverse ? flip(result, axis) : result;
  },
  statics: [1],
});

/** Products up to each element, one shift for each doubling. */
function cumulativeProduct(x: Tensor, axis: number): Tensor {
  const size = x.shape[axis] as number;
  let result = x;
  for (let step = 1; step < size; step *= 2) {
    const before = slice(
      result,
      x.shape.map(() => 0),
      x.shape.map((own, i) => (i === axis ? size - step : own)),
    );
    const shifted = pad(
      before,
      x.shape.map((_, i) => (i === axis ? ([step, 0] as const) : ([0, 0] as const))),
      1,
    );
    result = mul(result, shifted);
  }
  return result;
}

const largest: Operator = {
  run(call) {
    const x = call.tensor(0);
    const k = call.int("k", 1);
    if (k === undefined) throw new ErmineError("ERMINE_DATA", "It does not say how many elements it takes (k).");
    const axis = normalizedAxis(call.attributes.int("axis", -1), x.rank);
    const { values, indices } = topK(x, k, { axis, largest: call.attributes.flag("largest", true) });
    return [values, indices];
  },
  statics: [1],
};

export const reductions: Entries = [
  reducing("ReduceSum", sum, (numbers) => numbers.reduce((a, b) => a + b, 0)),
  reducing("ReduceMean", whole(mean)),
  reducing("ReduceProd", prod, product),
  reducing("ReduceMax", extreme(max, true), (numbers) => Math.max(...numbers)),
  reducing("ReduceMin", extreme(min, false), (numbers) => Math.min(...numbers)),
  reducing("ReduceL1", (x, options) => sum(abs(x), options)),
  reducing(
    "ReduceL2",
    whole((x, options) => sqrt(sum(square(x), options))),
  ),
  reducing("ReduceSumSquare", (x, options) => sum(square(x), options)),
  reducing("ReduceLogSum", (x, options) => log(sum(x, options))),
  reducing("ReduceLogSumExp", (x, options) =>
    options.axis.some((axis) => x.shape[axis] === 0) ? log(sum(exp(x), options)) : logSumExp(x, options),
  ),
  ["ArgMax", positionOf(argMax)],
  ["ArgMin", positionOf(argMin)],
  ["CumSum", running(cumsum, 0)],
  ["CumProd", running(cumulativeProduct, 1)],
  ["TopK", largest],
];
