/** The largest, the mean and the p-norm of each window, over any number of spatial axes. */
import { builtinOp } from "../ir/op.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { div, mul, pow } from "./arithmetic.js";
import { cast } from "./cast.js";
import { equal, logicalOr, notEqual } from "./comparison.js";
import { full, tensor } from "./creation.js";
import { apply1 } from "./apply.js";
import { gather } from "./gather.js";
import { argMax, max, sum } from "./reduction.js";
import { broadcastTo, reshape } from "./shape.js";
import { where } from "./where.js";
import {
  ceilWindow,
  eachAxis,
  overBatch,
  spatialAxes,
  unfoldOp,
  windowCounts,
  windowOf,
  type Window,
  type WindowOptions,
} from "./window.js";

/** Attributes of `maxPoolOp`. */
export type MaxPoolAttributes = Window;
/** Attributes of `avgPoolOp`. */
export type AvgPoolAttributes = Omit<Window, "dilation"> & {
  /** Does padding count in the mean? */
  readonly countIncludePad: boolean;
};

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);
const spatialOf = (x: Tensor): readonly number[] => x.shape.slice(2) as readonly number[];

/** The gradient goes to the first largest of each window, as PyTorch's. */
export const maxPoolOp = builtinOp<MaxPoolAttributes>({
  name: "maxPool",
  inputs: [{ name: "x", dtype: "float32" }],
  infer([x], window) {
    return [{ ...x!, shape: [...x!.shape.slice(0, 2), ...windowCounts("maxPool", x!.shape.slice(2), window)] }];
  },
  decompose([x], window) {
    const counts = windowCounts("maxPool", x!.shape.slice(2), window);
    const columns = apply1(unfoldOp, [x], { ...window, padValue: -Infinity });
    return [reshape(max(columns, { axis: 2 }), [...x!.shape.slice(0, 2), ...counts])];
  },
});

/** Which of each window is its first largest, or its first NaN; of −∞ alone one that is not padding. */
export function firstLargest(x: Tensor, window: Window): Tensor {
  const columns = apply1(unfoldOp, [x], { ...window, padValue: -Infinity });
  if ([...window.padBefore, ...window.padAfter].every((n) => n === 0)) return argMax(columns, { axis: 2, keepDims: true });
  const largest = logicalOr(equal(columns, max(columns, { axis: 2, keepDims: true })), notEqual(columns, columns));
  const inside = apply1(unfoldOp, [full([1, 1, ...spatialOf(x)], 1)], { ...window, padValue: 0 });
  return argMax(mul(cast(largest, "float32"), inside), { axis: 2, keepDims: true });
}

export const dense = ({ countIncludePad: _, ...window }: AvgPoolAttributes): Window => ({
  ...window,
  dilation: window.kernel.map(() => 1),
});

/** How many elements each window's mean divides by: [1, 1, 1, positions], or one number. */
export function divisor(x: Tensor, attributes: AvgPoolAttributes): Tensor | number {
  const window = dense(attributes);
  const padded = [...window.padBefore, ...window.padAfter].some((n) => n > 0);
  if (attributes.countIncludePad || !padded) return product(window.kernel);
  const inside = apply1(unfoldOp, [full([1, 1, ...spatialOf(x)], 1)], { ...window, padValue: 0 });
  return sum(inside, { axis: 2, keepDims: true });
}

/** The op of `avgPool`. */
export const avgPoolOp = builtinOp<AvgPoolAttributes>({
  name: "avgPool",
  inputs: [{ name: "x", dtype: "float32" }],
  infer([x], attributes) {
    const counts = windowCounts("avgPool", x!.shape.slice(2), dense(attributes));
    return [{ shape: [...x!.shape.slice(0, 2), ...counts], dtype: "float32", domain: "real" }];
  },
  decompose([x], attributes) {
    const counts = windowCounts("avgPool", x!.shape.slice(2), dense(attributes));
    const columns = apply1(unfoldOp, [x], { ...dense(attributes), padValue: 0 });
    const means = div(sum(columns, { axis: 2, keepDims: true }), divisor(x!, attributes));
    return [reshape(means, [...x!.shape.slice(0, 2), ...counts])];
  },
});

interface PoolOptions {
  /** Default: the kernel. */
  readonly stride?: number | readonly number[];
  /** On both sides, at most half of the kernel. Default 0. */
  readonly padding?: number | readonly number[];
  /** Does a last window count that starts inside and reaches over the end? Default false: no. */
  readonly ceilMode?: boolean;
}

/** The kernel of `x` [N, C, ...S] or, where the kernel is a list, [C, ...S] as one number an axis. */
const kernelFor = (where: string, x: Tensor, kernel: number | readonly number[]): readonly number[] => {
  checkTensor(where, x);
  const axes = Array.isArray(kernel) ? kernel.length : spatialAxes(where, x);
  return eachAxis(where, "kernelSize", kernel, axes, 1);
};

function poolWindow(where: string, kernel: readonly number[], options: PoolOptions & WindowOptions): Window {
  const { stride, padding, dilation } = options;
  const windowOptions = Object.fromEntries(
    Object.entries({ stride, padding, dilation }).filter(([, value]) => value !== undefined),
  );
  const window = windowOf(where, kernel, windowOptions as WindowOptions, kernel);
  window.padBefore.forEach((n, i) => {
    const reach = window.dilation[i]! * (kernel[i]! - 1) + 1;
    if (n <= reach / 2) return;
    throw new ErmineError("ERMINE_OPTION", `${where}: padding ${n} is more than half of the window of ${reach}.`);
  });
  return window;
}

/** The options of `maxPool`. */
export interface MaxPoolOptions extends PoolOptions {
  /** Distance between a window's elements. Default 1. */
  readonly dilation?: number | readonly number[];
}

const maxPoolOptions = { stride: "integers", padding: "integers", dilation: "integers", ceilMode: "boolean" } as const;

function maxWindow(x: Tensor, kernel: readonly number[], options: MaxPoolOptions): Window {
  checkOptions("maxPool", options, maxPoolOptions, "x, kernel");
  const window = poolWindow("maxPool", kernel, options);
  return options.ceilMode === true ? ceilWindow(x.shape.slice(2), window) : window;
}

/**
 * The largest of each window of x [N, C, ...size], or [C, ...size] where `kernel` lists a number for each axis. Padding counts as −∞; the
 * stride is the kernel unless given. The gradient goes to the first of equals.
 *
 * @returns [N, C, ...⌊(size + 2 · padding − dilation · (kernel − 1) − 1) / stride⌋ + 1], ⌈ ⌉ with ceilMode
 * @example
 * maxPool(tensor([[[1, 2, 4, 3]]]), 2); // => [[[2, 4]]]
 */
export function maxPool(x: Tensor, kernel: number | readonly number[], options: MaxPoolOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("maxPool", arguments, 3);
  const sizes = kernelFor("maxPool", x, kernel);
  return overBatch("maxPool", x, sizes.length, (t) => apply1(maxPoolOp, [t], maxWindow(t, sizes, options)));
}

/**
 * Where the largest of each window stands (int32, the first of equals): its position among the elements of its image, row-major.
 *
 * @example
 * maxPoolIndices(tensor([[[1, 2, 4, 3]]]), 2); // => [[[1, 2]]]
 */
export function maxPoolIndices(x: Tensor, kernel: number | readonly number[], options: MaxPoolOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("maxPoolIndices", arguments, 3);
  const sizes = kernelFor("maxPool", x, kernel);
  return overBatch("maxPool", x, sizes.length, (t) => {
    const window = maxWindow(t, sizes, options);
    const spatial = spatialOf(t);
    const counts = windowCounts("maxPool", spatial, window);
    const columns = apply1(unfoldOp, [t], { ...window, padValue: -Infinity });
    const positions = Float32Array.from({ length: product(spatial) }, (_, i) => i);
    const image = tensor(positions, { shape: [1, 1, ...spatial] });
    const places = broadcastTo(apply1(unfoldOp, [image], { ...window, padValue: 0 }), columns.shape);
    const indices = gather(places, 2, argMax(columns, { axis: 2, keepDims: true }));
    return reshape(cast(indices, "int32"), [...t.shape.slice(0, 2), ...counts]);
  });
}

/** The options of `avgPool`. */
export interface AvgPoolOptions extends PoolOptions {
  /** Does padding count as zeros that were averaged? Default true, as PyTorch's. */
  readonly countIncludePad?: boolean;
  /** Each window's sum is divided by this number. Default: by how many elements there are. */
  readonly divisorOverride?: number;
}

/**
 * The mean of each window of x [N, C, ...size], or [C, ...size] where `kernel` lists a number for each axis; the stride is the kernel unless
 * given. With ceilMode, values after the padding never count.
 *
 * @example
 * avgPool(tensor([[[1, 2, 3, 4]]]), 2); // => [[[1.5, 3.5]]]
 */
export function avgPool(x: Tensor, kernel: number | readonly number[], options: AvgPoolOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("avgPool", arguments, 3);
  const sizes = kernelFor("avgPool", x, kernel);
  checkOptions(
    "avgPool",
    options,
    {
      stride: "integers",
      padding: "integers",
      ceilMode: "boolean",
      countIncludePad: "boolean",
      divisorOverride: "number",
    },
    "x, kernel",
  );
  const { countIncludePad = true, divisorOverride, ceilMode = false, ...movement } = options;
  if (divisorOverride !== undefined && !(Number.isFinite(divisorOverride) && divisorOverride !== 0)) {
    throw new ErmineError("ERMINE_OPTION", `avgPool: divisorOverride is a number other than 0, got ${divisorOverride}.`);
  }
  return overBatch("avgPool", x, sizes.length, (t) => {
    const floorWindow = poolWindow("avgPool", sizes, movement);
    const { dilation: _, ...window } = ceilMode ? ceilWindow(t.shape.slice(2), floorWindow) : floorWindow;
    const over = window.padAfter.some((n, i) => n > floorWindow.padAfter[i]!);
    if (divisorOverride === undefined && (!over || !countIncludePad)) {
      return apply1(avgPoolOp, [t], { ...window, countIncludePad });
    }
    // The op divides by the whole kernel; what it should have been is known here.
    const means = apply1(avgPoolOp, [t], { ...window, countIncludePad: true });
    if (divisorOverride !== undefined) return mul(means, product(sizes) / divisorOverride);
    return mul(means, corrections(spatialOf(t), floorWindow, spatialOf(means)));
  });
}

/** Π kernel / (elements of each window within the image and its padding): [...counts]. */
function corrections(
  spatial: readonly number[],
  { kernel, stride, padBefore, padAfter }: Window,
  counts: readonly number[],
): Tensor {
  let sizes = [1];
  counts.forEach((count, axis) => {
    const end = spatial[axis]! + padBefore[axis]! + padAfter[axis]!;
    const inside = Array.from({ length: count }, (_, p) => Math.min(kernel[axis]!, end - p * stride[axis]!));
    sizes = sizes.flatMap((size) => inside.map((n) => size * n));
  });
  return tensor(
    Float32Array.from(sizes, (size) => product(kernel) / size),
    { shape: counts },
  );
}

/** The options of `lpPool`. */
export interface LpPoolOptions {
  /** Default: the kernel. */
  readonly stride?: number | readonly number[];
  /** Default false. */
  readonly ceilMode?: boolean;
}

/**
 * (Σ xᵖ)^(1/p) of each window, p = `normType`: 1 is the sum. As PyTorch's, xᵖ and not |x|ᵖ; the gradient is 0 where the sum is 0; and a
 * window that ceilMode lets reach over the end counts with the mean of what it has.
 *
 * @example
 * lpPool(tensor([[[3, 4, 0, 0]]]), 2, 2); // => [[[5, 0]]]
 */
export function lpPool(
  x: Tensor,
  normType: number,
  kernel: number | readonly number[],
  options: LpPoolOptions = {},
): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("lpPool", arguments, 4);
  const sizes = kernelFor("lpPool", x, kernel);
  checkOptions("lpPool", options, { stride: "integers", ceilMode: "boolean" }, "x, p, kernel");
  if (!(Number.isFinite(normType) && normType !== 0)) {
    throw new ErmineError("ERMINE_OPTION", `lpPool: normType is a number other than 0, got ${show(normType)}.`);
  }
  const powers = normType === 1 ? x : pow(x, normType);
  const sums = mul(avgPool(powers, sizes, options), product(sizes));
  if (normType === 1) return sums;
  const nothing = equal(sums, 0);
  return where(nothing, 0, pow(where(nothing, 1, sums), 1 / normType));
}
