/** Optimizers, in order of increasing complexity. */
export { sgd } from "./sgd.js";
export { rmsprop } from "./rmsprop.js";
export { adam, adamw } from "./adam.js";
export { sparseAdam } from "./sparseAdam.js";
export { adagrad } from "./adagrad.js";
export { adadelta } from "./adadelta.js";
export { adamax } from "./adamax.js";
export { nadam } from "./nadam.js";
export { radam } from "./radam.js";
export { asgd } from "./asgd.js";
export { rprop } from "./rprop.js";
export { lion } from "./lion.js";
export { lamb } from "./lamb.js";
export { adafactor } from "./adafactor.js";
export { muon } from "./muon.js";
export type * from "./options.js";
export {
  chain,
  perParameter,
  type GradientTransformation,
  type ParameterTransformation,
  type SlotPlan,
  type TransformContext,
} from "./chain.js";
export * from "./transforms/index.js";
export { lookahead } from "./lookahead.js";
export { exponentialAverage, stochasticAverage } from "./averages.js";
export { clipGradNorm, clipGradValue, globalNorm, type NormType } from "./clip.js";
export { undecayedBiasesAndNorms, type OptimizerSetup, type ParameterGroup } from "./groups.js";
export {
  defineOptimizer,
  type ChainSpec,
  type CommonOptions,
  type OptionsOf,
  type OptimizerSpec,
  type StepSpec,
  type UpdateAttributes,
} from "./definition.js";
export type { Optimizer, OptimizerState, Slot, SlotStart } from "./optimizer.js";
export { scalarAt, type Scalars, type ScalarTensors } from "./scalars.js";
