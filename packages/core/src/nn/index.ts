/** Modules: layers, and every activation and loss as one. */
export { Module, type ForwardHook, type HostTensor, type Layer, type StateDict } from "./module.js";
export { Parameter } from "../tensor/variable.js";
export { Sequential } from "./sequential.js";
export { Linear } from "./linear.js";
export { Flatten } from "./flatten.js";
export { Dropout } from "./dropout.js";
export { Conv1d, Conv2d, Conv3d, type ConvOptions } from "./convolution.js";
export * from "./pooling.js";
export { BatchNorm1d, BatchNorm2d, BatchNorm3d, LayerNorm, type BatchNormOptions } from "./normalization.js";
export { Embedding } from "./embedding.js";
export * from "./activations.js";
export * from "./losses.js";
export { GroupNorm, RMSNorm } from "./groupNorm.js";
export { AdaptiveAvgPool1d, AdaptiveAvgPool2d, AdaptiveAvgPool3d } from "./adaptivePooling.js";
export { ConvTranspose1d, ConvTranspose2d, ConvTranspose3d, type ConvTransposeOptions } from "./transposedConvolution.js";
export { GRU, LSTM, RNN, type RecurrentOptions, type RecurrentState } from "./recurrent.js";
export { MultiHeadAttention, type AttentionMasks } from "./attention.js";
