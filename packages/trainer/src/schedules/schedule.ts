/**
 * Interface of a schedule: a pure function of time, in float64 on the host, and of the state of a training where it follows a metric. It keeps nothing
 * itself, so that trainers may share it. A number is the schedule that never changes.
 * Composition lives in `compose.ts`, the one that follows a metric in `reduceOnPlateau.ts`.
 */
import { ErmineError } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import type { Better } from "../monitor.js";

/** Progress of training: completed updates and completed epochs. */
export interface Time {
  /** Updates taken so far; 0 during the first. */
  readonly step: number;
  /** Epochs finished so far. */
  readonly epoch: number;
  /** Updates that these parameters have had; default step. Fewer for a layer that was frozen for a time. */
  readonly age?: number;
  /** The states of schedules that follow a metric; default: as before training. */
  readonly schedules?: ReadonlyMap<Schedule, unknown>;
  /** The `fit` that runs, or ran last: what schedules of its length count in. Default: none has begun, and they are at their beginning. */
  readonly span?: Span;
}

/** Start and length of a `fit`. A training that is resumed keeps it. */
export interface Span {
  /** Updates before it. */
  readonly firstStep: number;
  /** Epochs before it. */
  readonly firstEpoch: number;
  /** Its updates; null where the data's length is not known. */
  readonly steps: number | null;
  /** Its epochs. */
  readonly epochs: number;
}

/** Number of a parameter's own updates, used by bias corrections. */
export const ageOf = ({ step, age }: Time): number => age ?? step;

/** `S` is the state of one that follows a metric: plain JSON, so that a checkpoint can keep it. */
export interface Schedule<S = unknown> {
  /** For messages and `trainer.configuration`. */
  readonly name: string;
  /** Unit of the argument of `at`. */
  readonly per: "step" | "epoch";
  /**
   * The value after `time` whole steps (or epochs).
   *
   * @param state of one that observes; default `init()`
   * @param length of one that `takesLength`: the steps (or epochs) of the `fit`, which `time` is counted from the beginning of; default Infinity, at which it stays as
   * at its beginning
   */
  at(time: number, state?: S, length?: number): number;
  /**
   * Does it take the length of the `fit` that runs, and count from its beginning? A `fit` whose length is not known is refused; the next `fit` begins it anew, and one that
   * resumes goes on in the length that it was begun with. Default false: it counts the trainer's steps, from its first.
   */
  readonly takesLength?: boolean;
  /**
   * Of one that takes it: told the length before the first step.
   *
   * @throws ErmineError ERMINE_OPTION where it does not fit, as a warm-up that is longer
   */
  checkLength?(length: number): void;
  /** The log that `observe` is given after each epoch; a metric of the trainer's. */
  readonly monitor?: string;
  /** Of one that observes: its state before training. Each trainer has its own. */
  init?(): S;
  /**
   * The state after an epoch whose watched log has that value.
   *
   * @returns the state after an epoch whose log was `value`; the state that is handed in stays as it is
   */
  observe?(state: S, value: number, better?: Better): S;
  /**
   * Of one that observes: told before the first step which way the log gets better, so that it can refuse one without a direction.
   *
   * @throws ErmineError ERMINE_OPTION where neither its options nor the metric say
   */
  checkDirection?(better: Better | undefined): void;
}

/** A learning rate, a weight decay or a momentum: fixed, or scheduled. */
export type Rate = number | Schedule;

/**
 * The rate's value now.
 *
 * @example
 * schedules.rateAt(schedules.exponential(0.1, { gamma: 0.5 }), { step: 1, epoch: 0 }); // => 0.05
 * schedules.rateAt(0.1, { step: 1, epoch: 0 }); // => 0.1
 */
export function rateAt(rate: Rate, time: Time): number {
  if (arguments.length > 2) checkArguments("rateAt", arguments, 2);
  if (typeof rate === "number") return rate;
  requireSchedule("rateAt", "the rate", rate);
  if (typeof time?.step !== "number")
    throw new ErmineError("ERMINE_OPTION", `rateAt: time is { step, epoch }, got ${show(time)}.`);
  const state = rate.init === undefined ? undefined : (time.schedules?.get(rate) ?? rate.init());
  const isOfSteps = rate.per === "step";
  const count = isOfSteps ? time.step : time.epoch;
  if (rate.takesLength !== true) return rate.at(count, state);
  const { span } = time;
  if (span === undefined) return rate.at(0, state, Infinity);
  return isOfSteps
    ? rate.at(count - span.firstStep, state, span.steps ?? Infinity)
    : rate.at(count - span.firstEpoch, state, span.epochs);
}

/** A schedule that counts steps. */
export const stepwise = (name: string, at: (time: number) => number): Schedule => ({ name, per: "step", at });

/**
 * A schedule that counts steps and ends with `totalSteps`, or with the `fit` where they are not given.
 *
 * @param at its value after so many of so many steps
 * @param checkLength throws where it cannot be as long as the `fit`
 */
export function endingWith(
  name: string,
  totalSteps: number | undefined,
  at: (time: number, length: number) => number,
  checkLength?: (length: number) => void,
): Schedule {
  if (totalSteps !== undefined) return stepwise(name, (time) => at(time, totalSteps));
  return {
    name,
    per: "step",
    takesLength: true,
    at: (time, _, length = Infinity) => at(Math.min(time, length), length),
    ...(checkLength === undefined ? {} : { checkLength }),
  };
}

/** The schedule under another name, or with what it counts changed; it may be an object of a class with private fields. */
export function derived<S extends Schedule>(schedule: S, changes: Partial<Pick<Schedule, "name" | "per">>): S {
  const { name, per, monitor, takesLength, momentum } = schedule as Schedule & { readonly momentum?: Schedule };
  const has = (method: keyof Schedule): boolean => typeof schedule[method] === "function";
  return {
    name,
    per,
    ...(monitor === undefined ? {} : { monitor }),
    ...(takesLength === undefined ? {} : { takesLength }),
    at: (time: number, state?: unknown, length?: number) => schedule.at(time, state, length),
    ...(has("init") ? { init: () => schedule.init!() } : {}),
    ...(has("observe")
      ? { observe: (state: unknown, value: number, better?: Better) => schedule.observe!(state, value, better) }
      : {}),
    ...(has("checkDirection") ? { checkDirection: (better?: Better) => schedule.checkDirection!(better) } : {}),
    ...(has("checkLength") ? { checkLength: (length: number) => schedule.checkLength!(length) } : {}),
    // The momentum of a cycle goes with it.
    ...(isSchedule(momentum) ? { momentum: derived(momentum, { per: changes.per ?? momentum.per }) } : {}),
    ...changes,
  } as unknown as S;
}

/**
 * The same schedule counted in epochs. One that takes the length of `fit` takes its epochs, which are known of streams too.
 *
 * @param schedule one of ermine's, or an object of your own
 * @throws ErmineError ERMINE_OPTION where it is no schedule
 * @example
 * const rate = schedules.perEpoch(schedules.exponential(0.1, { gamma: 0.5 }));
 * schedules.rateAt(rate, { step: 1000, epoch: 2 }); // => 0.025
 */
export function perEpoch<S extends Schedule>(schedule: S): S {
  if (arguments.length > 1) checkArguments("perEpoch", arguments, 1);
  requireSchedule("perEpoch", "its argument", schedule);
  return derived(schedule, { per: "epoch" });
}

/** @throws ErmineError ERMINE_OPTION where `value` is not a finite number in [minimum, maximum] */
export function requireNumber(where: string, name: string, value: unknown, minimum = -Infinity, maximum = Infinity): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= minimum && value <= maximum) return value;
  const range = maximum < Infinity ? ` between ${minimum} and ${maximum}` : minimum > -Infinity ? ` of at least ${minimum}` : "";
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a number${range}, got ${show(value)}.`);
}

/** @throws ErmineError ERMINE_OPTION where `value` is not a whole number of at least `minimum` */
export function requireCount(where: string, name: string, value: unknown, minimum = 1): number {
  if (Number.isInteger(value) && (value as number) >= minimum) return value as number;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a whole number of at least ${minimum}, got ${show(value)}.`);
}

/** @throws ErmineError ERMINE_OPTION where `values` is no list of whole numbers ≥ 0 */
export function requireCounts(where: string, name: string, values: unknown): void {
  if (Array.isArray(values)) for (const [i, value] of values.entries()) requireCount(where, `${name}[${i}]`, value, 0);
  else throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a list of whole numbers, got ${show(values)}.`);
}

/** Is it a schedule? Arrays and strings have an `at` too. */
export const isSchedule = (value: unknown): value is Schedule =>
  typeof value === "object" &&
  value !== null &&
  "at" in value &&
  typeof value.at === "function" &&
  ((value as Schedule).per === "step" || (value as Schedule).per === "epoch");

/** @throws ErmineError ERMINE_OPTION where `value` is neither a number nor a schedule */
export function requireRate(where: string, name: string, value: unknown): void {
  if (typeof value === "number" || isSchedule(value)) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is a number or a schedule, got ${show(value)}.`);
}

/** @throws ErmineError ERMINE_OPTION where `value` is no schedule */
export function requireSchedule(where: string, name: string, value: unknown): void {
  if (isSchedule(value)) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a schedule, got ${show(value)}.`);
}

/** @throws ErmineError ERMINE_OPTION where `value` is none of `known` */
export function requireOneOf(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (choices.includes(value as string)) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is one of ${choices.join(", ")}; got ${show(value)}.`);
}
