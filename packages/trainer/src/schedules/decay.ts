/** Schedules that go one way: step, multiStep, exponential, linear, constant, polynomial. PyTorch's formulas and defaults. */
import { checkArguments, checkOptions, portableMath, requireOptions } from "@ermine/core/define";
import { endingWith, requireCount, requireCounts, requireNumber, stepwise, type Schedule } from "./schedule.js";

/**
 * lr · γ^⌊t / stepSize⌋ (γ = 0.1). PyTorch's StepLR.
 *
 * @example
 * const rate = schedules.step(0.1, { stepSize: 2 });
 * [0, 1, 2].map((step) => rate.at(step)); // => [0.1, 0.1, 0.01]
 */
export function step(
  learningRate: number,
  options: {
    /** Steps between two reductions. */
    stepSize: number;
    /** The factor of each reduction. Default 0.1. */
    gamma?: number;
  },
): Schedule {
  if (arguments.length > 2) checkArguments("step", arguments, 2);
  requireOptions("step", options, { stepSize: "number", gamma: "number" }, [learningRate]);
  const { stepSize, gamma = 0.1 } = options;
  requireNumber("step", "learningRate", learningRate, 0);
  requireCount("step", "stepSize", stepSize);
  requireNumber("step", "gamma", gamma, 0);
  return stepwise("step", (t) => learningRate * portableMath.pow(gamma, Math.floor(t / stepSize)));
}

/**
 * lr · γ^(milestones passed) (γ = 0.1). PyTorch's MultiStepLR.
 *
 * @example
 * const rate = schedules.multiStep(0.1, { milestones: [1, 2] });
 * [0, 1, 2].map((step) => rate.at(step)); // => [0.1, 0.01, 0.001]
 */
export function multiStep(
  learningRate: number,
  options: {
    /** The steps at which the rate is multiplied. */
    milestones: readonly number[];
    /** The factor at each milestone. Default 0.1. */
    gamma?: number;
  },
): Schedule {
  if (arguments.length > 2) checkArguments("multiStep", arguments, 2);
  requireOptions("multiStep", options, { milestones: "any", gamma: "number" }, [learningRate]);
  const { milestones, gamma = 0.1 } = options;
  requireNumber("multiStep", "learningRate", learningRate, 0);
  requireCounts("multiStep", "milestones", milestones);
  requireNumber("multiStep", "gamma", gamma, 0);
  return stepwise("multiStep", (t) => learningRate * portableMath.pow(gamma, milestones.filter((m) => m <= t).length));
}

/**
 * lr · γ^t. PyTorch's ExponentialLR.
 *
 * @example
 * const rate = schedules.exponential(0.1, { gamma: 0.5 });
 * [0, 1, 2].map((step) => rate.at(step)); // => [0.1, 0.05, 0.025]
 */
export function exponential(
  learningRate: number,
  options: {
    /** The factor of each step. */
    gamma: number;
  },
): Schedule {
  if (arguments.length > 2) checkArguments("exponential", arguments, 2);
  requireOptions("exponential", options, { gamma: "number" }, [learningRate]);
  requireNumber("exponential", "learningRate", learningRate, 0);
  requireNumber("exponential", "gamma", options.gamma, 0);
  return stepwise("exponential", (t) => learningRate * portableMath.pow(options.gamma, t));
}

/**
 * lr · factor, the factor going from startFactor (1/3) to endFactor (1) over totalSteps, or over the `fit` that runs. PyTorch's LinearLR, whose total is 5 unless it is given.
 *
 * @example
 * const rate = schedules.linear(0.1, { startFactor: 0.5, totalSteps: 2 });
 * [0, 1, 2].map((step) => rate.at(step)); // => [0.05, 0.075, 0.1]
 */
export function linear(
  learningRate: number,
  options: {
    /** The factor at step 0. Default 1/3. */
    startFactor?: number;
    /** The factor from totalSteps on. Default 1. */
    endFactor?: number;
    /** Number of steps until the end value. Default: the number of steps of `fit`, counted from its start. */
    totalSteps?: number;
  } = {},
): Schedule {
  if (arguments.length > 2) checkArguments("linear", arguments, 2);
  checkOptions("linear", options, { startFactor: "number", endFactor: "number", totalSteps: "number" }, [learningRate]);
  const { startFactor = 1 / 3, endFactor = 1, totalSteps } = options;
  requireNumber("linear", "learningRate", learningRate, 0);
  requireNumber("linear", "startFactor", startFactor, 0);
  requireNumber("linear", "endFactor", endFactor, 0);
  if (totalSteps !== undefined) requireCount("linear", "totalSteps", totalSteps);
  return endingWith(
    "linear",
    totalSteps,
    (t, length) => learningRate * (startFactor + (endFactor - startFactor) * (Math.min(t, length) / length)),
  );
}

/**
 * lr · factor (1/3) for totalSteps (5), then lr. PyTorch's ConstantLR.
 *
 * @example
 * const rate = schedules.constant(0.1, { factor: 0.5, totalSteps: 2 });
 * [0, 1, 2].map((step) => rate.at(step)); // => [0.05, 0.05, 0.1]
 */
export function constant(
  learningRate: number,
  options: {
    /** The initial factor of the learning rate. Default 1/3. */
    factor?: number;
    /** For how many steps. Default 5. */
    totalSteps?: number;
  } = {},
): Schedule {
  if (arguments.length > 2) checkArguments("constant", arguments, 2);
  checkOptions("constant", options, { factor: "number", totalSteps: "number" }, [learningRate]);
  const { factor = 1 / 3, totalSteps = 5 } = options;
  requireNumber("constant", "learningRate", learningRate, 0);
  requireNumber("constant", "factor", factor, 0);
  requireCount("constant", "totalSteps", totalSteps, 0);
  return stepwise("constant", (t) => (t < totalSteps ? learningRate * factor : learningRate));
}

/**
 * lr · (1 − t / totalSteps)^power, 0 from totalSteps on; power 1. Without totalSteps it ends with the `fit` that runs. PyTorch's PolynomialLR, whose total is 5 unless it is given.
 *
 * @example
 * const rate = schedules.polynomial(0.1, { totalSteps: 4, power: 2 });
 * [0, 2, 4].map((step) => rate.at(step)); // => [0.1, 0.025, 0]
 */
export function polynomial(
  learningRate: number,
  options: {
    /** From this step on the rate is 0. Default: the end of `fit`, counted from its beginning. */
    totalSteps?: number;
    /** The exponent of the way down; 1 is a line. Default 1. */
    power?: number;
  } = {},
): Schedule {
  if (arguments.length > 2) checkArguments("polynomial", arguments, 2);
  checkOptions("polynomial", options, { totalSteps: "number", power: "number" }, [learningRate]);
  const { totalSteps, power = 1 } = options;
  requireNumber("polynomial", "learningRate", learningRate, 0);
  requireNumber("polynomial", "power", power, 0);
  if (totalSteps !== undefined) requireCount("polynomial", "totalSteps", totalSteps);
  return endingWith(
    "polynomial",
    totalSteps,
    (t, length) => learningRate * portableMath.pow(1 - Math.min(t, length) / length, power),
  );
}
