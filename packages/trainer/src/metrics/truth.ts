/** Check of a metric's class targets: an invalid target would otherwise be counted silently as wrong, or as another class. */
import { ErmineError } from "@ermine/core";

/** Is it one of the classes 0 … classes − 1? */
export const isClass = (value: number, classes: number): boolean => Number.isInteger(value) && value >= 0 && value < classes;

/**
 * NaN passes: it makes the metric NaN.
 *
 * @param classes how many there are: 2 of labels and of one probability a sample
 * @param ignoreIndex passes too
 * @throws ErmineError ERMINE_VALUE that names the target
 */
export function checkClass(metric: string, position: number, truth: number, classes: number, ignoreIndex?: number): void {
  if (isClass(truth, classes) || truth === ignoreIndex || Number.isNaN(truth)) return;
  const remedy =
    classes === 2 ? "Write labels of ±1 as (y + 1) / 2, bytes as y / 255; compare probabilities with a threshold first." : "";
  throw new ErmineError(
    "ERMINE_VALUE",
    `${metric}: target ${position} is ${truth}, and classes are 0 … ${classes - 1}. ${remedy}`.trim(),
  );
}
