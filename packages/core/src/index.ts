/** ermine's core: tensors, operations, gradients, graphs, backends. */
export { ErmineError, foreignSpellings, nearestName, type ErmineErrorCode } from "./types/errors.js";
export {
  checkArguments,
  checkFunction,
  checkOptions,
  kindsOf,
  requireOptions,
  show,
  withDefaults,
  type OptionKind,
  type OptionKinds,
} from "./types/options.js";
export { loadChunk } from "./types/chunk.js";
export { finalizationRegistry } from "./types/finalizers.js";
export { checkCopy, copyKey, copyMark, markCopy, type CopyMark } from "./types/copy.js";
export { Tensor } from "./types/tensor.js";
export { Parameter, Variable } from "./dispatch/variable.js";
export { keep, scope } from "./dispatch/scope.js";
export { leaves, mapTree, type Tree } from "./types/tree.js";
export type { NestedNumbers } from "./types/print.js";
export { compactElements, elementsOf, isTypedArray, naturalDType, type AnyTypedArray, type NumberArray } from "./types/arrays.js";
export { nested, type Nested } from "./types/nested.js";
export { allocate, bytesPerElement, checkDTypeName, dtypes, type Domain, type DType, type TypedArray } from "./types/dtype.js";
export {
  addSizes,
  bind,
  broadcastShapes,
  checkShape,
  concrete,
  Dim,
  formatShape,
  mulSizes,
  sameShape,
  sameSize,
  sizeOf,
  subSizes,
  type Bindings,
  type Shape,
  type Size,
} from "./types/dim.js";
export {
  defineOp,
  type ClassIndices,
  type GradientRule,
  type InputSpec,
  type Op,
  type OptionalTensors,
  type RowGradientRule,
  type Tensors,
} from "./ir/op.js";
export type { InputDType } from "./ir/inputs.js";
export { bindKernelAs, bindKernels, kernelName } from "./ir/kernels.js";
export { withDomain } from "./types/views.js";
export * from "./ops/index.js";
export {
  scaledDotProductAttention,
  scaledDotProductAttentionOp,
  type AttentionAttributes,
  type AttentionOptions,
} from "./functional/attention.js";
export { gradientRuleOf, gradientOps } from "./autograd/rules/index.js";
export * from "./random/index.js";
export { randomUniformOp, type RandomAttributes } from "./random/uniformOp.js";
export * from "./activations/index.js";
export * from "./losses/index.js";
export { noGrad, stopGradient } from "./dispatch/tapes.js";
export { grad, valueAndGrad, valueAndRowGrads, type GradientsOf, type ValueAndGrads } from "./autograd/gradients.js";
export { denseGradient, isRowGradient, type RowGradient } from "./autograd/rows.js";
export { scan, type ScanOptions } from "./control/scan.js";
export type { Loop, LoopNode, LoopOp } from "./ir/loop.js";
export { isLoop, loopOf } from "./ir/loop.js";
export { jacobian } from "./autograd/jacobian.js";
export { backward, dispose, tidy } from "./migration.js";
export type * from "./ir/contract.js";
export { StoredVariable } from "./graph/storedVariable.js";
export { currentBackend, useBackend, withBackend } from "./dispatch/currentBackend.js";
export { createBackend, probeBackends, registeredBackends, registerBackend, type BackendStatus } from "./backend/registry.js";
export { compile, type Compiled } from "./graph/compile.js";
export { traceEntry, type TracedEntry } from "./graph/traceEntry.js";
export { compileDetached, compileModule, graphModule, type Program } from "./graph/module.js";
export { peakBytes, placements, type Placement } from "./graph/placement.js";
export { bindFeeds, isFeedSource } from "./graph/feeds.js";
export { requirementPlace, unmetRequirement, type Requirement } from "./ir/requirements.js";
export { fedLookups, type FedLookup } from "./graph/lookups.js";
export { interpret } from "./graph/interpret.js";
export { eliminateDead, lowerModule, specialize } from "./graph/passes.js";
export { currentPath, observeOps, withoutTrace, withPath, type OpObserver } from "./dispatch/context.js";
export { currentTrace, Trace, type VariableCheck } from "./dispatch/trace.js";
export type * from "./ir/graph.js";
