/** Schedules that go up and down: oneCycle and cyclic. Learning rates only; PyTorch's also cycle the momentum. */
import { checkOptions } from "@ermine/core";
import { requireCount, requireNumber, requireOneOf, stepwise, type Schedule } from "./schedule.js";

export interface OneCycleOptions {
  readonly totalSteps: number;
  /** The part of the steps that goes up. Default 0.3. */
  readonly percentStart?: number;
  /** It starts at maxLearningRate / divFactor. Default 25. */
  readonly divFactor?: number;
  /** It ends at the start / finalDivFactor. Default 1e4. */
  readonly finalDivFactor?: number;
  readonly anneal?: "cosine" | "linear";
  /** Down to the start first, then to the end. Default false. */
  readonly threePhase?: boolean;
}

/** Up to maxLearningRate and down below the start within totalSteps. PyTorch's OneCycleLR; Smith and Topin, 2019. */
export function oneCycle(maxLearningRate: number, options: OneCycleOptions): Schedule {
  checkOptions("oneCycle", options, ["totalSteps", "percentStart", "divFactor", "finalDivFactor", "anneal", "threePhase"]);
  const { totalSteps, percentStart = 0.3, divFactor = 25, finalDivFactor = 1e4, anneal = "cosine", threePhase = false } = options;
  requireCount("oneCycle", "totalSteps", totalSteps, 2);
  requireOneOf("oneCycle", "anneal", anneal, ["cosine", "linear"]);
  requireNumber("oneCycle", "percentStart", percentStart, 0, 1);
  const start = maxLearningRate / divFactor;
  const end = start / finalDivFactor;
  const top = percentStart * totalSteps - 1;
  const last = totalSteps - 1;
  const phases: readonly (readonly [until: number, from: number, to: number])[] = threePhase
    ? [
        [top, start, maxLearningRate],
        [2 * top, maxLearningRate, start],
        [last, start, end],
      ]
    : [
        [top, start, maxLearningRate],
        [last, maxLearningRate, end],
      ];
  return stepwise("oneCycle", (time) => {
    const t = Math.min(time, last);
    const index = Math.max(
      0,
      phases.findIndex(([until]) => t <= until),
    );
    const [until, from, to] = phases[index]!;
    const begun = index === 0 ? 0 : phases[index - 1]![0];
    const part = (t - begun) / (until - begun);
    return anneal === "linear" ? from + (to - from) * part : to + ((from - to) / 2) * (1 + Math.cos(Math.PI * part));
  });
}

export interface CyclicOptions {
  readonly maxLearningRate: number;
  /** Steps of the way up. Default 2000. */
  readonly stepSizeUp?: number;
  /** Steps of the way down. Default stepSizeUp. */
  readonly stepSizeDown?: number;
  readonly mode?: "triangular" | "triangular2" | "expRange";
  /** Of expRange: the height shrinks by it each step. Default 1. */
  readonly gamma?: number;
}

/** Between baseLearningRate and maxLearningRate, in a zigzag. PyTorch's CyclicLR; Smith, 2017. */
export function cyclic(baseLearningRate: number, options: CyclicOptions): Schedule {
  checkOptions("cyclic", options, ["maxLearningRate", "stepSizeUp", "stepSizeDown", "mode", "gamma"]);
  const { maxLearningRate, stepSizeUp = 2000, stepSizeDown = stepSizeUp, mode = "triangular", gamma = 1 } = options;
  requireOneOf("cyclic", "mode", mode, ["triangular", "triangular2", "expRange"]);
  requireCount("cyclic", "stepSizeUp", stepSizeUp);
  requireCount("cyclic", "stepSizeDown", stepSizeDown);
  const length = stepSizeUp + stepSizeDown;
  const rise = stepSizeUp / length;
  return stepwise("cyclic", (t) => {
    const cycle = Math.floor(1 + t / length);
    const x = 1 + t / length - cycle;
    const height = x <= rise ? x / rise : (x - 1) / (rise - 1);
    const shrink = mode === "triangular" ? 1 : mode === "triangular2" ? 2 ** (1 - cycle) : gamma ** t;
    return baseLearningRate + (maxLearningRate - baseLearningRate) * height * shrink;
  });
}
