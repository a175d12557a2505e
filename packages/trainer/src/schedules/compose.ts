/** Schedules made of schedules. */
import { ErmineError } from "@ermine/core";
import { checkArguments, requireOptions } from "@ermine/core/define";
import { linear } from "./decay.js";
import { derived, requireCount, requireCounts, requireNumber, requireSchedule, type Schedule } from "./schedule.js";

/**
 * One schedule after the other: schedules[i] rules from milestones[i − 1] on, counting from 0 there. One that takes a length ends at the next milestone, the last one with
 * the `fit` that runs. PyTorch's SequentialLR.
 *
 * @throws ErmineError ERMINE_OPTION unless there is one milestone fewer than schedules, ascending, all counted alike
 * @example
 * const rate = schedules.sequence([schedules.constant(0.1, { factor: 1 }), schedules.exponential(0.1, { gamma: 0.5 })], [10]);
 * [9, 10, 11].map((step) => rate.at(step)); // => [0.1, 0.1, 0.05]
 */
export function sequence(schedules: readonly Schedule[], milestones: readonly number[]): Schedule {
  if (arguments.length > 2) checkArguments("sequence", arguments, 2);
  if (!Array.isArray(schedules))
    throw new ErmineError("ERMINE_OPTION", "sequence takes a list of schedules, and one of milestones.");
  schedules.forEach((schedule, i) => requireSchedule("sequence", `schedules[${i}]`, schedule));
  requireCounts("sequence", "milestones", milestones);
  const [first] = schedules as readonly Schedule[];
  if (
    first === undefined ||
    milestones.length !== schedules.length - 1 ||
    milestones.some((m, i) => i > 0 && m <= milestones[i - 1]!)
  ) {
    throw new ErmineError(
      "ERMINE_OPTION",
      `sequence: ${schedules.length} schedules need ${Math.max(0, schedules.length - 1)} ascending milestones between them, got [${milestones.join(", ")}].`,
    );
  }
  if (schedules.some((s) => s.per !== first.per || s.observe !== undefined)) {
    throw new ErmineError(
      "ERMINE_OPTION",
      "sequence: all schedules must count the same (steps or epochs), and none may follow a metric.",
    );
  }
  const takesLength = schedules.at(-1)!.takesLength === true;
  const starts = [0, ...milestones];
  // Before the first step, so that what is wrong is said where the schedule is made.
  milestones.forEach((end, i) => schedules[i]!.checkLength?.(end - starts[i]!));
  return {
    name: "sequence",
    per: first.per,
    ...(takesLength ? { takesLength, checkLength: (length: number) => checkLast(schedules, starts, length) } : {}),
    at(time, _, length = Infinity) {
      const part = milestones.filter((m) => m <= time).length;
      return schedules[part]!.at(time - starts[part]!, undefined, (milestones[part] ?? length) - starts[part]!);
    },
  };
}

/** @throws ErmineError ERMINE_OPTION where nothing of the length is left for the last schedule */
function checkLast(schedules: readonly Schedule[], starts: readonly number[], length: number): void {
  const last = starts.at(-1)!;
  if (last < length) return schedules.at(-1)!.checkLength?.(length - last);
  throw new ErmineError(
    "ERMINE_OPTION",
    `${schedules.at(-1)!.name} begins after ${last} ${schedules[0]!.per}s and ends with fit, which takes ${length}. Begin it earlier, or train for longer.`,
  );
}

/**
 * A linear warm-up over `steps` from startFactor (1/3) of the schedule's first value; the schedule starts after it, and one that takes the length of the `fit` that runs
 * takes what is left of it.
 *
 * @example
 * const rate = schedules.warmup(schedules.exponential(0.1, { gamma: 0.5 }), { steps: 2, startFactor: 0.5 });
 * [0, 1, 2, 3].map((step) => rate.at(step)); // => [0.05, 0.075, 0.1, 0.05]
 */
export function warmup(
  schedule: Schedule | number,
  options: {
    /** Steps (or epochs, as the schedule counts) of the way up. */
    steps: number;
    /** Start value, as a factor of the schedule's first value. Default 1/3. */
    startFactor?: number;
  },
): Schedule {
  if (arguments.length > 2) checkArguments("warmup", arguments, 2);
  requireOptions("warmup", options, { steps: "number", startFactor: "number" }, "schedule");
  const { steps, startFactor = 1 / 3 } = options;
  requireCount("warmup", "steps", steps);
  requireNumber("warmup", "startFactor", startFactor, 0);
  if (typeof schedule === "number") requireNumber("warmup", "its learning rate", schedule, 0);
  else requireSchedule("warmup", "its first argument", schedule);
  const mainSchedule: Schedule = typeof schedule === "number" ? { name: "fixed", per: "step", at: () => schedule } : schedule;
  const rise = derived(linear(mainSchedule.at(0), { startFactor, endFactor: 1, totalSteps: steps }), { per: mainSchedule.per });
  return derived(sequence([rise, mainSchedule], [steps]), { name: "warmup" });
}
