/** Schedules on a cosine: cosine, its warm restarts, and with a linear warm-up before it. */
import { checkOptions } from "@ermine/core";
import { warmup } from "./compose.js";
import { requireCount, stepwise, type Schedule } from "./schedule.js";

const between = (from: number, to: number, part: number): number => to + ((from - to) * (1 + Math.cos(Math.PI * part))) / 2;

/** From lr to minLearningRate (0) on half a cosine of totalSteps; it climbs again after them, as PyTorch's CosineAnnealingLR does. */
export function cosine(learningRate: number, options: { totalSteps: number; minLearningRate?: number }): Schedule {
  checkOptions("cosine", options, ["totalSteps", "minLearningRate"]);
  const { totalSteps, minLearningRate = 0 } = options;
  requireCount("cosine", "totalSteps", totalSteps);
  return stepwise("cosine", (t) => between(learningRate, minLearningRate, t / totalSteps));
}

/**
 * The cosine again and again, each cycle cycleFactor (1) times as long as the one before. PyTorch's
 * CosineAnnealingWarmRestarts; Loshchilov and Hutter, 2017.
 */
export function cosineWarmRestarts(
  learningRate: number,
  options: { firstCycleSteps: number; cycleFactor?: number; minLearningRate?: number },
): Schedule {
  checkOptions("cosineWarmRestarts", options, ["firstCycleSteps", "cycleFactor", "minLearningRate"]);
  const { firstCycleSteps, cycleFactor = 1, minLearningRate = 0 } = options;
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

/** A linear warm-up of warmupSteps from startFactor · lr, then the cosine down to minLearningRate (0) at totalSteps. */
export function warmupCosine(
  learningRate: number,
  options: { warmupSteps: number; totalSteps: number; startFactor?: number; minLearningRate?: number },
): Schedule {
  checkOptions("warmupCosine", options, ["warmupSteps", "totalSteps", "startFactor", "minLearningRate"]);
  const { warmupSteps, totalSteps, startFactor, minLearningRate = 0 } = options;
  const rest = cosine(learningRate, { totalSteps: totalSteps - warmupSteps, minLearningRate });
  return { ...warmup(rest, { steps: warmupSteps, ...(startFactor === undefined ? {} : { startFactor }) }), name: "warmupCosine" };
}
