/** Normalizations over the last axes of each sample, and over neighbouring channels. */
import { ErmineError } from "../types/errors.js";
import { checkArgument, checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { add, div, mul, pow } from "../ops/arithmetic.js";
import { ones, zeros } from "../ops/creation.js";
import { apply1 } from "../ops/apply.js";
import { avgPoolOp } from "../ops/pooling.js";
import { reshape } from "../ops/shape.js";
import { normalizeLast } from "../ops/normalization.js";
import { square } from "../ops/unary.js";
import { formatShape, sameSize, sizeOf } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** The sizes as a list, each a whole number ≥ 1. */
function sizesOf(where: string, sizes: number | readonly number[]): readonly number[] {
  checkArgument(`${where}(normalizedShape, options)`, "normalizedShape", sizes, "integers");
  const list = typeof sizes === "number" ? [sizes] : [...sizes];
  for (const size of list) checkSize(where, "normalizedShape", size);
  return list;
}

/** The options of `LayerNorm`. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly eps?: number;
  /** Learned weight and bias, a number an element. Default true. */
  readonly elementwiseAffine?: boolean;
  /** false: a weight alone. Default true. */
  readonly bias?: boolean;
}

/**
 * y = (x − mean) / √(variance + eps) · weight + bias over the last axes, whose sizes are `normalizedShape`. Source: Ba et al. 2016.
 *
 * @example
 * new LayerNorm(2).forward(tensor([[1, 3]])); // => [[-1, 1]]
 */
export class LayerNorm extends Module {
  /** The sizes of the last axes, which are normalized together. */
  readonly normalizedShape: readonly number[];
  /** Added to the variance. */
  readonly eps: number;
  /** Of normalizedShape, ones at first; undefined where it is not affine. */
  readonly weight: Parameter | undefined;
  /** Of normalizedShape, zeros at first; undefined without one. */
  readonly bias: Parameter | undefined;

  constructor(normalizedShape: number | readonly number[], options: LayerNormOptions = {}) {
    checkArguments("LayerNorm", arguments, 2);
    super();
    checkOptions("LayerNorm", options, { eps: "number", elementwiseAffine: "boolean", bias: "boolean" }, [normalizedShape]);
    const { eps = 1e-5, elementwiseAffine = true, bias = true } = options;
    this.normalizedShape = sizesOf("LayerNorm", normalizedShape);
    this.eps = eps;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : undefined;
    this.bias = elementwiseAffine && bias ? new Parameter(zeros(this.normalizedShape)) : undefined;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    checkLastAxes(x, this.normalizedShape);
    const attributes = { eps: this.eps, centered: true };
    return normalizeLast(x, this.normalizedShape.length, this.weight?.value, this.bias?.value, attributes);
  }

  override describe(): string {
    return `LayerNorm ${this.normalizedShape.join("×")}`;
  }
}

/**
 * y = x / √(mean x² + eps) · weight over the last axes, whose sizes are `normalizedShape`. eps defaults to float32's 2⁻²³, as PyTorch's.
 * Source: Zhang and Sennrich 2019.
 *
 * @example
 * new RMSNorm(2).forward(tensor([[3, 4]])); // => [[0.8485, 1.1314]]
 */
export class RMSNorm extends Module {
  /** The sizes of the last axes, which are normalized together. */
  readonly normalizedShape: readonly number[];
  /** Added to the mean square. */
  readonly eps: number;
  /** Of normalizedShape, ones at first; undefined where it is not affine. */
  readonly weight: Parameter | undefined;

  constructor(
    normalizedShape: number | readonly number[],
    options: {
      /** Added to the mean square; null is the default. Default 2⁻²³. */
      eps?: number | null;
      /** Have a weight. Default true. */
      elementwiseAffine?: boolean;
    } = {},
  ) {
    checkArguments("RMSNorm", arguments, 2);
    super();
    checkOptions("RMSNorm", options, { eps: ["number", "null"], elementwiseAffine: "boolean" }, [normalizedShape]);
    const { eps, elementwiseAffine = true } = options;
    this.normalizedShape = sizesOf("RMSNorm", normalizedShape);
    this.eps = eps ?? 2 ** -23;
    this.weight = elementwiseAffine ? new Parameter(ones(this.normalizedShape)) : undefined;
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    checkLastAxes(x, this.normalizedShape);
    const attributes = { eps: this.eps, centered: false };
    return normalizeLast(x, this.normalizedShape.length, this.weight?.value, undefined, attributes);
  }

  override describe(): string {
    return `RMSNorm ${this.normalizedShape.join("×")}`;
  }
}

function checkLastAxes(x: Tensor, sizes: readonly number[]): void {
  const first = x.rank - sizes.length;
  if (first < 0 || sizes.some((size, i) => !sameSize(size, x.shape[first + i]!)))
    throw new ErmineError("ERMINE_SHAPE", `expects a last part of ${formatShape(sizes)}, got ${formatShape(x.shape)}.`);
}

/** Σ x² over the channels from `before` before each to `after` after it, divided by how many these would be; channels beyond the ends count as 0. */
function meanSquares(x: Tensor, before: number, after: number): Tensor {
  const [batch, channels, ...spatial] = x.shape;
  const window = { kernel: [before + 1 + after, 1], stride: [1, 1], countIncludePad: true };
  const squares = reshape(square(x), [batch!, 1, channels!, sizeOf(spatial)]);
  return reshape(apply1(avgPoolOp, [squares], { ...window, padBefore: [before, 0], padAfter: [after, 0] }), x.shape);
}

/** The options of layers that divide by the squares of neighbouring channels. */
export interface ResponseNormOptions {
  /** The factor of the squares. Default 1e-4. */
  alpha?: number;
  /** The exponent. Default 0.75. */
  beta?: number;
  /** The constant added to the squares. Default 1. */
  k?: number;
}

abstract class ResponseNorm extends Module {
  /** How many channels count together. */
  readonly size: number;
  /** The factor of their squares. */
  readonly alpha: number;
  /** The exponent. */
  readonly beta: number;
  /** Added to the scaled sum of squares. */
  readonly k: number;
  readonly #name: string;

  constructor(name: string, size: number, options: ResponseNormOptions) {
    super();
    checkOptions(name, options, { alpha: "number", beta: "number", k: "number" }, [size]);
    checkSize(name, "size", size);
    const { alpha = 1e-4, beta = 0.75, k = 1 } = options;
    this.size = size;
    this.alpha = alpha;
    this.beta = beta;
    this.k = k;
    this.#name = name;
  }

  override describe(): string {
    return `${this.#name} ${this.size}`;
  }
}

/**
 * y = x / (k + alpha / size · Σ x²)^beta over the `size` channels around each (⌊size / 2⌋ before it); (N, C, …). alpha defaults to
 * 1e-4, beta to 0.75, k to 1. Source: Krizhevsky et al. 2012.
 *
 * @example
 * new LocalResponseNorm(3).forward(normal([2, 6, 4])).shape; // => [2, 6, 4]
 */
export class LocalResponseNorm extends ResponseNorm {
  constructor(size: number, options: ResponseNormOptions = {}) {
    checkArguments("LocalResponseNorm", arguments, 2);
    super("LocalResponseNorm", size, options);
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    if (x.rank < 3) throw new ErmineError("ERMINE_SHAPE", `expects (N, C, …size), got ${formatShape(x.shape)}.`);
    const around = meanSquares(x, Math.floor(this.size / 2), Math.floor((this.size - 1) / 2));
    return div(x, pow(add(mul(around, this.alpha), this.k), this.beta));
  }
}

/**
 * y = x / (k + alpha / size · Σ x²)^beta over the channels around each, ⌊(size − 1) / 2⌋ on both sides; (N, C, H, W). It differs from `LocalResponseNorm` for an even `size` alone,
 * as in the Torch that it was made for. alpha defaults to 1e-4, beta to 0.75, k to 1.
 *
 * @example
 * new CrossMapLRN2d(3).forward(normal([2, 6, 4, 4])).shape; // => [2, 6, 4, 4]
 */
export class CrossMapLRN2d extends ResponseNorm {
  constructor(size: number, options: ResponseNormOptions = {}) {
    checkArguments("CrossMapLRN2d", arguments, 2);
    super("CrossMapLRN2d", size, options);
  }

  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    if (x.rank !== 4) throw new ErmineError("ERMINE_SHAPE", `expects (N, C, H, W), got ${formatShape(x.shape)}.`);
    const side = Math.floor((this.size - 1) / 2);
    const scale = (this.alpha * (2 * side + 1)) / this.size;
    return div(x, pow(add(mul(meanSquares(x, side, side), scale), this.k), this.beta));
  }
}
