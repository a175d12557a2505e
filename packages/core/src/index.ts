/** ermine's core: tensors, operations, gradients, graphs, backends. */
export { ErmineError, type ErmineErrorCode } from "./types/errors.js";
export { Tensor } from "./types/tensor.js";
export { Parameter, Variable, type WeightLayout } from "./dispatch/variable.js";
export { keep, scope } from "./dispatch/scope.js";
export { leaves, mapTree, type Tree } from "./types/tree.js";
export { type NestedNumbers } from "./types/print.js";
export { type AnyTypedArray, type NumberArray } from "./types/arrays.js";
export { type Nested } from "./types/nested.js";
export { dtypes, type Domain, type DType, type TypedArray } from "./types/dtype.js";
export { Dim, type Shape, type Size } from "./types/dim.js";
export { scaledDotProductAttention, type AttentionOptions } from "./functional/attention.js";
export { rotary, sinusoidalPositions, type PositionOptions, type RotaryOptions } from "./functional/positions.js";
export { sequenceLast, sequenceMask, sequenceMax, sequenceMean } from "./functional/sequences.js";
export { noGrad, stopGradient } from "./dispatch/tapes.js";
export { grad, valueAndGrad, valueAndRowGrads, type GradientsOf, type ValueAndGrads } from "./autograd/gradients.js";
export { denseGradient, isRowGradient, type RowGradient } from "./autograd/rowGradient.js";
export { cond } from "./control/cond.js";
export { scan, type ScanOptions } from "./control/scan.js";
export { jacobian } from "./autograd/jacobian.js";
export { backward, dispose, tidy } from "./migration.js";
export { currentBackend, useBackend, withBackend } from "./dispatch/currentBackend.js";
export { createBackend, probeBackends, registeredBackends, registerBackend, type BackendStatus } from "./backend/registry.js";
export { compile, type Compiled } from "./graph/compile.js";
export { oneHot } from "./ops/oneHot.js";
export { type Operand } from "./ops/elementwise.js";
export {
  arange,
  eye,
  full,
  fullLike,
  linspace,
  ones,
  onesLike,
  scalar,
  tensor,
  zeros,
  zerosLike,
  type DTypeOptions,
  type TensorOptions,
} from "./ops/creation.js";
export {
  all,
  max as amax,
  min as amin,
  any,
  argMax,
  argMin,
  max,
  min,
  prod,
  sum,
  type AxisOptions,
  type ReduceOptions,
} from "./ops/reduction.js";
export {
  elementCount,
  measuredCount,
  logSumExp,
  mean,
  norm,
  std,
  variance,
  type NormOptions,
  type VarianceOptions,
} from "./ops/statistics.js";
export {
  broadcastTo,
  expandDims,
  flatten,
  permute,
  reshape,
  squeeze,
  tile,
  transpose,
  expandDims as unsqueeze,
} from "./ops/shape.js";
export { concat, split, stack } from "./ops/concat.js";
export { flip, slice } from "./ops/slice.js";
export { pad, type PaddingMode, type PadOptions } from "./ops/padding.js";
export { at, type Index, type Range } from "./ops/indexing.js";
export { setRows, sumRows } from "./ops/tableRows.js";
export { einsum } from "./ops/einsum.js";
export { linear } from "./ops/linear.js";
export { fold, unfold, type Window, type WindowOptions } from "./ops/window.js";
export { convolution, type ConvolutionOptions } from "./ops/convolution.js";
export {
  avgPool,
  lpPool,
  maxPool,
  maxPoolIndices,
  type AvgPoolOptions,
  type LpPoolOptions,
  type MaxPoolOptions,
} from "./ops/pooling.js";
export { adaptiveAvgPool, adaptiveMaxPool, adaptiveMaxPoolIndices } from "./ops/adaptivePooling.js";
export { resize, type ResizeMode, type ResizeOptions } from "./ops/resize.js";
export { convolutionTranspose, type ConvolutionTransposeOptions } from "./ops/transposedConvolution.js";
export { groupNorm, layerNorm, rmsNorm, type NormalizationOptions } from "./ops/normalization.js";
export { allClose, arrayEqual, type ClosenessOptions } from "./ops/closeness.js";
export { floorDivide } from "./ops/floorDivide.js";
export { squaredDifference, add, sub, mul, div, pow, maximum, minimum, remainder } from "./ops/arithmetic.js";
export * from "./ops/unary.js";
export { erfc } from "./ops/erfc.js";
export {
  equal,
  less,
  lessEqual,
  notEqual,
  greater,
  greaterEqual,
  logicalNot,
  logicalAnd,
  logicalOr,
  logicalXor,
} from "./ops/comparison.js";
export { cast } from "./ops/cast.js";
export { where, clamp } from "./ops/where.js";
export { indexSelect, indexAdd, gather, scatterAdd, gather as takeAlong } from "./ops/gather.js";
export { sort, argSort, topK, cumsum, type SortOptions, type TopKOptions } from "./ops/sort.js";
export {
  cosineSimilarity,
  normalize,
  pairwiseDistance,
  type CosineSimilarityOptions,
  type NormalizeOptions,
  type PairwiseDistanceOptions,
} from "./ops/similarity.js";
export { maxUnpool, type MaxUnpoolOptions } from "./ops/unpooling.js";
export { fractionalMaxPool, type FractionalMaxPoolOptions } from "./functional/fractionalMaxPool.js";
export { gumbelSoftmax, type GumbelSoftmaxOptions } from "./functional/gumbelSoftmax.js";
export { matmul, dot, diagonal, type MatmulOptions, outer, trace } from "./ops/matmul.js";
export { hashKey, philox, randomBits, randomUniform24, type Key } from "./random/philox.js";
export {
  bernoulli,
  currentSeed,
  manualSeed,
  normal,
  permutation,
  randint,
  shuffledIndices,
  uniform,
  withRandom,
  type RandomContext,
} from "./random/generator.js";
export {
  constantInit,
  defaultBias,
  defaultWeight,
  dirac,
  eyeInit,
  fans,
  gainOf,
  initialize,
  initializerOf,
  kaimingNormal,
  kaimingUniform,
  normalInit,
  orthogonal,
  truncNormal,
  uniformInit,
  xavierNormal,
  xavierUniform,
  type Initializer,
  type InitializerName,
  type KaimingOptions,
  type Nonlinearity,
} from "./random/initializers.js";
export { identity } from "./activations/identity.js";
export { relu } from "./activations/relu.js";
export { leakyRelu, type LeakyReluOptions } from "./activations/leakyRelu.js";
export { prelu } from "./activations/prelu.js";
export { rrelu, type RReluOptions } from "./activations/rrelu.js";
export { relu6 } from "./activations/relu6.js";
export { threshold, type ThresholdOptions } from "./activations/threshold.js";
export { elu, type EluOptions } from "./activations/elu.js";
export { celu, type CeluOptions } from "./activations/celu.js";
export { selu } from "./activations/selu.js";
export { gelu, type GeluOptions } from "./activations/gelu.js";
export { silu, swish } from "./activations/silu.js";
export { mish } from "./activations/mish.js";
export { softplus, type SoftplusOptions } from "./activations/softplus.js";
export { softsign } from "./activations/softsign.js";
export { sigmoid } from "./activations/sigmoid.js";
export { logSigmoid } from "./activations/logSigmoid.js";
export { hardSigmoid } from "./activations/hardSigmoid.js";
export { hardSwish } from "./activations/hardSwish.js";
export { hardTanh, type HardTanhOptions } from "./activations/hardTanh.js";
export { tanhshrink } from "./activations/tanhshrink.js";
export { softshrink, type SoftshrinkOptions } from "./activations/softshrink.js";
export { hardshrink, type HardshrinkOptions } from "./activations/hardshrink.js";
export { glu, type GluOptions } from "./activations/glu.js";
export { softmax, type SoftmaxOptions } from "./activations/softmax.js";
export { logSoftmax, type LogSoftmaxOptions } from "./activations/logSoftmax.js";
export { softmin, type SoftminOptions } from "./activations/softmin.js";
export { type Activation } from "./activations/definition.js";
export { withoutRankPromotion } from "./dispatch/rankPromotion.js";
export { type CommonOptions, type Link, type LinkOf, type Loss, type Reduction } from "./losses/definition.js";
export { asLogProbabilities, asProbabilities } from "./losses/domains.js";
export { mse } from "./losses/mse.js";
export { l1, mae } from "./losses/l1.js";
export { type HuberOptions, huber } from "./losses/huber.js";
export { type SmoothL1Options, smoothL1 } from "./losses/smoothL1.js";
export { type CrossEntropyOptions, crossEntropy } from "./losses/crossEntropy.js";
export { type LinearCrossEntropyOptions, linearCrossEntropy } from "./losses/linearCrossEntropy.js";
export { type NllOptions, nll } from "./losses/nll.js";
export { type BceOptions, bce } from "./losses/bce.js";
export { type BceWithLogitsOptions, bceWithLogits } from "./losses/bceWithLogits.js";
export { logCosh } from "./losses/logCosh.js";
export { softMargin } from "./losses/softMargin.js";
export { type HingeEmbeddingOptions, hingeEmbedding } from "./losses/hingeEmbedding.js";
export { type PoissonNllOptions, poissonNll } from "./losses/poissonNll.js";
export { type GaussianNllOptions, gaussianNll } from "./losses/gaussianNll.js";
export { type KlDivOptions, klDiv } from "./losses/klDiv.js";
export { type MarginRankingOptions, marginRanking } from "./losses/marginRanking.js";
export { type CosineEmbeddingOptions, cosineEmbedding } from "./losses/cosineEmbedding.js";
export { type TripletMarginOptions, tripletMargin } from "./losses/tripletMargin.js";
export { type MultiMarginOptions, multiMargin } from "./losses/multiMargin.js";
export { multiLabelMargin } from "./losses/multiLabelMargin.js";
export { type MultiLabelSoftMarginOptions, multiLabelSoftMargin } from "./losses/multiLabelSoftMargin.js";
export { type FocalOptions, focal } from "./losses/focal.js";
export { type DiceOptions, dice } from "./losses/dice.js";
export { type CtcOptions, ctc } from "./losses/ctc.js";
export { type VariableRole } from "./ir/graph.js";
export { type Backend, type Probe, type BackendPlugin } from "./ir/contract.js";
