/** Every operation. */
export { oneHot } from "./oneHot.js";
export { apply, apply1 } from "./apply.js";
export { defineFusedOp } from "./fused.js";
export * from "./primitives.js";
export * from "./floorDivide.js";
export type { Operand } from "./elementwise.js";
export {
  arange,
  eye,
  full,
  fullLike,
  fullOp,
  iotaOp,
  linspace,
  ones,
  onesLike,
  scalar,
  tensor,
  zeros,
  zerosLike,
  type DTypeOptions,
  type TensorOptions,
} from "./creation.js";
export * from "./arithmetic.js";
export * from "./unary.js";
export * from "./erfc.js";
export * from "./comparison.js";
export * from "./cast.js";
export * from "./where.js";
export {
  all,
  amax,
  amin,
  any,
  argMax,
  argMaxOp,
  argMin,
  max,
  maxOp,
  min,
  minOp,
  prod,
  prodOp,
  sum,
  sumOp,
  type ArgAttributes,
  type AxisOptions,
  type ReduceAttributes,
  type ReduceOptions,
} from "./reduction.js";
export {
  elementCount,
  measuredCount,
  logSumExp,
  mean,
  norm,
  sizeOp,
  std,
  variance,
  type NormOptions,
  type SizeAttributes,
  type VarianceOptions,
} from "./statistics.js";
export {
  broadcastTo,
  broadcastToOp,
  expandDims,
  flatten,
  permute,
  reshape,
  squeeze,
  tile,
  transpose,
  transposeOp,
  unsqueeze,
  type TransposeAttributes,
} from "./shape.js";
export { concat, concatOp, split, stack, type ConcatAttributes } from "./concat.js";
export { flip, padOp, slice, sliceOp, type PadAttributes, type SliceAttributes } from "./slice.js";
export { pad, type PaddingMode, type PadOptions } from "./padding.js";
export { at, type Index, type Range } from "./indexing.js";
export * from "./gather.js";
export { embeddingOp, type EmbeddingAttributes } from "./embedding.js";
export { setRows, setRowsOp, sumRows, sumRowsOp, type SumRowsAttributes } from "./rows.js";
export * from "./sort.js";
export * from "./matmul.js";
export { einsum } from "./einsum.js";
export { linear, linearOp } from "./linear.js";
export {
  fold,
  foldOp,
  unfold,
  unfoldOp,
  type FoldAttributes,
  type UnfoldAttributes,
  type Window,
  type WindowOptions,
} from "./window.js";
export { convolution, convolutionOp, type ConvolutionAttributes, type ConvolutionOptions } from "./convolution.js";
export {
  avgPool,
  avgPoolOp,
  lpPool,
  maxPool,
  maxPoolIndices,
  maxPoolOp,
  type AvgPoolAttributes,
  type AvgPoolOptions,
  type LpPoolOptions,
  type MaxPoolAttributes,
  type MaxPoolOptions,
} from "./pooling.js";
export { adaptiveAvgPool, adaptiveMaxPool, adaptiveMaxPoolIndices } from "./adaptivePooling.js";
export { resize, type ResizeMode, type ResizeOptions } from "./resize.js";
export {
  convolutionTranspose,
  convolutionTransposeOp,
  type ConvolutionTransposeAttributes,
  type ConvolutionTransposeOptions,
} from "./transposedConvolution.js";
export {
  batchNormInferenceOp,
  batchNormOp,
  groupNorm,
  groupNormOp,
  layerNorm,
  rmsNorm,
  type BatchNormAttributes,
  type GroupNormAttributes,
  type NormalizationOptions,
} from "./normalization.js";
export { allClose, arrayEqual, type ClosenessOptions } from "./closeness.js";
