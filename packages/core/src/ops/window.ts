/** Sliding windows over the spatial axes of [N, C, ...S]: cut out side by side, and added back. */
import { ErmineError } from "../types/errors.js";
import { checkArguments, checkList } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { formatShape, type Size } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { apply1 } from "./apply.js";
import { builtinOp, type Op } from "../ir/op.js";
import { expandDims, squeeze } from "./shape.js";

/** One number for each spatial axis. */
export type Window = {
  /** The window's size, for each axis. */
  readonly kernel: readonly number[];
  /** The distance of two windows, for each axis. */
  readonly stride: readonly number[];
  /** Elements in front, for each axis. */
  readonly padBefore: readonly number[];
  /** Elements at the end, for each axis. */
  readonly padAfter: readonly number[];
  /** The distance of two elements of a window, for each axis. */
  readonly dilation: readonly number[];
};

/** Attributes of `unfoldOp`. */
export type UnfoldAttributes = Window & {
  /** The value of the padding. */
  readonly padValue: number;
};
/** Attributes of `foldOp`. */
export type FoldAttributes = Window & {
  /** The sizes of the axes that are put together. */
  readonly outputSize: readonly number[];
};

/** ⌊(size + padding − dilation · (kernel − 1) − 1) / stride⌋ + 1 along each axis. @throws ErmineError where a window does not fit */
export function windowCounts(where: string, spatial: readonly Size[], window: Window): readonly number[] {
  return spatial.map((size, i) => {
    if (typeof size !== "number")
      throw new ErmineError("ERMINE_SHAPE", `${where} needs spatial sizes that are known, got ${formatShape(spatial)}.`);
    const reach = window.dilation[i]! * (window.kernel[i]! - 1) + 1;
    const room = size + window.padBefore[i]! + window.padAfter[i]!;
    if (reach > room) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `${where}: a window of ${reach} does not fit into ${room} (${formatShape(spatial)} with its padding).`,
      );
    }
    return Math.floor((room - reach) / window.stride[i]!) + 1;
  });
}

const product = (sizes: readonly number[]): number => sizes.reduce((a, b) => a * b, 1);

export const onlyWindow = ({ kernel, stride, padBefore, padAfter, dilation }: Window): Window => ({
  kernel,
  stride,
  padBefore,
  padAfter,
  dilation,
});

/** The op of `unfold`. */
export const unfoldOp: Op<UnfoldAttributes> = builtinOp<UnfoldAttributes>({
  name: "unfold",
  inputs: [{ name: "x", dtype: "float32" }],
  infer([x], attributes) {
    const [batch, channels, ...spatial] = x!.shape;
    const counts = windowCounts("unfold", spatial, attributes);
    return [{ shape: [batch!, channels!, product(attributes.kernel), product(counts)], dtype: "float32", domain: "real" }];
  },
});

/** The op of `fold`. */
export const foldOp: Op<FoldAttributes> = builtinOp<FoldAttributes>({
  name: "fold",
  inputs: [{ name: "columns", dtype: "float32" }],
  infer([columns], attributes) {
    const [batch, channels, elements, positions] = columns!.shape;
    const expected = [product(attributes.kernel), product(windowCounts("fold", attributes.outputSize, attributes))];
    if (columns!.shape.length !== 4 || elements !== expected[0] || positions !== expected[1]) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `fold expects [N, C, ${expected.join(", ")}] for this window, got ${formatShape(columns!.shape)}.`,
      );
    }
    return [{ shape: [batch!, channels!, ...attributes.outputSize], dtype: "float32", domain: "real" }];
  },
});

/** How a window moves: each a number for all spatial axes or one for each. */
export interface WindowOptions {
  /** Default 1 (for pooling: the kernel). */
  readonly stride?: number | readonly number[];
  /** On both sides. Default 0. */
  readonly padding?: number | readonly number[] | "valid" | "same";
  /** Default 1. */
  readonly dilation?: number | readonly number[];
}

const windowOptions = { stride: "integers", padding: ["integers", "string"], dilation: "integers" } as const;

/** @internal The same number for each axis, or the list itself. */
export function eachAxis(
  where: string,
  name: string,
  value: number | readonly number[],
  axes: number,
  least: number,
): readonly number[] {
  const list = typeof value === "number" ? Array<number>(Math.max(axes, 0)).fill(value) : value;
  if (!Array.isArray(list) || list.length !== axes || list.some((n) => !Number.isInteger(n) || n < least)) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `${where}: ${name} is a whole number ≥ ${least}, or ${axes} of them, got ${show(value)}.`,
    );
  }
  return list;
}

/** @internal The number of spatial axes of x [N, C, ...size]. @throws ErmineError ERMINE_SHAPE where it has none */
export function spatialAxes(where: string, x: Tensor): number {
  checkTensor(where, x);
  if (x.rank > 2) return x.rank - 2;
  throw new ErmineError(
    "ERMINE_SHAPE",
    `${where} takes x [N, C, ...size] with at least one spatial axis, got ${formatShape(x.shape)}.`,
  );
}

/** @internal The window that options describe. */
export function windowOf(
  where: string,
  kernel: readonly number[],
  options: WindowOptions,
  defaultStride: number | readonly number[] = 1,
): Window {
  const axes = kernel.length;
  const stride = eachAxis(where, "stride", options.stride ?? defaultStride, axes, 1);
  const dilation = eachAxis(where, "dilation", options.dilation ?? 1, axes, 1);
  const { padding = 0 } = options;
  if (padding === "same") {
    if (stride.some((step) => step !== 1))
      throw new ErmineError("ERMINE_OPTION", `${where}: padding "same" needs stride 1, got ${stride.join(", ")}.`);
    const total = kernel.map((size, i) => dilation[i]! * (size - 1));
    const padBefore = total.map((n) => Math.floor(n / 2));
    return { kernel, stride, dilation, padBefore, padAfter: total.map((n, i) => n - padBefore[i]!) };
  }
  const around = eachAxis(where, "padding", padding === "valid" ? 0 : padding, axes, 0);
  return { kernel, stride, dilation, padBefore: around, padAfter: around };
}

/**
 * @internal The window padded so far at the end that a last one which only starts inside counts too, as PyTorch's `ceil_mode`: one that would
 * start in the padding does not.
 */
export function ceilWindow(spatial: readonly Size[], window: Window): Window {
  const { kernel, stride, dilation, padBefore, padAfter } = window;
  const needed = (spatial as readonly number[]).map((size, i) => {
    const reach = dilation[i]! * (kernel[i]! - 1) + 1;
    const last = Math.ceil((size + padBefore[i]! + padAfter[i]! - reach) / stride[i]!);
    const start = (last * stride[i]! >= size + padBefore[i]! ? last - 1 : last) * stride[i]!;
    return Math.max(padAfter[i]!, start + reach - size - padBefore[i]!);
  });
  return { ...window, padAfter: needed };
}

/**
 * @internal fn over x [N, C, ...S]; where x has no batch, [C, ...S], over a batch of one, which is taken away again from each result.
 * @throws ErmineError ERMINE_SHAPE where x has neither number of axes
 */
export function overBatch<R extends Tensor | readonly Tensor[]>(
  where: string,
  x: Tensor,
  axes: number,
  fn: (batched: Tensor) => R,
): R {
  checkTensor(where, x);
  if (x.rank === axes + 2) return fn(x);
  if (x.rank !== axes + 1) {
    throw new ErmineError(
      "ERMINE_SHAPE",
      `${where} takes (N, C) or (C) and ${axes} spatial ax${axes === 1 ? "is" : "es"}, got ${formatShape(x.shape)}.`,
    );
  }
  const result = fn(expandDims(x, 0));
  return (Array.isArray(result) ? result.map((t) => squeeze(t, 0)) : squeeze(result as Tensor, 0)) as R;
}

/**
 * All windows of x [N, C, ...S], side by side: [N, C, Π kernel, Π positions], both in row-major order. (PyTorch's unfold merges C and
 * Π kernel.)
 *
 * @example
 * unfold(tensor([[[1, 2, 3, 4]]]), 2); // => [[[[1, 2, 3], [2, 3, 4]]]]
 */
export function unfold(x: Tensor, kernel: number | readonly number[], options: WindowOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("unfold", arguments, 3);
  checkTensor("unfold", x);
  checkOptions("unfold", options, windowOptions, "x, kernel");
  const window = windowOf("unfold", eachAxis("unfold", "kernel", kernel, spatialAxes("unfold", x), 1), options);
  return apply1(unfoldOp, [x], { ...window, padValue: 0 });
}

/**
 * The adjoint of `unfold`: windows added where they were cut from. columns [N, C, Π kernel, Π positions] → [N, C, ...outputSize].
 *
 * @example
 * fold(ones([1, 1, 2, 3]), [4], 2); // => [[[1, 2, 2, 1]]]
 */
export function fold(
  columns: Tensor,
  outputSize: readonly number[],
  kernel: number | readonly number[],
  options: WindowOptions = {},
): Tensor<"real"> {
  if (arguments.length > 4) checkArguments("fold", arguments, 4);
  checkTensor("fold", columns);
  checkOptions("fold", options, windowOptions, "columns, outputSize, kernel");
  if (!Array.isArray(outputSize)) checkList("fold", arguments, 1, 4);
  const window = windowOf("fold", eachAxis("fold", "kernel", kernel, outputSize.length, 1), options);
  return apply1(foldOp, [columns], { ...window, outputSize });
}
