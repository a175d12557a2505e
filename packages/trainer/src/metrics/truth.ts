/** What targets of a metric over classes may be: what is none would be counted as wrong, or as another class, without a word. */
import { ErmineError } from "@ermine/core";
import type { HostBatch } from "./metric.js";

/**
 * NaN passes: it makes the metric NaN.
 *
 * @param classes how many there are: 2 of labels and of one probability a sample
 * @param ignoreIndex passes too
 * @throws ErmineError ERMINE_VALUE that names the target
 */
export function checkClass(metric: string, position: number, truth: number, classes: number, ignoreIndex?: number): void {
  if ((Number.isInteger(truth) && truth >= 0 && truth < classes) || truth === ignoreIndex || Number.isNaN(truth)) return;
  const remedy =
    classes === 2 ? "Write labels of ±1 as (y + 1) / 2, bytes as y / 255; compare probabilities with a threshold first." : "";
  throw new ErmineError(
    "ERMINE_VALUE",
    `${metric}: target ${position} is ${truth}, and classes are 0 … ${classes - 1}. ${remedy}`.trim(),
  );
}

/** How many answers a target is one of: the classes of (N, K, d…) against (N, d…); 2 of shapes that are equal, whose elements are labels. */
export const answersOf = (prediction: HostBatch, target: HostBatch): number =>
  prediction.shape.length === target.shape.length ? 2 : prediction.shape[1]!;
