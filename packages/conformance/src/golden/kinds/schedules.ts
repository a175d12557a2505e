/** Schedules: the learning rate after k steps, computed on the host in float64. */
import type { CycledSchedule } from "@ermine/trainer";
import { schedules } from "@ermine/trainer/catalog";
import { Skip, skipUnknownOptions, type GoldenKind } from "../kind.js";
import { optionsOf, type GoldenCase } from "../schema.js";

export interface ScheduleCase extends GoldenCase {
  readonly name: string;
  readonly baseLearningRate: number;
  /** The metric after each step, for a schedule that follows one. */
  readonly metrics?: readonly number[];
  readonly expected: readonly number[];
  /** The momentum beside it, where the schedule has one. */
  readonly expectedMomentum?: readonly number[];
}

/** PyTorch's totals where none is given; here these take the length of a training. */
const pytorchTotals: Readonly<Record<string, object>> = { linear: { totalSteps: 5 }, polynomial: { totalSteps: 5 } };

export const scheduleKind: GoldenKind<ScheduleCase> = {
  name: "schedules",
  tolerance: { absolute: 1e-9, relative: 1e-7 },
  usesBackend: false,
  async run({ name, options, baseLearningRate, metrics, expected, expectedMomentum }) {
    const make = schedules[name];
    if (make === undefined) throw new Skip(`there is no schedule "${name}"`);
    const schedule = skipUnknownOptions(() => make(baseLearningRate, { ...pytorchTotals[name], ...optionsOf(options) }));
    let state = schedule.init?.();
    const got = expected.map((_, k) => {
      if (k > 0 && metrics !== undefined) state = schedule.observe!(state, metrics[k - 1]!);
      return schedule.at(k, state);
    });
    if (expectedMomentum === undefined) return [{ what: "learning rate", got, expected }];
    const { momentum } = schedule as Partial<CycledSchedule>;
    const moved = momentum === undefined ? [] : expectedMomentum.map((_, k) => momentum.at(k));
    return [
      { what: "learning rate", got, expected },
      { what: "momentum", got: moved, expected: expectedMomentum },
    ];
  },
};
