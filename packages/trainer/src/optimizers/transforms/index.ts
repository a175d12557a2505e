/** Links of a chain. */
export {
  scaleByAdadelta,
  scaleByAdam,
  scaleByAdamax,
  scaleByBelief,
  scaleByNadam,
  scaleByRadam,
  scaleByRms,
  scaleByRprop,
  scaleByRss,
} from "./adaptive.js";
export {
  adaptiveClip,
  addNoise,
  centralize,
  clipByBlockRms,
  clipByGlobalNorm,
  clipByValue,
  normalizeByGlobalNorm,
} from "./gradients.js";
export { orthogonalize, scaleByFactoredRms, type AdjustLrFn } from "./matrices.js";
export { ema, scaleByLion, applyMomentum } from "./momentum.js";
export { scale, scaleByLearningRate, scaleBySchedule, scaleBySign, scaleByTrustRatio } from "./scale.js";
export { addDecayedWeights, averageWeights, masked, scaleByParameterRms, type ParameterMask } from "./weights.js";
