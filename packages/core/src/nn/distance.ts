/** Distances and similarities of vectors as layers, and the loss over any of them. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions, show } from "../types/options.js";
import { add, minimum, sub } from "../ops/arithmetic.js";
import { sum } from "../ops/reduction.js";
import {
  cosineSimilarity,
  pairwiseDistance,
  type CosineSimilarityOptions,
  type PairwiseDistanceOptions,
} from "../ops/similarity.js";
import { mean } from "../ops/statistics.js";
import { clamp } from "../ops/where.js";
import { formatShape, sameShape } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Module } from "./module.js";

/**
 * The cosine of the angle of vectors along `axis` (default 1): (N, D), (N, D) → (N). See `cosineSimilarity`.
 *
 * @example
 * new CosineSimilarity().forward(tensor([[1, 0]]), tensor([[1, 1]])); // => [0.7071]
 */
export class CosineSimilarity extends Module {
  /** Its axis and eps. */
  readonly options: CosineSimilarityOptions;

  constructor(options: CosineSimilarityOptions = {}) {
    checkArguments("CosineSimilarity", arguments, 1);
    super();
    checkOptions("CosineSimilarity", options, { axis: "integer", eps: "number" });
    this.options = options;
  }

  forward(x1: Tensor, x2: Tensor): Tensor<"real"> {
    return cosineSimilarity(x1, x2, this.options);
  }
}

/**
 * ‖x₁ − x₂ + eps‖ₚ over the last axis: (N, D), (N, D) → (N). See `pairwiseDistance`.
 *
 * @example
 * new PairwiseDistance({ p: 1 }).forward(tensor([[0, 0]]), tensor([[3, 4]])); // => [7]
 */
export class PairwiseDistance extends Module {
  /** Its p, eps and keepDims. */
  readonly options: PairwiseDistanceOptions;

  constructor(options: PairwiseDistanceOptions = {}) {
    checkArguments("PairwiseDistance", arguments, 1);
    super();
    checkOptions("PairwiseDistance", options, { p: "number", eps: "number", keepDims: "boolean" });
    this.options = options;
  }

  forward(x1: Tensor, x2: Tensor): Tensor<"real"> {
    return pairwiseDistance(x1, x2, this.options);
  }
}

/** The options of `TripletMarginWithDistanceLoss`. */
export interface TripletMarginWithDistanceOptions {
  /** d(x, y): of two tensors of vectors, one number for each pair. Default `pairwiseDistance`. */
  readonly distanceFunction?: (x: Tensor, y: Tensor) => Tensor;
  /** By how much the negative must be further away than the positive to cost nothing. Default 1. */
  readonly margin?: number;
  /** Take d(p, n) where it is less than d(a, n). Default false. */
  readonly swap?: boolean;
  /** Default "mean". */
  readonly reduction?: "mean" | "sum" | "none";
}

/**
 * value = max(0, d(a, p) − d(a, n) + margin), of a distance of your own. Its forward takes anchor, positive and negative, of one shape. Source: Balntas 2016.
 *
 * @throws ErmineError ERMINE_SHAPE where the three differ in shape, ERMINE_OPTION for a wrong option
 * @example
 * const loss = new TripletMarginWithDistanceLoss({ distanceFunction: (x, y) => sub(1, cosineSimilarity(x, y)), margin: 0.5 });
 * loss.forward(tensor([[1, 0]]), tensor([[1, 0]]), tensor([[0, 1]])).item(); // => 0
 */
export class TripletMarginWithDistanceLoss extends Module {
  /** d(x, y). */
  readonly distanceFunction: (x: Tensor, y: Tensor) => Tensor;
  /** By how much the negative must be further away. */
  readonly margin: number;
  /** Does d(p, n) count where it is less than d(a, n)? */
  readonly swap: boolean;
  /** How the values become one. */
  readonly reduction: "mean" | "sum" | "none";

  constructor(options: TripletMarginWithDistanceOptions = {}) {
    checkArguments("TripletMarginWithDistanceLoss", arguments, 1);
    super();
    const kinds = { distanceFunction: "function", margin: "number", swap: "boolean", reduction: "string" } as const;
    checkOptions("TripletMarginWithDistanceLoss", options, kinds);
    const { distanceFunction = (x, y) => pairwiseDistance(x, y), margin = 1, swap = false, reduction = "mean" } = options;
    if (!(margin > 0))
      throw new ErmineError("ERMINE_OPTION", `TripletMarginWithDistanceLoss: margin must be above 0, got ${margin}.`);
    if (!["mean", "sum", "none"].includes(reduction))
      throw new ErmineError(
        "ERMINE_OPTION",
        `TripletMarginWithDistanceLoss: reduction is "mean", "sum" or "none", got ${show(reduction)}.`,
      );
    this.distanceFunction = distanceFunction;
    this.margin = margin;
    this.swap = swap;
    this.reduction = reduction;
  }

  forward(anchor: Tensor, positive: Tensor, negative: Tensor): Tensor<"real"> {
    for (const t of [anchor, positive, negative]) checkTensor("forward", t);
    for (const [name, t] of Object.entries({ positive, negative }))
      if (!sameShape(anchor.shape, t.shape))
        throw new ErmineError(
          "ERMINE_SHAPE",
          `the ${name} has the anchor's shape, ${formatShape(anchor.shape)}, got ${formatShape(t.shape)}.`,
        );
    const far = this.distanceFunction(anchor, negative);
    const other = this.swap ? minimum(far, this.distanceFunction(positive, negative)) : far;
    const values = clamp(add(sub(this.distanceFunction(anchor, positive), other), this.margin), 0);
    if (this.reduction === "none") return values as Tensor<"real">;
    return this.reduction === "sum" ? sum(values) : mean(values);
  }
}
