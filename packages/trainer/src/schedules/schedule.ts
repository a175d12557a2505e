/**
 * What a schedule is: a pure function of time, in float64 on the host. A number is the schedule that never changes.
 * Composition lives in `compose.ts`, the one that follows a metric in `reduceOnPlateau.ts`.
 */
import { ErmineError } from "@ermine/core";
import type { Better } from "../monitor.js";

/** How far training is: whole updates and whole epochs done. */
export interface Time {
  /** Updates taken so far; 0 during the first. */
  readonly step: number;
  readonly epoch: number;
  /** Updates that these parameters have had; default step. Fewer for a layer that was frozen for a time. */
  readonly age?: number;
}

/** What bias corrections count by: a parameter's own updates. */
export const ageOf = ({ step, age }: Time): number => age ?? step;

export interface Schedule {
  readonly name: string;
  /** What `at` counts. */
  readonly per: "step" | "epoch";
  /** The value after `time` whole steps (or epochs). */
  at(time: number): number;
  /** The log that `observe` is given after each epoch; a metric of the trainer's. */
  readonly monitor?: string;
  observe?(value: number, better?: Better): void;
  /**
   * Of one that observes: told before the first step which way the log gets better, so that it can refuse one without a direction.
   *
   * @throws ErmineError ERMINE_OPTION where neither its options nor the metric say
   */
  checkDirection?(better: Better | undefined): void;
  /** What a checkpoint must keep of a schedule that observes. */
  state?(): Readonly<Record<string, number>>;
  restore?(state: Readonly<Record<string, number>>): void;
}

/** A learning rate, a weight decay or a momentum: fixed, or scheduled. */
export type Rate = number | Schedule;

/** The rate's value now. */
export function rateAt(rate: Rate, time: Time): number {
  if (typeof rate === "number") return rate;
  return rate.at(rate.per === "step" ? time.step : time.epoch);
}

/** A schedule that counts steps. */
export const stepwise = (name: string, at: (time: number) => number): Schedule => ({ name, per: "step", at });

/** The same schedule counted in epochs. */
export function perEpoch(schedule: Schedule): Schedule {
  requireSchedule("perEpoch", "its argument", schedule);
  return { ...schedule, per: "epoch" };
}

/** @throws ErmineError ERMINE_OPTION where `value` is not a finite number in [minimum, maximum] */
export function requireNumber(where: string, name: string, value: unknown, minimum = -Infinity, maximum = Infinity): number {
  if (typeof value === "number" && Number.isFinite(value) && value >= minimum && value <= maximum) return value;
  const range = maximum < Infinity ? ` between ${minimum} and ${maximum}` : minimum > -Infinity ? ` of at least ${minimum}` : "";
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a number${range}, got ${String(value)}.`);
}

/** @throws ErmineError ERMINE_OPTION where `value` is not a whole number of at least `minimum` */
export function requireCount(where: string, name: string, value: unknown, minimum = 1): number {
  if (Number.isInteger(value) && (value as number) >= minimum) return value as number;
  throw new ErmineError(
    "ERMINE_OPTION",
    `${where}: ${name} must be a whole number of at least ${minimum}, got ${String(value)}.`,
  );
}

/** @throws ErmineError ERMINE_OPTION where `values` is no list of whole numbers ≥ 0 */
export function requireCounts(where: string, name: string, values: unknown): void {
  if (Array.isArray(values)) for (const [i, value] of values.entries()) requireCount(where, `${name}[${i}]`, value, 0);
  else throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a list of whole numbers, got ${String(values)}.`);
}

/** @throws ErmineError ERMINE_OPTION where `value` is no schedule */
export function requireSchedule(where: string, name: string, value: unknown): void {
  if (typeof (value as Partial<Schedule> | null | undefined)?.at === "function") return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} must be a schedule, got ${String(value)}.`);
}

/** @throws ErmineError ERMINE_OPTION where `value` is none of `known` */
export function requireOneOf(where: string, name: string, value: unknown, known: readonly string[]): void {
  if (known.includes(value as string)) return;
  throw new ErmineError("ERMINE_OPTION", `${where}: ${name} is one of ${known.join(", ")}; got "${String(value)}".`);
}
