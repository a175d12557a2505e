/** Modules: layers, and every activation and loss as one. */
export { Module, type ForwardHook, type Layer } from "./module.js";
export type { HostTensor, LoadOptions, LoadReport, StateDict } from "./state.js";
export type { LoadableState, LoadableTensor } from "./stateElements.js";
export { withFeatures } from "./features.js";
export { initializeParameters } from "./initialize.js";
export { lora, LoRA, type LoRAOptions, type LowRank } from "./lora.js";
export type { AdapterTargets } from "./loraNames.js";
export { summary, type SummaryOptions } from "./summary.js";
export { Parameter } from "../dispatch/variable.js";
export { Sequential } from "./sequential.js";
export { Residual } from "./residual.js";
export { Bilinear, Linear } from "./linear.js";
export { Flatten, Unflatten } from "./flatten.js";
export * from "./dropout.js";
export { Embedding, type EmbeddingOptions } from "./embedding.js";
export { EmbeddingBag, type EmbeddingBagInputs, type EmbeddingBagOptions } from "./embeddingBag.js";
export { Conv1d, Conv2d, Conv3d, type ConvOptions } from "./convolution.js";
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeOptions } from "./transposedConvolution.js";
export * from "./pooling.js";
export * from "./adaptivePooling.js";
export * from "./padding.js";
export {
  PixelShuffle,
  PixelUnshuffle,
  Upsample,
  UpsamplingBilinear2d,
  UpsamplingNearest2d,
  type UpsamplingOptions,
} from "./upsample.js";
export * from "./unpooling.js";
export { Fold, Unfold, type FoldOptions } from "./fold.js";
export { ChannelShuffle, Softmax2d } from "./channels.js";
export * from "./distance.js";
export { ModuleDict, ModuleList, ParameterDict, ParameterList } from "./containers.js";
export {
  BatchNorm1d,
  BatchNorm2d,
  BatchNorm3d,
  InstanceNorm1d,
  InstanceNorm2d,
  InstanceNorm3d,
  type BatchNormOptions,
} from "./batchNorm.js";
export { GroupNorm } from "./groupNorm.js";
export {
  CrossMapLRN2d,
  LayerNorm,
  LocalResponseNorm,
  RMSNorm,
  type LayerNormOptions,
  type ResponseNormOptions,
} from "./layerNorm.js";
export { GRU, LSTM, RNN, type RecurrentOptions, type RecurrentResult, type SequenceOptions } from "./recurrent.js";
export { GRUCell, LSTMCell, RNNCell } from "./recurrentCells.js";
export { type RecurrentState } from "./cellDefinitions.js";
export { MultiHeadAttention, type Attended, type AttentionMasks, type MultiHeadAttentionOptions } from "./attention.js";
export { LearnedPositions, SinusoidalPositions } from "./positions.js";
export * from "./transformer.js";
export * from "./activations.js";
export * from "./losses.js";
export { LinearCrossEntropyLoss, type LinearCrossEntropyLossOptions } from "./linearCrossEntropy.js";
export { AdaptiveLogSoftmaxWithLoss, type AdaptiveLogSoftmaxOptions, type AdaptiveLogSoftmaxResult } from "./adaptiveSoftmax.js";
