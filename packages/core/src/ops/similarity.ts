/** How alike vectors are, how far they are apart, and vectors of one length. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { add, div, maximum, mul, sub } from "./arithmetic.js";
import { cast } from "./cast.js";
import { sum } from "./reduction.js";
import { norm } from "./statistics.js";

const checkEps = (where: string, eps: number): void => {
  if (!(eps >= 0)) throw new ErmineError("ERMINE_OPTION", `${where}: eps is a number ≥ 0, got ${eps}.`);
};

/** The options of `normalize`. */
export interface NormalizeOptions {
  /** The order of the norm: 2 (default), 1, any positive number, or Infinity. */
  readonly p?: number;
  /** Along which the vectors lie. Default 1, PyTorch's. */
  readonly axis?: number;
  /** The least norm that is divided by. Default 1e-12. */
  readonly eps?: number;
}

/**
 * x / max(‖x‖ₚ, eps), of the vectors along `axis`: each has length 1, and a vector of zeros stays one.
 *
 * @throws ErmineError ERMINE_OPTION unless p > 0 and eps ≥ 0
 * @example
 * normalize(tensor([[3, 4], [0, 0]])); // => [[0.6, 0.8], [0, 0]]
 */
export function normalize(x: Tensor, options: NormalizeOptions = {}): Tensor<"real"> {
  if (arguments.length > 2) checkArguments("normalize", arguments, 2);
  checkTensor("normalize", x);
  checkOptions("normalize", options, { p: "number", axis: "integer", eps: "number" }, "x");
  const { p = 2, axis = 1, eps = 1e-12 } = options;
  checkEps("normalize", eps);
  const floats = cast(x, "float32");
  return div(floats, maximum(norm(floats, { p, axis, keepDims: true }), eps));
}

/** The options of `cosineSimilarity`. */
export interface CosineSimilarityOptions {
  /** Along which the vectors lie. Default 1, PyTorch's. */
  readonly axis?: number;
  /** The least norm that is divided by. Default 1e-8. */
  readonly eps?: number;
}

/**
 * cos = x₁ · x₂ / (max(‖x₁‖, eps) · max(‖x₂‖, eps)), of the vectors along `axis`, which is taken away. Both have one shape, or broadcast to it.
 *
 * @throws ErmineError ERMINE_OPTION for an eps below 0, ERMINE_SHAPE where the shapes do not broadcast
 * @example
 * cosineSimilarity(tensor([[1, 0]]), tensor([[1, 1]])); // => [0.7071]
 */
export function cosineSimilarity(x1: Tensor, x2: Tensor, options: CosineSimilarityOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("cosineSimilarity", arguments, 3);
  checkTensor("cosineSimilarity", x1);
  checkTensor("cosineSimilarity", x2);
  checkOptions("cosineSimilarity", options, { axis: "integer", eps: "number" }, "x1, x2");
  const { axis = 1, eps = 1e-8 } = options;
  checkEps("cosineSimilarity", eps);
  return sum(mul(normalize(x1, { axis, eps }), normalize(x2, { axis, eps })), { axis });
}

/** The options of `pairwiseDistance`. */
export interface PairwiseDistanceOptions {
  /** The order of the norm: 2 (default), 1, any positive number, or Infinity. */
  readonly p?: number;
  /** Added to the difference, so that the norm has a slope. Default 1e-6. */
  readonly eps?: number;
  /** Keep the last axis, with one element. Default false. */
  readonly keepDims?: boolean;
}

/**
 * ‖x₁ − x₂ + eps‖ₚ over the last axis: (…, D), (…, D) → (…). Both have one shape, or broadcast to it.
 *
 * @throws ErmineError ERMINE_OPTION unless p > 0 and eps ≥ 0, ERMINE_SHAPE where the shapes do not broadcast
 * @example
 * pairwiseDistance(tensor([[0, 0]]), tensor([[3, 4]])); // => [5]
 */
export function pairwiseDistance(x1: Tensor, x2: Tensor, options: PairwiseDistanceOptions = {}): Tensor<"real"> {
  if (arguments.length > 3) checkArguments("pairwiseDistance", arguments, 3);
  checkTensor("pairwiseDistance", x1);
  checkTensor("pairwiseDistance", x2);
  checkOptions("pairwiseDistance", options, { p: "number", eps: "number", keepDims: "boolean" }, "x1, x2");
  const { p = 2, eps = 1e-6, keepDims = false } = options;
  checkEps("pairwiseDistance", eps);
  return norm(add(sub(cast(x1, "float32"), cast(x2, "float32")), eps), { p, axis: -1, keepDims });
}
