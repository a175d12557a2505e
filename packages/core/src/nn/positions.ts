/** Layers that add to each step of a sequence where it is. */
import { Parameter } from "../dispatch/variable.js";
import { checkBase, sinusoidalPositions, type PositionOptions } from "../functional/positions.js";
import { add } from "../ops/arithmetic.js";
import { sliceAxis } from "../ops/slice.js";
import { initialize, normalInit } from "../random/initializers.js";
import { formatShape, sameSize, type Size } from "../types/dim.js";
import { ErmineError } from "../types/errors.js";
import { checkArguments } from "../types/arguments.js";
import { checkOptions } from "../types/options.js";
import { checkTensor, type Tensor } from "../types/tensor.js";
import { floatInput } from "./input.js";
import { Module } from "./module.js";
import { checkSize } from "./size.js";

/** @throws ErmineError ERMINE_SHAPE where x is not (…, T, features) */
function stepsOf(x: Tensor, features: number): Size {
  if (x.rank >= 2 && sameSize(x.shape.at(-1)!, features)) return x.shape.at(-2)!;
  throw new ErmineError("ERMINE_SHAPE", `takes x (N, T, ${features}) or (T, ${features}), got ${formatShape(x.shape)}.`);
}

/**
 * x + p, p[t] a row of sines and cosines (`sinusoidalPositions`). It has no parameters, and takes sequences of any length. Source: Vaswani et al. 2017.
 *
 * @example
 * new SinusoidalPositions(4).forward(zeros([2, 3, 4])).shape; // => [2, 3, 4]
 */
export class SinusoidalPositions extends Module {
  /** The last axis of x. */
  readonly features: number;
  /** Wavelengths go from 2π to 2π · base. */
  readonly base: number;

  constructor(features: number, options: PositionOptions = {}) {
    checkArguments("SinusoidalPositions", arguments, 2);
    super();
    checkOptions("SinusoidalPositions", options, { base: "number" }, [features]);
    checkSize("SinusoidalPositions", "features", features);
    this.features = features;
    this.base = options.base ?? 10_000;
    checkBase("SinusoidalPositions", this.base);
  }

  /** @param x (N, T, features) or (T, features) */
  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    const steps = stepsOf(x, this.features);
    return add(floatInput(x), sinusoidalPositions(steps, this.features, { base: this.base }));
  }

  override describe(): string {
    return `SinusoidalPositions ${this.features}`;
  }
}

/**
 * x + p, p[t] row t of a learned table. weight (maxSteps, features) starts from N(0, 0.02²), as GPT-2's.
 *
 * @example
 * new LearnedPositions(16, 4).forward(zeros([2, 3, 4])).shape; // => [2, 3, 4]
 */
export class LearnedPositions extends Module {
  /** Sequences have at most so many steps. */
  readonly maxSteps: number;
  /** The last axis of x. */
  readonly features: number;
  /** The table, (maxSteps, features). */
  readonly weight: Parameter;

  constructor(maxSteps: number, features: number) {
    checkArguments("LearnedPositions", arguments, 2);
    super();
    checkSize("LearnedPositions", "maxSteps", maxSteps);
    checkSize("LearnedPositions", "features", features);
    this.maxSteps = maxSteps;
    this.features = features;
    this.weight = new Parameter(initialize(normalInit(0, 0.02), [maxSteps, features], "weight"));
  }

  /**
   * @param x (N, T, features) or (T, features), T at most maxSteps
   * @throws ErmineError ERMINE_SHAPE for longer sequences
   */
  forward(x: Tensor): Tensor<"real"> {
    checkTensor("forward", x);
    const steps = stepsOf(x, this.features);
    if (typeof steps === "number" && steps > this.maxSteps) {
      throw new ErmineError("ERMINE_SHAPE", `has rows for ${this.maxSteps} steps, and x ${formatShape(x.shape)} has ${steps}.`);
    }
    const rows = sameSize(steps, this.maxSteps) ? this.weight.value : sliceAxis(this.weight.value, 0, 0, steps);
    return add(floatInput(x), rows);
  }

  override describe(): string {
    return `LearnedPositions ${this.maxSteps} × ${this.features}`;
  }
}
