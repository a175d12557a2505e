/** The options of the optimizers. All may be left out; the defaults are PyTorch's. */
import type { Rate } from "../schedules/schedule.js";
import type { CommonOptions } from "./definition.js";

/** The options of `sgd`. */
export interface SgdOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Momentum factor: a number or a schedule. Default 0. */
  readonly momentum: Rate;
  /** Dampening: share of the gradient left out of the momentum. Default 0. */
  readonly dampening: number;
  /** Look one step ahead; needs a momentum above 0 and no dampening. Default false. */
  readonly nesterov: boolean;
}

/** The options of `rmsprop`. */
export interface RmspropOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.01. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the running mean square. Default 0.99. */
  readonly alpha: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps: number;
  /** Momentum factor: a number or a schedule. Default 0. */
  readonly momentum: Rate;
  /** Divide by the deviation: the square of the mean gradient is subtracted. Default false. */
  readonly centered: boolean;
}

/** The options of `adam`. */
export interface AdamOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the first moment, in [0, 1): a number or a schedule. Default 0.9. */
  readonly beta1: Rate;
  /** Decay rate of the running mean square, in [0, 1). Default 0.999. */
  readonly beta2: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps: number;
  /** Divide by the largest mean square so far. Default false. */
  readonly amsgrad: boolean;
  /** Shrink the weights next to the step (AdamW) in place of adding λθ to the gradient. Default false. */
  readonly decoupledWeightDecay: boolean;
}

/** The options of `adamw`. */
export interface AdamwOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: the weights shrink by lr · λ next to the step. Default 0.01. */
  readonly weightDecay: Rate;
  /** Decay rate of the first moment, in [0, 1): a number or a schedule. Default 0.9. */
  readonly beta1: Rate;
  /** Decay rate of the running mean square, in [0, 1). Default 0.999. */
  readonly beta2: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps: number;
  /** Divide by the largest mean square so far. Default false. */
  readonly amsgrad: boolean;
}

/** The options of `sparseAdam`. */
export interface SparseAdamOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: none is allowed: rows that are not looked up could not decay. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the first moment, in [0, 1): a number or a schedule. Default 0.9. */
  readonly beta1: Rate;
  /** Decay rate of the running mean square, in [0, 1). Default 0.999. */
  readonly beta2: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps: number;
}

/** The options of `adagrad`. */
export interface AdagradOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.01. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** The rate of step t is learningRate / (1 + t · learningRateDecay). Default 0. */
  readonly learningRateDecay: number;
  /** The initial value of the sum of squares. Default 0. */
  readonly initialAccumulatorValue: number;
  /** Added to the root of the sum of squares. Default 1e-10. */
  readonly eps: number;
}

/** The options of `adadelta`. */
export interface AdadeltaOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 1. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the running mean squares, in [0, 1). Default 0.9. */
  readonly rho: number;
  /** Added under both roots. Default 1e-6. */
  readonly eps: number;
}

/** The options of `adamax`. */
export interface AdamaxOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.002. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the first moment, in [0, 1): a number or a schedule. Default 0.9. */
  readonly beta1: Rate;
  /** Decay rate of the infinity norm, in [0, 1). Default 0.999. */
  readonly beta2: number;
  /** Added to the size of the gradient. Default 1e-8. */
  readonly eps: number;
}

/** The options of `nadam`. */
export interface NadamOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.002. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the first moment, in [0, 1). Default 0.9. */
  readonly beta1: number;
  /** Decay rate of the running mean square, in [0, 1). Default 0.999. */
  readonly beta2: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps: number;
  /** Rate at which the momentum approaches beta1. Default 0.004. */
  readonly momentumDecay: number;
  /** Shrink the weights next to the step (AdamW) in place of adding λθ to the gradient. Default false. */
  readonly decoupledWeightDecay: boolean;
}

/** The options of `radam`. */
export interface RadamOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the first moment, in [0, 1): a number or a schedule. Default 0.9. */
  readonly beta1: Rate;
  /** Decay rate of the running mean square, in [0, 1). Default 0.999. */
  readonly beta2: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly eps: number;
  /** Shrink the weights next to the step (AdamW) in place of adding λθ to the gradient. Default false. */
  readonly decoupledWeightDecay: boolean;
}

/** The options of `asgd`. */
export interface AsgdOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.01. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** Decay of the learning rate and of the weights. Default 1e-4. */
  readonly lambda: number;
  /** The exponent of the rate's fall. Default 0.75. */
  readonly alpha: number;
  /** The step from which on weights are averaged. Default 1e6. */
  readonly t0: number;
}

/** The options of `rprop`. */
export interface RpropOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.01. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the gradient as λθ. Default 0. */
  readonly weightDecay: Rate;
  /** The factors of a step whose gradient has changed its sign (below 1), and of one whose has not (above 1). Default [0.5, 1.2]. */
  readonly etas: readonly [number, number];
  /** The least and the largest step. Default [1e-6, 50]. */
  readonly stepSizes: readonly [number, number];
}

/** The options of `lion`. */
export interface LionOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.0001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: the weights shrink by lr · λ next to the step. Default 0. */
  readonly weightDecay: Rate;
  /** Weight of the momentum in the direction, in [0, 1): a number or a schedule. Default 0.9. */
  readonly beta1: Rate;
  /** Decay rate of the momentum, in [0, 1). Default 0.99. */
  readonly beta2: number;
}

/** The options of `lamb`. */
export interface LambOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: added to the direction as λθ, before the trust ratio. Default 0. */
  readonly weightDecay: Rate;
  /** Decay rate of the first moment, in [0, 1): a number or a schedule. Default 0.9. */
  readonly beta1: Rate;
  /** Decay rate of the running mean square, in [0, 1). Default 0.999. */
  readonly beta2: number;
  /** Added to the root of the mean square. Default 1e-6. */
  readonly eps: number;
}

/** The options of `adafactor`. */
export interface AdafactorOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.01. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: the weights shrink by lr · λ next to the step. Default 0. */
  readonly weightDecay: Rate;
  /** The exponent with which the memory of mean squares grows; below 0. Default −0.8. */
  readonly beta2Decay: number;
  /** The least mean square (null: float32's 2⁻²³), and the least size of a parameter. Default [null, 1e-3]. */
  readonly eps: readonly [number | null, number];
  /** Updates are scaled down to a root mean square of at most d; at least 1. Default 1. */
  readonly d: number;
}

/** The options of `muon`. */
export interface MuonOptions extends CommonOptions {
  /** The size of a step: a number or a schedule. Default 0.001. */
  readonly learningRate: Rate;
  /** Decay of the weights, a number or a schedule: the weights shrink by lr · λ next to the step. Default 0.1. */
  readonly weightDecay: Rate;
  /** Momentum factor: a number or a schedule. Default 0.95. */
  readonly momentum: Rate;
  /** Look one step ahead. Default true. */
  readonly nesterov: boolean;
  /** The coefficients of the iteration's polynomial. Default [3.4445, −4.775, 2.0315]. */
  readonly nsCoefficients: readonly [number, number, number];
  /** Iterations. Default 5. */
  readonly nsSteps: number;
  /** The least norm that is divided by. Default 1e-7. */
  readonly eps: number;
  /** Adjustment of the learning rate to a matrix's sizes. Default "original". */
  readonly adjustLrFn: "original" | "matchRmsAdamw" | "spectralUnclamped";
}
