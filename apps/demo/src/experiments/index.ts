/** All experiments, in the order in which they build on each other. */
import { accuracyGradient } from "./claims/accuracyGradient.js";
import { activationsCompared } from "./claims/activationsCompared.js";
import { auxiliaryLoss } from "./claims/auxiliaryLoss.js";
import { batchMeans } from "./claims/batchMeans.js";
import { deadRelus } from "./claims/deadRelus.js";
import { decayAndL2 } from "./claims/decayAndL2.js";
import { empiricalRisk } from "./claims/empiricalRisk.js";
import { gradientDepth } from "./claims/gradientDepth.js";
import { largeLogits } from "./claims/largeLogits.js";
import { linearCollapse } from "./claims/linearCollapse.js";
import { mseOnSigmoid } from "./claims/mseOnSigmoid.js";
import { multiLabel } from "./claims/multiLabel.js";
import { outliers } from "./claims/outliers.js";
import { softmaxOverflow } from "./claims/softmaxOverflow.js";
import { softmaxTwice } from "./claims/softmaxTwice.js";
import { thresholdF1 } from "./claims/thresholdF1.js";
import type { Experiment } from "./experiment.js";

export const experiments: readonly Experiment[] = [
  linearCollapse,
  activationsCompared,
  gradientDepth,
  deadRelus,
  softmaxOverflow,
  softmaxTwice,
  largeLogits,
  outliers,
  accuracyGradient,
  thresholdF1,
  decayAndL2,
  mseOnSigmoid,
  multiLabel,
  auxiliaryLoss,
  empiricalRisk,
  batchMeans,
];
