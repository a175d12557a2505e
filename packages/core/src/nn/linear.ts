/** The fully connected layer. */
import { checkOptions, ErmineError } from "../errors.js";
import { linear } from "../ops/linear.js";
import { defaultBias, defaultWeight, initialize } from "../random/initializers.js";
import type { Tensor } from "../tensor/tensor.js";
import { Parameter } from "../tensor/variable.js";
import { Module } from "./module.js";

/**
 * y = x · weightᵀ + bias, over the last axis: (…, inFeatures) → (…, outFeatures).
 *
 * weight (outFeatures, inFeatures) and bias (outFeatures) start from U(±1/√inFeatures), PyTorch's default.
 *
 * @param options.bias default true
 */
export class Linear extends Module {
  readonly inFeatures: number;
  readonly outFeatures: number;
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor(inFeatures: number, outFeatures: number, options: { bias?: boolean } = {}) {
    super();
    checkOptions("Linear", options, ["bias"]);
    checkSize("Linear", "inFeatures", inFeatures, 0);
    checkSize("Linear", "outFeatures", outFeatures, 0);
    this.inFeatures = inFeatures;
    this.outFeatures = outFeatures;
    this.weight = new Parameter(initialize(defaultWeight, [outFeatures, inFeatures], "weight"));
    this.bias = options.bias === false ? undefined : new Parameter(initialize(defaultBias(inFeatures), [outFeatures], "bias"));
  }

  forward(x: Tensor): Tensor<"real"> {
    return linear(x, this.weight.value, this.bias?.value);
  }

  override describe(): string {
    return `Linear ${this.inFeatures} → ${this.outFeatures}`;
  }
}

/** @internal @throws ErmineError ERMINE_OPTION where a size is not a whole number ≥ least */
export function checkSize(where: string, name: string, value: number, least = 1): void {
  if (!Number.isInteger(value) || value < least) {
    throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a whole number ≥ ${least}, got ${String(value)}.`);
  }
}
