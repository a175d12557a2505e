/** Order and running sums along an axis. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { isScalarAxis, normalizeAxis } from "../types/dim.js";
import type { Domain } from "../types/dtype.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { cast } from "./cast.js";
import { apply, apply1 } from "./apply.js";
import { builtinOp, type Op } from "../ir/op.js";
import type { AxisAttributes } from "./gather.js";
import { reshape } from "./shape.js";
import { sliceAxis } from "./slice.js";

/** Attributes of `sortOp`. */
export type SortAttributes = {
  /** The axis that is sorted. */
  readonly axis: number;
  /** Is the largest first? */
  readonly descending: boolean;
};

/** The op of `sort`: outputs the sorted values and their positions. */
export const sortOp = builtinOp<SortAttributes>({
  name: "sort",
  inputs: [{ name: "x", dtype: "numeric" }],
  infer([x]) {
    return [x!, { shape: x!.shape, dtype: "int32", domain: "real" }];
  },
});

/** The op of `cumsum`. */
export const cumsumOp: Op<AxisAttributes> = builtinOp<AxisAttributes>({
  name: "cumsum",
  inputs: [{ name: "x", dtype: "numeric" }],
  infer([x]) {
    return [{ ...x!, domain: "real" }];
  },
});

/** The options of `sort` and `argSort`. */
export interface SortOptions {
  /** Default −1. */
  readonly axis?: number;
  /** Largest first. Default false. */
  readonly descending?: boolean;
}

const sortOptions = { axis: "integer", descending: "boolean" } as const;

/**
 * Values in order and where they stood (int32). Equal ones keep their order (−0 equals 0); NaN counts as the largest, as in PyTorch: it comes last,
 * and with `descending` first.
 *
 * @example
 * sort(tensor([3, 1, 2])).values; // => [1, 2, 3]
 * sort(tensor([3, 1, 2])).indices; // => [1, 2, 0]
 */
export function sort<D extends Domain>(x: Tensor<D>, options: SortOptions = {}): { values: Tensor<D>; indices: Tensor<"real"> } {
  if (arguments.length > 2) checkArguments("sort", arguments, 2);
  checkTensor("sort", x);
  checkOptions("sort", options, sortOptions, "x");
  if (isScalarAxis(options.axis ?? -1, x.rank)) {
    const { values, indices } = sort(reshape(x, [1]), options);
    return { values: reshape(values, []), indices: reshape(indices, []) };
  }
  const numeric = x.dtype === "bool" ? cast(x, "int32") : x;
  const axis = normalizeAxis("sort", options.axis ?? -1, x.rank);
  const [values, indices] = apply(sortOp, [numeric], { axis, descending: options.descending ?? false });
  return { values: values!, indices: indices! };
}

/**
 * The indices (int32) that put x in order.
 *
 * @example
 * argSort(tensor([3, 1, 2])); // => [1, 2, 0]
 */
export function argSort(x: Tensor, options: SortOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("argSort", arguments, 2);
  checkTensor("argSort", x);
  checkOptions("argSort", options, sortOptions, "x");
  return sort(x, options).indices;
}

/** The options of `topK`. */
export interface TopKOptions {
  /** Default −1. */
  readonly axis?: number;
  /** false: the k smallest. Default true. */
  readonly largest?: boolean;
}

/**
 * The k largest along an axis, largest first, and where they stood (int32). NaN counts as the largest.
 *
 * @example
 * topK(tensor([3, 1, 2]), 2).values; // => [3, 2]
 */
export function topK<D extends Domain>(
  x: Tensor<D>,
  k: number,
  options: TopKOptions = {},
): { values: Tensor<D>; indices: Tensor<"real"> } {
  if (arguments.length > 3) checkArguments("topK", arguments, 3);
  checkTensor("topK", x);
  checkOptions("topK", options, { axis: "integer", largest: "boolean" }, `x, ${show(k)}`);
  // As PyTorch's: of a scalar one is the scalar itself.
  if (isScalarAxis(options.axis ?? -1, x.rank) && k === 1) return sort(x, options);
  const axis = normalizeAxis("topK", options.axis ?? -1, x.rank);
  const size = x.shape[axis]!;
  checkArgument("topK(x, k, options)", "k", k, "integer");
  if (k < 0 || (typeof size === "number" && k > size)) {
    throw new ErmineError("ERMINE_VALUE", `topK: k must be a whole number in 0 … ${size}, got ${k}.`);
  }
  const { values, indices } = sort(x, { axis, descending: options.largest ?? true });
  return { values: sliceAxis(values, axis, 0, k), indices: sliceAxis(indices, axis, 0, k) };
}

/**
 * Σ of all elements up to and with each one, along `axis`.
 *
 * @example
 * cumsum(tensor([1, 2, 3]), 0); // => [1, 3, 6]
 */
export function cumsum(x: Tensor, axis: number): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("cumsum", arguments, 2);
  checkTensor("cumsum", x);
  if (isScalarAxis(axis, x.rank)) return reshape(cumsum(reshape(x, [1]), 0), []);
  const numeric = x.dtype === "bool" ? cast(x, "int32") : x;
  return apply1(cumsumOp, [numeric], { axis: normalizeAxis("cumsum(x, axis)", axis, x.rank) });
}
