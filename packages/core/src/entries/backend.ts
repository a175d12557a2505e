/** `@ermine/core/backend`, for whoever writes a backend or a compiler: the definitions of all ops, kernels, traces, graphs and what runs them. */
export { checkBackend } from "../dispatch/currentBackend.js";
export { loadChunk } from "../types/chunk.js";
export { finalizationRegistry } from "../types/finalizers.js";
export { compactElements } from "../types/arrays.js";
export { allocate, bytesPerElement } from "../types/dtype.js";
export { bindKernelAs, bindKernels, kernelName } from "../ir/kernels.js";
export { scaledDotProductAttentionOp, type AttentionAttributes } from "../functional/attention.js";
export { gruCellOp, lstmCellOp } from "../functional/recurrent.js";
export { gradientOpFor, gradientRuleOf } from "../autograd/rules/index.js";
export { randomUniformOp, type RandomAttributes } from "../random/uniformOp.js";
export { isLoop, loopOf, type Loop, type LoopNode, type LoopOp } from "../ir/loop.js";
export {
  conditionalOf,
  isConditional,
  type Branches,
  type Conditional,
  type ConditionalNode,
  type ConditionalOp,
  type SmallerConditional,
} from "../ir/conditional.js";
export { mapSubgraphs, nodesWithin, subgraphsOf } from "../ir/subgraphs.js";
export { StoredVariable } from "../graph/storedVariable.js";
export { traceEntry, type TracedEntry } from "../graph/traceEntry.js";
export { compileDetached, compileModule, graphModule, type Program } from "../graph/module.js";
export { peakBytes, placements, type Placement } from "../graph/placement.js";
export { bindFeeds, isFeedSource } from "../graph/feeds.js";
export { requirementPlace, unmetRequirement, type Requirement } from "../ir/requirements.js";
export { fedLookups, type FedLookup } from "../graph/lookups.js";
export { interpret } from "../graph/interpret.js";
export { eliminateDead } from "../ir/dead.js";
export { mapOps, withNodes, type OpChange } from "../ir/rewrite.js";
export { lowerModule, specialize } from "../graph/passes.js";
export { currentPath, observeOps, withoutTrace, type OpObserver } from "../dispatch/context.js";
export { currentTrace, Trace, type VariableCheck } from "../dispatch/trace.js";
export { fullOp, iotaOp } from "../ops/creation.js";
export { argMaxOp, maxOp, minOp, prodOp, sumOp, type ArgAttributes, type ReduceAttributes } from "../ops/reduction.js";
export { sizeOp, type SizeAttributes } from "../ops/statistics.js";
export { broadcastToOp, transposeOp, type TransposeAttributes } from "../ops/shape.js";
export { concatOp, type ConcatAttributes } from "../ops/concat.js";
export { padOp, sliceOp, type PadAttributes, type SliceAttributes } from "../ops/slice.js";
export { embeddingOp, type EmbeddingAttributes } from "../ops/embedding.js";
export { setRowsOp, sumRowsOp, type SumRowsAttributes } from "../ops/tableRows.js";
export { embeddingBagOp, type EmbeddingBagAttributes, type EmbeddingBagMode } from "../ops/embeddingBag.js";
export { linearOp } from "../ops/linear.js";
export { foldOp, unfoldOp, type FoldAttributes, type UnfoldAttributes } from "../ops/window.js";
export { convolutionOp, type ConvolutionAttributes } from "../ops/convolution.js";
export { avgPoolOp, maxPoolOp, type AvgPoolAttributes, type MaxPoolAttributes } from "../ops/pooling.js";
export { convolutionTransposeOp, type ConvolutionTransposeAttributes } from "../ops/transposedConvolution.js";
export {
  batchNormInferenceOp,
  batchNormOp,
  groupNormOp,
  type BatchNormAttributes,
  type GroupNormAttributes,
} from "../ops/normalization.js";
export {
  negOp,
  absOp,
  signOp,
  expOp,
  logOp,
  log1pOp,
  expm1Op,
  sqrtOp,
  sinOp,
  cosOp,
  tanhOp,
  erfOp,
  floorOp,
  ceilOp,
  roundOp,
  isFiniteOp,
  addOp,
  subOp,
  mulOp,
  divOp,
  powOp,
  maximumOp,
  minimumOp,
  remainderOp,
  equalOp,
  lessOp,
  lessEqualOp,
  whereOp,
  reshapeOp,
  type NoAttributes,
  type ShapeAttributes,
} from "../ops/primitives.js";
export { floorDivideOp } from "../ops/floorDivide.js";
export { erfcOp } from "../ops/erfc.js";
export { logicalNotOp, logicalAndOp, logicalOrOp } from "../ops/comparison.js";
export { castOp, type CastAttributes } from "../ops/cast.js";
export { clampOp, type ClampAttributes } from "../ops/where.js";
export { indexSelectOp, indexAddOp, gatherOp, scatterAddOp, type AxisAttributes } from "../ops/gather.js";
export { maxUnpoolOp, type MaxUnpoolAttributes } from "../ops/unpooling.js";
export { sortOp, cumsumOp, type SortAttributes } from "../ops/sort.js";
export { matmulOp, type MatmulAttributes } from "../ops/matmul.js";
export { preluOp } from "../activations/prelu.js";
export { crossEntropyElementsOp } from "../losses/crossEntropy.js";
export { linearCrossEntropyElementsOp } from "../losses/linearCrossEntropy.js";
export { nllElementsOp } from "../losses/nll.js";
export { bceElementsOp } from "../losses/bce.js";
export { bceWithLogitsElementsOp } from "../losses/bceWithLogits.js";
export {
  attributesKey,
  type VariableStorage,
  type GraphVariable,
  type VariablePlacement,
  type Value,
  type OpNode,
  type FeedNode,
  type VariableNode,
  type ConstantNode,
  type Node,
  type Graph,
  type HostFeed,
  type GraphModule,
} from "../ir/graph.js";
export { type Device, type Storage, type TensorType } from "../types/storage.js";
export {
  type KernelInput,
  type KernelOutput,
  type Kernel,
  type Capabilities,
  type Backend,
  type FeedSource,
  type Feed,
  type Feeds,
  type Executable,
  type PartTime,
  type Probe,
  type BackendPlugin,
} from "../ir/contract.js";
