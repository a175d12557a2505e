/**
 * Averages of the weights along training's way, beside the optimizer's own steps, which they do not change. The trainer evaluates and saves
 * with them: `evaluate(data, { weights: "averaged" })`, `withAveragedWeights(fn)`.
 */
import { add, ErmineError, mul, sub } from "@ermine/core";
import { checkArguments, checkOptions, markCopy, show } from "@ermine/core/define";
import { ageOf, type Time } from "../schedules/schedule.js";
import { checkOptimizer, type Optimizer } from "./optimizer.js";
import { scalarAt } from "./scalars.js";
import { freeSlotName } from "./wrap.js";

/** @param follow what the newest weights count for in the average, at this time */
function withAverage(name: string, optimizer: Optimizer, options: object, follow: (time: Time) => number): Optimizer {
  checkOptimizer(`${name}: its first argument`, optimizer);
  if (optimizer.average !== undefined) {
    throw new ErmineError("ERMINE_OPTION", `${name}: ${optimizer.name} keeps an average of the weights already.`);
  }
  // The average moves every row.
  const { rows: _, elementwise: __, ...wrappedOptimizer } = optimizer;
  const average = freeSlotName(optimizer, "average");
  return markCopy("optimizer", {
    ...wrappedOptimizer,
    name: `${name}(${optimizer.name})`,
    options: { ...optimizer.options, ...options },
    average,
    slots: (shape) => ({ ...optimizer.slots(shape), [average]: { start: "parameter", shape } }),
    scalarCount: optimizer.scalarCount + 1,
    scalars: (time) => [...optimizer.scalars(time), follow(time)],
    update({ slots, ...state }, gradients, vector) {
      const inner = optimizer.update({ ...state, slots: slots.map((list) => list.slice(0, -1)) }, gradients, vector);
      const share = scalarAt(vector, optimizer.scalarCount);
      const next = slots.map((list, i) => add(list.at(-1)!, mul(sub(inner.parameters[i]!, list.at(-1)!), share)));
      return { parameters: inner.parameters, slots: inner.slots.map((list, i) => [...list, next[i]!]) };
    },
  });
}

const wholeNumber = (where: string, name: string, value: number, least: number): void => {
  if (Number.isInteger(value) && value >= least) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is a whole number of at least ${least}, got ${show(value)}.`);
};

/**
 * a ← decay · a + (1 − decay)θ after each update; the first one copies. PyTorch's AveragedModel with get_ema_multi_avg_fn.
 *
 * Default decay 0.999, as PyTorch's.
 *
 * @example exponentialAverage(adamw({ learningRate: 1e-3 }), { decay: 0.999 })
 */
export function exponentialAverage(
  optimizer: Optimizer,
  options: {
    /** The decay of the average at each update, in [0, 1). Default 0.999. */
    readonly decay?: number;
  } = {},
): Optimizer {
  if (arguments.length > 2) checkArguments("exponentialAverage", arguments, 2);
  checkOptions("exponentialAverage", options, { decay: "number" }, "optimizer");
  const { decay = 0.999 } = options;
  if (!(decay >= 0 && decay <= 1))
    throw new ErmineError("ERMINE_OPTION", `exponentialAverage: decay is in [0, 1], got ${show(decay)}.`);
  return withAverage("exponentialAverage", optimizer, { decay }, (time) => (ageOf(time) === 0 ? 1 : 1 - decay));
}

/**
 * The plain mean of the weights after every `every`-th update from `start` on; before that the weights themselves. PyTorch's AveragedModel without an
 * avg_fn. Take a learning rate that stays high. Batch normalization's running statistics are those of the weights as they are, not of the mean.
 *
 * Defaults: start 0, every 1. Source: Izmailov et al. 2018.
 *
 * @example
 * stochasticAverage(sgd({ learningRate: 0.01 }), { start: 1000, every: 100 });
 */
export function stochasticAverage(
  optimizer: Optimizer,
  options: {
    /** The update from which on weights are averaged. Default 0. */
    readonly start?: number;
    /** Updates between two weights that are averaged. Default 1. */
    readonly every?: number;
  } = {},
): Optimizer {
  if (arguments.length > 2) checkArguments("stochasticAverage", arguments, 2);
  checkOptions("stochasticAverage", options, { start: "number", every: "number" }, "optimizer");
  const { start = 0, every = 1 } = options;
  wholeNumber("stochasticAverage", "start", start, 0);
  wholeNumber("stochasticAverage", "every", every, 1);
  return withAverage("stochasticAverage", optimizer, { start, every }, (time) => {
    const since = ageOf(time) - start;
    if (since < 0) return 1;
    return since % every === 0 ? 1 / (since / every + 1) : 0;
  });
}
