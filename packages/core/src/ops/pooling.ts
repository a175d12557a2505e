/** The largest and the mean of each window, over any number of spatial axes. */
import { checkOptions } from "../errors.js";
import type { Tensor } from "../tensor/tensor.js";
import { div } from "./arithmetic.js";
import { full, zeros } from "./creation.js";
import { apply1, defineFusedOp } from "./definition.js";
import { checkDType, checkTensor } from "./elementwise.js";
import { scatterAddOp } from "./gather.js";
import { argMax, max, sum } from "./reduction.js";
import { broadcastTo, reshape } from "./shape.js";
import { eachAxis, foldOp, unfoldOp, windowCounts, windowOf, type Window, type WindowOptions } from "./window.js";

export type MaxPoolAttributes = Window;
export type AvgPoolAttributes = Omit<Window, "dilation"> & { readonly countIncludePad: boolean };

const spatialOf = (x: Tensor): readonly number[] => x.shape.slice(2) as readonly number[];

/** The gradient goes to the first largest of each window, as PyTorch's. */
export const maxPoolOp = defineFusedOp<MaxPoolAttributes>({
  name: "maxPool",
  inputs: [{ name: "x" }],
  infer([x], window) {
    checkDType("maxPool", x!, ["float32"]);
    return [{ ...x!, shape: [...x!.shape.slice(0, 2), ...windowCounts("maxPool", x!.shape.slice(2), window)] }];
  },
  decompose([x], window) {
    const counts = windowCounts("maxPool", x!.shape.slice(2), window);
    const columns = apply1(unfoldOp, [x], { ...window, padValue: -Infinity });
    return [reshape(max(columns, { axis: 2 }), [...x!.shape.slice(0, 2), ...counts])];
  },
  gradient([g], [x], _, window) {
    const columns = apply1(unfoldOp, [x], { ...window, padValue: -Infinity });
    const first = argMax(columns, { axis: 2, keepDims: true });
    const spread = apply1(scatterAddOp, [zeros(columns.shape), first, reshape(g!, first.shape)], { axis: 2 });
    return [apply1(foldOp, [spread], { ...window, outputSize: spatialOf(x!) })];
  },
});

const dense = ({ countIncludePad: _, ...window }: AvgPoolAttributes): Window => ({
  ...window,
  dilation: window.kernel.map(() => 1),
});

/** How many elements each window's mean divides by: [1, 1, 1, positions], or one number. */
function divisor(x: Tensor, attributes: AvgPoolAttributes): Tensor | number {
  const window = dense(attributes);
  const padded = [...window.padBefore, ...window.padAfter].some((n) => n > 0);
  if (attributes.countIncludePad || !padded) return window.kernel.reduce((a, b) => a * b, 1);
  const inside = apply1(unfoldOp, [full([1, 1, ...spatialOf(x)], 1)], { ...window, padValue: 0 });
  return sum(inside, { axis: 2, keepDims: true });
}

export const avgPoolOp = defineFusedOp<AvgPoolAttributes>({
  name: "avgPool",
  inputs: [{ name: "x" }],
  infer([x], attributes) {
    checkDType("avgPool", x!, ["float32"]);
    const counts = windowCounts("avgPool", x!.shape.slice(2), dense(attributes));
    return [{ shape: [...x!.shape.slice(0, 2), ...counts], dtype: "float32", domain: "real" }];
  },
  decompose([x], attributes) {
    const counts = windowCounts("avgPool", x!.shape.slice(2), dense(attributes));
    const columns = apply1(unfoldOp, [x], { ...dense(attributes), padValue: 0 });
    const means = div(sum(columns, { axis: 2, keepDims: true }), divisor(x!, attributes));
    return [reshape(means, [...x!.shape.slice(0, 2), ...counts])];
  },
  gradient([g], [x], _, attributes) {
    const window = dense(attributes);
    const [batch, channels] = g!.shape;
    const positions = g!.shape.slice(2).reduce<number>((a, b) => a * (b as number), 1);
    const each = div(reshape(g!, [batch!, channels!, 1, positions]), divisor(x!, attributes));
    const columns = broadcastTo(each, [batch!, channels!, window.kernel.reduce((a, b) => a * b, 1), positions]);
    return [apply1(foldOp, [columns], { ...window, outputSize: spatialOf(x!) })];
  },
});

export interface MaxPoolOptions extends WindowOptions {
  readonly padding?: number | readonly number[];
}

/**
 * The largest of each window of x [N, C, ...size]. Padding counts as −∞; the stride is the kernel unless given. The gradient goes to the
 * first of equals.
 */
export function maxPool(x: Tensor, kernel: number | readonly number[], options: MaxPoolOptions = {}): Tensor<"real"> {
  checkTensor("maxPool", x);
  checkOptions("maxPool", options, ["stride", "padding", "dilation"]);
  const sizes = eachAxis("maxPool", "kernel", kernel, x.rank - 2, 1);
  return apply1(maxPoolOp, [x], windowOf("maxPool", sizes, options, sizes));
}

export interface AvgPoolOptions {
  /** Default: the kernel. */
  readonly stride?: number | readonly number[];
  /** On both sides. Default 0. */
  readonly padding?: number | readonly number[];
  /** Does padding count as zeros that were averaged? Default true, as PyTorch's. */
  readonly countIncludePad?: boolean;
}

/** The mean of each window of x [N, C, ...size]. */
export function avgPool(x: Tensor, kernel: number | readonly number[], options: AvgPoolOptions = {}): Tensor<"real"> {
  checkTensor("avgPool", x);
  checkOptions("avgPool", options, ["stride", "padding", "countIncludePad"]);
  const { countIncludePad = true, ...movement } = options;
  const sizes = eachAxis("avgPool", "kernel", kernel, x.rank - 2, 1);
  const { dilation: _, ...window } = windowOf("avgPool", sizes, movement, sizes);
  return apply1(avgPoolOp, [x], { ...window, countIncludePad });
}
