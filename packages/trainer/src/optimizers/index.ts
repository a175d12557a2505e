/** Optimizers, in order of increasing complexity. */
export { sgd } from "./sgd.js";
export { rmsprop } from "./rmsprop.js";
export { adam, adamw } from "./adam.js";
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
export {
  addDecayedWeights,
  chain,
  clipByGlobalNorm,
  clipByValue,
  scale,
  scaleByAdam,
  scaleByLearningRate,
  trace,
  type GradientTransformation,
  type TransformContext,
} from "./chain.js";
export { clipGradNorm, clipGradValue, globalNorm, type NormType } from "./clip.js";
export { undecayedBiasesAndNorms, type OptimizerSetup, type ParameterGroup } from "./groups.js";
export {
  defineOptimizer,
  scalarAt,
  type CommonOptions,
  type Optimizer,
  type OptimizerSpec,
  type OptimizerState,
} from "./definition.js";
