/** Optimizers, in order of increasing complexity. */
export { sgd } from "./sgd.js";
export { rmsprop } from "./rmsprop.js";
export { adam, adamw } from "./adam.js";
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
