/** Rules for the values of a loss's inputs: checked where they are on the host, and in a data set before the first step. */
import type { TensorType } from "../types/storage.js";
import { ErmineError } from "../types/errors.js";

/** A rule for values. */
export interface ValueRule {
  /**
   * Refuses values that break the rule.
   *
   * @throws ErmineError ERMINE_VALUE that names the first value that breaks the rule and says what to do: "where: input 3 is …"
   */
  check(where: string, input: string, values: ArrayLike<number>): void;
}

/** The rule of an input: fixed, or from the loss's options and the types of all of its inputs; undefined: anything goes. */
export type ValueRuleOf = (options: any, types: readonly TensorType[]) => ValueRule | undefined;

/**
 * A rule of what one value must be. NaN passes: it makes the loss NaN, which is refused by itself.
 *
 * @param subject ends "target 3 is 255, and …"
 * @param remedy what to do, from the value that is wrong and from all
 * @example
 * const even = valueRule("counts are even", (value) => value % 2 === 0, () => "Count again.");
 * even.check("myLoss", "target", [0, 2]);
 */
/* @__NO_SIDE_EFFECTS__ */
export const valueRule = (
  subject: string,
  fits: (value: number) => boolean,
  remedy: (value: number, values: ArrayLike<number>) => string | undefined = () => undefined,
): ValueRule => ({
  check(where, input, values) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (fits(value) || Number.isNaN(value)) continue;
      throw new ErmineError(
        "ERMINE_VALUE",
        `${where}: ${input} ${i} is ${value}, and ${subject}. ${remedy(value, values) ?? ""}`.trim(),
      );
    }
  },
});

const every = (values: ArrayLike<number>, fits: (value: number) => boolean): boolean => {
  for (let i = 0; i < values.length; i++) if (!fits(values[i]!)) return false;
  return true;
};

const isSign = (value: number): boolean => value === 1 || value === -1;
const isBit = (value: number): boolean => value === 1 || value === 0;
const isByte = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 255;

/** The tolerance of rounding in a probability. */
const rounding = 1e-6;

/** Labels and probabilities. */
export const inUnitInterval: ValueRule = /* @__PURE__ */ valueRule(
  "labels and probabilities are in [0, 1]",
  (value) => value >= -rounding && value <= 1 + rounding,
  (_, values) =>
    every(values, isSign)
      ? "These are labels of ±1: write them as div(add(y, 1), 2), or take softMargin."
      : every(values, isByte)
        ? "These look like bytes: divide them by 255."
        : "Scale them, or take a loss of plain values as mse.",
);

/** Class probabilities of crossEntropy: counts have their remedy. */
export const areClassProbabilities: ValueRule = /* @__PURE__ */ valueRule(
  "class probabilities are in [0, 1]",
  (value) => value >= -rounding && value <= 1 + rounding,
  (value) =>
    value < 0
      ? undefined
      : 'Divide each row by its sum; what a row counts for is its sampleWeight. Class indices must be int32: cast(target, "int32").',
);

/** ±1. */
export const areSigns: ValueRule = /* @__PURE__ */ valueRule("targets are 1 or -1", isSign, (value, values) =>
  every(values, isBit)
    ? "These are labels of 0 and 1: write them as sub(mul(y, 2), 1)."
    : value === 0
      ? "To leave a sample out, give it the sampleWeight 0."
      : undefined,
);

/** Counts, variances, measures. */
/* @__NO_SIDE_EFFECTS__ */
export const notNegative = (label: string, remedy?: string): ValueRule =>
  valueRule(
    `${label} are not below 0`,
    (value) => value >= 0,
    () => remedy,
  );

/** Whole numbers from low to high, both included. */
/* @__NO_SIDE_EFFECTS__ */
export const wholeWithin = (label: string, low: number, high: number, remedy?: string): ValueRule =>
  valueRule(
    `${label} are whole numbers from ${low} to ${high}`,
    (value) => Number.isInteger(value) && value >= low && value <= high,
    () => remedy,
  );
