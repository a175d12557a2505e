/** Schedules that go up and down, oneCycle and cyclic, and the momentum that goes the other way. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, portableMath, requireOptions } from "@ermine/core/define";
import { endingWith, requireCount, requireNumber, requireOneOf, stepwise, type Schedule } from "./schedule.js";

/**
 * A learning rate with the momentum that belongs to it: high where the rate is low. An optimizer's momentum (beta1 of adam and its kin) is that
 * schedule where it is given it.
 *
 * @example
 * const rate = schedules.oneCycle(0.1, { totalSteps: 1000 });
 * sgd({ learningRate: rate, momentum: rate.momentum });
 */
export interface CycledSchedule extends Schedule {
  /** The momentum that goes the other way, as a schedule. */
  readonly momentum: Schedule;
}

/** The options of `schedules.oneCycle`. */
export interface OneCycleOptions {
  /** Steps of the whole cycle; at least 2. Default: as many as `fit` takes, counted from its beginning. */
  readonly totalSteps?: number;
  /** The part of the steps that goes up. Default 0.3. */
  readonly percentStart?: number;
  /** It starts at maxLearningRate / divFactor. Default 25. */
  readonly divFactor?: number;
  /** It ends at the start / finalDivFactor. Default 1e4. */
  readonly finalDivFactor?: number;
  /** The form of the ways up and down. Default "cosine". */
  readonly anneal?: "cosine" | "linear";
  /** Down to the start first, then to the end. Default false. */
  readonly threePhase?: boolean;
  /** The momentum where the rate is highest. Default 0.85. */
  readonly baseMomentum?: number;
  /** The momentum at the start and the end. Default 0.95. */
  readonly maxMomentum?: number;
}

/**
 * Up to maxLearningRate and down below the start within totalSteps, or within the `fit` that runs; its `momentum` goes from maxMomentum to baseMomentum and back.
 * PyTorch's OneCycleLR; Smith and Topin, 2019.
 *
 * @example
 * const rate = schedules.oneCycle(0.1, { totalSteps: 11 });
 * [0, 2, 5].map((step) => rate.at(step)); // => [0.004, 0.096, 0.0726]
 */
export function oneCycle(maxLearningRate: number, options: OneCycleOptions = {}): CycledSchedule {
  if (arguments.length > 2) checkArguments("oneCycle", arguments, 2);
  checkOptions(
    "oneCycle",
    options,
    {
      totalSteps: "number",
      percentStart: "number",
      divFactor: "number",
      finalDivFactor: "number",
      anneal: "string",
      threePhase: "boolean",
      baseMomentum: "number",
      maxMomentum: "number",
    },
    [maxLearningRate],
  );
  const { totalSteps, percentStart = 0.3, divFactor = 25, finalDivFactor = 1e4, anneal = "cosine", threePhase = false } = options;
  if (totalSteps !== undefined) requireCount("oneCycle", "totalSteps", totalSteps, 2);
  requireOneOf("oneCycle", "anneal", anneal, ["cosine", "linear"]);
  requireNumber("oneCycle", "maxLearningRate", maxLearningRate, 0);
  requireNumber("oneCycle", "percentStart", percentStart, 0, 1);
  for (const [name, factor] of Object.entries({ divFactor, finalDivFactor })) {
    if (!(requireNumber("oneCycle", name, factor, 0) > 0))
      throw new ErmineError(
        "ERMINE_OPTION",
        `oneCycle: ${name} divides the learning rate, so it must be above 0, got ${factor}.`,
      );
  }
  if (threePhase && percentStart > 0.5) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `oneCycle: with threePhase the way down to the start is as long as the way up, so percentStart is at most 0.5, got ${percentStart}.`,
    );
  }
  const { baseMomentum = 0.85, maxMomentum = 0.95 } = options;
  requireMomenta("oneCycle", baseMomentum, maxMomentum);
  const start = maxLearningRate / divFactor;
  const end = start / finalDivFactor;
  /** Through those values, one at the start and one at the end of each phase. */
  const through =
    (values: readonly number[]) =>
    (time: number, steps: number): number => {
      const top = percentStart * steps - 1;
      const last = steps - 1;
      const ends = threePhase ? [top, 2 * top, last] : [top, last];
      const t = Math.min(time, last);
      const index = Math.max(
        0,
        ends.findIndex((until) => t <= until),
      );
      const [from, target] = [values[index]!, values[index + 1]!];
      const phaseStart = index === 0 ? 0 : ends[index - 1]!;
      const length = ends[index]! - phaseStart;
      // A phase without a step is at its end.
      const part = length === 0 ? 1 : (t - phaseStart) / length;
      return anneal === "linear"
        ? from + (target - from) * part
        : target + ((from - target) / 2) * (1 + portableMath.cos(Math.PI * part));
    };
  const rates = threePhase ? [start, maxLearningRate, start, end] : [start, maxLearningRate, end];
  const momenta = [maxMomentum, baseMomentum, maxMomentum, maxMomentum];
  const checkLength = (length: number): void => {
    if (length >= 2) return;
    throw new ErmineError("ERMINE_OPTION", `oneCycle goes up and down within fit, which takes ${length} step. Train for longer.`);
  };
  return {
    ...endingWith("oneCycle", totalSteps, through(rates), checkLength),
    momentum: endingWith("oneCycle's momentum", totalSteps, through(momenta), checkLength),
  };
}

/** The options of `schedules.cyclic`. */
export interface CyclicOptions {
  /** The rate at the top of the first cycle. */
  readonly maxLearningRate: number;
  /** Steps of the way up. Default 2000. */
  readonly stepSizeUp?: number;
  /** Steps of the way down. Default stepSizeUp. */
  readonly stepSizeDown?: number;
  /** Change of the amplitude: "triangular" not at all, "triangular2" halves each cycle, "expRange" by gamma each step. Default "triangular". */
  readonly mode?: "triangular" | "triangular2" | "expRange";
  /** Of expRange: the height shrinks by it each step. Default 1. */
  readonly gamma?: number;
  /** The height as a function of the cycle (from 1 on) or the step (from 0 on), in the place of mode and gamma. Default: that of the mode. */
  readonly scaleFn?: (x: number) => number;
  /** The argument of scaleFn. Default "cycle". */
  readonly scaleMode?: "cycle" | "iterations";
  /** The momentum where the rate is highest. Default 0.8. */
  readonly baseMomentum?: number;
  /** The momentum where the rate is lowest. Default 0.9. */
  readonly maxMomentum?: number;
}

/**
 * Between baseLearningRate and maxLearningRate, in a zigzag; its `momentum` between maxMomentum and baseMomentum, the other way. PyTorch's
 * CyclicLR; Smith, 2017.
 *
 * @throws ErmineError ERMINE_OPTION also for a scaleFn beside mode or gamma, or a scaleMode without scaleFn
 * @example
 * const rate = schedules.cyclic(0.1, { maxLearningRate: 0.3, stepSizeUp: 2 });
 * [0, 1, 2, 3, 4].map((step) => rate.at(step)); // => [0.1, 0.2, 0.3, 0.2, 0.1]
 */
export function cyclic(baseLearningRate: number, options: CyclicOptions): CycledSchedule {
  if (arguments.length > 2) checkArguments("cyclic", arguments, 2);
  requireOptions(
    "cyclic",
    options,
    {
      maxLearningRate: "number",
      stepSizeUp: "number",
      stepSizeDown: "number",
      mode: "string",
      gamma: "number",
      scaleFn: "function",
      scaleMode: "string",
      baseMomentum: "number",
      maxMomentum: "number",
    },
    [baseLearningRate],
  );
  const { maxLearningRate, stepSizeUp = 2000, stepSizeDown = stepSizeUp, mode = "triangular", gamma = 1 } = options;
  requireOneOf("cyclic", "mode", mode, ["triangular", "triangular2", "expRange"]);
  requireNumber("cyclic", "baseLearningRate", baseLearningRate, 0);
  requireNumber("cyclic", "maxLearningRate", maxLearningRate, 0);
  requireNumber("cyclic", "gamma", gamma, 0);
  requireCount("cyclic", "stepSizeUp", stepSizeUp);
  requireCount("cyclic", "stepSizeDown", stepSizeDown);
  const { scaleFn, scaleMode = "cycle", baseMomentum = 0.8, maxMomentum = 0.9 } = options;
  requireOneOf("cyclic", "scaleMode", scaleMode, ["cycle", "iterations"]);
  requireMomenta("cyclic", baseMomentum, maxMomentum);
  if (scaleFn === undefined ? options.scaleMode !== undefined : options.mode !== undefined || options.gamma !== undefined) {
    throw new ErmineError(
      "ERMINE_OPTION",
      "cyclic: scaleFn takes the place of mode and gamma, and scaleMode says what it is given. Leave out what would have no effect.",
    );
  }
  const length = stepSizeUp + stepSizeDown;
  const rise = stepSizeUp / length;
  /** 0 at the foot of a cycle and what it has of the whole height at its top. */
  const height = (t: number): number => {
    const cycle = Math.floor(1 + t / length);
    const x = 1 + t / length - cycle;
    const part = x <= rise ? x / rise : (x - 1) / (rise - 1);
    if (scaleFn !== undefined) return part * scaleFn(scaleMode === "cycle" ? cycle : t);
    return (
      part * (mode === "triangular" ? 1 : mode === "triangular2" ? portableMath.pow(2, 1 - cycle) : portableMath.pow(gamma, t))
    );
  };
  return {
    ...stepwise("cyclic", (t) => baseLearningRate + (maxLearningRate - baseLearningRate) * height(t)),
    momentum: stepwise("cyclic's momentum", (t) => maxMomentum - (maxMomentum - baseMomentum) * height(t)),
  };
}

function requireMomenta(where: string, baseMomentum: number, maxMomentum: number): void {
  requireNumber(where, "baseMomentum", baseMomentum, 0, 1);
  requireNumber(where, "maxMomentum", maxMomentum, 0, 1);
}
