/** Schedules over the updates of a training. */
import { schedules } from "@ermine/trainer/catalog";
import type { Schedule } from "@ermine/trainer";
import type { Parameter, Values } from "./parameters.js";

/** Every schedule, by name. */
export const scheduleNames: readonly string[] = Object.keys(schedules);

/** Updates of the training that is shown. */
export const shownUpdates = 100;

const slider = (name: string, initial: number, low: number, high: number, step: number): Parameter => ({
  name,
  kind: "number",
  initial,
  low,
  high,
  step,
});
const total = slider("totalSteps", shownUpdates, 5, 200, 5);
const least = slider("minLearningRate", 0, 0, 1, 0.05);
const gamma = (initial: number): Parameter => slider("gamma", initial, 0, 1, 0.005);

/** The options that are worth moving, of the schedules that have some. */
const parameters: Readonly<Record<string, readonly Parameter[]>> = {
  step: [slider("stepSize", 25, 1, 100, 1), gamma(0.5)],
  multiStep: [gamma(0.3)],
  exponential: [gamma(0.96)],
  linear: [slider("startFactor", 0.3, 0.05, 1, 0.05), slider("endFactor", 1, 0, 1, 0.05), total],
  constant: [slider("factor", 0.3, 0, 1, 0.05), slider("totalSteps", 25, 5, 200, 5)],
  polynomial: [total, slider("power", 2, 0, 5, 0.1)],
  cosine: [total, least],
  cosineWarmRestarts: [slider("firstCycleSteps", 15, 1, 100, 1), slider("cycleFactor", 2, 1, 4, 1), least],
  oneCycle: [slider("totalSteps", shownUpdates, 10, 200, 5)],
  cyclic: [slider("stepSizeUp", 15, 1, 60, 1)],
  warmupCosine: [slider("warmupSteps", 10, 0, 60, 1), total, least],
  reduceOnPlateau: [slider("factor", 0.5, 0.05, 0.95, 0.05), slider("patience", 5, 0, 40, 1)],
};

export const parametersOfSchedule = (name: string): readonly Parameter[] => parameters[name] ?? [];

/** What a schedule needs next to its sliders. */
const fixed: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  multiStep: { milestones: [30, 60, 80] },
  cyclic: { maxLearningRate: 1, baseLearningRate: 0.1 },
  reduceOnPlateau: { monitor: "valLoss", mode: "min" },
};

/** The loss that a schedule which follows one is shown with: it falls, and stays where it is from time to time. */
const watched = (epoch: number): number => 1 / (1 + Math.min(epoch, 20) + Math.max(0, Math.min(epoch, 60) - 50));

/** All options that a schedule is shown with: fixed ones, and those of its sliders, changed or as they are at first. */
export function optionsOfSchedule(name: string, values: Values): Readonly<Record<string, unknown>> {
  const initial = Object.fromEntries(parametersOfSchedule(name).map(({ name: key, initial: value }) => [key, value]));
  return { ...fixed[name], ...initial, ...values };
}

/**
 * The rate at each update, for a base of 1.
 *
 * @throws ErmineError ERMINE_OPTION where the schedule refuses a value
 */
export function scheduleCurve(name: string, values: Values): { readonly x: number[]; readonly value: number[] } {
  const schedule: Schedule = schedules[name]!(1, optionsOfSchedule(name, values));
  const x = Array.from({ length: shownUpdates + 1 }, (_, i) => i);
  if (schedule.observe === undefined) return { x, value: x.map((step) => schedule.at(step)) };
  let state = schedule.init!();
  const value = x.map((epoch) => {
    const rate = schedule.at(epoch, state);
    state = schedule.observe!(state, watched(epoch), "lower");
    return rate;
  });
  return { x, value };
}
