/** Every loss. */
export * from "./mse.js";
export * from "./l1.js";
export * from "./huber.js";
export * from "./smoothL1.js";
export * from "./crossEntropy.js";
export * from "./nll.js";
export * from "./bce.js";
export * from "./bceWithLogits.js";
export * from "./logCosh.js";
export * from "./softMargin.js";
export * from "./hingeEmbedding.js";
export * from "./poissonNll.js";
export * from "./gaussianNll.js";
export * from "./klDiv.js";
export * from "./marginRanking.js";
export * from "./cosineEmbedding.js";
export * from "./tripletMargin.js";
export * from "./multiMargin.js";
export * from "./multiLabelMargin.js";
export * from "./multiLabelSoftMargin.js";
export * from "./focal.js";
export * from "./dice.js";
export * from "./ctc.js";
export { asLogProbabilities, asProbabilities } from "./domains.js";
export { checkClassIndices } from "./classes.js";
export { valueRule, type ValueRule, type ValueRuleOf } from "./values.js";
export { checkValueShape } from "./elements.js";
export { withoutRankPromotion } from "../dispatch/rankPromotion.js";
export type { Draw, Sample, Samples } from "./samples.js";
export {
  defineLoss,
  totalNormalizer,
  type CommonOptions,
  type Elements,
  type Link,
  type LinkOf,
  type Loss,
  type LossInput,
  type LossInputRole,
  type LossSpec,
  type Reduction,
} from "./definition.js";
