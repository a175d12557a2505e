/** Schedules on a cosine: cosine, its warm restarts, and with a linear warm-up before it. */
import { ErmineError } from "@ermine/core";
import { checkArguments, checkOptions, portableMath, requireOptions } from "@ermine/core/define";
import { warmup } from "./compose.js";
import { derived, endingWith, requireCount, requireNumber, stepwise, type Schedule } from "./schedule.js";

const between = (from: number, to: number, part: number): number =>
  to + ((from - to) * (1 + portableMath.cos(Math.PI * part))) / 2;

/**
 * From lr to minLearningRate (0) on half a cosine: of totalSteps, after which it climbs again, as PyTorch's CosineAnnealingLR does (`warmupCosine` stays at the end);
 * without them of the `fit` that runs.
 *
 * @example
 * const rate = schedules.cosine(0.1, { totalSteps: 4 });
 * [0, 2, 4].map((step) => rate.at(step)); // => [0.1, 0.05, 0]
 * adamw({ learningRate: schedules.cosine(0.1) }); // down to 0 at the end of fit
 */
export function cosine(
  learningRate: number,
  options: {
    /** Steps of half a cosine. Default: as many as `fit` takes, counted from its beginning. */
    totalSteps?: number;
    /** The rate at its end. Default 0. */
    minLearningRate?: number;
  } = {},
): Schedule {
  if (arguments.length > 2) checkArguments("cosine", arguments, 2);
  checkOptions("cosine", options, { totalSteps: "number", minLearningRate: "number" }, [learningRate]);
  const { totalSteps, minLearningRate = 0 } = options;
  requireNumber("cosine", "learningRate", learningRate, 0);
  if (totalSteps !== undefined) requireCount("cosine", "totalSteps", totalSteps);
  requireNumber("cosine", "minLearningRate", minLearningRate, 0);
  return endingWith("cosine", totalSteps, (t, length) => between(learningRate, minLearningRate, t / length));
}

/**
 * The cosine again and again, each cycle cycleFactor (1) times as long as the one before. PyTorch's
 * CosineAnnealingWarmRestarts; Loshchilov and Hutter, 2017.
 *
 * @example
 * const rate = schedules.cosineWarmRestarts(0.1, { firstCycleSteps: 2 });
 * [0, 1, 2].map((step) => rate.at(step)); // => [0.1, 0.05, 0.1]
 */
export function cosineWarmRestarts(
  learningRate: number,
  options: {
    /** Steps of the first cycle. */
    firstCycleSteps: number;
    /** Factor by which each cycle is longer than the previous one; a whole number. Default 1. */
    cycleFactor?: number;
    /** The rate at the end of a cycle. Default 0. */
    minLearningRate?: number;
  },
): Schedule {
  if (arguments.length > 2) checkArguments("cosineWarmRestarts", arguments, 2);
  requireOptions("cosineWarmRestarts", options, { firstCycleSteps: "number", cycleFactor: "number", minLearningRate: "number" }, [
    learningRate,
  ]);
  const { firstCycleSteps, cycleFactor = 1, minLearningRate = 0 } = options;
  requireNumber("cosineWarmRestarts", "learningRate", learningRate, 0);
  requireNumber("cosineWarmRestarts", "minLearningRate", minLearningRate, 0);
  requireCount("cosineWarmRestarts", "firstCycleSteps", firstCycleSteps);
  requireCount("cosineWarmRestarts", "cycleFactor", cycleFactor);
  return stepwise("cosineWarmRestarts", (t) => {
    let [start, length] = [0, firstCycleSteps];
    if (cycleFactor === 1) start = Math.floor(t / length) * length;
    else
      while (t >= start + length) {
        start += length;
        length *= cycleFactor;
      }
    return between(learningRate, minLearningRate, (t - start) / length);
  });
}

/**
 * A linear warm-up of warmupSteps (0: none) from startFactor (1/3) · lr, then the cosine down to minLearningRate (0) at totalSteps, or at the end of the `fit` that
 * runs, and minLearningRate from there on.
 *
 * @throws ErmineError ERMINE_OPTION also where warmupSteps is not below totalSteps; from `fit`, where it is not below its steps
 * @example
 * const rate = schedules.warmupCosine(0.1, { warmupSteps: 2, totalSteps: 6 });
 * [0, 2, 4, 6].map((step) => rate.at(step)); // => [0.0333, 0.1, 0.05, 0]
 */
export function warmupCosine(
  learningRate: number,
  options: {
    /** Steps of the way up; below totalSteps, 0 for none. */
    warmupSteps: number;
    /** All steps, those of the way up included. Default: as many as `fit` takes, counted from its beginning. */
    totalSteps?: number;
    /** The rate at step 0, as a factor of the learning rate. Default 1/3. */
    startFactor?: number;
    /** The rate from totalSteps on. Default 0. */
    minLearningRate?: number;
  },
): Schedule {
  if (arguments.length > 2) checkArguments("warmupCosine", arguments, 2);
  requireOptions(
    "warmupCosine",
    options,
    {
      warmupSteps: "number",
      totalSteps: "number",
      startFactor: "number",
      minLearningRate: "number",
    },
    [learningRate],
  );
  const { warmupSteps, totalSteps, startFactor = 1 / 3, minLearningRate = 0 } = options;
  requireNumber("warmupCosine", "learningRate", learningRate, 0);
  requireNumber("warmupCosine", "minLearningRate", minLearningRate, 0);
  requireNumber("warmupCosine", "startFactor", startFactor, 0);
  if (totalSteps !== undefined) requireCount("warmupCosine", "totalSteps", totalSteps);
  requireCount("warmupCosine", "warmupSteps", warmupSteps, 0);
  if (totalSteps !== undefined && warmupSteps >= totalSteps) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `warmupCosine: warmupSteps must be below totalSteps, which counts them too, got ${warmupSteps} of ${totalSteps}.`,
    );
  }
  const fallSteps = totalSteps === undefined ? undefined : totalSteps - warmupSteps;
  const fall = endingWith("warmupCosine", fallSteps, (t, length) =>
    between(learningRate, minLearningRate, Math.min(t, length) / length),
  );
  return warmupSteps === 0 ? fall : derived(warmup(fall, { steps: warmupSteps, startFactor }), { name: "warmupCosine" });
}
