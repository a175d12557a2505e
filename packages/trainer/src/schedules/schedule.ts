/**
 * What a schedule is: a pure function of time, in float64 on the host, and of the state of a training where it follows a metric. It keeps nothing
 * itself, so that trainers may share it. A number is the schedule that never changes.
 * Composition lives in `compose.ts`, the one that follows a metric in `reduceOnPlateau.ts`.
 */
import { ErmineError } from "@ermine/core";
import { checkArguments, show } from "@ermine/core/define";
import type { Better } from "../monitor.js";

/** How far training is: whole updates and whole epochs done. */
export interface Time {
  /** Updates taken so far; 0 during the first. */
  readonly step: number;
  /** Epochs finished so far. */
  readonly epoch: number;
  /** Updates that these parameters have had; default step. Fewer for a layer that was frozen for a time. */
  readonly age?: number;
  /** The states of schedules that follow a metric; default: as before training. */
  readonly schedules?: ReadonlyMap<Schedule, unknown>;
}

/** What bias corrections count by: a parameter's own updates. */
export const ageOf = ({ step, age }: Time): number => age ?? step;

/** `S` is the state of one that follows a metric: plain JSON, so that a checkpoint can keep it. */
export interface Schedule<S = unknown> {
  /** For messages and `trainer.configuration`. */
  readonly name: string;
  /** What `at` counts. */
  readonly per: "step" | "epoch";
  /** The value after `time` whole steps (or epochs). `state`: of one that observes, default `init()`. */
  at(time: number, state?: S): number;
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
  const count = rate.per === "step" ? time.step : time.epoch;
  return rate.init === undefined ? rate.at(count) : rate.at(count, time.schedules?.get(rate) ?? rate.init());
}

/** A schedule that counts steps. */
export const stepwise = (name: string, at: (time: number) => number): Schedule => ({ name, per: "step", at });

/**
 * The same schedule counted in epochs.
 *
 * @example
 * const rate = schedules.perEpoch(schedules.exponential(0.1, { gamma: 0.5 }));
 * schedules.rateAt(rate, { step: 1000, epoch: 2 }); // => 0.025
 */
export function perEpoch(schedule: Schedule): Schedule {
  if (arguments.length > 1) checkArguments("perEpoch", arguments, 1);
  requireSchedule("perEpoch", "its argument", schedule);
  return { ...schedule, per: "epoch" };
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
export function requireOneOf(where: string, name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is one of ${known.join(", ")}; got ${show(value)}.`);
}
