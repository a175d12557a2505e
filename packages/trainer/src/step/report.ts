/** Report of a step, read from the outputs of its program. */
import type { TypedArray } from "@ermine/core";
import { readSums, riskOf, type HostSums } from "../risk/means.js";
import { partsOf } from "../risk/objective.js";
import type { StepReport, Verdict } from "./contract.js";
import type { Training } from "./training.js";

/** A report that is written again and again. */
export class Report implements StepReport {
  verdict: Verdict = "taken";
  batch = 0;
  samples = 0;
  loss = NaN;
  penalty = 0;
  gradNorm: number | undefined = undefined;
  sums: HostSums[] = [];
}

/**
 * @param report is written
 * @param numbers the first output of the update's last run (`reportOf`)
 */
export function readReport({ setup }: Training, report: Report, batch: number, samples: number, numbers: TypedArray): Report {
  const hasNorm = setup.gradNorm !== undefined;
  report.gradNorm = hasNorm ? numbers[2]! : undefined;
  readSums(report.sums, numbers, hasNorm ? 3 : 2);
  report.batch = batch;
  report.samples = samples;
  report.penalty = numbers[1]!;
  report.verdict = numbers[0] === 1 ? "taken" : report.sums.every(isEmpty) ? "empty" : "refused";
  report.loss = report.verdict === "empty" ? NaN : riskOf(partsOf(setup.loss), report.sums) + report.penalty;
  return report;
}

const isEmpty = ({ normalizer }: HostSums): boolean => normalizer === 0;
