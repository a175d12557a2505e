/** The fully connected layer, of one input and of two. */
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { add, mul } from "../ops/arithmetic.js";
import { linear } from "../ops/linear.js";
import { sum } from "../ops/reduction.js";
import { permute, reshape } from "../ops/shape.js";
import { defaultBias, defaultWeight, initialize, uniformInit } from "../random/initializers.js";
import { formatShape, sameShape, sizeOf } from "../types/dim.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { Parameter } from "../dispatch/variable.js";
import { floatInput } from "./input.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/**
 * y = x · weightᵀ + bias, over the last axis: (…, inFeatures) → (…, outFeatures).
 *
 * weight (outFeatures, inFeatures) and bias (outFeatures) start from U(±1/√inFeatures), PyTorch's default.
 *
 * @param options.bias default true
 * @example
 * new Linear(4, 3).forward(zeros([2, 4])).shape; // => [2, 3]
 */
export class Linear extends Module {
  /** The last axis of the input. */
  readonly inFeatures: number;
  /** The last axis of the output. */
  readonly outFeatures: number;
  /** (outFeatures, inFeatures). */
  readonly weight: Parameter;
  /** (outFeatures); undefined without one. */
  readonly bias: Parameter | undefined;

  constructor(
    inFeatures: number,
    outFeatures: number,
    options: {
      /** Add a bias. Default true. */
      bias?: boolean;
    } = {},
  ) {
    checkArguments("Linear", arguments, 3);
    super();
    checkOptions("Linear", options, { bias: "boolean" }, [inFeatures, outFeatures]);
    checkSize("Linear", "inFeatures", inFeatures, 0);
    checkSize("Linear", "outFeatures", outFeatures, 0);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(initialize(defaultWeight, [outFeatures, inFeatures], "weight"));
    this.bias = options.bias === false ? undefined : new Parameter(initialize(defaultBias(inFeatures), [outFeatures], "bias"));
  }

  forward(x: Tensor): Tensor<"real"> {
    return linear(floatInput(x), this.weight.value, this.bias?.value);
  }

  override describe(): string {
    return `Linear ${this.inFeatures} → ${this.outFeatures}`;
  }
}

/**
 * y[k] = x1 · weight[k] · x2 + bias[k]: (…, in1Features), (…, in2Features) → (…, outFeatures).
 *
 * weight (outFeatures, in1Features, in2Features) and bias (outFeatures) start from U(±1/√in1Features), PyTorch's default.
 *
 * @param options.bias default true
 * @example
 * new Bilinear(2, 3, 4).forward(zeros([5, 2]), zeros([5, 3])).shape; // => [5, 4]
 */
export class Bilinear extends Module {
  /** The last axis of the first input. */
  readonly in1Features: number;
  /** The last axis of the second input. */
  readonly in2Features: number;
  /** The last axis of the output. */
  readonly outFeatures: number;
  /** (outFeatures, in1Features, in2Features). */
  readonly weight: Parameter;
  /** (outFeatures); undefined without one. */
  readonly bias: Parameter | undefined;

  constructor(
    in1Features: number,
    in2Features: number,
    outFeatures: number,
    options: {
      /** Add a bias. Default true. */
      bias?: boolean;
    } = {},
  ) {
    checkArguments("Bilinear", arguments, 4);
    super();
    checkOptions("Bilinear", options, { bias: "boolean" }, [in1Features, in2Features, outFeatures]);
    for (const [key, size] of Object.entries({ in1Features, in2Features, outFeatures })) checkSize("Bilinear", key, size);
    this.in1Features = in1Features;
    this.in2Features = in2Features;
    this.outFeatures = outFeatures;
    const start = uniformInit(-1 / Math.sqrt(in1Features), 1 / Math.sqrt(in1Features));
    this.weight = new Parameter(initialize(start, [outFeatures, in1Features, in2Features], "weight"));
    this.bias = options.bias === false ? undefined : new Parameter(initialize(start, [outFeatures], "bias"));
  }

  forward(x1: Tensor, x2: Tensor): Tensor<"real"> {
    checkTensor("forward", x1);
    checkTensor("forward", x2);
    const { in1Features, in2Features, outFeatures } = this;
    const lead = x1.shape.slice(0, -1);
    const fits = sameShape(lead, x2.shape.slice(0, -1)) && x1.shape.at(-1) === in1Features && x2.shape.at(-1) === in2Features;
    if (!fits) {
      throw new ErmineError(
        "ERMINE_SHAPE",
        `expects (…, ${in1Features}) and (…, ${in2Features}) with the same axes before, got ${formatShape(x1.shape)} and ${formatShape(x2.shape)}.`,
      );
    }
    const rows = sizeOf(lead);
    const matrix = reshape(permute(this.weight.value, [0, 2, 1]), [outFeatures * in2Features, in1Features]);
    const half = reshape(linear(reshape(floatInput(x1), [rows, in1Features]), matrix), [rows, outFeatures, in2Features]);
    const y = sum(mul(half, reshape(x2, [rows, 1, in2Features])), { axis: 2 });
    return reshape(this.bias === undefined ? y : add(y, this.bias.value), [...lead, outFeatures]);
  }

  override describe(): string {
    return `Bilinear ${this.in1Features}, ${this.in2Features} → ${this.outFeatures}`;
  }
}
